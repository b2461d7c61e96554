"""Samples of train: of a size, and one for each seed of a comparison."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from datasets import Dataset, DatasetDict, concatenate_datasets

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


def with_own_sample(prepared: PreparedData, size: TrainSize | None, data_seed: int, seed: int) -> PreparedData:
    """Return the data with the training sample of one seed; test is unchanged.

    Train and validation are drawn anew from the rows of both, as many as before, by label (equal texts, or groups, stay
    on one side); then the sample of train is drawn, if a size is given. If train is the past, validation is unchanged.

    Args:
        prepared: the data of the comparison.
        size: the size of train; ``None`` for all of it.
        data_seed: the comparison's seed of splits and samples.
        seed: the seed of the run, which has the same sample for all contenders.

    Raises:
        DataError: the rows don't suffice.
        UsageError: every seed would have the same sample.
    """
    own_seed = sample_seed(data_seed, seed)
    drawn = prepared
    rows = len(prepared.data["train"])
    if prepared.record.time_column is None:
        pool = _together(prepared.data["train"], prepared.data["validation"])
        rows = len(pool)
        parted = part(pool, prepared.task, 1, own_seed, len(prepared.data["validation"]) / rows)
        if parted is None:
            raise DataError(f"--vary data: train and validation have {rows} rows, too few to draw both anew from them.")
        validation, train = (with_rows(pool, one) for one in parted)
        drawn = _with_splits(prepared, {"train": train, "validation": validation}, origin=DRAWN)
    if size is not None:
        drawn = with_train_size(drawn, size, own_seed)
    if len(drawn.data["train"]) == rows:
        raise UsageError(
            f"--vary data: by time={prepared.record.time_column}, train is all of the past, the same at every seed. "
            "Give --train-size, such as 50%, to draw samples of it."
        )
    source = DrawnFrom(rows=rows, fingerprint=prepared.fingerprint, data_seed=data_seed)
    return replace(drawn, record=replace(drawn.record, drawn_from=source))


def sample_seed(data_seed: int, seed: int) -> int:
    """Return the seed of a run's own training sample."""
    return int(np.random.SeedSequence([data_seed, seed]).generate_state(1)[0])


def _together(train: Dataset, validation: Dataset) -> Dataset:
    """Return the rows of both splits, with the columns that both have."""
    shared = [name for name, feature in train.features.items() if validation.features.get(name) == feature]
    pool = concatenate_datasets([train.select_columns(shared), validation.select_columns(shared)])
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
