"""A short table of what was read, shown above the scores of a run or a comparison, or alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from textclf_core.tasks import kind_of
from textclf_core.types.data import DataRecord, SplitRecord

_MOST_LABELS = 10
_MOST_CHARACTERS = 90


def data_rows(data: Sequence[DataRecord]) -> list[tuple[str, str]]:
    """Return what was read, as pairs of name and value.

    Args:
        data: the data as recorded by one run, or by several with the same data.
    """
    return [*_split_rows(data), *other_rows(data[0])]


def data_table(rows: Sequence[tuple[str, str]], table_format: str = "simple") -> str:
    """Return rows as a table without a heading, in one of tabulate's formats."""
    return tabulate(rows, tablefmt="plain" if table_format == "simple" else table_format, disable_numparse=True)


def data_json(data: DataRecord) -> dict[str, Any]:
    """Return what was read as JSON values."""
    return {
        "source": data.source,
        "fingerprint": data.fingerprint,
        "train_size": data.train_size,
        "read_from": data.read_from,
        "group_column": data.group_column,
        "time_column": data.time_column,
        "drawn_from_rows": data.drawn_from.rows if data.drawn_from else None,
        "own_tests": data.own_tests,
        "splits": {
            split.name: {
                "rows": split.rows,
                "origin": split.origin,
                "label_counts": split.label_counts,
                "empty_texts": split.empty_texts,
                "truncated": split.truncated,
                "duplicates": split.duplicates,
                "shared_with_train": split.shared_with_train,
                "unlabelled": split.unlabelled,
                "unknown_labels": split.unknown_labels,
            }
            for split in data.splits
        },
        "conflicting_texts": data.conflicting_texts,
        "lacking_labels": {name: list(labels) for name, labels in lacking_labels(data).items()},
        "changes": list(data.changes),
    }


def lacking_labels(data: DataRecord) -> dict[str, tuple[str, ...]]:
    """Return the labels of which a split has no row, or word, by split; splits with all labels are left out."""
    lacking = {
        split.name: tuple(label for label in data.label_names if not split.label_counts.get(label))
        for split in data.splits
    }
    return {name: labels for name, labels in lacking.items() if labels}


def _split_rows(data: Sequence[DataRecord]) -> Iterator[tuple[str, str]]:
    kind = kind_of(data[0].task)
    for splits in zip(*(one.splits for one in data), strict=True):
        first = splits[0]
        labelled = kind.labels_of_split(first.rows, first.label_counts)
        words = f" of {labelled:,} words" if labelled != first.rows else ""
        yield (
            first.name,
            f"{_count(first.rows, 'row')}{words}: {_labels(first.label_counts)}{_truncated(splits)}",
        )


def _labels(counts: Mapping[str, int]) -> str:
    """Return the first labels with their counts, and the number of the others."""
    shown: list[str] = []
    for label, count in list(counts.items())[:_MOST_LABELS]:
        if shown and len(", ".join(shown)) + len(label) > _MOST_CHARACTERS:
            break
        shown.append(f"{label} {count:,}")
    more = len(counts) - len(shown)
    return ", ".join([*shown, *([f"and {more:,} more labels"] if more else [])])


def _truncated(splits: Sequence[SplitRecord]) -> str:
    """Return how many rows of a split were truncated, by one contender or by several; empty if none were."""
    counts = sorted({split.truncated for split in splits if split.truncated is not None})
    if not counts or not counts[-1]:
        return ""
    return f"; {counts[0]:,} to {counts[-1]:,} truncated" if len(counts) > 1 else f"; {counts[0]:,} truncated"


def other_rows(data: DataRecord) -> Iterator[tuple[str, str]]:
    """Yield what was read other than the rows and labels of the splits, as pairs of name and value."""
    if data.read_from:
        named = {**data.read_from, **{what: (column,) for what, column in _marked(data) if column}}
        yield "columns", "; ".join(f"{what} from {', '.join(names)}" for what, names in named.items())
    if data.drawn_from:
        drawn = "train and validation" if data.time_column is None else "train"
        drawn = "train, validation and test" if data.own_tests else drawn
        yield "samples", f"{drawn} drawn anew for each seed from {_count(data.drawn_from.rows, 'row')}"
    if empty := [f"{split.empty_texts:,} in {split.name}" for split in data.splits if split.empty_texts]:
        yield "empty texts", ", ".join(empty)
    repeated = [
        f"{_count(split.duplicates, 'row')} of {split.name} repeats an earlier text"
        if split.duplicates == 1
        else f"{split.duplicates:,} rows of {split.name} repeat earlier texts"
        for split in data.splits
        if split.duplicates
    ]
    repeated += [
        f"{split.shared_with_train:,} of {split.rows:,} texts of {split.name} are also in train"
        for split in data.splits
        if split.shared_with_train
    ]
    repeated += [
        f"{split.shared_with_validation:,} of {split.rows:,} texts of {split.name} are also in validation"
        for split in data.splits
        if split.shared_with_validation
    ]
    if repeated:
        yield "repeated", "; ".join(repeated)
    if data.conflicting_texts:
        yield "conflicts", f"{_count(data.conflicting_texts, 'text')} with different labels"
    for split in data.splits:
        if split.unlabelled:
            yield (
                "no label",
                f"{_count(split.unlabelled, 'row')} of {split.name} left out of the scores; "
                "`textclf predict RUN --input FILE` predicts them",
            )
    if unknown := [f"{split.name}: {_labels(split.unknown_labels)}" for split in data.splits if split.unknown_labels]:
        yield "unknown", f"{'; '.join(unknown)}; left out of training and scores"
    yield from _lacking_rows(data)
    for change in data.changes:
        yield "changed", change


def _marked(data: DataRecord) -> tuple[tuple[str, str | None], ...]:
    return ("groups", data.group_column), ("times", data.time_column)


def _lacking_rows(data: DataRecord) -> Iterator[tuple[str, str]]:
    kind = kind_of(data.task)
    splits_of: dict[tuple[str, ...], list[str]] = {}
    for name, labels in lacking_labels(data).items():
        splits_of.setdefault(labels, []).append(name)
    for labels, names in splits_of.items():
        more = f" and {len(labels) - _MOST_LABELS:,} more labels" if len(labels) > _MOST_LABELS else ""
        sentence = f"nothing in {' and '.join(names)} has the label {', '.join(labels[:_MOST_LABELS])}{more}"
        if kind.class_rows == "rows" and "train" not in names:
            sentence += "; its F1 there is no number, and no part of a mean"
        yield "lacking", sentence


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
