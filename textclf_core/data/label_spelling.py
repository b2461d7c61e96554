"""Cleaning label names: numbers that are scores, and spellings that a person takes for one label."""

from __future__ import annotations

import html
import logging
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import chain, pairwise
from typing import Literal

from textclf_core.data.in_python import (
    Form,
    to_classes_in_python,
    to_fold_in_python,
    to_split_in_python,
    to_strip_in_python,
)
from textclf_core.data.source import Changes, Source
from textclf_core.errors import DataError, shortened, some_of

logger = logging.getLogger("textclf")

Labels = Literal["exact", "folded"]
Rows = Sequence[Sequence[str]]

_NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?\s?%?")
_MISSING = ("nan", "na", "n/a", "<na>", "null", "none", "?", "-")
# As programs write a missing value; "none" may be a class.
_PLACEHOLDERS = re.compile(r"(?i:nan|nat|n/a|na|<na>|#n/a|null|unlabell?ed)|None|\\N|\?|-")
_PLAIN_WHOLE = re.compile("-?[0-9]{1,9}")
_INFINITE = ("inf", "+inf", "-inf", "infinity", "-infinity")
_WHOLE = re.compile(r"([-+]?\d+)(\.0+)?")
_QUOTED = re.compile("[\"'`\u2018\u201c](.+)[\"'`\u2019\u201d]")
_JOINT = re.compile(r"(?<=[^\W_])[\s_\u2010-\u2015\u2212-]+(?=[^\W_])|\s+")  # blanks, and dashes between letters
# Small Cyrillic and Greek letters that look like Latin ones, as they are or as capitals.
_LIKE_LATIN = (
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0455\u0458\u03bf\u03b1\u03c1"
)
_TO_LATIN = str.maketrans(_LIKE_LATIN, "abekmhopctyxisjoap")
_BOOLEANS = {"false": "0", "true": "1"}
_MOST_NUMBERS = 50
_MOST_OTHERS = 0.1  # the share of labels that are no numbers, among more numbers than these
_BITS = re.compile("[01]{3,}")
_SHOWN = 10
_TO_FOLD = "labels=folded merges them; labels=exact treats them as different without this warning"

LABEL_SEPARATORS = {"newline": "\n", "pipe": "|", "semicolon": ";", "tab": "\t", "comma": ",", "space": " "}
"""Separators of the labels of a text, by names that need no quotes in a shell."""

# Those that are recognised, the least ambiguous first, and how they are given as an option.
_BETWEEN_LABELS = {one: name for name, one in LABEL_SEPARATORS.items() if one != " "}
_BETWEEN_LABELS |= {one: one for one in ("/", "&", "+", "#", "\uff1b", "\uff0c", "\u3001")}
# Those that names have inside as well, such as "very good" and "non-toxic".
_WITHIN_NAMES = {" ": "space"} | {one: one for one in "-_:.\\"}


def label_separator(given: str | None) -> str | None:
    """Return the separator of labels that an option gives by its name, as an escape or as it is."""
    return None if given is None else (LABEL_SEPARATORS | {"\\n": "\n", "\\t": "\t"}).get(given, given)


def settled_labels(
    rows: Mapping[str, Rows],
    source: Source,
    column: str,
    changes: Changes,
    *,
    labels: Labels | None = None,
    bins: Sequence[float] = (),
    form: Form = "name",
) -> dict[str, Rows]:
    """Return the labels of every row by split, under the names that :func:`settled_names` gives them.

    Args:
        rows: the names of each row's labels, by split.
        source: the split that messages name.
        column: see :func:`settled_names`, and there for all other arguments.
        changes: likewise.
        labels: likewise.
        bins: likewise.
        form: likewise.

    Raises:
        DataError: as in :func:`settled_names`.
    """
    counts = Counter(chain.from_iterable(chain.from_iterable(rows.values())))
    names = settled_names(
        counts, source.where, column, changes, labels=labels, bins=bins, form=form, in_memory=source.in_memory
    )
    return _renamed(rows, names) if any(name != one for name, one in names.items()) else dict(rows)


