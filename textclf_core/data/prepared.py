"""The data of a run: checked, split, counted and hashed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from datasets import ClassLabel, DatasetDict

from textclf_core.data.columns import holds, is_text
from textclf_core.data.holdout import hold_out
from textclf_core.data.infer_columns import TEXT
from textclf_core.data.sampling import TrainSize, sample_rows
from textclf_core.data.tagged_words import token_task
from textclf_core.errors import DataError
from textclf_core.tasks import kind_of
from textclf_core.tasks.label_checks import named_split
from textclf_core.types.task import Task

logger = logging.getLogger("textclf")

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class SplitFacts:
    """What the record keeps of one split.

    ``duplicates`` counts rows whose text stands earlier in the split, ``shared_with_train`` rows whose text stands
    in train too (0 for train itself). ``sha256`` is over texts and label names in their order.
    """

    name: str
    rows: int
    origin: Literal["given", "held out from train"]
    sha256: str
    label_counts: dict[str, int]
    empty_texts: int
    duplicates: int
    shared_with_train: int


@dataclass(frozen=True)
class PreparedData:
    """The data of a run: ``train``, ``validation`` and ``test``, checked, and what is known of them.

    ``source`` says where the rows came from, as the dataset plugin tells it; ``fingerprint`` is a sha256 over the
    label names and all splits. ``train_size`` says how much of train is used, where it isn't all.
    """

    data: DatasetDict
    task: Task
    splits: tuple[SplitFacts, ...]
    source: str
    fingerprint: str
    train_size: TrainSize | None = None


def prepare(data: DatasetDict, data_seed: int) -> PreparedData:
    """Return the data checked, with the splits that were missing held out from train.

    A missing validation or test split takes 10% of train's rows each, stratified by label; exact duplicates of a
    text stay on one side, and the rows' order is kept. What was held out is logged. Test never serves as validation.

    Args:
        data: ``train`` and, where there are any, ``validation`` and ``test``; columns as ``textclf_load_data`` says.
        data_seed: decides which rows are held out.

    Raises:
        DataError: with every fault found: no train split, no rows, no text column, no label, one label only, a
            label in validation or test that train never has, too few rows to hold out from.
    """
    task = task_of(data)
    kind = kind_of(task)
    given = DatasetDict({name: kind.without_nulls(data[name]) for name in SPLITS if name in data})
    for name in data:
        if name not in SPLITS:
            logger.info("the split %r is left out: textclf uses train, validation and test", name)
    if faults := kind.label_faults(given):
        raise DataError("\n".join(faults))
    whole = _with_held_out(given, task, data_seed)
    facts = tuple(_facts(name, whole, task, "given" if name in given else "held out from train") for name in SPLITS)
    for split in facts:
        if split.shared_with_train:
            logger.info("%d of the %d texts in %s are in train too", split.shared_with_train, split.rows, split.name)
    sources = dict.fromkeys(split.info.description for split in given.values() if split.info.description)
    return PreparedData(whole, task, facts, "; ".join(sources), _fingerprint(task, facts))


def with_train_size(prepared: PreparedData, size: TrainSize, data_seed: int) -> PreparedData:
    """Return the data with a sample of train; validation and test stay as they are.

    Raises:
        DataError: a label has fewer rows than the size wants.
    """
    train = prepared.data["train"]
    kind = kind_of(prepared.task)
    if kind.no_rows_per_label and size.per_class is not None:
        raise DataError(
            f"--train-size {size}: {kind.no_rows_per_label}, so there are no examples of each; write a share of train, "
            "such as 10%."
        )
    sample = train.select(sample_rows(kind.strata(train["label"][:]), size, data_seed))
    data = DatasetDict({**prepared.data, "train": sample})
    facts = tuple(_facts(split.name, data, prepared.task, split.origin) for split in prepared.splits)
    return PreparedData(data, prepared.task, facts, prepared.source, _fingerprint(prepared.task, facts), size)


def _fingerprint(task: Task, facts: Sequence[SplitFacts]) -> str:
    hashes = [[split.name, split.sha256] for split in facts]
    return hashlib.sha256(json.dumps([task.label_names, task.text_columns, hashes]).encode()).hexdigest()


def task_of(data: DatasetDict) -> Task:
    """Return the task that the features of the data carry.

    The texts are the columns that are marked as such (``Value("string", id="text")``), in their order; where none is,
    the column ``text``; where there is none, all columns of strings. Where ``label`` holds lists, a text may have
    several labels. Where ``tokens`` holds lists of words, each word has a label.

    Raises:
        DataError: with every fault found: no train split, no text column, no label, splits that differ in these.
    """
    if "train" not in data:
        raise DataError(f"there is no train split; there are: {', '.join(data) or 'none'}")
    if found := token_task(data):
        return found
    features = data["train"].features
    strings = tuple(name for name, feature in features.items() if is_text(feature))
    marked = tuple(name for name in strings if features[name].id == TEXT.id)
    texts = marked or (("text",) if "text" in strings else strings)
    faults = []
    if not texts:
        faults.append(f"{named_split(data, 'train')} has no column of texts; its columns are {', '.join(features)}")
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
            faults += [f"{named_split(data, name)}: the column {column!r} isn't that of train" for column in differing]
    if faults:
        raise DataError("\n".join(faults))
    if texts != ("text",) and not marked:
        logger.info("there is no column 'text': the texts are taken from %s", " and ".join(map(repr, texts)))
    return Task(tuple(of_one.names), texts, "multi-label" if several else "single-label")


def rows_sha256(texts: Iterable[Sequence[str]], labels: Iterable[str | Sequence[str]]) -> str:
    """Return the sha256 of rows in their order: the texts of each, and its label's name (or names, or its words')."""
    digest = hashlib.sha256()
    for row, label in zip(texts, labels, strict=True):
        digest.update(json.dumps([*row, label]).encode())
    return digest.hexdigest()


def _with_held_out(data: DatasetDict, task: Task, data_seed: int) -> DatasetDict:
    missing = [name for name in ("test", "validation") if name not in data]
    if not missing:
        return data
    train = data["train"]
    kind = kind_of(task)
    labels, texts = kind.strata(train["label"][:]), kind.texts(train)
    *held_out, left = hold_out(texts, labels, len(missing), data_seed)
    left_labels = {labels[row] for row in left}
    if any(not rows for rows in held_out) or len(left_labels) < len(set(labels)):
        raise DataError(
            f"{named_split(data, 'train')} has {len(train)} rows, {len(set(texts))} different ones: too few "
            f"to hold out {' and '.join(missing)} from them; bring that split, or more rows"
        )
    splits = {**data, "train": train.select(left)}
    for name, rows in zip(missing, held_out, strict=True):
        splits[name] = train.select(rows)
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


def _facts(name: str, data: DatasetDict, task: Task, origin: Literal["given", "held out from train"]) -> SplitFacts:
    split, kind = data[name], kind_of(task)
    texts, labels = kind.texts(split), split["label"][:]
    in_train = set() if name == "train" else set(kind.texts(data["train"]))
    return SplitFacts(
        name=name,
        rows=len(split),
        origin=origin,
        sha256=rows_sha256(texts, kind.names(labels)),
        label_counts=dict(zip(task.label_names, kind.label_counts(labels).tolist(), strict=True)),
        empty_texts=sum(not any(text.strip() for text in row) for row in texts),
        duplicates=len(texts) - len(set(texts)),
        shared_with_train=sum(row in in_train for row in texts),
    )
