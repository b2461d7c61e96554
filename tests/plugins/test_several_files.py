"""A split in several files, in a workbook, or in a folder of texts for each class."""

from __future__ import annotations

import json
import logging
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from textclf_core.errors import DataError
from textclf_plugins.datasets.files import Files

Pair = tuple[str, str]
ONE: list[Pair] = [("quick, then slow", "up"), ("grey", "down")]
TWO: list[Pair] = [("green", "up"), ("dull", "down"), ("warm", "up")]


def frame(rows: Sequence[Pair]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["text", "label"])


WRITERS: dict[str, Callable[[Sequence[Pair], Path], object]] = {
    ".csv": lambda rows, file: frame(rows).to_csv(file, index=False),
    ".tsv": lambda rows, file: frame(rows).to_csv(file, index=False, sep="\t"),
    ".jsonl": lambda rows, file: frame(rows).to_json(file, orient="records", lines=True),
    ".json": lambda rows, file: frame(rows).to_json(file, orient="records"),
    ".parquet": lambda rows, file: frame(rows).to_parquet(file),
}


def rows_of(split: Dataset) -> list[Pair]:
    names = split.features["label"].names
    return [(row["text"], names[row["label"]]) for row in split]


def write(file: Path, rows: Sequence[Pair]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    WRITERS[file.suffix](rows, file)


def read(**options: object) -> dict[str, list[Pair]]:
    return {name: rows_of(split) for name, split in Files(**options).textclf_load_data().items()}  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("folder", ["", "data"])
def test_numbered_files_are_one_split(tmp_path: Path, suffix: str, folder: str) -> None:
    write(tmp_path / folder / f"train-00000-of-00002{suffix}", ONE)
    write(tmp_path / folder / f"train-00001-of-00002{suffix}", TWO)
    write(tmp_path / folder / f"test-00000-of-00001-a09b74b3ef9c3b56{suffix}", TWO)
    assert read(path=str(tmp_path)) == {"train": ONE + TWO, "test": TWO}


@pytest.mark.parametrize("numbers", [(0,), (1, 2), (0, 2)])
def test_a_missing_numbered_file_is_an_error(tmp_path: Path, numbers: Sequence[int]) -> None:
    for number in numbers:
        write(tmp_path / f"train-{number:05}-of-00003.parquet", ONE)
    with pytest.raises(DataError, match=rf"{len(numbers)} of the 3 numbered files of train: number \d is missing"):
        read(path=str(tmp_path))


def test_label_names_of_the_hub_are_kept_and_must_agree(tmp_path: Path) -> None:
    def shard(number: int, names: list[str]) -> None:
        features = Features({"text": Value("string"), "label": ClassLabel(names=names)})
        data = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=features)
        data.to_parquet(tmp_path / f"train-{number:05}-of-00002.parquet")

    shard(0, ["spam", "ham"])
    shard(1, ["spam", "ham"])
    data = Files(path=str(tmp_path)).textclf_load_data()["train"]
    assert (data.features["label"].names, data["label"][:]) == (["spam", "ham"], [0, 1, 0, 1])
    shard(1, ["ham", "spam"])
    with pytest.raises(DataError, match=r"00001-of-00002\.parquet: the label names of the column 'label' differ"):
        read(path=str(tmp_path))


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_pattern_names_several_files(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"b{suffix}", TWO)
    write(tmp_path / f"a{suffix}", ONE)
    data = Files(path=f"{tmp_path}/*{suffix}").textclf_load_data()
    assert rows_of(data["train"]) == ONE + TWO
    assert data["train"].info.description == f"{tmp_path}/*{suffix}"


def test_a_pattern_for_each_split(tmp_path: Path) -> None:
    write(tmp_path / "2023" / "train" / "a.csv", ONE)
    write(tmp_path / "2024" / "train" / "a.csv", TWO)
    write(tmp_path / "2024" / "test" / "a.csv", TWO)
    found = read(train=f"{tmp_path}/**/train/*.csv", test=f"{tmp_path}/*/test/*.csv")
    assert found == {"train": ONE + TWO, "test": TWO}


@pytest.mark.parametrize("option", ["path", "train"])
def test_a_pattern_for_train_that_includes_a_test_file_is_refused(tmp_path: Path, option: str) -> None:
    write(tmp_path / "train.csv", ONE)
    write(tmp_path / "test.csv", TWO)
    with pytest.raises(DataError, match=r"\*\.csv includes .*test\.csv, by its name a file of test"):
        read(**{option: f"{tmp_path}/*.csv"})
    with pytest.raises(DataError, match=r"includes .*test\.csv, by its name a file of test"):
        read(train=str(tmp_path))


