"""Two columns by which splits are made: groups stay on one side of a split, and times put the past into train.

A column is marked by the ``id`` of its feature, as text columns are, so that any dataset plugin can mark one.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Literal

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from datasets.fingerprint import generate_random_fingerprint
from numpy.typing import NDArray

from textclf_core.data.guessed_columns import TAKEN
from textclf_core.errors import DataError, did_you_mean, some_of

logger = logging.getLogger("textclf")

Role = Literal["group", "time"]


def mark_columns(data: DatasetDict, *, group: str | None = None, time: str | None = None) -> None:
    """Mark the columns of groups and of times in all splits.

    Args:
        data: the splits, with texts and labels.
        group: the column whose rows with equal values are a group, such as an author.
        time: the column of times: numbers, dates, or texts in ISO 8601.

    Raises:
        DataError: a split doesn't have the column, the column is of another type, or both are given.
    """
    if group is not None and time is not None:
        raise DataError(
            f"group={group} and time={time} exclude each other, since a group may have rows in the past and in the "
            f"future; leave group= out, and compare with --cluster {group}"
        )
    column, role = (group, "group") if group is not None else (time, "time")
    if column is None:
        return
    taken = {"text", "tokens", *TAKEN}
    for name, split in list(data.items()):
        if role == "time" and name != "train" and column not in split.features:
            continue  # only train is ordered
        usable = [key for key, one in split.features.items() if key not in taken and not getattr(one, "id", None)]
        if column not in usable:
            raise DataError(
                f"{role}={column}: {name} has no such column beside texts and labels.{did_you_mean(column, usable)} "
                f"The columns are: {some_of(usable, 20) or 'none'}"
            )
        feature = split.features[column]
        if not isinstance(feature, Value | ClassLabel):
            raise DataError(f"{role}={column}: the column of {name} holds lists; give one value per row")
        data[name] = _with_feature(split, column, replace(feature, id=role))
    if role == "group":
        _report_spellings(data, column)


def _with_feature(split: Dataset, column: str, feature: Value | ClassLabel) -> Dataset:
    """Return the split with another feature of the same type; unlike ``cast_column``, it copies nothing."""
    info = split.info.copy()
    info.features = Features({**split.features, column: feature})
    table = split.with_format("arrow")[:].cast(info.features.arrow_schema)
    return Dataset(table, info=info, split=split.split, fingerprint=generate_random_fingerprint())


def marked_column(split: Dataset, role: Role) -> str | None:
    """Return the column that is marked as that of groups or times; ``None`` if none is."""
    return next((name for name, one in split.features.items() if getattr(one, "id", None) == role), None)


def group_ids(values: Sequence[object]) -> NDArray[np.int64]:
    """Return the group of each row as an id, int64, shape (rows,); a row without a value is a group of its own."""
    ids: dict[str, int] = {}
    keys = (f"row {row}" if _is_missing(value) else f"value {value!r}" for row, value in enumerate(values))
    return np.array([ids.setdefault(key, len(ids)) for key in keys], dtype=np.int64)


def shared_groups(split: Dataset, train: Dataset, column: str) -> int:
    """Return the number of rows of a split whose group also occurs in train."""
    if column not in split.features:
        return 0
    in_train = {value for value in train[column][:] if not _is_missing(value)}
    return sum(value in in_train for value in split[column][:])


def _is_missing(value: object) -> bool:
    """Return whether a value is none, as a blank cell of CSV."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _report_spellings(data: DatasetDict, column: str) -> None:
    """Log a warning if groups differ in blanks or case alone, since they may then stand on both sides of a split."""
    values = {value for split in data.values() if column in split.features for value in split[column][:]}
    spellings: dict[str, str] = {}
    for value in sorted(value for value in values if isinstance(value, str) and not _is_missing(value)):
        other = spellings.setdefault(" ".join(value.casefold().split()), value)
        if other != value:
            logger.warning(
                "group=%s: %r and %r, which differ only in blanks or case, are treated as different groups; write one "
                "of them in all rows if they are one",
                column,
                other,
                value,
            )
            return


def times_of(split: Dataset, column: str) -> NDArray[np.float64]:
    """Return the time of each row, ascending from the past to the future, float64, shape (rows,).

    Raises:
        DataError: a value is neither a number nor a date, or some are numbers and others dates.
    """
    found = [_time(value) for value in split[column][:]]
    kinds = {kind for kind, _ in found}
    if None in kinds:
        row = next(row for row, (kind, _) in enumerate(found) if kind is None)
        raise DataError(
            f"time={column}: row {row + 1} of train has {split[column][row]!r}; expected a number, or a date such as "
            "2026-03-14 or 2026-03-14T15:09:26"
        )
    if len(kinds) > 1:
        raise DataError(f"time={column}: some rows of train have numbers and others have dates; give one of them")
    return np.array([time for _, time in found])


def rows_of_the_past(split: Dataset, train: Dataset, column: str) -> int:
    """Return the number of rows of a given split that are earlier than the latest row of train.

    Rows whose time can't be read, or of a split without the column, aren't counted.

    Raises:
        DataError: as :func:`times_of`, for train.
    """
    latest = times_of(train, column).max()
    if column not in split.features:
        return 0
    return sum(kind is not None and time < latest for kind, time in map(_time, split[column][:]))


def _time(value: object) -> tuple[str | None, float]:
    """Return whether a value is a number or a date (``None`` for neither), and its place in time."""
    if isinstance(value, str):
        text = value.strip(' "')  # dates in memory become JSON when they are read
        try:
            value = float(text)
        except ValueError:
            try:
                value = datetime.fromisoformat(text)
            except ValueError:
                return None, 0.0
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, datetime):
        # A time without a zone counts as UTC, so that it can be compared with one that has a zone.
        return "date", (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return "number", float(value)
    return None, 0.0
