"""``textclf predict`` reads files as they are, and writes back every row and cell."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import textclf_core
from textclf_core.data import iter_rows

Predict = Callable[..., list[dict[str, Any]]]
HALF_AN_EMOJI = "\ud83d"
TEXTS = ["a bright plot", "an awful plot"]


@pytest.fixture(scope="module")
def trained(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs")
    return textclf_core.run(["tfidf-logreg", f"files:path={reviews}"], output=output, quiet=True).directory


@pytest.fixture
def command(trained: Path, textclf: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs ``textclf predict`` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: textclf("predict", str(trained), *words)


@pytest.fixture
def predict(command: Callable[..., int]) -> Predict:
    """Returns the rows of the output of ``textclf predict``."""

    def run(*words: str, output: str = "out.jsonl") -> list[dict[str, Any]]:
        assert command(*words, "--output", output) == 0
        return list(iter_rows(Path(output)))

    return run


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("text;id\na bright plot;1\nan awful plot;2\n", ()),
        ("text~id\na bright plot~1\nan awful plot~2\n", ("--separator", "~")),
        ("a bright plot,1\nan awful plot,2\n", ("--header", "none", "--columns", "text,id")),
        ("text,id\na bright plot,1\nan awful plot,2\n".encode("utf-16-le"), ("--encoding", "utf-16-le")),
        ('text,id\n"a bright plot,1\nan awful plot,2\n', ("--quoting", "none")),
    ],
)
def test_options_say_how_the_input_is_written(content: str | bytes, words: tuple[str, ...], predict: Predict) -> None:
    Path("in.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    rows = predict("--input", "in.csv", *words)
    assert [row["text"].lstrip('"') for row in rows] == TEXTS
    assert [row["id"] for row in rows] == ["1", "2"]


def test_wrong_options_are_refused(command: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--header", "none") == 2
    assert "--header none and --columns NAME,NAME must be given together" in capsys.readouterr().err
    assert command("--encoding", "utf-99") == 2
    assert "--encoding utf-99: unknown encoding" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "words", "message"),
    [
        ("in.csv", "text\ncaf\xe9 du nord, \xe0 la carte\n", (), "set --encoding "),
        ("in.csv", "text\ncaf\xe9\n", ("--encoding", "ascii"), "set --encoding windows-1252 if 'café' is"),
        ("in.csv", 'text,id\n"dull,1\nfine,2\n', (), "--quoting none reads quotes as part of the text."),
        ("in.csv", 'text,id\n"a \\"dull\\" b",1\n', (), "--quoting backslash reads that as a quote."),
        ("in.tsv", 'text\tid\n"dull\t1\nfine"\t2\n', (), "--quoting double reads the cell as it is."),
        ("in.csv", "a,1,x\n", ("--header", "none", "--columns", "text,id"), "but --columns names 2 fields"),
        ("in.csv", "text,id\na,1\n", ("--header", "none", "--columns", "text,id"), "leave --header none and --columns"),
        ("in.csv", "text\na\n", ("--separator", "dots"), "--separator dots must be comma, semicolon"),
        ("in.csv", "text\na\n", ("--text", ""), "there is no column ''"),
        ("in.dat", "text\na\n", (), "or --format must say how it is read"),
    ],
)
def test_messages_name_the_options_of_the_command(
    name: str,
    content: str,
    words: tuple[str, ...],
    message: str,
    command: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path(name).write_bytes(content.encode("latin-1"))
    assert command("--input", name, *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert not re.search(r"(encoding|separator|quoting|header|columns)=", error)


@pytest.mark.parametrize(
    ("name", "message"),
    [("folder", "is a folder"), ("*.csv", "is a pattern"), ("https://x.org/a.csv", "a URL isn't read")],
)
def test_an_input_that_is_not_one_file_is_refused(
    name: str, message: str, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder").mkdir()
    Path("in.csv").write_text("text\ndull\n")
    assert command("--input", name) == 2
    assert message in capsys.readouterr().err


def test_the_format_overrides_the_files_name(predict: Predict) -> None:
    Path("in.txt").write_text("text,id\na bright plot,1\n")
    [row] = predict("--input", "in.txt", "--format", "csv")
    assert (row["text"], row["id"]) == ("a bright plot", "1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,id\nfine,1\n", "the first line, 'text,id', looks like a header"),
        ('{"text": "fine"}\n', "looks like JSON, but each line is scored as a text; --format jsonl reads a table"),
    ],
)
def test_a_table_that_is_read_as_lines_is_reported(
    content: str, message: str, predict: Predict, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in.txt").write_text(content)
    assert len(predict("--input", "in.txt")) == content.count("\n")
    assert message in capsys.readouterr().err


def test_options_without_effect_are_reported(predict: Predict, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.jsonl").write_text('{"text": "fine"}\n')
    predict("--input", "in.jsonl", "--separator", "tab", "--header", "none", "--columns", "text")
    assert "in.jsonl: without effect on the format jsonl: --separator, --header, --columns" in capsys.readouterr().err


def test_carriage_returns_alone_end_lines_of_text(predict: Predict) -> None:
    Path("in.txt").write_bytes(b"a bright plot\ran awful plot\r")
    assert [row["text"] for row in predict("--input", "in.txt")] == TEXTS


def test_blank_lines_in_the_only_column_are_counted(predict: Predict, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.csv").write_text("text\na bright plot\n\n\nan awful plot\n\n")
    assert [row["text"] for row in predict("--input", "in.csv")] == TEXTS
    assert "in.csv: blank lines between the rows, which are no rows: 2" in capsys.readouterr().err


def test_a_whole_line_is_never_scored_as_a_text(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in.csv").write_text("review|id;source\na bright plot|1;x\n")
    assert command("--input", "in.csv") == 2
    assert "one column, 'review|id;source', which looks like several. Name the separator" in capsys.readouterr().err


def test_the_separator_and_a_lone_column_are_reported(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in.csv").write_text("text;id\na bright plot;1\n")
    assert command("--input", "in.csv") == 0
    assert "in.csv: the separator is ';'" in capsys.readouterr().err
    Path("in.csv").write_text("a bright plot\nan awful plot\n")
    assert command("--input", "in.csv") == 0
    assert "the texts are in the only column, 'a bright plot'" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["out.csv", "out.tsv", "out.jsonl", "out.parquet"])
def test_the_inputs_own_columns_are_kept(output: str, predict: Predict, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.csv").write_text("text,score,prediction\na bright plot,7,mine\n")
    [row] = predict("--input", "in.csv", output=output)
    assert (row["score"], row["prediction"]) == ("7", "mine")
    assert (row["model_prediction"], float(row["model_score"]) > 0.5) == ("positive", True)
    assert "the rows have a column 'score', which is kept; the model's is 'model_score'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["in.jsonl", "in.json", "-"])
@pytest.mark.parametrize("output", ["out.csv", "out.tsv", "out.jsonl", "out.parquet"])
def test_a_key_of_some_rows_is_a_column(
    name: str, output: str, predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"text": text} for text in TEXTS * 300]
    rows[-1]["source"] = "desk"
    content = "".join(json.dumps(row) + "\n" for row in rows)
    Path("in.jsonl").write_text(content)
    Path("in.json").write_text(json.dumps(rows))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    found = predict("--input", name, *(["--format", "jsonl"] if name == "-" else []), output=output)
    assert [row["text"] for row in found] == TEXTS * 300
    assert [row.get("source") or "" for row in found] == [""] * 599 + ["desk"]


ODD_ROWS: list[dict[str, Any]] = [
    {"text": "a bright plot", "day": datetime.date(2024, 2, 29), "price": Decimal("1.10"), "tags": ["a", "b"]},
    {"text": "an awful plot", "day": None, "price": Decimal("2.05"), "tags": []},
]
ODD_TYPES = pa.schema(
    [("text", pa.string()), ("day", pa.date32()), ("price", pa.decimal128(5, 2)), ("tags", pa.list_(pa.string()))]
)


def test_every_cell_of_parquet_can_be_written(predict: Predict) -> None:
    pq.write_table(pa.Table.from_pylist(ODD_ROWS, ODD_TYPES), "in.parquet")
    assert [{key: row[key] for key in ODD_ROWS[0]} for row in predict("--input", "in.parquet", output="o.parquet")] == (
        ODD_ROWS
    )
    assert pq.read_schema("o.parquet").field("price").type == pa.decimal128(5, 2)
    in_json = predict("--input", "in.parquet", output="o.jsonl")
    assert [(row["day"], row["price"], row["tags"]) for row in in_json] == [
        ("2024-02-29", "1.10", ["a", "b"]),
        (None, "2.05", []),
    ]
    in_csv = predict("--input", "in.parquet", output="o.csv")
    assert [(row["day"], row["price"], row["tags"]) for row in in_csv] == [
        ("2024-02-29", "1.10", '["a", "b"]'),
        ("", "2.05", "[]"),
    ]


def test_every_type_of_parquet_can_be_written(predict: Predict) -> None:
    moment = datetime.datetime(2024, 2, 29, 12, 30)
    columns = {
        "text": pa.array(["a bright plot"]),
        "nanoseconds": pa.array([moment], pa.timestamp("ns", "UTC")),
        "bytes": pa.array([b"\xff\x00"]),
        "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        "category": pa.array(["x"]).dictionary_encode(),
        "duration": pa.array([datetime.timedelta(hours=30)]),
        "nothing": pa.nulls(1),
        "struct": pa.array([{"day": moment.date(), "at": [1, None]}]),
        "number": pa.array([float("nan")]),
    }
    pq.write_table(pa.table(columns), "in.parquet")
    [row] = predict("--input", "in.parquet", output="o.parquet")
    [given] = iter_rows(Path("in.parquet"))
    assert {key: repr(row[key]) for key in columns} == {key: repr(given[key]) for key in columns}
    [row] = predict("--input", "in.parquet", output="o.jsonl")
    assert row["bytes"] == "/wA="
    assert row["struct"] == {"day": "2024-02-29", "at": [1, None]}
    assert row["number"] is None
    [row] = predict("--input", "in.parquet", output="o.csv")
    assert (row["category"], row["nothing"], row["number"], row["map"]) == ("x", "", "", '[["a", 1]]')


@pytest.mark.parametrize("output", ["o.jsonl", "o.csv", "o.parquet"])
def test_numbers_that_json_lacks_are_null_in_json_alone(
    output: str, predict: Predict, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in.jsonl").write_text('{"text": "fine", "far": -Infinity, "none": NaN, "nested": {"a": [1e999]}}\n')
    predict("--input", "in.jsonl", output=output)
    error = capsys.readouterr().err
    if output == "o.parquet":
        [row] = pq.read_table(output).to_pylist()
        assert (row["far"], row["nested"]) == (float("-inf"), {"a": [float("inf")]})
        assert "infinity" not in error
        return
    assert "the column 'nested' has infinity in 1 rows: JSON lacks it, so it is null there" in error
    if output == "o.csv":
        [row] = csv.DictReader(io.StringIO(Path(output).read_text()))
        assert (row["far"], row["none"], row["nested"]) == ("-inf", "", '{"a": [null]}')
        assert "the column 'far'" not in error
        return
    row = json.loads(Path(output).read_text(), parse_constant=lambda name: pytest.fail(f"{name} isn't JSON"))
    assert (row["far"], row["none"], row["nested"]) == (None, None, {"a": [None]})
    assert "the column 'far' has infinity in 1 rows" in error
    assert "the column 'none'" not in error


MIXED = [
    {"text": "a bright plot", "any": 1, "size": 1, "nested": {"a": 1}, "large": 2**60 + 1, "empty": {}},
    {"text": "an awful plot", "any": "x", "size": 2.5, "nested": {"b": "c"}, "large": 0.5, "empty": {}},
    {"text": "a plot", "any": [True], "size": None, "nested": None, "large": 2**70, "empty": None},
]


def test_every_cell_of_json_can_be_written(predict: Predict) -> None:
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in MIXED))
    in_json = predict("--input", "in.jsonl", output="o.jsonl")
    assert [{key: row[key] for key in MIXED[0]} for row in in_json] == MIXED
    in_parquet = predict("--input", "in.jsonl", output="o.parquet")
    assert [row["any"] for row in in_parquet] == ["1", "x", "[true]"]
    assert [row["size"] for row in in_parquet] == [1.0, 2.5, None]
    assert [row["nested"] for row in in_parquet] == [{"a": 1, "b": None}, {"a": None, "b": "c"}, None]
    assert [row["large"] for row in in_parquet] == [str(2**60 + 1), "0.5", str(2**70)]
    assert [row["empty"] for row in in_parquet] == ["{}", "{}", None]
    in_csv = predict("--input", "in.jsonl", output="o.csv")
    assert [row["any"] for row in in_csv] == ["1", "x", "[true]"]


@pytest.mark.parametrize("output", ["o.csv", "o.jsonl", "o.parquet"])
def test_half_an_emoji_is_scored_and_written(output: str, predict: Predict) -> None:
    row = {"text": f"a bright plot {HALF_AN_EMOJI}", "note": HALF_AN_EMOJI, "nested": [HALF_AN_EMOJI]}
    Path("in.jsonl").write_text(json.dumps(row) + "\n")
    [found] = predict("--input", "in.jsonl", output=output)
    whole = HALF_AN_EMOJI if output == "o.jsonl" else "�"
    assert found["text"] == f"a bright plot {whole}"
    assert found["note"] == whole
    assert found["prediction"] == "positive"


@pytest.mark.parametrize("output", ["o.csv", "o.tsv"])
def test_cells_with_line_ends_quotes_and_separators_read_back(output: str, predict: Predict) -> None:
    texts = ["one\rtwo", "one\ntwo", 'a "quoted" word', '"', "a\tb,c", " padded ", "one\r\ntwo", ""]
    Path("in.jsonl").write_text("".join(json.dumps({"number": n, "text": text}) + "\n" for n, text in enumerate(texts)))
    assert [row["text"] for row in predict("--input", "in.jsonl", output=output)] == texts


@pytest.mark.parametrize("output", ["o.csv", "o.tsv", "o.parquet"])
def test_a_header_without_rows_gives_a_header_without_rows(output: str, predict: Predict) -> None:
    Path("in.csv").write_text("id,text\n")
    assert predict("--input", "in.csv", output=output) == []
    columns = ["id", "text", "prediction", "score"]
    if output == "o.parquet":
        assert pq.read_schema(output).names == columns
    else:
        assert Path(output).read_text() == ("," if output == "o.csv" else "\t").join(columns) + "\n"


def test_a_header_without_rows_comes_through_a_pipe(
    command: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"id,text\n")))
    assert command("--format", "csv") == 0
    assert capsys.readouterr().out == "id,text,prediction,score\n"


@pytest.mark.parametrize("row", [{"text": None, "id": 1}, {"id": 1}])
def test_a_missing_text_is_an_empty_one(
    row: dict[str, Any], predict: Predict, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row, {"text": "", "id": 2}, {"text": "a bright plot", "id": 3}]
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    missing, empty, _ = predict("--input", "in.jsonl")
    assert (missing.get("text"), missing["score"]) == (None, empty["score"])
    assert "1 of 3 rows have no text ('text'); they are scored as empty texts" in capsys.readouterr().err


def test_a_cell_that_is_no_text_is_refused_with_file_row_and_type(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in.jsonl").write_text('{"text": "dull"}\n{"text": {"en": "dull"}}\n')
    assert command("--input", "in.jsonl") == 2
    assert "in.jsonl, row 2: the column 'text' holds {'en': 'dull'}, which is of type dict" in capsys.readouterr().err


def test_an_older_output_is_replaced_by_a_whole_new_one_alone(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    older = Path("out.csv")
    older.write_text("from an earlier run")
    rows = ["a bright plot,1"] * 600
    Path("in.csv").write_text("\n".join(["text,id", *rows, "too,many,cells"]))
    assert command("--input", "in.csv", "--output", "out.csv") == 2
    assert "in.csv, line 602: 3 fields" in capsys.readouterr().err
    assert older.read_text() == "from an earlier run"
    assert sorted(Path().iterdir()) == [Path("in.csv"), Path("out.csv")]
    Path("in.csv").write_text("\n".join(["text,id", *rows]))
    assert command("--input", "in.csv", "--output", "out.csv") == 0
    with older.open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 600


@pytest.mark.parametrize("name", ["out.csv.gz", "out", "out.json", "out.xlsx"])
def test_an_output_of_another_format_is_refused(
    name: str, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in.csv").write_text("text\nfine\n")
    assert command("--input", "in.csv", "--output", name) == 2
    assert "the file's name must end in .csv, .tsv, .jsonl, .parquet" in capsys.readouterr().err


def test_an_output_that_is_a_folder_is_refused(command: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.csv").write_text("text\nfine\n")
    Path("out.csv").mkdir()
    assert command("--input", "in.csv", "--output", "out.csv") == 2
    assert "error: out.csv: Is a directory" in capsys.readouterr().err
