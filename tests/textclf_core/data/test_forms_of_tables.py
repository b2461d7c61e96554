"""Tables in archives, in Parquet and in memory: the same rows and labels, or an error that names what to do."""

from __future__ import annotations

import gzip
import io
import logging
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset

from textclf_core.data import from_memory, prepare, read_file
from textclf_core.errors import DataError
from textclf_plugins.datasets.files import Files

TABLE = pa.table({"text": ["a", "b"], "label": ["x", "y"]})


def parquet(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["a.parquet.gz", "a.parquet.zip", "a.zip"])
def test_parquet_in_an_archive_is_read(name: str, tmp_path: Path) -> None:
    content = parquet(TABLE)
    if name.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("a.parquet", content)
            archive.writestr(".DS_Store", "made by a file manager")
    else:
        (tmp_path / name).write_bytes(gzip.compress(content))
    assert read_file(tmp_path / name).data[:] == TABLE.to_pydict()


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.table([["a"], ["b"], ["x"]], names=["text", "text", "label"])
    (tmp_path / "a.parquet").write_bytes(parquet(table))
    with pytest.raises(DataError, match=r"a\.parquet: two columns are named 'text'; rename one"):
        read_file(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="train: two columns are named 'text'; rename one"):
        from_memory(table)


def test_decimals_of_single_precision_have_the_names_that_a_person_sees(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["a", "b"], "label": np.array([0.1, 0.7], dtype=np.float32)})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    for name in ("a.parquet", "a.csv"):
        data = Files(path=str(tmp_path / name), labels="exact").textclf_load_data()
        assert data["train"].features["label"].names == ["0.1", "0.7"]
    for data in (frame, Dataset.from_pandas(frame), [("a", np.float32(0.1)), ("b", np.float32(0.7))]):
        assert from_memory(data, labels="exact")["train"].features["label"].names == ["0.1", "0.7"]


def test_a_transform_that_isnt_applied_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    data = Dataset.from_dict(TABLE.to_pydict())
    from_memory(data.with_transform(lambda rows: {name: values * 2 for name, values in rows.items()}))
    assert "the transform of the data set (set_transform) isn't applied; use map() for it" in caplog.text


def test_dropped_splits_are_reported_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    from_memory({"train": TABLE, **{f"fold{number}": TABLE for number in range(9)}})
    assert caplog.messages == [
        "the splits 'fold0', 'fold1', 'fold2', 'fold3', 'fold4' and 4 more are dropped: textclf uses train, validation "
        "and test"
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TABLE.to_pandas().to_dict(), r'of columns by index, frame\.to_dict\("list"\)'),
        ({7: {"text": "a", "label": "x"}}, r"If the dicts are rows, pass list\(data\.values\(\)\)"),
        ((["a", "b", "c"], ["x", "y", "x"]), r"pass list\(zip\(texts, labels\)\)"),
        (
            [{"tokens": ["a", "b"], "label": "x"}],
            "If the label is that of the whole text, join its words to one",
        ),
        ({"text": "a text", "label": "x"}, "the column 'text' is a str, not a list of values; for a single row, pass"),
        ({"a text": 1}, "the column 'a text' is a int, not a list of values"),
        ([{"text": "a", "labels": ["x", ""]}], r"\['x', ''\] has an item that is no label .*; remove such items"),
    ],
)
def test_what_to_pass_instead_is_named(data: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_memory(data)


@pytest.mark.parametrize("label", ["x", [[0, 3, "PER"]]])
def test_rows_that_annotators_rejected_are_reported(label: object, caplog: pytest.LogCaptureFixture) -> None:
    answers = ("accept", "reject", "ignore", "reject")
    rows = [{"text": "Ada left", "label": label, "answer": answer} for answer in answers]
    from_memory(rows)
    assert "2 rows are 'reject' and 1 rows are 'ignore' (column 'answer'), as Prodigy writes it" in caplog.text
    caplog.clear()
    from_memory([{**row, "answer": answer} for row, answer in zip(rows, ["accept", "yes", "no", "x"], strict=True)])
    assert "Prodigy" not in caplog.text


def test_texts_and_labels_that_are_exchanged_are_named() -> None:
    rows = [("ab"[number % 2], f"text {number}") for number in range(20)]
    with pytest.raises(DataError, match="it has 20 labels: are the columns of texts and of labels exchanged"):
        prepare(from_memory(rows), 0)


@pytest.mark.parametrize("damaged", ["caf\ufffd", "caf\u00c3\u00a9", "don\u00e2\u20ac\u2122t"])
def test_texts_that_were_damaged_before_are_counted(damaged: str, caplog: pytest.LogCaptureFixture) -> None:
    from_memory([("caf\u00e9 N\u00c3O", "x"), (f"a {damaged} b", "y"), (damaged, "x")])
    assert (
        f"2 texts have damaged characters (column 'text'; the first: row 2, 'a {damaged} b'), as of texts"
        in caplog.text
    )
    caplog.clear()
    from_memory([("caf\u00e9 N\u00c3O", "x"), ("don\u2019t", "y")])
    assert not caplog.records
