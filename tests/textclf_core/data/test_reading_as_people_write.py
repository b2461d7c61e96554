"""Tables as people and programs write them: separators, quotes, headers, encodings, JSON in its forms, compression."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from textclf_core.data import from_memory, iter_rows, read_file
from textclf_core.data.read_options import ReadOptions
from textclf_core.errors import DataError
from textclf_plugins.datasets.files import Files

TEXTS = [
    "plain",
    'a "word" in quotes',
    '"all of it"',
    "well, yes; no | perhaps",
    "two\nlines, and a comma",
    "tab\there",
    'ends with "one"',
    "  blanks  ",
    "back\\slash",
    "é and 🎬",
]
ROWS = [{"text": text, "label": "ab"[number % 2]} for number, text in enumerate(TEXTS)]


def by_csv(delimiter: str, **options: Any) -> str:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, ["text", "label"], delimiter=delimiter, **options)
    writer.writeheader()
    writer.writerows(ROWS)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", by_csv(",")),
        ("a.csv", by_csv(",", quoting=csv.QUOTE_ALL)),
        ("a.csv", by_csv(";")),
        ("a.csv", by_csv("|", lineterminator="\n")),
        ("a.tsv", by_csv("\t")),
        ("a.tsv", by_csv("\t", quoting=csv.QUOTE_ALL)),
        ("a.csv", pd.DataFrame(ROWS).to_csv(index=False)),
        ("a.tsv", pd.DataFrame(ROWS).to_csv(index=False, sep="\t")),
        ("a.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS)),
        ("a.json", json.dumps(ROWS)),
        ("a.json", json.dumps(ROWS, indent=1)),
        ("a.json", "".join(json.dumps(row) + "\n" for row in ROWS)),
        ("a.json", json.dumps({name: [row[name] for row in ROWS] for name in ("text", "label")})),
        ("a.json", pd.DataFrame(ROWS).to_json()),
        ("a.json", json.dumps({"version": "1", "data": ROWS})),
        ("a.json", pd.DataFrame(ROWS).to_json(orient="split")),
        ("a.json", pd.DataFrame(ROWS).to_json(orient="index")),
        ("a.json", pd.DataFrame(ROWS).to_json(orient="table")),
        ("a.json", pd.DataFrame(ROWS, index=list("abcdefghij")).to_json(orient="index")),
        ("a.json", pd.DataFrame(ROWS, index=list("abcdefghij")).to_json()),
    ],
)
def test_what_a_writer_wrote_is_read_back(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    rows = [{column: row[column] for column in ("text", "label")} for row in iter_rows(tmp_path / name)]
    assert rows == ROWS


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("a.csv.gz", gzip.compress),
        ("a.csv.bz2", bz2.compress),
        ("a.csv.zst", lambda content: bytes(pa.compress(content, "zstd", asbytes=True))),
    ],
)
def test_a_compressed_file_is_read(tmp_path: Path, name: str, compress: Callable[[bytes], bytes]) -> None:
    (tmp_path / name).write_bytes(compress(by_csv(",").encode()))
    assert list(iter_rows(tmp_path / name)) == ROWS


def test_the_one_file_in_an_archive_is_read_and_of_two_none(tmp_path: Path) -> None:
    for names in (["a.csv"], ["a.csv", "b.csv"]):
        with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
            for name in names:
                archive.writestr(name, by_csv(","))
        if len(names) == 1:
            assert list(iter_rows(tmp_path / "a.csv.zip")) == ROWS
    with pytest.raises(DataError, match="the archive has 2 files; expected one"):
        next(iter_rows(tmp_path / "a.csv.zip"))


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.bz2", "a.csv.zip", "a.csv.zst"])
def test_a_file_that_isnt_compressed_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(by_csv(","))
    with pytest.raises(DataError, match=f"{name}: the file can't be decompressed"):
        next(iter_rows(tmp_path / name))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_an_encoding_with_a_byte_order_mark_needs_no_option(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(by_csv(",").encode(encoding))
    assert list(iter_rows(tmp_path / "a.csv")) == ROWS


def test_utf_16_without_a_mark_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(by_csv(",").encode("utf-16-le"))
    with pytest.raises(DataError, match=r"line 1: not UTF-8 .* encoding=utf-16-le"):
        next(iter_rows(tmp_path / "a.csv"))
    assert list(iter_rows(tmp_path / "a.csv", options=ReadOptions(encoding="utf-16-le"))) == ROWS


def rows_of(folder: Path, name: str, content: str, **options: Any) -> list[dict[str, Any]]:
    (folder / name).write_bytes(content.encode())
    return list(iter_rows(folder / name, options=ReadOptions(**options)))


def test_carriage_returns_alone_end_rows(tmp_path: Path) -> None:
    assert rows_of(tmp_path, "a.csv", 'text,label\ra,x\r"b\rc",y\r') == [
        {"text": "a", "label": "x"},
        {"text": "b\rc", "label": "y"},
    ]


def test_blanks_around_names_and_empty_columns_of_a_spreadsheet_go(tmp_path: Path) -> None:
    assert rows_of(tmp_path, "a.csv", " text , label,,\na,x,,\nb,y,,,,\n") == [
        {"text": "a", "label": "x"},
        {"text": "b", "label": "y"},
    ]
    with pytest.raises(DataError, match=r"a\.csv, line 3: 'mine' is in a column without a name"):
        rows_of(tmp_path, "a.csv", "text,label,\na,x,\nb,y,mine\n")


@pytest.mark.parametrize(
    "header", ["text,\ufefflabel", "text\u200b,label", '" text ", "label"', "\u00a0text,label\u3000"]
)
def test_what_isnt_shown_around_a_name_is_no_part_of_it(header: str, tmp_path: Path) -> None:
    assert rows_of(tmp_path, "a.csv", f"{header}\na,x\n") == [{"text": "a", "label": "x"}]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_byte_order_mark_before_a_given_byte_order_is_no_text(name: str, tmp_path: Path) -> None:
    content = "text,label\na,x\n" if name == "a.csv" else '{"text": "a", "label": "x"}\n'
    (tmp_path / name).write_bytes(content.encode("utf-16"))
    options = ReadOptions(encoding="utf-16-le")
    assert list(iter_rows(tmp_path / name, options=options)) == [{"text": "a", "label": "x"}]


def test_row_numbers_without_a_name_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="if the first column holds row numbers, name it in the header"):
        rows_of(tmp_path, "a.csv", "text,label\n1,a,x\n")


def test_a_backslash_before_a_quote_is_named(tmp_path: Path) -> None:
    content = 'text,label\n"she said \\"no\\", twice",x\n'
    with pytest.raises(DataError, match=r"line 2: .* quoting=backslash"):
        rows_of(tmp_path, "a.csv", content)
    assert rows_of(tmp_path, "a.csv", content, quoting="backslash")[0]["text"] == 'she said "no", twice'


SWALLOWED = 'text,label\nfine,good\n"so he said,bad\nmore,good\nthe end of it",bad\nlast,good\nnot,bad\n'


def test_a_quote_that_swallows_rows_is_refused_with_their_lines(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv, lines 3-5: one quoted cell contains what looks like 3 rows"):
        rows_of(tmp_path, "a.csv", SWALLOWED)
    assert len(rows_of(tmp_path, "a.csv", SWALLOWED, quoting="double")) == 4
    assert len(rows_of(tmp_path, "a.csv", SWALLOWED, quoting="none")) == 6


def test_a_text_of_several_lines_with_commas_is_no_swallowed_row(tmp_path: Path) -> None:
    content = 'text,label\nfine,good\n"Good, but slow\nNice",bad\nlast,good\nnot,bad\n'
    assert rows_of(tmp_path, "a.csv", content)[1]["text"] == "Good, but slow\nNice"


def test_quotes_in_a_tsv_are_text_unless_a_writer_made_them(tmp_path: Path) -> None:
    bare = 'text\tlabel\n"Help" he said\tx\n"all of it"\ty\nthe end"\tx\n'
    assert [row["text"] for row in rows_of(tmp_path, "a.tsv", bare)] == ['"Help" he said', '"all of it"', 'the end"']
    made = 'text\tlabel\n"""Help"" he said"\tx\nplain\ty\n'
    assert [row["text"] for row in rows_of(tmp_path, "a.tsv", made)] == ['"Help" he said', "plain"]