def settled_declared(
    rows: Mapping[str, Rows],
    names: Sequence[str],
    source: Source,
    column: str,
    changes: Changes,
    labels: Labels | None,
    form: Form,
) -> tuple[dict[str, Rows], list[str]]:
    """Return the labels of every row by split, and the names of the ``ClassLabel``, with folded spellings if wanted.

    Args:
        rows: the names of each row's labels, by split.
        names: the names of the ``ClassLabel``, in the order of their ids.
        source: the split that messages name.
        column: see :func:`settled_names`, and there for all other arguments.
        changes: likewise.
        labels: likewise.
        form: likewise.
    """
    counts = Counter(dict.fromkeys(names, 0))
    counts.update(chain.from_iterable(chain.from_iterable(rows.values())))
    into = settled_names(
        counts,
        source.where,
        column,
        changes,
        labels=labels,
        form=form,
        declared=True,
        of_ids=True,
        in_memory=source.in_memory,
    )
    if all(name == one for name, one in into.items()):
        return dict(rows), list(names)
    return _renamed(rows, into), list(dict.fromkeys(into[name] for name in names))


def settled_names(
    counts: Mapping[str, int],
    where: str,
    column: str,
    changes: Changes,
    *,
    labels: Labels | None = None,
    bins: Sequence[float] = (),
    form: Form = "name",
    declared: bool = False,
    of_ids: bool = False,
    in_memory: bool = False,
) -> dict[str, str]:
    """Return the name of every label: whole numbers have no ``.0``, booleans are in lower case.

    Args:
        counts: the number of rows with each label.
        where: the file, for messages.
        column: the label column.
        changes: what was changed is added to it.
        labels: ``folded`` merges spellings that differ only in blanks, case, invisible characters, Unicode's form of
            an accent, or how a number is written (``1.0``, ``01``, ``+1``) into the most frequent one; ``exact`` takes
            each label as it is, decimals included. Without either, such spellings are different labels, and a warning
            is logged.
        bins: ascending edges; a number becomes the label of its bin.
        form: what a row has in the column.
        declared: whether the labels are the names of a ``ClassLabel``, which may be any numbers.
        of_ids: whether the column holds the ids of such names.
        in_memory: whether the data aren't from a dataset plugin, so that its options aren't there.

    Raises:
        DataError: the labels are scores (decimals, or more than 50 different numbers), and neither ``exact`` nor
            ``bins`` is given.
    """
    where = f"{where} (column {column!r})"
    if bins and form != "name":
        raise DataError(f"{where}: bins= is for one number per text, but a text may have several labels here")
    if bins:
        name_of = _binned(counts, bins, where)
        changes.add("%s: %d numbers were divided into classes (bins=)", where, sum(counts.values()))
        return {name: name_of(name) for name in counts}
    as_values = {name: name for name in counts}
    if labels != "exact" and not declared:
        if form != "dict":
            _refuse_scores(counts, where, column, form, in_memory=in_memory)
        as_values = _as_values(counts)
    counts = {as_values[name]: count for name, count in counts.items()}
    folded = {name: _folded(name) for name in counts}
    if {*folded.values()} <= {*_BOOLEANS, *_BOOLEANS.values()}:  # one column may have both true and 1
        folded = {name: _BOOLEANS.get(one, one) for name, one in folded.items()}
    groups: dict[str, list[str]] = {}
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        groups.setdefault(folded[name], []).append(name)
    several = [spellings for spellings in groups.values() if len(spellings) > 1]
    if several and labels is None:
        shown = "; ".join(
            ", ".join(f"{ascii(name) if _looks_alike(name, one) else repr(name)} ({counts[name]})" for name in one)
            for one in several[:_SHOWN]
        )
        logger.warning(
            "%s: some labels differ only in blanks, dashes, quotes, case or .0, or look the same, and are treated as "
            "different: %s%s. %s",
            where,
            shown,
            f"; and {len(several) - _SHOWN} more" if len(several) > _SHOWN else "",
            to_fold_in_python(several, column, form, of_ids=of_ids) if in_memory else _TO_FOLD,
        )
    if form == "name" and labels is None:
        _warn_of_parts(counts, where, column, in_memory=in_memory)
    if labels is None and not declared:
        _warn_of_placeholders(counts, where)
        surrounded = [one[0] for one in groups.values() if len(one) == 1 and one[0] != _visible(one[0])]
        if surrounded:
            logger.warning(
                "%s: some labels have blanks around their names: %s. %s",
                where,
                some_of([ascii(name) for name in surrounded], _SHOWN),
                to_strip_in_python(column, form)
                if in_memory
                else "labels=folded drops the blanks; labels=exact keeps them without this warning",
            )
    if labels == "folded":
        names = {name: _plain(one[0]) for one in groups.values() for name in one}
        changed = sum(counts[name] for name, into in names.items() if name != into)
        if changed:
            changes.add("%s: %d labels were replaced by their most frequent spelling (labels=folded)", where, changed)
        return {name: names[one] for name, one in as_values.items()}
    return as_values


