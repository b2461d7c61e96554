"""Cleaning label names: numbers that are scores, and spellings that a person takes for one label."""

from __future__ import annotations

import logging
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import chain, pairwise
from typing import Literal

from textclf_core.data.source import Changes
from textclf_core.errors import DataError

logger = logging.getLogger("textclf")

Labels = Literal["exact", "folded"]
Rows = Sequence[Sequence[str]]

_NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?\s?%?")
_MISSING = ("nan", "na", "n/a", "<na>", "null", "none", "?", "-")
_INFINITE = ("inf", "+inf", "-inf", "infinity", "-infinity")
_WHOLE = re.compile(r"([-+]?\d+)(\.0+)?")
_BOOLEANS = {"false": "0", "true": "1"}
_MOST_NUMBERS = 50
_SHOWN = 10


def settled_labels(
    rows: Mapping[str, Rows],
    where: str,
    changes: Changes,
    *,
    labels: Labels | None = None,
    bins: Sequence[float] = (),
    parted: bool = False,
) -> dict[str, Rows]:
    """Return the labels of every row by split, with whole numbers without ``.0`` and booleans in lower case.

    Args:
        rows: the names of each row's labels, by split.
        where: the file and column, for messages.
        changes: what was changed is added to it.
        labels: ``folded`` merges spellings that differ only in blanks, case, invisible characters, Unicode's form of
            an accent, or how a number is written (``1.0``, ``01``, ``+1``) into the most frequent one; ``exact`` takes
            each label as it is, decimals included. Without either, such spellings are different labels, and a warning
            is logged.
        bins: ascending edges; a number becomes the label of its bin.
        parted: whether a row may have several labels.

    Raises:
        DataError: the labels are scores (decimals, or more than 50 different numbers), and neither ``exact`` nor
            ``bins`` is given.
    """
    counts = Counter(chain.from_iterable(chain.from_iterable(rows.values())))
    if bins and parted:
        raise DataError(f"{where}: bins= is for one number per text, but a text may have several labels here")
    if bins:
        name_of = _binned(counts, bins, where)
        changes.add("%s: %d numbers were divided into classes (bins=)", where, counts.total())
        return _renamed(rows, name_of)
    if labels != "exact":
        _refuse_scores(counts, where)
        counts, rows = _as_values(counts, rows)
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
            "%s: some labels differ only in blanks, case or .0, or look the same, and are treated as different: %s%s. "
            "labels=folded merges them; labels=exact treats them as different without this warning%s",
            where,
            shown,
            f"; and {len(several) - _SHOWN} more" if len(several) > _SHOWN else "",
            _in_memory(where),
        )
    if not parted and labels is None:
        _warn_of_parts(counts, where)
    if labels == "folded":
        names = {name: _plain(one[0]) for one in groups.values() for name in one}
        changed = sum(counts[name] for name, into in names.items() if name != into)
        if changed:
            changes.add("%s: %d labels were replaced by their most frequent spelling (labels=folded)", where, changed)
        return _renamed(rows, names.__getitem__)
    return dict(rows)


def _renamed(rows: Mapping[str, Rows], name_of: Callable[[str], str]) -> dict[str, Rows]:
    """Return rows with other names; equal rows share one list."""
    made: dict[tuple[str, ...], list[str]] = {}
    of_row: dict[int, list[str]] = {}  # by its identity, which is faster where equal rows share one list already

    def renamed(row: Sequence[str]) -> list[str]:
        key = tuple(row)
        if key not in made:
            made[key] = list(dict.fromkeys(name_of(name) for name in key))
        return of_row.setdefault(id(row), made[key])

    return {split: [of_row.get(id(row)) or renamed(row) for row in of_split] for split, of_split in rows.items()}


def _binned(counts: Mapping[str, int], bins: Sequence[float], where: str) -> Callable[[str], str]:
    if list(bins) != sorted(set(bins)):
        raise DataError(f"bins={','.join(f'{edge:g}' for edge in bins)}: the edges must be in ascending order")
    wrong = next((name for name in counts if not _NUMBER.fullmatch(name)), None)
    if wrong is not None:
        raise DataError(f"{where}: bins= is for numbers, but {wrong!r} isn't one")
    names = [f"below {bins[0]:g}", *(f"{low:g} to {high:g}" for low, high in pairwise(bins))]
    names.append(f"{bins[-1]:g} and above")
    return lambda name: names[bisect_right(bins, _value(name))]


