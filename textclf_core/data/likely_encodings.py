"""Which encodings bytes may have, by what each makes of their words.

charset-normalizer names one encoding, often a wrong one where a text has few letters beyond ASCII; these are
suggestions for a person, who sees the words.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# Those that files have outside of archives, the most common first.
_USUAL = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874"),
    *("gb18030", "big5", "cp932", "euc_jp", "cp949", "iso8859_2", "koi8_r", "koi8_u", "mac_roman", "cp1258"),
    *("cp437", "cp850", "cp852", "cp866", "iso8859_5", "iso8859_6", "iso8859_16"),
)
_BYTES = 1 << 12
_ENOUGH = 200
"""From so many bytes beyond ASCII on, the letters' frequencies tell encodings apart."""
_MOST = 5
_WORDS = 3
_CHARACTERS = 12
_AS_PLAUSIBLE = 0.12

_SYMBOLS = frozenset("€£©®°")
_OUTSIDE_WORDS = _SYMBOLS | frozenset("¿¡„…•§¶†‡‰\u201a")
_SYLLABLES = ("HIRAGANA", "KATAKANA", "CJK", "IDEOGRAPHIC")


@dataclass(frozen=True)
class LikelyEncoding:
    """An encoding, by its usual name, and what it makes of some words."""

    name: str
    words: str


def likely_encodings(content: bytes) -> list[LikelyEncoding]:
    """Return the encodings that bytes may have, the most plausible first; at most five.

    An encoding is plausible if words have letters of one script, in usual cases and without symbols inside. Several are
    as plausible if there are few words. Of encodings that read the same, the most common one is returned. Among long
    texts, charset-normalizer finds the most plausible one by the frequencies of letters.

    Args:
        content: bytes beyond ASCII among them; they may end within a character.
    """
    lines = [line for line in content.split(b"\n") if not line.isascii()]
    sample = b"\n".join(lines)
    if not sample:
        return []
    if len(sample) > _BYTES:
        sample = sample[:_BYTES].rpartition(b"\n")[0] or sample[:_BYTES]
    read: dict[str, str] = {}
    for encoding in _USUAL:
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(sample, len(sample) < _BYTES)
        except UnicodeDecodeError:
            continue
        if text not in read.values():
            read[encoding] = text
    oddness = {encoding: _oddness(text) for encoding, text in read.items()}
    least = min(oddness.values(), default=0.0)
    plausible = (one for one in read if oddness[one] <= least + _AS_PLAUSIBLE)
    found = sorted(plausible, key=lambda one: round(oddness[one], 1))
    if len(found) > 1 and sum(byte > 127 for byte in sample) >= _ENOUGH:
        best = _by_frequencies(content, found)
        found = sorted(found, key=lambda one: one != best)
    found = found[:_MOST]
    words = _telling_words([read[one] for one in found])
    return [LikelyEncoding(_usual_name(one), " ".join(of_one)) for one, of_one in zip(found, words, strict=True)]


def _usual_name(encoding: str) -> str:
    return encoding.replace("cp125", "windows-125").replace("_", "-").replace("iso8859", "iso-8859")


def _by_frequencies(content: bytes, encodings: Sequence[str]) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(content, cp_isolation=list(encodings)).best()
    return None if best is None else best.encoding


def _telling_words(texts: Sequence[str]) -> list[list[str]]:
    """Return a few words of each text, which are the same bytes, and by which the texts differ."""
    split = [re.findall(r"[^\s,;|\"]+", text) for text in texts]
    if len({*map(len, split)}) > 1:  # some have separators as parts of characters
        return [[word[:_CHARACTERS] for word in words if not word.isascii()][:1] for words in split]
    chosen: list[tuple[str, ...]] = []
    for words in zip(*split, strict=True):
        if all(map(str.isascii, words)) or len(chosen) == _WORDS:
            continue
        told = len({*zip(*chosen, strict=True)}) if chosen else 0
        if len({*zip(*chosen, words, strict=True)}) > told:
            chosen.append(words)
    if not chosen:  # only blanks are beyond ASCII
        return [[text.strip()[:_CHARACTERS]] for text in texts]
    return [[word[:_CHARACTERS] for word in words] for words in zip(*chosen, strict=True)]


def _oddness(text: str) -> float:
    """Return the mean oddness of a text's characters beyond ASCII: 0 for usual letters, 1 for symbols inside words."""
    odd = count = 0.0
    for word in re.findall(r"[^\s,;|\"]+", text):
        beyond = [one for one in word if not one.isascii()]
        count += len(beyond)
        odd += sum(map(_oddness_of, beyond))
        odd += sum(_differ(one, other) for one, other in pairwise(word))
        letters = [one for one in word if one.isalpha()]
        accented = [one for one in beyond if _script(one) == "LATIN"]
        if len(letters) > 2 and len(accented) > len(letters) / 2:
            odd += len(accented) / 2
        if len(beyond) > 1 and all(map(str.isupper, beyond)):
            odd += len(beyond) / 4
    return odd / max(count, 1)


def _oddness_of(one: str) -> float:
    if "\uff61" <= one <= "\uff9f":  # narrow syllables, which bytes of other encodings become
        return 0.5
    category = unicodedata.category(one)
    if category in ("Cc", "Cn", "Co", "Cs"):
        return 3.0
    if category[0] in "PZ" or one in _SYMBOLS:
        return 0.0
    if category[0] not in "LM" or one in "ªº":
        return 1.0
    return 0.3 if _is_rare(one) else 0.0


def _is_rare(one: str) -> bool:
    """Return whether a syllable or an ideograph isn't among the most common ones, according to the old standards."""
    script = _script(one)
    if script == "HANGUL":
        return not _encodes(one, "euc_kr", 0xFF)
    if script == "SYLLABLE" and one >= "\u4e00":
        return not (_encodes(one, "gb2312", 0xD8) or _encodes(one, "big5", 0xC9) or _encodes(one, "shift_jis", 0x98))
    return False


def _encodes(one: str, encoding: str, below: int) -> bool:
    try:
        encoded = one.encode(encoding)
    except UnicodeEncodeError:
        return False
    return len(encoded) == 2 and encoded[0] < below


def _differ(one: str, other: str) -> float:
    """Return how odd it is that a character follows another in a word."""
    if one.isascii() and other.isascii():
        return 0.0
    if all(unicodedata.category(each)[0] in "LM" for each in (one, other)):
        if _script(one) != _script(other):
            return 1.0
        return 0.5 if one.islower() and other.isupper() else 0.0
    inside = {one, other} & _OUTSIDE_WORDS
    return 1.0 if inside and one.isalpha() else 0.0


def _script(one: str) -> str:
    name = unicodedata.name(one, "").partition(" ")[0].partition("-")[0]
    if name == "COMBINING":
        return "LATIN"
    return "SYLLABLE" if name in _SYLLABLES else name
