"""Labelled texts in files."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, DatasetDict

from textclf_core.data import prepare
from textclf_core.errors import DataError
from textclf_plugins.datasets.files import Files

ROWS = [("slow, then quick", "up"), ("NA", "down"), ('said "no"', "up"), ("null", "down")]


def write_csv(file: Path, rows: list[tuple[str, str]] = ROWS, separator: str = ",") -> None:
    quoted = (separator.join('"' + value.replace('"', '""') + '"' for value in row) for row in rows)
    file.write_text("\n".join([f"text{separator}label", *quoted]) + "\n")


def write(file: Path) -> None:
    if file.suffix == ".jsonl":
        file.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS))
    elif file.suffix == ".parquet":
        pq.write_table(pa.table({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}), file)
    else:
        write_csv(file, separator="\t" if file.suffix == ".tsv" else ",")


def rows_of(split: Dataset) -> list[tuple[str, str]]:
    names = split.features["label"].names
    return [(row["text"], names[row["label"]]) for row in split]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_a_file_becomes_train(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"mine.{suffix}")
    data = Files(path=str(tmp_path / f"mine.{suffix}")).textclf_load_data()
    assert list(data) == ["train"]
    assert rows_of(data["train"]) == ROWS


@pytest.mark.parametrize("validation", ["validation.tsv", "valid.jsonl", "dev.parquet", "Val.csv"])
def test_a_folder_has_a_file_for_each_split(tmp_path: Path, validation: str) -> None:
    for name in ("train.csv", validation, "test.csv"):
        write(tmp_path / name)
    (tmp_path / "README.md").write_text("notes")
    data = Files(path=str(tmp_path)).textclf_load_data()
    assert list(data) == ["train", "validation", "test"]
    assert rows_of(data["validation"]) == ROWS


def test_each_split_can_be_named(tmp_path: Path) -> None:
    for name in ("a.csv", "b.tsv", "c.jsonl"):
        write(tmp_path / name)
    plugin = Files(train=str(tmp_path / "a.csv"), validation=str(tmp_path / "b.tsv"), test=str(tmp_path / "c.jsonl"))
    assert list(plugin.textclf_load_data()) == ["train", "validation", "test"]


def test_a_test_file_can_stand_beside_path(tmp_path: Path) -> None:
    write(tmp_path / "a.csv")
    write(tmp_path / "b.csv")
    data = Files(path=str(tmp_path / "a.csv"), test=str(tmp_path / "b.csv")).textclf_load_data()
    assert list(data) == ["train", "test"]


def test_columns_and_empty_texts_are_options(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,said,mood\n1,fine,good\n2,,bad\n3,poor,bad\n")
    data = Files(path=str(file), text="said", label="mood", empty="drop").textclf_load_data()
    assert rows_of(data["train"]) == [("fine", "good"), ("poor", "bad")]


def test_the_source_is_the_file(tmp_path: Path) -> None:
    write(tmp_path / "train.csv")
    write(tmp_path / "test.csv")
    data = Files(path=str(tmp_path)).textclf_load_data()
    data["validation"] = data["test"]
    assert prepare(data, 0).record.source == f"{tmp_path}/train.csv; {tmp_path}/test.csv"


def test_the_home_folder_may_be_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "a.csv")
    assert len(Files(path="~/a.csv").textclf_load_data()["train"]) == len(ROWS)


def test_guessed_columns_are_logged_with_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    file = tmp_path / "a.csv"
    file.write_text("review,stars\nfine,5\npoor,1\n")
    assert Files(path=str(file)).textclf_load_data()["train"].features["label"].names == ["1", "5"]
    assert f"{file}: the texts are taken from the column 'review', the labels from 'stars'" in caplog.text


@pytest.mark.parametrize("options", [{}, {"path": "a.csv", "train": "b.csv"}, {"test": "a.csv"}])
def test_path_or_train_is_needed_and_not_both(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected exactly one of path=FILE, path=FOLDER and train=FILE"):
        Files(**options)  # type: ignore[arg-type]


def test_a_row_without_a_label_is_named_by_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('text,label\n"two\nlines",x\nfine,\n')
    with pytest.raises(DataError, match=r"a\.csv, line 4: there is no label"):
        Files(path=str(file)).textclf_load_data()


def test_a_label_that_train_never_has_is_named_by_file_and_row(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv")
    write_csv(tmp_path / "test.csv", [("fine", "up"), ("odd", "sideways")])
    data = Files(path=str(tmp_path)).textclf_load_data()
    with pytest.raises(DataError, match=r"test\.csv\): 1 rows have the label 'sideways', .* the first is row 2"):
        prepare(data, 0)


def test_a_folder_without_a_training_file_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "reviews.csv")
    with pytest.raises(DataError, match=r"has no training file; expected a file train with one of \.csv, .* path=FILE"):
        Files(path=str(tmp_path)).textclf_load_data()


def test_two_files_for_one_split_are_both_named(tmp_path: Path) -> None:
    for name in ("train.csv", "dev.csv", "valid.csv"):
        write_csv(tmp_path / name)
    with pytest.raises(DataError, match=r"two files for validation: dev\.csv and valid\.csv"):
        Files(path=str(tmp_path)).textclf_load_data()


def test_split_options_beside_a_folder_are_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv")
    with pytest.raises(DataError, match="is a folder, so validation= and test= are looked for in it"):
        Files(path=str(tmp_path), test="x.csv").textclf_load_data()


def test_a_saved_data_set_is_sent_to_the_plugin_that_reads_it(tmp_path: Path) -> None:
    DatasetDict(train=Dataset.from_dict({"text": ["a"]})).save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match="read it with hf-dataset:id="):
        Files(path=str(tmp_path / "saved")).textclf_load_data()
