"""Labels as dicts of values by name, as in spaCy's ``cats``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, DatasetDict

from textclf_core.data import from_memory, prepare
from textclf_core.data.source import ReadSplits
from textclf_core.errors import DataError
from textclf_core.types.indicators import unknown_id
from textclf_plugins.datasets.files import Files

Rows = list[dict[str, Any] | None]


def of_jsonl(folder: Path, rows: Rows) -> DatasetDict:
    lines = [json.dumps({"text": f"t{row}", "cats": cats}) for row, cats in enumerate(rows)]
    (folder / "a.jsonl").write_text("\n".join(lines))
    return Files(path=str(folder / "a.jsonl")).textclf_load_data()


def of_csv(folder: Path, rows: Rows) -> DatasetDict:
    columns(rows, pd.DataFrame).to_csv(folder / "a.csv", index=False)
    return Files(path=str(folder / "a.csv")).textclf_load_data()


def of_parquet(folder: Path, rows: Rows) -> DatasetDict:
    columns(rows, pd.DataFrame).to_parquet(folder / "a.parquet")
    return Files(path=str(folder / "a.parquet")).textclf_load_data()


def columns(rows: Rows, make: Callable[[dict[str, Any]], Any]) -> Any:
    return make({"text": [f"t{row}" for row in range(len(rows))], "cats": rows})


CONTAINERS: list[Callable[[Path, Rows], DatasetDict]] = [
    of_jsonl,
    of_csv,
    of_parquet,
    lambda _, rows: from_memory(columns(rows, pd.DataFrame)),
    lambda _, rows: from_memory(columns(rows, pa.table)),
    lambda _, rows: from_memory(columns(rows, Dataset.from_dict)),
    lambda _, rows: from_memory(columns(rows, dict)),
]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("yes", [1, 1.0, True])
def test_a_text_may_have_several(container: Callable[[Path, Rows], DatasetDict], yes: float, tmp_path: Path) -> None:
    no = type(yes)(0)
    data = container(tmp_path, [{"war": yes, "art": no}, {"war": yes, "art": yes}, {"war": no, "art": no}])
    assert data["train"].features["label"].feature == ClassLabel(names=["art", "war"])
    assert data["train"]["label"][:] == [[1], [0, 1], []]
    assert isinstance(data, ReadSplits)
    assert data.read_from["label"] == ("cats",)
    assert any("dicts of 2 labels; a text may have several" in one for one in data.changes)


@pytest.mark.parametrize("container", CONTAINERS)
def test_one_label_per_text_is_a_task_of_one_label(
    container: Callable[[Path, Rows], DatasetDict], tmp_path: Path
) -> None:
    data = container(tmp_path, [{"bad": 0, "good": 1}, {"bad": 1, "good": 0}])
    assert data["train"].features["label"] == ClassLabel(names=["bad", "good"])
    assert data["train"]["label"][:] == [1, 0]
    assert isinstance(data, ReadSplits)
    assert any("each text has exactly one of them" in one for one in data.changes)


def test_the_only_label_may_be_all_that_a_dict_has(tmp_path: Path) -> None:
    assert of_jsonl(tmp_path, [{"good": 1}, {"bad": 1}, {"good": 1}])["train"]["label"][:] == [1, 0, 1]


def test_probabilities_are_divided_at_a_half_and_counted(tmp_path: Path) -> None:
    data = of_jsonl(tmp_path, [{"war": 0.9, "art": 0.5}, {"war": 0.2, "art": 0}])
    assert data["train"]["label"][:] == [[0, 1], []]
    assert isinstance(data, ReadSplits)
    assert any("3 of 4 values in the column 'cats' are between 0 and 1" in one for one in data.changes)


@pytest.mark.parametrize("value", ["yes", 2, -0.5, [1]])
def test_another_value_is_refused_with_its_line_and_label(value: object, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: .* for the label 'art' \(column 'cats'\)"):
        of_jsonl(tmp_path, [{"war": 1, "art": 1}, {"war": 0, "art": value}])


def test_one_label_beside_unknown_ones_is_no_task_of_one_label(tmp_path: Path) -> None:
    data = of_jsonl(tmp_path, [{"war": 1, "art": 0}, {"war": 0, "art": 1}, {"war": 1}])
    assert data["train"].features["label"].feature == ClassLabel(names=["art", "war"])
    assert data["train"]["label"][:] == [[1], [0], [unknown_id(0), 1]]


def test_rows_of_test_without_a_known_value_have_no_label() -> None:
    train = [{"text": f"{n}", "cats": {"war": n % 2, "art": n % 3 % 2}} for n in range(40)]
    test = [{"text": "c", "cats": {"war": 1, "art": 0}}, {"text": "d", "cats": {}}, {"text": "e", "cats": None}]
    data = prepare(from_memory({"train": train, "test": test}), 0)
    assert data.data["test"]["label"][:] == [[1]]
    assert [split.unlabelled for split in data.record.splits] == [0, 0, 2]
    with pytest.raises(DataError, match="row 41: None isn't a list of labels"):
        from_memory({"train": [*train, test[2]]})


@pytest.mark.parametrize("container", CONTAINERS)
def test_spellings_are_reported_and_are_one_label_when_folded(
    container: Callable[[Path, Rows], DatasetDict], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows: Rows = [{"Music": 1, "art": 0}, {"music": 1, "art": 1}, {"music ": 0, "art": 0}, {"music": 0, "art": 1}]
    assert len(container(tmp_path, rows)["train"].features["label"].feature.names) == 4
    assert "'music' (2), 'Music' (1), 'music ' (1)" in caplog.text


def test_a_text_has_a_folded_label_if_it_has_a_spelling_of_it(tmp_path: Path) -> None:
    rows: Rows = [{"Music": 1, "music": 0, "art": 0}, {"music": 0, "art": 1}, {"music": 1, "art": 1}]
    of_jsonl(tmp_path, rows)
    data = Files(path=str(tmp_path / "a.jsonl"), labels="folded").textclf_load_data()
    assert data["train"].features["label"].feature.names == ["art", "music"]
    assert data["train"]["label"][:] == [[1], [0], [0, 1]]
    assert isinstance(data, ReadSplits)
    assert any("1 labels were replaced by their most frequent spelling" in one for one in data.changes)
    of_jsonl(tmp_path, [{"Good": 1, "bad": 0}, {"good": 0, "bad": 1}, {"good": 1, "bad": 0}])
    one_each = Files(path=str(tmp_path / "a.jsonl"), labels="folded").textclf_load_data()
    assert (one_each["train"].features["label"].names, one_each["train"]["label"][:]) == (["bad", "good"], [1, 0, 1])


def test_labels_may_be_numbers_and_have_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('text,cats\na,"{1: 1, 2.0: 0}"\nb,"{1: 1, 2: 1}"\n')
    data = Files(path=str(tmp_path / "a.csv")).textclf_load_data()
    assert (data["train"].features["label"].feature.names, data["train"]["label"][:]) == (["1", "2"], [[0], [0, 1]])
    with pytest.raises(DataError, match=r"row 2: .* has a label without a name"):
        from_memory([("a", {"x": 1}), ("b", {" ": 1})])
