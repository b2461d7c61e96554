"""Reading files row by row."""

from __future__ import annotations

import io
from array import array
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


@pytest.mark.parametrize("text", ["x" * 40, "x" * 70_000])
def test_a_byte_that_isnt_utf_8_has_its_line_and_place_however_far_in_the_file(tmp_path: Path, text: str) -> None:
    lines = [b"text,label", *[f"{text},x".encode()] * 3000, text.encode() + b"\xe9,x", b"a,x"]
    file = write(tmp_path, "a.csv", b"\n".join(lines))
    with pytest.raises(DataError, match=rf"a\.csv, line 3002: not UTF-8 \(byte 0xe9 at position {len(text) + 1}\)"):
        read_file(file)


def test_rows_read_at_once_are_those_that_are_read_one_by_one(tmp_path: Path) -> None:
    rows = ["plain,x", '"two, ""cells""",y', '"two\nlines, and a comma",x', "", "z,x,,", '"caf\u00e9\r\n",y']
    file = write(tmp_path, "a.csv", "text,label\n" + "\n".join(rows[number % 7 % 6] for number in range(50_000)) + "\n")
    one_by_one = list(iter_rows(file))
    source = read_file(file)
    assert source.data.to_list() == one_by_one
    assert len(one_by_one) == sum(bool(rows[number % 7 % 6]) for number in range(50_000))
    assert source.lines[:5] == array("q", [2, 3, 4, 7, 8])
    file.write_text(file.read_text() + "short\n")
    for read in (read_file, lambda file: list(iter_rows(file))):
        with pytest.raises(DataError, match=r"a\.csv, line \d+: 1 field, but the header has 2"):
            read(file)


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