def _renamed(rows: Mapping[str, Rows], names: Mapping[str, str]) -> dict[str, Rows]:
    """Return rows with other names; equal rows share one list."""
    made: dict[tuple[str, ...], list[str]] = {}
    of_row: dict[int, list[str]] = {}  # by its identity, which is faster where equal rows share one list already

    def renamed(row: Sequence[str]) -> list[str]:
        key = tuple(row)
        if key not in made:
            made[key] = list(dict.fromkeys(names[name] for name in key))
        return of_row.setdefault(id(row), made[key])

    return {split: [of_row.get(id(row)) or renamed(row) for row in of_split] for split, of_split in rows.items()}


def _binned(counts: Mapping[str, int], bins: Sequence[float], where: str) -> Callable[[str], str]:
    if list(bins) != sorted(set(bins)):
        raise DataError(f"bins={','.join(f'{edge:g}' for edge in bins)}: the edges must be in ascending order")
    wrong = next((name for name in counts if not _NUMBER.fullmatch(name) and name.lower() not in _INFINITE), None)
    if wrong is not None:
        rows = "1 row has" if counts[wrong] == 1 else f"{counts[wrong]} rows have"
        raise DataError(f"{where}: bins= is for numbers, but {rows} {wrong!r}, which isn't one; remove such rows")
    names = [f"below {bins[0]:g}", *(f"{low:g} to {high:g}" for low, high in pairwise(bins))]
    names.append(f"{bins[-1]:g} and above")
    return lambda name: names[bisect_right(bins, _value(name))]


def _refuse_scores(counts: Mapping[str, int], where: str, column: str, form: Form, *, in_memory: bool) -> None:
    numbers = [name for name in counts if _NUMBER.fullmatch(name)]
    infinite = [name for name in counts if name.lower() in _INFINITE]
    missing = [name for name in counts if name.strip().lower() in _MISSING]
    others = [name for name in counts if name not in {*numbers, *infinite, *missing}]
    many = len(set(map(_value, numbers))) > _MOST_NUMBERS
    if not numbers or (others and not (many and len(others) <= len(numbers) * _MOST_OTHERS)):
        return
    broken = [*(name for name in numbers if "," in name or not _value(name).is_integer()), *infinite]
    if not broken and (form == "list" or not many):  # lists have ids
        return
    what = f"{broken[0]} isn't a whole number" if broken else f"there are {len(numbers)} different numbers"
    what += f", beside {shortened(others[0])}" if others else ""
    commas = any("," in name for name in counts)
    split = "label_separator=comma splits them, if a text has several labels; " if commas else ""
    options = f"bins=0.5 (or several edges) divides them into classes; labels=exact makes each number a class; {split}"
    if form == "list":
        options = "Write a 0 or 1 for each label; labels=exact makes each number a class; "
    raise DataError(
        f"{where}: the labels are scores, not classes: {what}. "
        f"{to_classes_in_python(column, form, commas=commas) if in_memory else options}"
        "to predict a number, use a regression tool."
    )


def _value(number: str) -> float:
    """Return the value of a number, which may be written with a decimal comma or a percent sign."""
    return float(number.replace(",", ".").rstrip("% "))


def _as_values(counts: Mapping[str, int]) -> dict[str, str]:
    """Return whole numbers without ``.0``, and booleans in lower case, unless one is spelt in several ways."""
    whole = {name: match[1] for name in counts if (match := _WHOLE.fullmatch(name))}
    boolean = {name: name.lower() for name in counts if name.lower() in ("true", "false")}
    for names in (whole, boolean):
        if len(names) == len(counts) == len(set(names.values())):
            return names
    return {name: name for name in counts}


