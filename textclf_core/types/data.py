"""What was read: the data of a run, as its record has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from textclf_core.types.task import Kind, Task


@dataclass(frozen=True, kw_only=True)
class SplitRecord:
    """The facts of a split.

    Attributes:
        name: ``train``, ``validation`` or ``test``.
        rows: number of rows.
        origin: ``given``, ``held out from train`` (with ``by group`` or ``by time`` where that was asked for), or
            ``drawn for this seed``.
        sha256: hash of the texts and label names, in order.
        label_counts: number of rows with each label (a row may have several); in a token task, number of words.
        empty_texts: number of rows without text.
        truncated: number of rows that were truncated; ``None`` if it wasn't counted.
        duplicates: number of rows whose text occurs earlier in the split; ``None`` if it wasn't counted.
        shared_with_train: number of rows whose text also occurs in train, 0 for train itself; ``None`` if it wasn't
            counted.
        shared_with_validation: number of rows of test whose text also occurs in validation; ``None`` for the other
            splits, or if it wasn't counted.
        unlabelled: number of rows that were left out because they have no label; only test may have them.
        unknown_labels: if a text may have several labels: number of rows of which it is unknown whether they have a
            label, by label, without those where it is known of all rows. Training and scores leave these entries out.
    """

    name: str
    rows: int
    origin: str
    sha256: str
    label_counts: dict[str, int]
    empty_texts: int
    truncated: int | None = None
    duplicates: int | None = None
    shared_with_train: int | None = None
    shared_with_validation: int | None = None
    unlabelled: int = 0
    unknown_labels: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DrawnFrom:
    """The rows that a run's own training sample was drawn from, and perhaps its test rows.

    Attributes:
        rows: number of rows of train and validation together, and of test if it is drawn; of train alone if neither
            validation nor test is.
        fingerprint: fingerprint of the data that the comparison's runs draw from, test included.
        data_seed: the comparison's seed of splits and samples; that of the run follows from it and the run's seed.
        with_test: whether test is drawn anew for each seed too (``textclf compare --vary data=all``).
    """

    rows: int
    fingerprint: str
    data_seed: int
    with_test: bool = False


@dataclass(frozen=True, kw_only=True)
class DataRecord:
    """The data of the run: its source, task and splits.

    Attributes:
        source: the origin of the rows, as the dataset plugin describes it, or else that plugin with its options. If it
            is that of another data set of the comparison, the name of this one follows in brackets.
        fingerprint: sha256 of the label names and all splits.
        task_kind: ``single-label``, ``multi-label`` (a text may have several labels) or ``tokens`` (each word has a
            label).
        label_names: names of the labels, in the order of their ids.
        text_columns: the columns that hold the texts.
        splits: ``train``, ``validation`` and ``test``.
        train_size: the part of train that was used, such as ``16/class`` or ``10%``; ``None`` for all of it.
        read_from: the names of the text columns and of the label columns in the source; empty if unknown.
        changes: what was dropped or changed when the data were read, with numbers of rows, a sentence each.
        conflicting_texts: number of different texts that occur with different labels; ``None`` if it wasn't counted.
        drawn_from: what the run's own training sample was drawn from (``textclf compare --vary data``); ``None`` if all
            seeds have the same sample.
        group_column: the column whose rows with equal values stay on one side of a split, and count as one draw of
            test; ``None`` without one.
        time_column: the column by which splits were made of the past and the future; ``None`` without one.
    """

    source: str
    fingerprint: str
    task_kind: str
    label_names: tuple[str, ...]
    text_columns: tuple[str, ...]
    splits: tuple[SplitRecord, ...]
    train_size: str | None = None
    read_from: dict[str, tuple[str, ...]] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    conflicting_texts: int | None = None
    drawn_from: DrawnFrom | None = None
    group_column: str | None = None
    time_column: str | None = None

    @property
    def own_tests(self) -> bool:
        """Whether each seed has its own test rows."""
        return self.drawn_from is not None and self.drawn_from.with_test

    @property
    def task(self) -> Task:
        """The task."""
        return Task(self.label_names, self.text_columns, cast(Kind, self.task_kind))