def test_a_separator_of_ones_own(tmp_path: Path) -> None:
    assert rows_of(tmp_path, "a.csv", "text~label\na, b~x\n", separator="~") == [{"text": "a, b", "label": "x"}]
    assert rows_of(tmp_path, "a.tsv", "text,label\na b,x\n") == [{"text": "a b", "label": "x"}]


@pytest.mark.parametrize(
    "options",
    [
        {"separator": "::"},
        {"header": False},
        {"columns": ("a", "b")},
        {"encoding": "klingon"},
        {"encoding": "base64"},
        {"header": False, "columns": ("a", "a")},
    ],
)
def test_options_that_cant_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"separator=|header=none|columns=|encoding="):
        ReadOptions(**options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"text": "a"},\n {"text": ]', r"a\.json, line 2: not JSON"),
        ('[{"text": "a"}\n {"text": "b"}]', r"a\.json, line 2: not JSON \(expected a comma"),
        ('[{"text": "a"},\n 3]', r"a\.json, line 2: a JSON int; expected an array of objects"),
        ('[{"text": "a"}] {}', r"a\.json: text follows the JSON array"),
        (
            '{"text": ["a", "b"], "label": ["x"]}',
            r"a\.json: the columns must have the same length, but text has 2, label has 1",
        ),
        ('{"a": [{"text": "a"}], "b": [{"text": "b"}]}', r"a\.json: the object has several arrays of rows: a, b"),
    ],
)
def test_json_that_holds_no_rows_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=message):
        read_file(tmp_path / "a.json")


