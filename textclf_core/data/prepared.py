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
    """The recorded facts of one split.

    ``duplicates`` counts rows whose text occurs earlier in the split, ``shared_with_train`` rows whose text also occurs
    in train (0 for train itself). ``sha256`` is the hash of texts and label names, in order.
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
    """The checked data of a run (``train``, ``validation`` and ``test``) and its facts.

    ``source`` is the dataset plugin's description of the rows' origin; ``fingerprint`` is a sha256 of the label names
    and all splits. ``train_size`` is the part of train that is used, if not all of it.
    """

    data: DatasetDict
    task: Task
    splits: tuple[SplitFacts, ...]
    source: str
    fingerprint: str
    train_size: TrainSize | None = None


def prepare(data: DatasetDict, data_seed: int) -> PreparedData:
    """Check the data, and hold out missing splits from train.

    A missing validation or test split takes 10% of train's rows each, stratified by label; exact duplicates of a text
    stay in the same split, and the order of the rows is kept. Held-out splits are logged. Test is never used as
    validation.

    Args:
        data: ``train`` and optionally ``validation`` and ``test``, with the columns that ``textclf_load_data`` returns.
        data_seed: the seed for held-out splits.

    Raises:
        DataError: lists all faults: no train split, no rows, no text column, no label, only one label, a label in
            validation or test that doesn't occur in train, too few rows to hold out from.
    """
    task = task_of(data)
    kind = kind_of(task)
    given = DatasetDict({name: kind.without_nulls(data[name]) for name in SPLITS if name in data})
    for name in data:
        if name not in SPLITS:
            logger.info("the split %r is dropped: textclf uses train, validation and test", name)
    if faults := kind.label_faults(given):
        raise DataError("\n".join(faults))
    whole = _with_held_out(given, task, data_seed)
    facts = tuple(_facts(name, whole, task, "given" if name in given else "held out from train") for name in SPLITS)
    for split in facts:
        if split.shared_with_train:
            logger.info("%d of the %d texts in %s are also in train", split.shared_with_train, split.rows, split.name)
    sources = dict.fromkeys(split.info.description for split in given.values() if split.info.description)
    return PreparedData(whole, task, facts, "; ".join(sources), _fingerprint(task, facts))


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
    data = DatasetDict({**prepared.data, "train": sample})
    facts = tuple(_facts(split.name, data, prepared.task, split.origin) for split in prepared.splits)
    return PreparedData(data, prepared.task, facts, prepared.source, _fingerprint(prepared.task, facts), size)


def _fingerprint(task: Task, facts: Sequence[SplitFacts]) -> str:
    hashes = [[split.name, split.sha256] for split in facts]
    return hashlib.sha256(json.dumps([task.label_names, task.text_columns, hashes]).encode()).hexdigest()


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


def rows_sha256(texts: Iterable[Sequence[str]], labels: Iterable[str | Sequence[str]]) -> str:
    """Return the sha256 of rows, in order: each row's texts and its label name (or names, or its words' names)."""
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
            f"{named_split(data, 'train')} has {len(train)} rows with {len(set(texts))} different texts: too few to "
            f"hold out {' and '.join(missing)} from them; provide that split, or more rows"
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
