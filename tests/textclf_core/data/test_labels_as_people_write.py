"""Labels are what a person sees, whatever holds them; what is neither text nor label is refused."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from datasets import Dataset, DatasetDict

from textclf_core.data import from_memory
from textclf_core.errors import DataError
from textclf_plugins.datasets.files import Files


def names(data: DatasetDict) -> list[str]:
    label = data["train"].features["label"]
    return list(getattr(label, "feature", label).names)


def of_csv(folder: Path, labels: list[Any]) -> DatasetDict:
    (folder / "a.csv").write_text("text,label\n" + "".join(f"t{row},{label}\n" for row, label in enumerate(labels)))
    return Files(path=str(folder / "a.csv")).textclf_load_data()


def of_jsonl(folder: Path, labels: list[Any]) -> DatasetDict:
    lines = [json.dumps({"text": f"t{row}", "label": label}) for row, label in enumerate(labels)]
    (folder / "a.jsonl").write_text("\n".join(lines))
    return Files(path=str(folder / "a.jsonl")).textclf_load_data()


def of_parquet(folder: Path, labels: list[Any]) -> DatasetDict:
    frame(labels).to_parquet(folder / "a.parquet")
    return Files(path=str(folder / "a.parquet")).textclf_load_data()


def frame(labels: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"text": [f"t{row}" for row in range(len(labels))], "label": labels})


CONTAINERS: list[Callable[[Path, list[Any]], DatasetDict]] = [
    of_csv,
    of_jsonl,
    of_parquet,
    lambda _, labels: from_memory(frame(labels)),
    lambda _, labels: from_memory(pa.Table.from_pandas(frame(labels))),
    lambda _, labels: from_memory(Dataset.from_pandas(frame(labels))),
    lambda _, labels: from_memory([(f"t{row}", label) for row, label in enumerate(labels)]),
]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("labels", "named"),
    [
        (["good", "bad", "good"], ["bad", "good"]),
        ([1, 0, 10], ["0", "1", "10"]),
        ([1.0, 0.0, 2.0], ["0", "1", "2"]),
    ],
)
def test_the_same_labels_have_the_same_names_in_each_container(
    container: Callable[[Path, list[Any]], DatasetDict], labels: list[Any], named: list[str], tmp_path: Path
) -> None:
    assert names(container(tmp_path, labels)) == named


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("labels", [[0.5, 1.0, 0.25], list(range(60))])
def test_scores_are_refused_in_each_container(
    container: Callable[[Path, list[Any]], DatasetDict], labels: list[Any], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="the labels are scores, not classes"):
        container(tmp_path, labels)


def test_one_label_in_several_json_types_is_one(tmp_path: Path) -> None:
    assert names(of_jsonl(tmp_path, [1, "1", 1.0, 0, "0"])) == ["0", "1"]


def test_a_blank_is_no_label(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3: there is no label"):
        of_csv(tmp_path, ["good", "  ", "bad"])


@pytest.mark.parametrize("value", [b"bytes", {"a": 1}, {1, 2}, [1, "a"], dt.date(2026, 1, 2)])
@pytest.mark.parametrize("column", ["text", "label"])
def test_what_is_neither_text_nor_label_is_refused_with_row_and_type(value: object, column: str) -> None:
    rows = [{"text": f"t{row}", "label": "ab"[row % 2]} for row in range(4)]
    rows[2] = {**rows[2], column: value}  # type: ignore[dict-item]
    kind = type(value).__name__
    with pytest.raises(DataError, match=rf"train \(in memory\), row 3: a value of type {kind} \(column '{column}'\)"):
        from_memory(rows)


@pytest.mark.parametrize("type", [pa.binary(), pa.date32()])
def test_a_column_of_another_type_is_no_label(type: pa.DataType) -> None:
    values = [b"a", b"b"] if type == pa.binary() else [dt.date(2026, 1, 1), dt.date(2026, 1, 2)]
    table = pa.table({"text": ["a", "b"], "label": pa.array(values, type)})
    with pytest.raises(DataError, match=r"column 'label' holds .*; expected one string, integer or boolean per row"):
        from_memory(table)


def test_lists_written_as_text_are_lists(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,labels\na,\"['x', 'y']\"\nb,[]\nc,\"['y']\"\n")
    data = Files(path=str(tmp_path / "a.csv")).textclf_load_data()
    assert (names(data), data["train"]["label"][:]) == (["x", "y"], [[0, 1], [], [1]])


@pytest.mark.parametrize(
    "cells",
    [
        ["[1, 0, 1]", "[0, 0, 0]", "[0, 1, 0]"],
        ["[1.0, 0.0, 1.0]", "[0.0, 0.0, 0.0]", "[0.0, 1.0, 0.0]"],
        ["[True, False, True]", "[False, False, False]", "[False, True, False]"],
        ["[true, false, true]", "[false, false, false]", "[false, true, false]"],
        ["[1 0 1]", "[0 0 0]", "[0 1 0]"],
        ["[1. 0. 1.]", "[0. 0. 0.]", "[0. 1. 0.]"],
    ],
)
def test_vectors_written_as_text_are_vectors(cells: list[str], tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a", "b", "c"], "labels": cells}).to_csv(tmp_path / "a.csv", index=False)
    data = Files(path=str(tmp_path / "a.csv")).textclf_load_data()
    assert (names(data), data["train"]["label"][:]) == (["0", "1", "2"], [[0, 2], [], [1]])


def test_a_list_that_numpy_writes_as_text_has_its_items(tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a", "b"], "labels": ["['x' 'y']", "['y']"]}).to_csv(tmp_path / "a.csv", index=False)
    data = Files(path=str(tmp_path / "a.csv")).textclf_load_data()
    assert (names(data), data["train"]["label"][:]) == (["x", "y"], [[0, 1], [1]])


@pytest.mark.parametrize("one", [1, True, 1.0])
def test_vectors_of_any_type_of_number_are_several_labels(one: float) -> None:
    no = type(one)(0)
    data = from_memory([{"text": "a", "label": [one, no]}, {"text": "b", "label": [no, no]}])
    assert (names(data), data["train"]["label"][:]) == (["0", "1"], [[0], []])


def test_numbers_of_one_label_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,1\nb,0\n")
    assert names(Files(path=str(tmp_path / "a.csv"), names=("bad", "good")).textclf_load_data()) == ["bad", "good"]
    with pytest.raises(DataError, match=r"line 2: '1' \(column 'label'\): names= is for labels .* from 0 to 0"):
        Files(path=str(tmp_path / "a.csv"), names=("bad",)).textclf_load_data()


def test_labels_of_several_types_in_lists_have_their_names(tmp_path: Path) -> None:
    data = of_jsonl(tmp_path, [[1, "1", "a"], [2.0]])
    assert (names(data), data["train"]["label"][:]) == (["1", "2", "a"], [[0, 2], [1]])
