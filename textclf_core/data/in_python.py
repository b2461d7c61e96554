"""What users of data in memory can do, where those of a dataset plugin set an option: lines of pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Form = Literal["name", "list", "dict", "tags"]
"""What a row has in the label column: one label, a list of labels, a dict with a value by label, or a tag per word."""

_MOST_NAMES = 10
_NAMED = "f'class {one}'"


def to_fold_in_python(groups: Sequence[Sequence[str]], column: str, form: Form, *, of_ids: bool = False) -> str:
    """Return how to merge spellings of labels.

    Args:
        groups: the spellings of each label, the most frequent first.
        column: the label column.
        form: what a row has in it.
        of_ids: whether the labels are ids, and a ``ClassLabel`` has their names.
    """
    if form != "tags" and all(len({name.strip().lower() for name in one}) == 1 for one in groups):
        of_name = "str(name).strip().lower()"
    else:
        # Python writes the booleans with a capital.
        forms = [(one[0], {*one, *(name.capitalize() for name in one if name in ("true", "false"))}) for one in groups]
        into = {name: first for first, names in forms for name in sorted(names) if name != first}
        shown = ", ".join(f"{name!a}: {first!a}" for name, first in [*into.items()][:_MOST_NAMES])
        shown = f"{{{shown}{', ...' if len(into) > _MOST_NAMES else ''}}}"
        of_name = f"{shown}.get(str(name), name)"
    if of_ids:
        return f"To merge them: {_in_data_set(column, form, of_name)}"
    return f"To merge them, in pandas: {_assigned(column, _in_form(form, of_name))}"


def to_strip_in_python(column: str, form: Form) -> str:
    """Return how to drop the blanks around labels."""
    return f"To drop them, in pandas: {_assigned(column, _in_form(form, 'str(name).strip()'))}"


def to_classes_in_python(column: str, form: Form, *, commas: bool) -> str:
    """Return how to make classes of scores, or lists of them if there are commas."""
    if form == "list":
        vectors = _mapped("row", "[one > 0.5 for one in row]")
        return f"In pandas, {_assigned(column, vectors)} makes zeros and ones; "
    split = f"{to_split_in_python(column, ',')} splits them, if a text has several labels; " if commas else ""
    return (
        f"In pandas, {_assigned(column, _mapped('one', 'float(one) > 0.5'))} divides them into two classes "
        f"(pandas.cut with labels= into more); {_assigned(column, _mapped('one', _NAMED))} makes each number a class; "
        f"{split}"
    )


def to_split_in_python(column: str, separator: str) -> str:
    """Return how to make lists of labels that a separator parts."""
    return _assigned(column, f".str.split({separator!r})")


def to_name_in_python(column: str) -> str:
    """Return how to name the positions in vectors of zeros and ones."""
    return "to name them: " + _assigned(column, ".map(lambda row: [name for name, one in zip(NAMES, row) if one])")


def _in_data_set(column: str, form: Form, of_name: str) -> str:
    """Return what changes the names of a ``ClassLabel`` in a ``Dataset``."""
    type, name = "Value('string')", f"NAMES[int(row[{column!r}])]"
    if form in ("list", "tags"):
        type, name = f"List({type})", f"[NAMES[int(id)] if int(id) >= 0 else id for id in row[{column!r}]]"
    feature = f"data.features[{column!r}]{'' if form == 'name' else '.feature'}"
    return (
        f"NAMES = [{of_name} for name in {feature}.names]; "
        f"data = data.cast_column({column!r}, {type}).map(lambda row: {{{column!r}: {name}}})"
    )


def _in_form(form: Form, of_name: str) -> str:
    """Return what changes each name in a column, given what changes one."""
    if form in ("list", "tags"):
        return _mapped("names", f"[{of_name} for name in names]")
    if form == "dict":
        return _mapped("labels", f"{{{of_name}: value for name, value in labels.items()}}")
    return _mapped("name", of_name)


def _mapped(name: str, expression: str) -> str:
    """Return what changes each value of a column, and leaves what is missing, as rows of test have it."""
    return f".map(lambda {name}: {expression}, na_action='ignore')"


def _assigned(column: str, what: str) -> str:
    return f"frame[{column!r}] = frame[{column!r}]{what}"
