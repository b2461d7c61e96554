"""Entries that don't tell whether a text has a label: the same task from every form, and counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset, DatasetDict

from textclf_core.data import PreparedData, from_memory, prepare
from textclf_core.errors import DataError
from textclf_core.reports.data_read import data_json, data_rows
from textclf_core.tasks import kind_of
from textclf_core.types.task import NO_LABEL
from textclf_plugins.datasets.files import Files

NAMES = ("art", "sport", "war")
# -1 stands for an unknown entry.
VECTORS = [[n % 2, -1 if n % 5 == 0 else n // 2 % 2, -1 if n % 7 == 0 else n // 4 % 2] for n in range(60)]
Vectors = list[list[Any]]


def files(folder: Path, name: str, text: str, **options: Any) -> DatasetDict:
    (folder / name).write_text(text)
    return Files(path=str(folder / name), **options).textclf_load_data()


def rows_of(vectors: Vectors) -> list[dict[str, Any]]:
    return [{"text": f"t{n}", "labels": vector} for n, vector in enumerate(vectors)]


def frame(vectors: Vectors) -> pd.DataFrame:
    return pd.DataFrame(rows_of(vectors))


def columns(vectors: Vectors) -> pd.DataFrame:
    return pd.DataFrame(
        {"text": [f"t{n}" for n in range(len(vectors))]} | dict(zip(NAMES, zip(*vectors, strict=True), strict=True))
    )


def dicts(vectors: Vectors) -> list[dict[str, Any]]:
    return [{"text": f"t{n}", "cats": dict(zip(NAMES, vector, strict=True))} for n, vector in enumerate(vectors)]


def of_parquet(folder: Path, vectors: Vectors) -> DatasetDict:
    frame(vectors).to_parquet(folder / "a.parquet")
    return Files(path=str(folder / "a.parquet"), names=NAMES).textclf_load_data()


def known_alone(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"cats": {name: one for name, one in row["cats"].items() if one in (0, 1)}} for row in rows]


FORMS: dict[str, Callable[[Path, Vectors], DatasetDict]] = {
    "vectors in memory": lambda _, vectors: from_memory(rows_of(vectors), names=NAMES),
    "vectors in a frame": lambda _, vectors: from_memory(frame(vectors), names=NAMES),
    "vectors in a data set": lambda _, vectors: from_memory(Dataset.from_list(rows_of(vectors)), names=NAMES),
    "vectors in JSON lines": lambda folder, vectors: files(
        folder, "a.jsonl", "\n".join(map(json.dumps, rows_of(vectors))), names=NAMES
    ),
    "vectors as text": lambda folder, vectors: files(
        folder, "a.csv", frame([[*map(str, one)] for one in vectors]).to_csv(index=False).replace("'", ""), names=NAMES
    ),
    "vectors in Parquet": of_parquet,
    "columns in a frame": lambda _, vectors: from_memory(columns(vectors), label=NAMES),
    "columns in CSV": lambda folder, vectors: files(
        folder, "a.csv", columns(vectors).to_csv(index=False), label=",".join(NAMES)
    ),
    "dicts in memory": lambda _, vectors: from_memory(dicts(vectors)),
    "dicts in JSON lines": lambda folder, vectors: files(folder, "a.jsonl", "\n".join(map(json.dumps, dicts(vectors)))),
    "dicts of what is known": lambda _, vectors: from_memory(known_alone(dicts(vectors))),
}


def entries(data: PreparedData) -> dict[str, list[int]]:
    kind = kind_of(data.task)
    return {
        text: row
        for split in data.data.values()
        for text, row in zip(split["text"][:], kind.label_array(split["label"][:]).tolist(), strict=True)
    }


@pytest.mark.parametrize("unknown", [-1, None, float("nan")])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_same_task(form: str, unknown: float | None, tmp_path: Path) -> None:
    vectors = [[unknown if one == -1 else one for one in vector] for vector in VECTORS]
    data = prepare(FORMS[form](tmp_path, vectors), 0)
    assert data.task.label_names == NAMES
    wanted = [[NO_LABEL if one == -1 else one for one in vector] for vector in VECTORS]
    assert entries(data) == {f"t{n}": vector for n, vector in enumerate(wanted)}
    assert data.fingerprint == prepare(from_memory(rows_of(VECTORS), names=NAMES), 0).fingerprint


def test_they_are_counted_by_label_and_split() -> None:
    data = prepare(from_memory(rows_of(VECTORS), names=NAMES), 0)
    found = {split.name: split for split in data.record.splits}
    for name, split in found.items():
        array = kind_of(data.task).label_array(data.data[name]["label"][:])
        counts = dict(zip(NAMES, (array == NO_LABEL).sum(axis=0).tolist(), strict=True))
        assert split.unknown_labels == {label: count for label, count in counts.items() if count}
        assert list(split.label_counts.values()) == (array == 1).sum(axis=0).tolist()
    assert sum(split.unknown_labels.get("sport", 0) for split in found.values()) == 12
    [shown] = [value for name, value in data_rows([data.record]) if name == "unknown"]
    assert shown.startswith(f"train: sport {found['train'].unknown_labels['sport']}, war ")
    assert shown.endswith("left out of training and scores")
    assert data_json(data.record)["splits"]["train"]["unknown_labels"] == found["train"].unknown_labels


def test_an_unknown_entry_is_not_a_0() -> None:
    zeros = [[max(one, 0) for one in vector] for vector in VECTORS]
    first, second = (prepare(from_memory(rows_of(one), names=NAMES), 0) for one in (VECTORS, zeros))
    assert first.fingerprint != second.fingerprint


def test_what_is_unknown_contradicts_nothing() -> None:
    rows = rows_of(VECTORS)
    unknown, other = rows[5], rows[1]
    assert (-1 in unknown["labels"], -1 in other["labels"]) == (True, False)
    agreeing = unknown | {"labels": [max(entry, 0) for entry in unknown["labels"]]}
    differing = other | {"labels": [1 - entry for entry in other["labels"]]}
    found = prepare(from_memory(pd.DataFrame([*rows, agreeing, differing]), names=NAMES), 0)
    assert found.record.conflicting_texts == 1


@pytest.mark.parametrize("split", ["train", "validation"])
def test_rows_of_which_no_label_is_known_are_left_out_and_counted(split: str) -> None:
    rows = {name: rows_of(VECTORS) for name in ("train", "validation", "test")}
    rows[split] = [*rows[split], {"text": "none", "labels": [-1, -1, -1]}, {"text": "nor", "labels": [-1, -1, -1]}]
    data = prepare(from_memory(rows, names=NAMES), 0)
    assert [len(one) for one in data.data.values()] == [60, 60, 60]
    assert f"{split}: 2 rows of which no label is known are left out" in data.record.changes


def test_rows_of_test_of_which_no_label_is_known_have_no_label() -> None:
    rows = {"train": rows_of(VECTORS), "test": [*rows_of(VECTORS[:4]), {"text": "none", "labels": [-1, -1, -1]}]}
    data = prepare(from_memory(rows, names=NAMES), 0)
    assert len(data.data["test"]) == 4
    assert data.record.splits[2].unlabelled == 1


def test_a_label_that_is_only_known_where_texts_have_it_is_refused() -> None:
    vectors = [[n % 2, 1 if n % 3 else -1] for n in range(40)]
    with pytest.raises(DataError, match="train: no row is known not to have the label 1, where it isn't unknown"):
        prepare(from_memory(rows_of(vectors)), 0)


def test_ids_of_unknown_labels_are_no_index(tmp_path: Path) -> None:
    data = prepare(from_memory(rows_of(VECTORS), names=NAMES), 0)
    of_a_row = next(row for row in data.data["train"]["label"][:] if min(row, default=0) < 0)
    with pytest.raises(IndexError):
        np.zeros(3)[of_a_row]
