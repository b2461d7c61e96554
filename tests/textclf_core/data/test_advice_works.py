"""What an error or warning about labelled data advises can be done, and works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from textclf_core.data import from_memory
from textclf_core.errors import DataError
from textclf_plugins.datasets.files import Files

SPELT = ["bad", "Good", "good"]


def names(data: DatasetDict) -> list[str]:
    label = data["train"].features["label"]
    return list(getattr(label, "feature", label).names)


def read(folder: Path, name: str, content: str, **options: Any) -> DatasetDict:
    (folder / name).write_text(content)
    return Files(path=str(folder / name), **options).textclf_load_data()


@pytest.mark.parametrize(
    ("type", "ids"),
    [
        (ClassLabel(names=SPELT), [0, 1, 2, 2]),
        (List(ClassLabel(names=SPELT)), [[0, 1], [2], [1], []]),
    ],
)
def test_spellings_of_a_class_label_are_merged_as_advised(
    type: Any, ids: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    features = Features({"text": Value("string"), "label": type})
    data = Dataset.from_dict({"text": ["a", "b", "c", "d"], "label": ids}, features=features)
    assert names(from_memory(data)) == SPELT
    [line] = re.findall(r"To merge them: (.*)$", caplog.messages[-1])
    scope = {"data": data, "Value": Value, "List": List}
    exec(line, scope)
    assert names(from_memory(scope["data"])) == ["bad", "good"]


def test_tags_of_a_class_label_are_merged_as_advised(caplog: pytest.LogCaptureFixture) -> None:
    features = Features({"tokens": List(Value("string")), "tags": List(ClassLabel(names=["O", "B-PER", "b-per"]))})
    data = Dataset.from_dict({"tokens": [["Ada", "left"]] * 2, "tags": [[1, 0], [2, -100]]}, features=features)
    from_memory(data)
    [line] = re.findall(r"To merge them: (.*)$", next(one for one in caplog.messages if "To merge" in one))
    scope = {"data": data, "Value": Value, "List": List}
    exec(line, scope)
    assert from_memory(scope["data"])["train"]["label"][:] == [[1, 0], [1, -100]]


def test_columns_with_numbers_as_names_are_chosen_as_the_error_advises() -> None:
    frame = pd.DataFrame({0: ["a", "b"], 1: ["x", "y"], 2: ["p", "q"]})
    with pytest.raises(DataError, match=r"the columns are: 0, 1, 2\. Set text=COLUMN and label=COLUMN"):
        from_memory(frame)
    data = from_memory(frame, "0", "1", group="2")
    assert data["train"][0] == {"text": "a", "label": 0, "2": "p"}
    assert from_memory(frame, ["0", "2"], "1")["train"].column_names == ["0", "2", "label"]


def test_scores_in_lists_arent_advised_bins(tmp_path: Path) -> None:
    content = '{"text": "a", "label": [0.1, 0.9]}\n{"text": "b", "label": [0.9, 0.1]}\n'
    with pytest.raises(DataError, match=r"Write a 0 or 1 for each label; labels=exact makes each number a class"):
        read(tmp_path, "a.jsonl", content)
    assert names(read(tmp_path, "a.jsonl", content, labels="exact")) == ["0.1", "0.9"]


def test_bins_name_the_rows_without_a_number(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"bins= is for numbers, but 2 rows have '\?', which isn't one; remove such"):
        read(tmp_path, "a.csv", "text,label\na,0.5\nb,?\nc,?\n", bins=(0.7,))
    assert names(read(tmp_path, "a.csv", "text,label\na,0.5\nb,inf\n", bins=(0.7,))) == ["0.7 and above", "below 0.7"]


@pytest.mark.parametrize(
    ("rows", "text", "label"),
    [
        ([("4", "Mon", "NO", "bright plot"), ("0", "Mon", "NO", "awful plot"), ("4", "Mon", "NO", "fine")], 3, 0),
        ([("spam", "win a prize"), ("ham", "see you"), ("spam", "a prize")], 1, 0),
    ],
)
def test_a_file_without_a_header_is_read_as_advised(
    rows: list[tuple[str, ...]], text: int, label: int, tmp_path: Path
) -> None:
    content = "".join(",".join(row) + "\n" for row in rows)
    with pytest.raises(DataError, match=r"if there is no header, add header=none,columns=") as error:
        read(tmp_path, "a.csv", content)
    columns = tuple(str(error.value).rpartition("columns=")[2].split(","))
    data = read(tmp_path, "a.csv", content, header="none", columns=columns)
    assert data["train"]["text"][:] == [row[text] for row in rows]
    assert names(data) == sorted({row[label] for row in rows})


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_separator_is_advised_for_tables_alone(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Set text=COLUMN and label=COLUMN$"):
        read(tmp_path, name, '{"messages": "a"}\n{"messages": "b"}\n')


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_the_format_of_fast_text_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"__label__\.\.\. are the labels of fastText; write them into a column"):
        read(tmp_path, name, "__label__a one\n__label__b two\n")


def test_words_with_tags_in_a_frame_are_grouped_as_advised() -> None:
    frame = pd.DataFrame({"nr": [1, 1, 2], "word": ["Ada", "left", "Omar"], "tag": ["B-PER", "O", "B-PER"]})
    with pytest.raises(DataError, match=r"as frame\.groupby\(SEQUENCE\)\[\[WORD, TAG\]\]\.agg\(list\) of pandas does"):
        from_memory(frame, "word", "tag")
    grouped = from_memory(frame.groupby("nr")[["word", "tag"]].agg(list), "word", "tag")
    assert grouped["train"]["tokens"][:] == [["Ada", "left"], ["Omar"]]


def test_options_of_labels_in_one_column_are_refused_for_several(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="labels=folded is for labels in one column, but label= names several columns"):
        read(tmp_path, "a.csv", "text,A,a\nx,1,0\n", label=("A", "a"), labels="folded")
    with pytest.raises(DataError, match=r"label_separator= is for labels in one string, .*leave it out"):
        read(tmp_path, "a.jsonl", '{"text": "a", "label": {"x": 1, "y": 0}}\n', label_separator="pipe")
