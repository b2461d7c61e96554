"""Reading files row by row."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from textclf_core.data import iter_rows, read_file
from textclf_core.errors import DataError


def write(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_csv_values_are_the_text_that_they_are(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", "text,label\nNA,null\n007,1.0\nTrue,\n")
    assert list(iter_rows(file)) == [
        {"text": "NA", "label": "null"},
        {"text": "007", "label": "1.0"},
        {"text": "True", "label": ""},
    ]


def test_quoted_commas_quotes_and_line_breaks_belong_to_the_field(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", 'text,label\n"one, ""two""\nthree",x\n')
    assert list(iter_rows(file)) == [{"text": 'one, "two"\nthree', "label": "x"}]


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", "text,label\nwait\x85what\u2028now,x\r\n")
    assert list(iter_rows(file)) == [{"text": "wait\x85what\u2028now", "label": "x"}]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", b"\xef\xbb\xbftext,label\na,x\n")
    assert list(iter_rows(file)) == [{"text": "a", "label": "x"}]


def test_a_field_may_be_longer_than_the_csv_module_takes_by_default(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", f"text,label\n{'long ' * 40_000},x\n")
    (row,) = iter_rows(file)
    assert len(row["text"]) == 200_000


def test_tsv_is_separated_by_tabs(tmp_path: Path) -> None:
    file = write(tmp_path, "a.tsv", "text\tlabel\nwell, fine\tx\n")
    assert list(iter_rows(file)) == [{"text": "well, fine", "label": "x"}]


def test_json_lines_keep_their_types_and_skip_blank_lines(tmp_path: Path) -> None:
    file = write(tmp_path, "a.jsonl", '{"text": "NA", "label": 1}\n\n{"text": "b", "label": null}\n')
    assert list(iter_rows(file)) == [{"text": "NA", "label": 1}, {"text": "b", "label": None}]


def test_every_line_of_plain_text_is_a_row_and_blank_ones_too(tmp_path: Path) -> None:
    file = write(tmp_path, "a.txt", "one, two\r\n\nthree")
    assert [row["text"] for row in iter_rows(file)] == ["one, two", "", "three"]


def test_parquet_gives_its_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "label": [0, 1]}), tmp_path / "a.parquet")
    assert list(iter_rows(tmp_path / "a.parquet")) == [{"text": "a", "label": 0}, {"text": "b", "label": 1}]


class Endless(io.RawIOBase):
    """A stream that goes on for ever and counts the lines it gave."""

    given = 0

    def readable(self) -> bool:
        return True

    def __next__(self) -> bytes:
        self.given += 1
        return b"text,label\n" if self.given == 1 else b"word,x\n"


@pytest.mark.parametrize("format", ["csv", "text"])
def test_a_stream_is_read_no_further_than_asked(format: str) -> None:
    stream = Endless()
    rows: Iterator[dict[str, str]] = iter_rows(stream, format)  # type: ignore[arg-type]
    next(rows)
    next(rows)
    assert stream.given <= 3


def test_a_stream_needs_its_format() -> None:
    with pytest.raises(DataError, match="standard input can be read as csv, tsv, jsonl or text, not None"):
        next(iter_rows(io.BytesIO(b"a,b\n")))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,label\na,x\nb\n", r"a\.csv, line 3: 1 field, but the header has 2 fields \(text, label\)"),
        ("a.csv", 'text,label\n"a\nb",x\nc,y,z\n', r"a\.csv, line 4: 3 fields"),
        ("a.csv", b"text,label\ncaf\xe9,x\n", r"a\.csv, line 2: not UTF-8 \(byte 0xe9 at position 4\)"),
        ("a.csv", 'text,label\na,x\n"b,x\nc,y\n', r"a\.csv, line 3: the row that starts here can't be read"),
        ("a.csv", "", r"a\.csv: the file is empty"),
        ("a.csv", "text,label\n", r"a\.csv: the file has no rows"),
        ("a.csv", "text,text\na,b\n", r"a\.csv, line 1: the column 'text' is in the header twice"),
        ("a.jsonl", '{"text": "a"}\n{"text": \n', r"a\.jsonl, line 2: not JSON"),
        ("a.jsonl", '["a"]\n', r"a\.jsonl, line 1: a JSON list; expected one object per line"),
        ("a.jsonl", "", r"a\.jsonl: the file has no rows"),
        ("a.parquet", "text", r"a\.parquet: not a Parquet file"),
        ("a.xls", "", r"a\.xls: unknown format; the file's name must end in \.csv, \.tsv"),
    ],
)
def test_a_bad_file_ends_in_an_error_with_file_and_line(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_file(write(tmp_path, name, content))


@pytest.mark.parametrize("name", ["gone.csv", "gone.parquet"])
def test_a_file_that_isnt_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"{name}: there is no such file"):
        read_file(tmp_path / name)


def test_json_values_of_several_types_become_text(tmp_path: Path) -> None:
    file = write(tmp_path, "a.jsonl", '{"text": "a", "more": 1}\n{"text": "b", "more": ["x"]}\n{"text": "c"}\n')
    assert read_file(file).data["more"][:] == ["1", '["x"]', None]
