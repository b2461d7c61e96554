"""What users of data in memory can do, where those of a dataset plugin set an option: lines of pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Form = Literal["name", "list", "dict"]
"""What a row has in the label column: one label, a list of labels, or a dict with a value by label."""

_MOST_NAMES = 10


def to_fold_in_python(groups: Sequence[Sequence[str]], column: str, form: Form) -> str:
    """Return how to merge spellings of labels.

    Args:
        groups: the spellings of each label, the most frequent first.
        column: the label column.
        form: what a row has in it.
    """
    if all(len({name.strip().lower() for name in one}) == 1 for one in groups):
        of_name, of_column = "name.strip().lower()", ".astype(str).str.strip().str.lower()"
    else:
        # Python writes the booleans with a capital.
        forms = [(one[0], {*one, *(name.capitalize() for name in one if name in ("true", "false"))}) for one in groups]
        into = {name: first for first, names in forms for name in sorted(names) if name != first}
        shown = ", ".join(f"{name!a}: {first!a}" for name, first in [*into.items()][:_MOST_NAMES])
        shown = f"{{{shown}{', ...' if len(into) > _MOST_NAMES else ''}}}"
        of_name, of_column = f"{shown}.get(name, name)", f".astype(str).replace({shown})"
    return f"To merge them, in pandas: {_assigned(column, _in_form(form, of_name, of_column))}"


def to_strip_in_python(column: str, form: Form) -> str:
    """Return how to drop the blanks around labels."""
    return f"To drop them, in pandas: {_assigned(column, _in_form(form, 'name.strip()', '.astype(str).str.strip()'))}"


def to_classes_in_python(column: str, form: Form, *, commas: bool) -> str:
    """Return how to make classes of scores, or lists of them if there are commas."""
    if form == "list":
        return f"In pandas, {_assigned(column, '.map(lambda row: [one > 0.5 for one in row])')} makes zeros and ones; "
    split = f"{to_split_in_python(column, ',')} splits them, if a text has several labels; " if commas else ""
    return (
        f"In pandas, frame[{column!r}] = frame[{column!r}].astype(float) > 0.5 divides them into two classes "
        f"(pandas.cut with labels= into more); frame[{column!r}] = 'class ' + frame[{column!r}].astype(str) makes each "
        f"number a class; {split}"
    )


def to_split_in_python(column: str, separator: str) -> str:
    """Return how to make lists of labels that a separator parts."""
    return _assigned(column, f".str.split({separator!r})")


def to_name_in_python(column: str) -> str:
    """Return how to name the positions in vectors of zeros and ones."""
    return "to name them: " + _assigned(column, ".map(lambda row: [name for name, one in zip(NAMES, row) if one])")


def _in_form(form: Form, of_name: str, of_column: str) -> str:
    """Return what changes each name in a column, given what changes one, and what changes a column of names."""
    if form == "list":
        return f".map(lambda names: [{of_name} for name in names])"
    if form == "dict":
        return f".map(lambda labels: {{{of_name}: value for name, value in labels.items()}})"
    return of_column


def _assigned(column: str, what: str) -> str:
    return f"frame[{column!r}] = frame[{column!r}]{what}"