def test_half_an_emoji_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "cut \\ud83c", "label": "x"}\n')
    assert read_file(tmp_path / "a.jsonl").data["text"][:] == ["cut \ufffd"]


def test_the_separator_that_the_header_shows_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    rows_of(tmp_path, "a.csv", "text;label\na;x\n")
    assert "the separator is ';', according to the header" in caplog.text


def test_a_damaged_quote_in_a_tsv_that_a_program_quoted_is_refused_with_its_line(tmp_path: Path) -> None:
    quoted = 'text\tlabel\n"""Help"" he said"\tx\nplain\ty\n"cut ""here""\tx\n'
    with pytest.raises(DataError, match=r"a\.tsv, line 4: the quotes of the row that starts here"):
        rows_of(tmp_path, "a.tsv", quoted)
    assert rows_of(tmp_path, "a.tsv", quoted, quoting="none")[2]["text"] == '"cut ""here""'


def test_a_tsv_whose_lines_are_rows_with_and_without_its_quotes_is_refused(tmp_path: Path) -> None:
    content = 'text\tlabel\nfine\tgood\n"two\tcells\nand a line"\tgood\n'
    with pytest.raises(DataError, match=r"a\.tsv, lines 3-4: one quoted cell, or 2 rows with quotes in their texts"):
        rows_of(tmp_path, "a.tsv", content)
    assert rows_of(tmp_path, "a.tsv", content, quoting="double")[1]["text"] == "two\tcells\nand a line"
    assert len(rows_of(tmp_path, "a.tsv", content, quoting="none")) == 3


def test_a_carriage_return_outside_of_quotes_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv, line 3: .* there is a carriage return outside of quotes"):
        rows_of(tmp_path, "a.csv", "text,label\na,x\nb\rc,y\n")
    assert rows_of(tmp_path, "a.csv", 'text,label\n"b\rc",y\n')[0]["text"] == "b\rc"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "sep=;\ntext;label\na, b;x\n"),
        ("a.csv", '"sep=|"\r\ntext|label\r\na, b|x\r\n'),
        ("a.tsv", "SEP=;\ntext;label\na, b;x\n"),
    ],
)
def test_a_first_line_that_names_the_separator_for_excel_is_no_header(tmp_path: Path, name: str, content: str) -> None:
    assert rows_of(tmp_path, name, content) == [{"text": "a, b", "label": "x"}]
    line = len(content.splitlines()) + 1
    with pytest.raises(DataError, match=rf"line {line}: "):
        rows_of(tmp_path, name, content + "one cell\n")


