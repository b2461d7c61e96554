"""Labels with a column of zeros and ones each, converted into one column of lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from datasets import ClassLabel, Dataset, Features, List

from textclf_core.data.columns import label_name
from textclf_core.errors import DataError, did_you_mean
from textclf_core.types.indicators import unknown_id

if TYPE_CHECKING:
    from textclf_core.data.source import Source

_HAS = {"0": False, "0.0": False, "false": False, "1": True, "1.0": True, "true": True}
_UNKNOWN = (None, "-1", "-1.0")


def with_label_lists(sources: Mapping[str, Source], labels: Sequence[str]) -> tuple[dict[str, Source], str]:
    """Return the splits with one column of lists of ``ClassLabel`` in place of the label columns, and its name.

    Args:
        sources: the splits by name.
        labels: the label columns, each named after its label, in the order of the label ids; their values are 0, 1,
            0.0, 1.0, true or false; or missing, NaN or -1, if it is unknown whether the text has the label.

    Raises:
        DataError: lists all faults: a column doesn't exist or is named twice, or a value isn't one of these.
    """
    name = ",".join(labels)
    faults = [f"the label column {one!r} is named twice (label={name})" for one in _repeated(labels)]
    for source in sources.values():
        there = source.data.column_names
        faults += [
            f"{source.where}: there is no column {one!r} (label={name}); the columns are: {', '.join(there)}."
            f"{did_you_mean(one, there)}"
            for one in labels
            if one not in there
        ]
    if not faults:
        found = {split: _gathered(source, labels, name, faults) for split, source in sources.items()}
    if faults:
        raise DataError("\n".join(faults))
    return found, name


def _gathered(source: Source, labels: Sequence[str], name: str, faults: list[str]) -> Source:
    rows: list[list[int]] = [[] for _ in range(len(source.data))]
    for id, label in enumerate(labels):
        values: Sequence[Any] = source.data[label][:]
        names = [label_name(value) for value in values]
        has = [_HAS.get(str(name).lower()) for name in names]
        unknown = [name in _UNKNOWN for name in names]
        wrong = [index for index, one in enumerate(has) if one is None and not unknown[index]]
        if wrong:
            more = f", and {len(wrong) - 1} more rows" if len(wrong) > 1 else ""
            place = source.place(wrong[0])
            faults.append(
                f"{source.where}, {place}{more}: {values[wrong[0]]!r} in the column {label!r} is neither 0 nor 1 "
                f"(with label={name}, each column stands for a label)"
            )
        for row, one, is_unknown in zip(rows, has, unknown, strict=True):
            if one or is_unknown:
                row.append(unknown_id(id) if is_unknown else id)
    kept = source.data.remove_columns(list(labels))
    features = Features({**kept.features, name: List(ClassLabel(names=list(labels)))})
    table = kept.with_format("arrow")[:].append_column(name, pa.array(rows, pa.list_(pa.int64())))
    return replace(source, data=Dataset(table.cast(features.arrow_schema)))


def _repeated(names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]
