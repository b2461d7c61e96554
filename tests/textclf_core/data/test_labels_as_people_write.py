"""Labels are what a person sees, whatever holds them; what is neither text nor label is refused."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from textclf_core.data import from_memory
from textclf_core.errors import DataError
from textclf_plugins.datasets.files import Files
from textclf_plugins.datasets.hf_dataset import HfDataset


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


@pytest.mark.parametrize("cells", [["{'x', 'y'}", "{'y'}"], ["('y', 'x')", "('y',)"], ["['x', 'y']", "['y']"]])
def test_sets_and_tuples_written_as_text_are_lists(cells: list[str], tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a", "b"], "labels": cells}).to_csv(tmp_path / "a.csv", index=False)
    data = Files(path=str(tmp_path / "a.csv")).textclf_load_data()
    assert (names(data), data["train"]["label"][:]) == (["x", "y"], [[0, 1], [1]])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["['x', 'y']", "y"], r"line 3: the label 'y' .* isn't a list, but other labels are lists"),
        (["y", "[x, y]"], r"line 3: the label '\[x, y\]' .* looks like a list, but can't be read as one"),
        (["{y}", "{x,y}"], r"line 3: the label '{x,y}' .* looks like a list, but can't be read as one"),
    ],
)
def test_lists_beside_other_labels_are_refused(cells: list[str], message: str, tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a", "b"], "labels": cells}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=message):
        Files(path=str(tmp_path / "a.csv")).textclf_load_data()
    assert names(Files(path=str(tmp_path / "a.csv"), labels="exact").textclf_load_data()) == sorted(cells)


def test_vectors_of_different_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 2: \[0, 1, 0\] .* looks like zeros and ones, .* have 2 or 3 values"):
        of_jsonl(tmp_path, [[0, 1], [0, 1, 0]])
    assert names(of_jsonl(tmp_path, [[0, 1], [0]])) == ["0", "1"]  # ids


@pytest.mark.parametrize(
    "spellings",
    [
        *[("caf\u00e9", "cafe\u0301"), ("no", "no\u200b"), ("iyi", "\u0130yi")],
        *[("1", "01"), ("0", "-0"), ("1", "+1.0"), ("1", "1e0"), ("1", "\uff11")],
    ],
)
def test_labels_that_look_the_same_are_reported_and_folded(
    spellings: tuple[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.csv").write_text("text,label\n" + f"a,{spellings[0]}\nb,{spellings[1]}\nc,x\n" * 2)
    assert len(names(Files(path=str(tmp_path / "a.csv")).textclf_load_data())) == 3
    assert "or look the same, and are treated as different" in caplog.text
    assert len(names(Files(path=str(tmp_path / "a.csv"), labels="folded").textclf_load_data())) == 2


def test_decimal_commas_and_infinity_are_scores(tmp_path: Path) -> None:
    content = "text;label\na;0,25\nb;0,75\n"
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=r"scores, not classes: 0,25 .* label_separator=comma splits them"):
        Files(path=str(tmp_path / "a.csv")).textclf_load_data()
    data = Files(path=str(tmp_path / "a.csv"), bins=(0.5,)).textclf_load_data()
    assert names(data) == ["0.5 and above", "below 0.5"]
    with pytest.raises(DataError, match=r"scores, not classes: inf .* In pandas, frame\['label'\] = "):
        from_memory(frame([1.0, float("inf")]))


def test_bins_are_refused_for_several_labels(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "label": [0.1, 0.9]}\n{"text": "b", "label": [0.9, 0.1]}\n')
    with pytest.raises(DataError, match="bins= is for one number per text"):
        Files(path=str(tmp_path / "a.jsonl"), bins=(0.5,)).textclf_load_data()


def test_a_label_separator_that_separates_nothing_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,x|y\nb,y\n")
    Files(path=str(tmp_path / "a.csv"), label_separator="semicolon").textclf_load_data()
    assert "no row has several labels: ';' isn't between labels" in caplog.text


def test_columns_of_zeros_and_ones_are_suggested_as_labels() -> None:
    with pytest.raises(DataError, match=r"each of these columns stands for a label: label=music,cast"):
        from_memory({"text": ["a", "b"], "music": [0, 1], "cast": [1, 0]})
    with pytest.raises(DataError, match=r"can't infer which column is the label.* Set label=COLUMN$"):
        from_memory({"text": ["a", "b"], "some": [[0], [1]], "other": [[b"x"], [b"y"]]})


def test_a_saved_data_set_has_the_same_options_for_its_labels(tmp_path: Path) -> None:
    for name, labels in {"scores": [0.25, 0.75], "spelt": ["good", "Good"]}.items():
        Dataset.from_dict({"text": ["a", "b", "c"], "label": [*labels, labels[0]]}).save_to_disk(tmp_path / name)
    assert names(HfDataset(id=str(tmp_path / "scores"), bins=(0.5,)).textclf_load_data()) == [
        "0.5 and above",
        "below 0.5",
    ]
    assert names(HfDataset(id=str(tmp_path / "spelt"), labels="folded").textclf_load_data()) == ["good"]


def test_a_name_of_two_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,1\nb,0\n")
    with pytest.raises(DataError, match="names= has 'x' twice"):
        Files(path=str(tmp_path / "a.csv"), names=("x", "x")).textclf_load_data()


def test_lists_that_are_all_empty_are_lists() -> None:
    assert from_memory([("a", []), ("b", [])])["train"]["label"][:] == [[], []]


@pytest.mark.parametrize("separator", [None, "pipe", "comma"])
@pytest.mark.parametrize("between", [" ", ",", "|"])
def test_vectors_without_brackets_are_vectors(between: str, separator: str | None, tmp_path: Path) -> None:
    cells = [between.join(row) for row in ("101", "000", "010")]
    pd.DataFrame({"text": ["a", "b", "c"], "labels": cells}).to_csv(tmp_path / "a.csv", index=False)
    data = Files(path=str(tmp_path / "a.csv"), label_separator=separator).textclf_load_data()
    assert (names(data), data["train"]["label"][:]) == (["0", "1", "2"], [[0, 2], [], [1]])
    assert len(names(Files(path=str(tmp_path / "a.csv"), labels="exact").textclf_load_data())) == 3


def test_vectors_of_digits_that_are_texts_are_vectors(tmp_path: Path) -> None:
    data = of_jsonl(tmp_path, [["1", "0", "1"], ["0", "0", "0"]])
    assert (names(data), data["train"]["label"][:]) == (["0", "1", "2"], [[0, 2], []])


@pytest.mark.parametrize(
    "cells", [["0.5", "0.7", "nan"], ["?", "0.5", "2"], ["10%", "20.5%"], [*(f"0.{n}5" for n in range(60)), "none"]]
)
def test_scores_beside_placeholders_or_with_percent_signs_are_scores(cells: list[str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the labels are scores, not classes"):
        of_csv(tmp_path, cells)


def test_true_beside_1_is_reported_and_folded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(names(of_jsonl(tmp_path, [True, 1, False, 0, True]))) == 4
    assert "'true' (2), '1' (1)" in caplog.text
    data = Files(path=str(tmp_path / "a.jsonl"), labels="folded").textclf_load_data()
    assert len(names(data)) == 2


@pytest.mark.parametrize(
    ("between", "option"),
    [("\n", "newline"), ("\r\n", "newline"), ("\t", "tab"), (" / ", "/"), (" ", "space"), ("-", "-")],
)
@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_labels_joined_by_a_separator_are_reported_and_split(
    between: str, option: str, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    several = ["music", between.join(("music", "cast")), between.join(("plot", "cast", "rare")), "plot", "cast"]
    file = tmp_path / name
    file.write_bytes((frame(several).to_csv(index=False) if name == "a.csv" else frame(several).to_json()).encode())
    assert len(names(Files(path=str(file)).textclf_load_data())) == 5
    assert f"label_separator={option} splits them" in caplog.text
    split = Files(path=str(file), label_separator=option).textclf_load_data()
    assert names(split) == ["cast", "music", "plot", "rare"]
    assert split["train"]["label"][:] == [[1], [0, 1], [0, 2, 3], [2], [0]]


@pytest.mark.parametrize(
    "labels", [["very good", "very bad", "good", "bad"], ["sport/ball", "sport/tennis", "news/world"], ["n/a", "ok"]]
)
def test_names_of_several_words_are_no_several_labels(labels: list[str], caplog: pytest.LogCaptureFixture) -> None:
    assert names(from_memory(frame(labels))) == sorted(labels)
    assert "look like several labels" not in caplog.text


def done(message: str, data: pd.DataFrame) -> pd.DataFrame:
    """Return a frame after the line of pandas that a message has."""
    [line] = re.findall(r"frame\['label'\] = frame\['label'\]\.[^;]*?(?= divides| splits|$)", message)[:1]
    scope = {"frame": data.copy()}
    exec(line, scope)
    return scope["frame"]


@pytest.mark.parametrize(
    ("labels", "folded"),
    [
        (["Good", "good ", "bad", "good"], ["bad", "good"]),
        (["caf\u00e9", "cafe\u0301", "tea", "caf\u00e9"], ["caf\u00e9", "tea"]),
        (["1", "1.0", 0, 1], ["0", "1"]),
        ([True, 1, 0, True], ["0", "true"]),
        ([["a", "B"], ["b"], ["b"]], ["a", "b"]),
        ([{"Music": 1, "a": 0}, {"music": 1, "a": 1}], ["a", "music"]),
        (["x|y", "y", "x"], ["x", "y"]),
        ([" good", "bad"], ["bad", "good"]),
    ],
)
def test_what_a_message_on_labels_in_memory_shows_works_there(
    labels: list[Any], folded: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    from_memory(frame(labels))
    [record] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "labels=" not in record.getMessage()
    assert names(from_memory(done(record.getMessage(), frame(labels)))) == folded


def test_scores_in_memory_are_refused_with_what_can_be_done_there() -> None:
    scores = frame([0.25, 0.5, 0.75])
    with pytest.raises(DataError, match="the labels are scores") as error:
        from_memory(scores)
    assert names(from_memory(done(str(error.value), scores))) == ["false", "true"]
    assert "bins=" not in str(error.value)
    by_cut = scores.assign(label=pd.cut(scores["label"], [0, 0.3, 1], labels=["low", "high"]))
    assert names(from_memory(by_cut)) == ["high", "low"]


def test_the_names_of_a_data_set_are_reported_and_folded_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "Good", "good"])})
    Dataset.from_dict({"text": ["a", "b", "c", "d"], "label": [0, 1, 2, 2]}, features=features).save_to_disk(tmp_path)
    assert names(HfDataset(id=str(tmp_path)).textclf_load_data()) == ["bad", "Good", "good"]
    assert "'good' (2), 'Good' (1)" in caplog.text
    assert "labels=folded" in caplog.text
    data = HfDataset(id=str(tmp_path), labels="folded").textclf_load_data()
    assert (names(data), data["train"]["label"][:]) == (["bad", "good"], [0, 1, 1, 1])
    with pytest.raises(DataError, match="bins= is for numbers, but the labels have names"):
        HfDataset(id=str(tmp_path), bins=(0.5,)).textclf_load_data()


def test_lists_of_many_ids_are_no_scores() -> None:
    assert len(names(from_memory([(f"t{row}", [row, row + 1]) for row in range(60)]))) == 61
    with pytest.raises(DataError, match=r"0\.5 isn't a whole number.*makes zeros and ones"):
        from_memory([("a", [0.5, 1.0]), ("b", [0.0, 0.25])])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["good", "nan", "bad"], "1 rows have the label 'nan', by which programs mean a missing value"),
        ([" good", "bad "], "blanks around their names: ' good', 'bad '. labels=folded drops the blanks"),
        (["010", "110", "000"], "'010' look like a 0 or 1 for each of several labels"),
    ],
)
def test_labels_that_may_be_none_are_reported(
    labels: list[str], message: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    of_csv(tmp_path, labels)
    assert message in caplog.text
    caplog.clear()
    assert names(Files(path=str(tmp_path / "a.csv"), labels="exact").textclf_load_data()) == sorted(labels)
    assert not caplog.records


def test_lists_of_one_label_each_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    from_memory([("a", ["x"]), ("b", ["y"])])
    assert "each text has exactly one label (column 'label'), in a form by which a text may have several" in caplog.text


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (["x", "y"], [["x"]], r"test.*column 'label' holds List; expected one string, .* as in the other splits"),
        ([["x"], ["y"]], ["x"], r"test.*column 'label' holds string; expected lists of labels"),
    ],
)
def test_splits_with_labels_of_different_forms_are_refused(train: list[Any], test: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_memory({"train": frame(train), "test": frame(test)})