def test_a_file_in_two_splits_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ONE)
    write(tmp_path / "b.csv", TWO)
    with pytest.raises(DataError, match=r"b\.csv belongs to train= and to test="):
        read(train=f"{tmp_path}/*.csv", test=f"{tmp_path}/b.csv")


def test_a_pattern_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file matches path=.*\*\.csv"):
        read(path=f"{tmp_path}/*.csv")


def test_columns_may_stand_in_another_order_but_must_be_the_same(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ONE)
    (tmp_path / "b.csv").write_text("label,text\nup,green\n")
    assert read(path=f"{tmp_path}/*.csv") == {"train": [*ONE, ("green", "up")]}
    (tmp_path / "b.csv").write_text("label,review\nup,green\n")
    with pytest.raises(DataError, match=r"b\.csv: the columns differ from those of .*a\.csv \(review, text\)"):
        read(path=f"{tmp_path}/*.csv")


def test_labels_of_several_types_are_named_as_in_one_file(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": "1"}, {"text": "c", "label": 0.0}]
    for number, row in enumerate(rows):
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(row))
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, rows)))
    expected = [("a", "1"), ("b", "1"), ("c", "0")]
    assert read(path=f"{tmp_path}/?.jsonl") == read(path=f"{tmp_path}/all.jsonl") == {"train": expected}


@pytest.mark.parametrize(
    ("suffix", "place"), [(".csv", r"\*\.csv, b\.csv, line 4"), (".parquet", r"\*\.parquet, b\.parquet, row 3")]
)
def test_a_fault_names_the_file_and_the_row_in_it(tmp_path: Path, suffix: str, place: str) -> None:
    write(tmp_path / f"a{suffix}", ONE)
    write(tmp_path / f"b{suffix}", [*ONE, ("unlabelled", "")])
    with pytest.raises(DataError, match=f"{place}: there is no label"):
        read(path=f"{tmp_path}/*{suffix}")


def test_files_that_are_no_split_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    for name in ("train", "test", "more"):
        write(tmp_path / f"{name}.csv", ONE)
    assert read(path=str(tmp_path)) == {"train": ONE, "test": ONE}
    assert "left out, since their names are no splits: more.csv" in caplog.text


def write_texts(folder: Path, texts: dict[str, list[str]]) -> None:
    for name, of_class in texts.items():
        (folder / name).mkdir(parents=True)
        for number, text in enumerate(of_class, 1):
            (folder / name / f"{number}.txt").write_text(text)


def test_a_folder_of_texts_for_each_class(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    texts = [f"Text {number},\nin two lines.\n" for number in range(12)]
    write_texts(tmp_path / "train", {"pos": texts, "neg": ["Dull."], "unsup": ["Unknown."]})
    write_texts(tmp_path / "test", {"pos": ["Fine."], "neg": ["Poor."]})
    (tmp_path / "train" / "pos" / "notes.md").write_text("no text")
    (tmp_path / "train" / "urls_pos.txt").write_text("no text")
    expected = [("Dull.", "neg"), *((text.removesuffix("\n"), "pos") for text in texts)]
    assert read(path=str(tmp_path)) == {"train": expected, "test": [("Poor.", "neg"), ("Fine.", "pos")]}
    assert "the 1 texts in unsup are left out" in caplog.text
    assert "1 entries in the folders of the classes are left out" in caplog.text
    assert read(path=str(tmp_path / "train")) == {"train": expected}
    assert read(train=str(tmp_path / "train"), test=str(tmp_path / "test")) == read(path=str(tmp_path))


@pytest.mark.parametrize("name", ["test.xls", "test.txt", "test/1.txt", "dev/notes.md"])
def test_what_has_the_name_of_a_split_but_isnt_read_is_reported(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "train.csv", ONE)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("a text")
    (tmp_path / "validation").mkdir()  # empty
    assert read(path=str(tmp_path)) == {"train": ONE}
    split = name.partition("/")[0]
    assert f"left out, though their names are those of splits: {split}. They are neither tables" in caplog.text


def test_folders_that_are_no_classes_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    write_texts(tmp_path, {"pos": ["Fine."], "neg": ["Poor."]})
    for name in ("neutral/1.html", ".git/config", "__pycache__/a.pyc", "labels.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no text")
    assert len(read(path=str(tmp_path))["train"]) == 2
    assert "folders without .txt files are no classes: neutral" in caplog.text
    assert "left out beside the folders of the classes: labels.csv" in caplog.text


def test_a_text_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    write_texts(tmp_path, {"pos": ["Fine."], "neg": ["Poor."]})
    (tmp_path / "neg" / "1.txt").write_bytes("Café".encode("cp1252"))
    with pytest.raises(DataError, match=r"neg/1\.txt, line 1: not UTF-8 .* set encoding="):
        read(path=str(tmp_path))
    assert read(path=str(tmp_path), encoding="cp1252")["train"][0] == ("Café", "neg")


def test_a_folder_with_a_folder_of_tables_for_each_split(tmp_path: Path) -> None:
    write(tmp_path / "train" / "part-0.csv", ONE)
    write(tmp_path / "train" / "part-1.csv", TWO)
    (tmp_path / "train" / "_SUCCESS").touch()
    write(tmp_path / "test" / "part-0.csv", TWO)
    assert read(path=str(tmp_path)) == {"train": ONE + TWO, "test": TWO}


@pytest.mark.parametrize("table", [frame(ONE), frame(ONE).set_index(pd.Index([7, 7])), frame(ONE).astype("category")])
def test_parquet_as_pandas_writes_it(tmp_path: Path, table: pd.DataFrame) -> None:
    pq.write_table(pa.Table.from_pandas(table, preserve_index=True), tmp_path / "a.parquet")
    data = Files(path=str(tmp_path / "a.parquet")).textclf_load_data()["train"]
    assert (rows_of(data), data.column_names) == (ONE, ["text", "label"])


def write_sheets(file: Path, sheets: dict[str, list[list[object]]]) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="needs the extra excel")
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    workbook.save(file)


