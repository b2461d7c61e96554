"""The data of a run: checked, split, counted and hashed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetDict
from datasets.fingerprint import generate_random_fingerprint

from textclf_core.data.columns import holds, is_text
from textclf_core.data.holdout import SHARE, Rows, hold_out, hold_out_groups, hold_out_latest
from textclf_core.data.infer_columns import TEXT
from textclf_core.data.marked_columns import group_ids, marked_column, rows_of_the_past, shared_groups, times_of
from textclf_core.data.row_counts import RowCounts, conflicting_texts, text_keys
from textclf_core.data.source import ReadSplits
from textclf_core.data.tagged_words import token_task
from textclf_core.errors import DataError
from textclf_core.tasks import kind_of
from textclf_core.tasks.label_checks import named_split
from textclf_core.types.data import DataRecord, SplitRecord
from textclf_core.types.task import Task

if TYPE_CHECKING:
    from textclf_core.tasks.kind import DataKind

logger = logging.getLogger("textclf")

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class PreparedData:
    """The checked data of a run (``train``, ``validation`` and ``test``), with what its record says of them."""

    data: DatasetDict
    task: Task
    record: DataRecord

    @property
    def fingerprint(self) -> str:
        """The sha256 of the label names and all splits."""
        return self.record.fingerprint


def prepare(data: DatasetDict, data_seed: int) -> PreparedData:
    """Check the data, and hold out missing splits from train.

    A missing validation or test split takes 10% of train's rows each, stratified by label; exact duplicates of a text
    stay in the same split, and the order of the rows is kept. If a column of groups is marked, every group stays in one
    split instead; if one of times is, test has the latest rows, and validation those before them. Held-out splits are
    logged. Test is never used as validation. Rows of test without a label are left out and logged, and so are rows of
    any split of whose several labels none is known.

    Args:
        data: ``train`` and optionally ``validation`` and ``test``, with the columns that ``textclf_load_data`` returns.
        data_seed: the seed for held-out splits.

    Raises:
        DataError: lists all faults: no train split, no rows, no text column, no label, only one label, a label in
            validation or test that doesn't occur in train, too few rows or groups to hold out from.
    """
    reading = data if isinstance(data, ReadSplits) else ReadSplits(data)
    data, unlabelled = _without_unlabelled(data)
    unlabelled += reading.unlabelled
    task = task_of(data)
    kind = kind_of(task)
    given = DatasetDict({name: kind.without_nulls(data[name]) for name in SPLITS if name in data})
    for name in data:
        if name not in SPLITS:
            logger.info("the split %r is dropped: textclf uses train, validation and test", name)
    if faults := kind.label_faults(given):
        raise DataError("\n".join(faults))
    given, of_no_known_label = _without_unknown(given, kind)
    unlabelled += of_no_known_label.pop("test", 0)
    changes = [
        f"{name}: {'1 row' if rows == 1 else f'{rows} rows'} of which no label is known {'is' if rows == 1 else 'are'} "
        "left out"
        for name, rows in of_no_known_label.items()
    ]
    for change in changes:
        logger.info("%s", change)
    if unlabelled:
        logger.info(
            "test: %s without a label %s left out of the scores; `textclf predict RUN --input FILE` predicts them",
            "1 row" if unlabelled == 1 else f"{unlabelled} rows",
            "is" if unlabelled == 1 else "are",
        )
    group, time = marked_column(given["train"], "group"), marked_column(given["train"], "time")
    by = " by group" if group else " by time" if time else ""
    for name in ("validation", "test"):
        if name not in given:
            continue
        rows, what = 0, ""
        if group:
            rows, what = shared_groups(given[name], given["train"], group), "of groups (column {!r}) that train has too"
        elif time:
            rows = rows_of_the_past(given[name], given["train"], time)
            what = "earlier (column {!r}) than the latest row of train"
        if rows:
            changes.append(f"{name}: {rows} of {len(given[name])} rows are {what.format(group or time)}")
            logger.warning("%s", changes[-1])
    if time:
        times_of(given["train"], time)  # refuses what is no time, even if no split is held out
    origins = {name: "given" if name in given else f"held out from train{by}" for name in SPLITS}
    sources = dict.fromkeys(split.info.description for split in given.values() if split.info.description)
    record = DataRecord(
        source="; ".join(sources),
        fingerprint="",
        task_kind=task.kind,
        label_names=task.label_names,
        text_columns=task.text_columns,
        splits=(),
        read_from=reading.read_from or {"text": task.text_columns, "label": ("label",)},
        changes=(*reading.changes, *changes),
        group_column=group,
        time_column=time,
    )
    whole = _with_held_out(given, task, data_seed)
    del data, given, reading  # the rows that were split needn't be in memory twice
    record = counted(record, whole, origins, unlabelled)
    for split in record.splits:
        if split.shared_with_train:
            logger.info("%d of the %d texts in %s are also in train", split.shared_with_train, split.rows, split.name)
        if split.shared_with_validation:
            logger.log(
                logging.WARNING if 2 * split.shared_with_validation > split.rows else logging.INFO,
                "%d of the %d texts in test are also in validation, by which a run makes its choices",
                split.shared_with_validation,
                split.rows,
            )
    return PreparedData(whole, task, record)


def task_of(data: DatasetDict) -> Task:
    """Derive the task from the features of the data.

    The text columns are those marked as texts (``Value("string", id="text")``), in order; if there are none, the column
    ``text``; if there is none, all string columns. If ``label`` holds lists, a text may have several labels. If
    ``tokens`` holds lists of words, each word has a label.

    Raises:
        DataError: lists all faults: no train split, no text column, no label, or splits with different features.
    """
    if "train" not in data:
        raise DataError(f"there is no train split; the splits are: {', '.join(data) or 'none'}")
    if found := token_task(data):
        return found
    features = data["train"].features
    strings = tuple(name for name, feature in features.items() if is_text(feature))
    marked = tuple(name for name in strings if features[name].id == TEXT.id)
    texts = marked or (("text",) if "text" in strings else strings)
    faults = []
    if not texts:
        faults.append(f"{named_split(data, 'train')} has no text column; its columns are {', '.join(features)}")
    label = features.get("label")
    several = holds(label, ClassLabel)
    of_one = label.feature if several else label
    if not isinstance(of_one, ClassLabel):
        came = f"a column 'label' of {label}" if label is not None else f"the columns {', '.join(features)}"
        wanted = "a column 'label' of type ClassLabel, or of lists of it"
        faults.append(f"{named_split(data, 'train')} needs {wanted}; it has {came}")
    for name in ("validation", "test"):
        if name in data and not faults:
            differing = [column for column in (*texts, "label") if data[name].features.get(column) != features[column]]
            faults += [
                f"{named_split(data, name)}: the column {column!r} has another type than in train"
                for column in differing
            ]
    if faults:
        raise DataError("\n".join(faults))
    if texts != ("text",) and not marked:
        logger.info("there is no column 'text': the texts are taken from %s", " and ".join(map(repr, texts)))
    return Task(tuple(of_one.names), texts, "multi-label" if several else "single-label")


def _with_held_out(data: DatasetDict, task: Task, data_seed: int) -> DatasetDict:
    missing = [name for name in ("test", "validation") if name not in data]
    if not missing:
        return data
    train = data["train"]
    parted = part(train, task, len(missing), data_seed)
    if parted is None:
        column = marked_column(train, "time")
        strata, texts = strata_and_texts(train, task)
        counts = np.unique(strata, return_counts=True)[1]
        rare = "" if counts.max() > 2 else f" (none of its {len(counts)} labels has three rows: are they classes?)"
        if rare and len(np.unique(texts)) < len(counts):
            rare = f" (it has {len(counts)} labels: are the columns of texts and of labels exchanged?)"
        values = times_of(train, column) if column else texts
        different = f"{len(np.unique(values))} different {f'times in {column!r}' if column else 'texts'}"
        raise DataError(
            f"{named_split(data, 'train')} has {len(train)} rows with {different}: too few to hold out "
            f"{' and '.join(missing)} from them; provide that split, or more rows{rare}"
        )
    *held_out, left = parted
    splits = {**data, "train": with_rows(train, left)}
    for name, rows in zip(missing, held_out, strict=True):
        splits[name] = with_rows(train, rows)
        warning = "; scores on it aren't comparable with published ones" if name == "test" else ""
        logger.info(
            "there is no %s split: %d of train's %d rows were held out for it (data seed %d)%s",
            name,
            len(rows),
            len(train),
            data_seed,
            warning,
        )
    return DatasetDict({name: splits[name] for name in SPLITS})


def part(train: Dataset, task: Task, parts: int, data_seed: int, share: float = SHARE) -> list[Rows] | None:
    """Return the row numbers of held-out splits and of the rest of train; ``None`` if the rows don't suffice.

    Raises:
        DataError: there are too few groups, or a time can't be read.
    """
    labels, texts = strata_and_texts(train, task)
    if column := marked_column(train, "time"):
        parted = hold_out_latest(times_of(train, column), parts, share)
    elif column := marked_column(train, "group"):
        groups = group_ids(train[column][:])
        if (number := len(np.unique(groups))) <= parts:
            raise DataError(
                f"group={column}: train has {number} group{'s' if number > 1 else ''}, but {parts + 1} are needed, one "
                "for each split; provide the splits, or another column"
            )
        parted = hold_out_groups(groups, labels, parts, data_seed, share)
    else:
        parted = hold_out(texts, labels, parts, data_seed, share)
    lost = len(np.unique(labels[parted[-1]])) < len(np.unique(labels))
    return None if lost or not all(map(len, parted)) else parted


def strata_and_texts(split: Dataset, task: Task) -> tuple[Rows, Rows]:
    """Return the stratum of each row, and a number that is the same for equal texts; int64, shape (rows,)."""
    kind = kind_of(task)
    return np.array(kind.strata(split["label"][:]), dtype=np.int64), text_keys(kind, split)


def with_rows(split: Dataset, rows: Rows) -> Dataset:
    """Return some rows of a split, in order, as a table of their own, which is read much faster than a selection."""
    chosen = np.zeros(len(split), dtype=bool)
    chosen[rows] = True
    table = split.with_format("arrow")[:].filter(pa.array(chosen))
    return Dataset(table, info=split.info.copy(), split=split.split, fingerprint=generate_random_fingerprint())


def _without_unlabelled(data: DatasetDict) -> tuple[DatasetDict, int]:
    """Return the splits without the rows of test that have no label, and the number of these."""
    test = data.get("test")
    if test is None or "train" not in data or "label" not in data["train"].features:
        return data, 0
    labelled: list[int] = []
    if "label" in test.features:
        labelled = [row for row, label in enumerate(test["label"][:]) if label is not None and label != -1]
    missing = len(test) - len(labelled)
    if not missing:
        return data, 0
    splits = {name: split for name, split in data.items() if name != "test"}
    return DatasetDict(splits | ({"test": test.select(labelled)} if labelled else {})), missing


def _without_unknown(data: DatasetDict, kind: DataKind) -> tuple[DatasetDict, dict[str, int]]:
    """Return the splits without the rows of which no label is known, and the number of these by split, if any."""
    left, missing = dict(data), {}
    if kind.independent_labels:
        for name, split in data.items():
            labels = kind.task.num_labels
            known = [row for row, ids in enumerate(split["label"][:]) if len(ids) < labels or max(ids) >= 0]
            if len(known) < len(split):
                left[name], missing[name] = split.select(known), len(split) - len(known)
    return DatasetDict({name: split for name, split in left.items() if len(split)}), missing


def counted(record: DataRecord, data: DatasetDict, origins: Mapping[str, str], unlabelled: int) -> DataRecord:
    """Return the record with the facts of the splits, and their fingerprint."""
    kind = kind_of(record.task)
    counts = {name: RowCounts.of(kind, data[name]) for name in SPLITS}
    splits = tuple(
        SplitRecord(
            name=name,
            rows=len(data[name]),
            origin=origins[name],
            sha256=one.sha256,
            label_counts=dict(zip(record.label_names, one.label_counts, strict=True)),
            empty_texts=one.empty_texts,
            duplicates=one.duplicates,
            shared_with_train=0 if name == "train" else one.shared_with(counts["train"]),
            shared_with_validation=one.shared_with(counts["validation"]) if name == "test" else None,
            unlabelled=unlabelled if name == "test" else 0,
            unknown_labels={
                label: count for label, count in zip(record.label_names, one.unknown_counts, strict=True) if count
            },
        )
        for name, one in counts.items()
    )
    facts: list[object] = [record.label_names, record.text_columns, [[split.name, split.sha256] for split in splits]]
    # Equal rows of which others count as one draw are other data.
    facts += [[column] for column in (record.group_column, record.time_column) if column]
    return replace(
        record,
        splits=splits,
        fingerprint=hashlib.sha256(json.dumps(facts).encode()).hexdigest(),
        conflicting_texts=conflicting_texts(list(counts.values())),
    )