def _refuse_scores(counts: Mapping[str, int], where: str) -> None:
    numbers = [name for name in counts if _NUMBER.fullmatch(name)]
    infinite = [name for name in counts if name.lower() in _INFINITE]
    missing = [name for name in counts if name.strip().lower() in _MISSING]
    if not numbers or len(numbers) + len(infinite) + len(missing) < len(counts):
        return
    broken = [*(name for name in numbers if "," in name or not _value(name).is_integer()), *infinite]
    if not broken and len(set(map(_value, numbers))) <= _MOST_NUMBERS:
        return
    what = f"{broken[0]} isn't a whole number" if broken else f"there are {len(numbers)} different numbers"
    several = any("," in name for name in counts)
    raise DataError(
        f"{where}: the labels are scores, not classes: {what}. bins=0.5 (or several edges) divides them into "
        "classes; labels=exact makes each number a class; "
        f"{'label_separator=comma splits them, if a text has several labels; ' if several else ''}"
        f"to predict a number, use a regression tool.{_in_memory(where)}"
    )


def _in_memory(where: str) -> str:
    """Return what to do if the options that an error names aren't there."""
    return " (options of dataset plugins; otherwise convert the column)" if "(in memory)" in where else ""


def _value(number: str) -> float:
    """Return the value of a number, which may be written with a decimal comma or a percent sign."""
    return float(number.replace(",", ".").rstrip("% "))


def _as_values(counts: Counter[str], rows: Mapping[str, Rows]) -> tuple[Counter[str], Mapping[str, Rows]]:
    """Return whole numbers without ``.0``, and booleans in lower case, unless one is spelt in several ways."""
    whole = {name: match[1] for name in counts if (match := _WHOLE.fullmatch(name))}
    boolean = {name: name.lower() for name in counts if name.lower() in ("true", "false")}
    for names in (whole, boolean):
        if len(names) == len(counts) == len(set(names.values())) and any(name != one for name, one in names.items()):
            return Counter({names[name]: count for name, count in counts.items()}), _renamed(rows, names.__getitem__)
    return counts, rows


def _plain(name: str) -> str:
    name = _visible(name)
    whole = _WHOLE.fullmatch(name)
    return whole[1] if whole else name


def _visible(name: str) -> str:
    """Return a name without blanks and characters that aren't shown, such as a zero-width space, at its ends."""
    ends = [index for index, one in enumerate(name) if not one.isspace() and unicodedata.category(one) != "Cf"]
    return name[ends[0] : ends[-1] + 1] if ends else ""


def _folded(name: str) -> str:
    plain = _plain(name)
    if re.fullmatch(r"[-+]?[0-9]+(\.[0-9]+)?", plain):
        number = Decimal(plain).normalize()
        return f"{number:f}" if number else "0"
    shown = "".join(one for one in unicodedata.normalize("NFC", plain) if unicodedata.category(one) != "Cf")
    return " ".join(shown.casefold().split())


def _looks_alike(name: str, spellings: Sequence[str]) -> bool:
    """Return whether a name looks as another spelling does, so that its characters must be shown by their codes."""
    shown = [" ".join(unicodedata.normalize("NFC", _visible(one)).split()) for one in spellings]
    return not name.isascii() and shown.count(" ".join(unicodedata.normalize("NFC", _visible(name)).split())) > 1


def _warn_of_parts(counts: Mapping[str, int], where: str) -> None:
    """Log a warning if labels look like several labels joined by a separator, because they share parts."""
    for separator, name in (("|", "pipe"), (";", "semicolon"), (",", "comma")):
        joined = [label for label in counts if separator in label]
        parts = {label: {part.strip() for part in label.split(separator)} for label in joined}
        others = Counter(part for of_label in parts.values() for part in of_label)
        others.update(label.strip() for label in counts if separator not in label)
        if joined and all(others[part] > 1 for of_label in parts.values() for part in of_label):
            logger.warning(
                "%s: labels such as %r look like several labels, but are treated as one; label_separator=%s "
                "splits them",
                where,
                joined[0],
                name,
            )
            return
