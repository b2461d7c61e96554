"""Samples of train: of a size, and one for each seed of a comparison, with validation and test if asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from datasets import Dataset, DatasetDict, concatenate_datasets

from textclf_core.data.marked_columns import marked_column
from textclf_core.data.prepared import PreparedData, counted, part, with_rows
from textclf_core.data.sampling import TrainSize, sample_rows
from textclf_core.errors import DataError, UsageError
from textclf_core.tasks import kind_of
from textclf_core.types.data import DrawnFrom

DRAWN = "drawn for this seed"
"""The origin of splits that are drawn anew for each seed."""


def with_train_size(prepared: PreparedData, size: TrainSize, data_seed: int) -> PreparedData:
    """Return the data with a sample of train; validation and test are unchanged.

    Raises:
        DataError: a label has fewer rows than the sample needs, or the task has no rows per class.
    """
    train = prepared.data["train"]
    kind = kind_of(prepared.task)
    if kind.no_rows_per_label and size.per_class is not None:
        raise DataError(
            f"--train-size {size}: {kind.no_rows_per_label}, so examples per class aren't defined; give a share of "
            "train, such as 10%."
        )
    sample = train.select(sample_rows(kind.strata(train["label"][:]), size, data_seed, prepared.task.label_names))
    return _with_splits(prepared, {"train": sample}, train_size=str(size))


def with_own_sample(
    prepared: PreparedData, size: TrainSize | None, data_seed: int, seed: int, *, with_test: bool = False
) -> PreparedData:
    """Return the data with the training sample of one seed, and its own test rows if asked.

    Train and validation, and test if asked, are drawn anew from the rows of all of them, as many as before, by label
    (equal texts, or groups, stay on one side); then the sample of train is drawn, if a size is given. If train is the
    past, validation is unchanged.

    Args:
        prepared: the data of the comparison.
        size: the size of train; ``None`` for all of it.
        data_seed: the comparison's seed of splits and samples.
        seed: the seed of the run, which has the same sample for all contenders.
        with_test: whether test is drawn too.

    Raises:
        DataError: the rows don't suffice.
        UsageError: every seed would have the same sample, or test is the future.
    """
    own_seed = sample_seed(data_seed, seed)
    drawn = prepared
    rows = len(prepared.data["train"])
    if with_test and prepared.record.time_column is not None:
        raise UsageError(
            f"--vary data=all: by time={prepared.record.time_column}, test is the future of train. Drawn anew it would "
            "be mixed with the past, on which models are trained. Use --vary data with --train-size, which draws "
            "samples of the past and leaves test as it is."
        )
    if prepared.record.time_column is None:
        names = (*(["test"] if with_test else []), "validation", "train")
        rows = sum(len(prepared.data[name]) for name in names)
        drawn = _with_splits(prepared, _drawn_anew(prepared, names, own_seed), origin=DRAWN)
    if size is not None:
        drawn = with_train_size(drawn, size, own_seed)
    if len(drawn.data["train"]) == rows:
        raise UsageError(
            f"--vary data: by time={prepared.record.time_column}, train is all of the past, the same at every seed. "
            "Give --train-size, such as 50%, to draw samples of it."
        )
    source = DrawnFrom(rows=rows, fingerprint=prepared.fingerprint, data_seed=data_seed, with_test=with_test)
    return replace(drawn, record=replace(drawn.record, drawn_from=source))


def sample_seed(data_seed: int, seed: int) -> int:
    """Return the seed of a run's own training sample."""
    return int(np.random.SeedSequence([data_seed, seed]).generate_state(1)[0])


def _drawn_anew(prepared: PreparedData, names: Sequence[str], seed: int) -> dict[str, Dataset]:
    """Return splits of the same sizes, drawn one after another from the rows of all of them.

    Raises:
        DataError: the rows don't suffice, or the column of groups has several types.
    """
    option = "--vary data=all" if "test" in names else "--vary data"
    pool = left = _together([prepared.data[name] for name in names])
    if (column := marked_column(prepared.data["train"], "group")) and column not in pool.features:
        types = " and ".join(f"{prepared.data[name].features[column].dtype} in {name}" for name in names[::-1])
        raise DataError(
            f"{option}: group={column} is {types}, so its values can't be compared between splits. Give one type."
        )
    splits = {}
    for name in names[:-1]:
        parted = part(left, prepared.task, 1, seed, len(prepared.data[name]) / len(left))
        if parted is None:
            every = f"{', '.join(names[:0:-1])} and {names[0]}"
            raise DataError(f"{option}: {every} have {len(pool)} rows, too few to draw {name} anew from them.")
        splits[name], left = (with_rows(left, rows) for rows in parted)
    return {**splits, names[-1]: left}


def _together(splits: Sequence[Dataset]) -> Dataset:
    """Return the rows of all splits, with the columns that all have."""
    train = splits[-1]
    shared = [
        name for name, feature in train.features.items() if all(split.features.get(name) == feature for split in splits)
    ]
    pool = concatenate_datasets([split.select_columns(shared) for split in reversed(splits)])
    pool.info.description = train.info.description
    return pool


def _with_splits(
    prepared: PreparedData, splits: dict[str, Dataset], *, origin: str | None = None, train_size: str | None = None
) -> PreparedData:
    """Return the data with other rows in some splits."""
    data = DatasetDict({**prepared.data, **splits})
    origins = {split.name: split.origin for split in prepared.record.splits}
    origins |= dict.fromkeys(splits, origin) if origin else {}
    unlabelled = sum(split.unlabelled for split in prepared.record.splits)
    record = counted(replace(prepared.record, train_size=train_size), data, origins, unlabelled)
    return PreparedData(data, prepared.task, record)
