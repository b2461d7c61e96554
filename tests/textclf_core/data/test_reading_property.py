"""What any writer wrote reads back as the same rows and labels, or is refused; never as others."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, DatasetDict
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from textclf_core.data import from_memory
from textclf_core.errors import DataError, UsageError
from textclf_plugins.datasets.files import Files

try:
    polars: Any = importlib.import_module("polars")
except ImportError:
    polars = None

# What separates and quotes cells and ends lines in any format, and what surrounds texts unseen.
SPECIAL = list(",;|\t\n\r\"'\\ {}[]:#\x00\x0b\x1c\x85\u00a0\u2028\ufeff")
CHARACTERS = st.one_of(st.sampled_from([*"ab1"]), st.sampled_from(SPECIAL), st.characters(exclude_categories=["Cs"]))
TEXTS = st.text(CHARACTERS, max_size=12)
LABELS: list[list[Any]] = [
    ["good", "bad", "so so"],
    ["NA", "null", "None", "nan"],
    [" good", "good, really", 'the "best"', "un;like|ly\t"],
    ["line\nbreak", "carriage\rreturn", "both\r\n"],
    ["01", "1", "x"],
    [0, 1, 10],
    [0.0, 1.0, 2.0],
    [True, False],
]


@dataclass(frozen=True)
class Rows:
    texts: list[str]
    labels: list[Any]

    @property
    def columns(self) -> dict[str, list[Any]]:
        return {"text": self.texts, "label": self.labels}

    @property
    def dicts(self) -> list[dict[str, Any]]:
        return [{"text": text, "label": label} for text, label in zip(self.texts, self.labels, strict=True)]

    @property
    def frame(self) -> pd.DataFrame:
        return pd.DataFrame(self.columns)

    @property
    def expected(self) -> list[tuple[str, str]]:
        return list(zip(self.texts, map(name_of, self.labels), strict=True))


def name_of(label: Any) -> str:
    """Return the name of a label, which is the same whatever holds it."""
    if isinstance(label, bool):
        return str(label).lower()
    return f"{label:.0f}" if isinstance(label, float) else str(label)


@st.composite
def rows(draw: st.DrawFn) -> Rows:
    texts = draw(st.lists(TEXTS, min_size=1, max_size=8))
    labels = draw(st.sampled_from(LABELS))
    return Rows(texts, [draw(st.sampled_from(labels)) for _ in texts])


def separated(delimiter: str, **options: Any) -> Callable[[Rows, Path], Any]:
    def write(table: Rows, file: Path) -> None:
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, delimiter=delimiter, **options)
        writer.writerow(["text", "label"])
        writer.writerows(zip(table.texts, table.labels, strict=True))
        file.write_bytes(stream.getvalue().encode())

    return write


def libre_office(table: Rows, file: Path) -> None:
    """Write semicolons between cells, quotes around cells that need them, and line feeds."""

    def cell(value: Any) -> str:
        text = str(value)
        return f'"{text.replace(chr(34), 2 * chr(34))}"' if any(one in text for one in ';"\n\r') else text

    rows = [("text", "label"), *zip(table.texts, table.labels, strict=True)]
    file.write_bytes("".join(f"{cell(text)};{cell(label)}\n" for text, label in rows).encode())


def arrow_csv(delimiter: str) -> Callable[[Rows, Path], Any]:
    return lambda table, file: pa.csv.write_csv(pa.table(table.columns), file, pa.csv.WriteOptions(delimiter=delimiter))


WRITERS: dict[str, Callable[[Rows, Path], Any]] = {
    "csv.csv": separated(","),
    "csv-all-quoted.csv": separated(",", quoting=csv.QUOTE_ALL),
    "csv-texts-quoted.csv": separated(",", quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n"),
    "csv-semicolon.csv": separated(";"),
    "csv-pipe.csv": separated("|"),
    "csv.tsv": separated("\t"),
    "csv-all-quoted.tsv": separated("\t", quoting=csv.QUOTE_ALL),
    "libre-office.csv": libre_office,
    "pandas.csv": lambda table, file: table.frame.to_csv(file, index=False),
    "pandas.tsv": lambda table, file: table.frame.to_csv(file, index=False, sep="\t"),
    "pandas.csv.gz": lambda table, file: table.frame.to_csv(file, index=False),
    "pandas.jsonl": lambda table, file: table.frame.to_json(file, orient="records", lines=True),
    "pandas-records.json": lambda table, file: table.frame.to_json(file, orient="records"),
    "pandas-columns.json": lambda table, file: table.frame.to_json(file),
    "pandas.parquet": lambda table, file: table.frame.to_parquet(file),
    "json.jsonl": lambda table, file: file.write_text("".join(json.dumps(row) + "\n" for row in table.dicts)),
    "json.json": lambda table, file: file.write_bytes(json.dumps(table.columns, ensure_ascii=False).encode()),
    "arrow.csv": arrow_csv(","),
    "arrow-semicolon.csv": arrow_csv(";"),
    "arrow.parquet": lambda table, file: pq.write_table(pa.table(table.columns), file),
    "datasets.csv": lambda table, file: Dataset.from_dict(table.columns).to_csv(file),
    "datasets.jsonl": lambda table, file: Dataset.from_dict(table.columns).to_json(file),
    "datasets.parquet": lambda table, file: Dataset.from_dict(table.columns).to_parquet(file),
}
MAKERS: dict[str, Callable[[Rows], Any]] = {
    "frame": lambda table: table.frame,
    "frame of texts": lambda table: pd.DataFrame(table.columns, dtype="string"),
    "frame of categories": lambda table: table.frame.astype({"label": "category"}),
    "arrow": lambda table: pa.table(table.columns),
    "columns": lambda table: table.columns,
    "dicts": lambda table: table.dicts,
    "pairs": lambda table: list(zip(table.texts, table.labels, strict=True)),
    "generator": lambda table: iter(table.dicts),
    "Dataset": lambda table: Dataset.from_dict(table.columns),
}
if polars:
    WRITERS |= {
        "polars.csv": lambda table, file: polars.DataFrame(table.columns).write_csv(file),
        "polars.tsv": lambda table, file: polars.DataFrame(table.columns).write_csv(file, separator="\t"),
        "polars.jsonl": lambda table, file: polars.DataFrame(table.columns).write_ndjson(file),
        "polars.parquet": lambda table, file: polars.DataFrame(table.columns).write_parquet(file),
    }
    MAKERS["polars"] = lambda table: polars.DataFrame(table.columns)

# These formats hold any text, so what was written is never refused.
ALWAYS_READ = {name for name in WRITERS if name.endswith((".jsonl", ".json", ".parquet"))}


def read_from(data: DatasetDict) -> list[tuple[str, str]]:
    train = data["train"]
    return list(zip(train["text"], map(train.features["label"].int2str, train["label"]), strict=True))


def check_file(table: Rows, name: str, folder: Path) -> None:
    # Lines of such a cell can look like rows, in a format where most files have quotes as part of their texts.
    assume(not name.endswith(".tsv") or not any("\t" in text and "\n" in text for text in table.texts))
    file = folder / name
    WRITERS[name](table, file)
    refused: str | None = None
    try:
        data = Files(path=str(file)).textclf_load_data()
    except (DataError, UsageError) as error:
        refused = str(error)
    if refused is None:
        assert read_from(data) == table.expected
    else:
        assert name not in ALWAYS_READ, refused
        assert name in refused


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@pytest.mark.parametrize("name", WRITERS)
@examples(12)
@given(table=rows())
def test_a_file_is_read_as_it_was_written_or_refused(name: str, table: Rows, tmp_path: Path) -> None:
    check_file(table, name, tmp_path)


@pytest.mark.parametrize("name", MAKERS)
@examples(12)
@given(table=rows())
def test_data_in_memory_are_read_as_they_are(name: str, table: Rows) -> None:
    assert read_from(from_memory(MAKERS[name](table))) == table.expected


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
@examples(int(os.environ.get("TEXTCLF_EXAMPLES", "40")))  # 300 take a quarter of an hour
@given(table=rows())
def test_many_files_are_read_as_they_were_written_or_refused(name: str, table: Rows, tmp_path: Path) -> None:
    check_file(table, name, tmp_path)


@examples(60)
@given(table=rows())
def test_a_file_whose_cells_are_all_quoted_is_read_whatever_they_hold(table: Rows, tmp_path: Path) -> None:
    WRITERS["csv-all-quoted.csv"](table, tmp_path / "a.csv")
    data = Files(path=str(tmp_path / "a.csv"), quoting="double").textclf_load_data()
    assert read_from(data) == table.expected