def test_the_index_of_a_frame_is_a_column(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="textclf")
    frame = pd.DataFrame({"review": ["a", "b"], "verdict": ["x", "y"]}, index=[7, 3])
    assert rows_of(tmp_path, "a.csv", frame.to_csv())[1] == {"Unnamed: 0": "3", "review": "b", "verdict": "y"}
    assert "the first column has no name; it is called 'Unnamed: 0'" in caplog.text
    data = Files(path=str(tmp_path / "a.csv")).textclf_load_data()
    assert (data["train"]["text"][:], data["train"]["Unnamed: 0"][:]) == (["a", "b"], ["7", "3"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"text,label\na,x\n", mtime=0), "this is compressed by gzip; its name must end in .gz"),
        (b"PK\x03\x04\x14\0", "this is a ZIP archive or an Excel workbook"),
        (b"PAR1\x15\x04", "this is a Parquet file"),
        (b"<!DOCTYPE html><html>", "this is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "this is a pointer of Git LFS"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_file_of_another_format_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(iter_rows(tmp_path / name))


@pytest.mark.parametrize("indent", [None, 1])
def test_an_array_in_a_file_of_lines_is_named(tmp_path: Path, indent: int | None) -> None:
    with pytest.raises(DataError, match=r"line 1: .*; if the file is one .*, name it \.json"):
        rows_of(tmp_path, "a.jsonl", json.dumps(ROWS, indent=indent))


def test_a_tab_may_be_given_as_an_escape(tmp_path: Path) -> None:
    assert rows_of(tmp_path, "a.csv", "text\tlabel\na, b\tx\n", separator="\\t") == [{"text": "a, b", "label": "x"}]


def test_a_file_with_one_column_is_asked_for_its_separator(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text^label\na^x\n")
    with pytest.raises(DataError, match="If other columns follow in the header, set separator="):
        Files(path=str(tmp_path / "a.csv")).textclf_load_data()
    (tmp_path / "a.txt").write_text("text,label\na,x\n")
    with pytest.raises(DataError, match=r"A \.txt file has a text per line; if it has other columns, name it \.csv"):
        Files(path=str(tmp_path / "a.txt")).textclf_load_data()


def test_texts_of_another_type_are_named_though_they_are_not_inferred() -> None:
    with pytest.raises(DataError, match="the column 'text' holds binary, not text"):
        from_memory(pa.table({"text": [b"a", b"b"], "label": ["x", "y"]}))


def test_a_western_encoding_is_named_by_its_usual_name(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(
        "text\tlabel\nfunny plot warm plot caf\u00e9 0\ta\nslow cast\tb\n".encode("latin-1")
    )
    with pytest.raises(DataError, match="it looks like windows-1252: set encoding=windows-1252"):
        list(iter_rows(tmp_path / "a.tsv"))


def test_utf_16_without_a_mark_is_refused_by_its_general_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 1: not utf-16 \(UTF-16 stream does not start with BOM\)"):
        rows_of(tmp_path, "a.csv", "text,label\na,x\n", encoding="utf-16")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", '{"text": "one", "label": "a"}\n{"text": "two", "label": "a", "label": "b"}\n'),
        ("a.json", '[{"text": "one", "label": "a"},\n {"text": "two", "label": "a", "label": "b"}]'),
        ("a.json", '{"text": ["one"], "label": ["a"], "label": ["b"]}'),
    ],
)
def test_an_object_with_a_name_twice_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"the name 'label' occurs twice in an object"):
        list(iter_rows(tmp_path / name))


@pytest.mark.parametrize("again", ["text,label\n", '"text","label"\n', "\ufefftext,label\n"])
def test_a_header_that_is_repeated_is_refused_with_its_line(tmp_path: Path, again: str) -> None:
    content = "text,label\na,x\n" + again + "b,y\n"
    with pytest.raises(DataError, match=r"a\.csv, line 3: the header is repeated"):
        rows_of(tmp_path, "a.csv", content)
    with pytest.raises(DataError, match=r"a\.csv, line 3: the header is repeated"):
        read_file(tmp_path / "a.csv")
    assert len(rows_of(tmp_path, "a.csv", content, header=False, columns=("a", "b"))) == 4


def test_quotes_after_a_blank_are_quotes(tmp_path: Path) -> None:
    content = 'id, text, label\n1, "a, b", "x"\n2, "c", "y"\n'
    assert rows_of(tmp_path, "a.csv", content)[0] == {"id": "1", "text": "a, b", "label": "x"}
    assert [row["label"] for _, row in enumerate(read_file(tmp_path / "a.csv").data)] == ["x", "y"]
    assert rows_of(tmp_path, "a.csv", "text,label\n a,  b\n")[0] == {"text": " a", "label": "  b"}


def test_a_table_of_markdown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv, line 2: a rule of a Markdown table"):
        rows_of(tmp_path, "a.csv", "| text | label |\n|---|:--|\n| a | x |\n")


def test_an_encoding_that_is_given_for_utf_8_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows_of(tmp_path, "a.csv", "text,label\nf\u00fcr,x\n", encoding="latin-1")
    assert "which makes '\u00c3\u00bc' of '\u00fc', though the file is valid UTF-8" in caplog.text
    caplog.clear()
    (tmp_path / "a.csv").write_bytes("text,label\nf\u00fcr,x\n".encode("latin-1"))
    assert next(iter_rows(tmp_path / "a.csv", options=ReadOptions(encoding="latin-1")))["text"] == "f\u00fcr"
    assert not caplog.records


@pytest.mark.parametrize("number", [5, 2.5, True])
def test_a_number_among_texts_is_refused_and_a_label(tmp_path: Path, number: float) -> None:
    rows = [{"text": "a", "label": "x"}, {"text": number, "label": "y"}]
    with pytest.raises(DataError, match=rf"row 2: a value of type {type(number).__name__} \(column 'text'\)"):
        from_memory(rows)
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: a value of type"):
        Files(path=str(tmp_path / "a.jsonl")).textclf_load_data()
    assert len(from_memory([("a", "x"), ("b", number)])["train"]) == 2


@pytest.mark.parametrize("content", [json.dumps(ROWS), json.dumps(ROWS, indent=1), json.dumps(ROWS[0]) + "\n"])
def test_json_in_a_file_of_another_name_is_named(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match=r"a\.csv: this is JSON; name it \.jsonl if each line is an object"):
        rows_of(tmp_path, "a.csv", content)