def test_a_workbook_is_read_like_a_table(tmp_path: Path) -> None:
    rows: list[list[object]] = [[], [" text ", "label ", None, None], ["fine, so far", 1.0, None, ""], [], ["poor", 0]]
    write_sheets(tmp_path / "a.xlsx", {"rows": rows, "Sheet2": []})
    data = Files(path=str(tmp_path / "a.xlsx")).textclf_load_data()["train"]
    assert (rows_of(data), data.column_names) == ([("fine, so far", "1"), ("poor", "0")], ["text", "label"])


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        ({"a": [["text", "label"], ["x", 1]], "b": [["text", "label"]]}, r"2 sheets have rows \(a, b\)"),
        ({"a": [["text", "label"], ["x", 1, "more"]]}, r"line 2: 3 cells, but the header has 2 \(text, label\)"),
        ({"a": [["text", None, "label"], ["x", "y", 1]]}, "line 2: 'y' is in a column without a name"),
        ({"a": [["text", "label"], ["x", 1], ["#N/A", 2]]}, "line 3: a value of type CellError"),
        ({"a": [["text", "label"], ["x", 1], [pd.Timestamp(2024, 5, 6), 2]]}, "line 3: a value of type datetime"),
        ({"a": [["text", "label"]]}, "the file has no rows"),
    ],
)
def test_a_workbook_that_is_no_table_is_refused(
    tmp_path: Path, sheets: dict[str, list[list[object]]], message: str
) -> None:
    write_sheets(tmp_path / "a.xlsx", sheets)
    with pytest.raises(DataError, match=message):
        read(path=str(tmp_path / "a.xlsx"))


def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="needs the extra excel")
    (tmp_path / "a.xlsx").write_bytes(b"text,label")
    with pytest.raises(DataError, match=r"a\.xlsx: not an Excel workbook"):
        read(path=str(tmp_path / "a.xlsx"))


def test_a_workbook_needs_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)  # as if it weren't installed
    (tmp_path / "a.xlsx").write_bytes(b"")
    with pytest.raises(DataError, match=r'a\.xlsx: .* pip install "textclf-core\[excel\]"'):
        read(path=str(tmp_path / "a.xlsx"))


def test_a_pattern_with_files_of_train_and_test_is_refused(tmp_path: Path) -> None:
    for name in ("train_set", "test_set"):
        (tmp_path / f"{name}.csv").write_text("text,label\na,x\nb,y\n")
    with pytest.raises(DataError, match=r"includes .*test_set\.csv, by its name a file of test, beside files of train"):
        read(path=str(tmp_path / "*.csv"))


def test_the_file_in_an_archive_decides_the_format(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("folder/reviews.tsv", "text\tlabel\na, b\tx\nc\ty\n")
    data = Files(path=str(tmp_path / "archive.zip")).textclf_load_data()
    assert data["train"]["text"][:] == ["a, b", "c"]