def _plain(name: str) -> str:
    name = _visible(name)
    whole = _WHOLE.fullmatch(name)
    return whole[1] if whole else name


def _visible(name: str) -> str:
    """Return a name without blanks and characters that aren't shown, such as a zero-width space, at its ends."""
    ends = [index for index, one in enumerate(name) if not (one.isspace() or _is_invisible(one))]
    return name[ends[0] : ends[-1] + 1] if ends else ""


def _is_invisible(one: str) -> bool:
    """Return whether a character isn't shown, such as a zero-width space, or chooses the form of the one before it."""
    return unicodedata.category(one) == "Cf" or "\ufe00" <= one <= "\ufe0f"


def _folded(name: str) -> str:
    plain = _plain(name)
    if quoted := _QUOTED.fullmatch(plain):
        plain = quoted[1]
    shown = unicodedata.normalize("NFKC", html.unescape(plain))
    shown = "".join(one for one in shown if not _is_invisible(one))
    if re.fullmatch(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?", shown):
        number = Decimal(shown).normalize()
        return str(number) if number else "0"
    shown = shown.casefold().replace("i\u0307", "i")  # the capital of the Turkish i has a dot
    if all(one.isascii() or one in _LIKE_LATIN for one in filter(str.isalpha, shown)):
        shown = shown.translate(_TO_LATIN)
    shown = _JOINT.sub(" ", shown).strip()
    return shown.rstrip(".") or shown


def _looks_alike(name: str, spellings: Sequence[str]) -> bool:
    """Return whether a name looks as another spelling does, so that its characters must be shown by their codes."""
    shown = [" ".join(unicodedata.normalize("NFC", _visible(one)).split()) for one in spellings]
    return not name.isascii() and shown.count(" ".join(unicodedata.normalize("NFC", _visible(name)).split())) > 1


def _warn_of_parts(counts: Mapping[str, int], where: str, column: str, *, in_memory: bool) -> None:
    """Log a warning if labels look like several labels joined by a separator, because they share parts."""
    if len({*map(len, counts)}) == 1 and all(map(_BITS.fullmatch, counts)) and any(name[0] == "0" for name in counts):
        logger.warning(
            "%s: labels such as %r look like a 0 or 1 for each of several labels, but are treated as one; write blanks "
            "between the digits if they are",
            where,
            next(iter(counts)),
        )
        return
    for separator, name in (_BETWEEN_LABELS | _WITHIN_NAMES).items():
        names = [label for label in counts if separator in label and not _NUMBER.fullmatch(label)]
        joined = [label for label in names if len(_parts(label, separator)) > 1]
        if joined and (separator == "\n" or _share_parts(counts, joined, separator)):
            logger.warning(
                "%s: labels such as %r look like several labels, but are treated as one; %s splits them",
                where,
                joined[0],
                to_split_in_python(column, separator) if in_memory else f"label_separator={name}",
            )
            return


def _warn_of_placeholders(counts: Mapping[str, int], where: str) -> None:
    """Log a warning of labels that programs write for a missing value."""
    whole = {int(name) for name in counts if _PLAIN_WHOLE.fullmatch(name)}
    one_missing = len(whole) == len(counts) > 0 and min(whole) == -1 and max(whole) > 1  # not -1, 0, 1
    for name, count in counts.items():
        opposite = name.strip() == "-" and "+" in counts
        if (_PLACEHOLDERS.fullmatch(name.strip()) and not opposite) or (name == "-1" and one_missing):
            logger.warning(
                "%s: %d rows have the label %r, by which programs mean a missing value; drop the rows if it is one",
                where,
                count,
                name,
            )


def _share_parts(counts: Mapping[str, int], joined: Sequence[str], separator: str) -> bool:
    """Return whether most of the parts of joined labels occur in other labels too."""
    parts = set(chain.from_iterable(_parts(label, separator) for label in joined))
    if separator in _WITHIN_NAMES:
        return sum(part in counts for part in parts) > len(parts) * 0.7
    found = Counter(chain.from_iterable(_parts(label, separator) for label in counts))
    return sum(found[part] > 1 for part in parts) > len(parts) / 2


def _parts(label: str, separator: str) -> set[str]:
    return {part.strip() for part in label.split(separator)} - {""}
