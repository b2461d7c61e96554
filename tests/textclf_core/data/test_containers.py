"""The same rows in each container are the same task, with the same scores."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset

import textclf_core

WORDS = ["warm", "funny", "clever", "splendid", "dull", "loud", "empty", "old"]
ROWS = [(f'A {WORDS[number % 4 + 4 * (number % 2)]} film, "number {number}"; café', number % 2) for number in range(40)]
COLUMNS = {"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}


def separated(delimiter: str) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, delimiter=delimiter)
            writer.writerow(["text", "label"])
            writer.writerows(ROWS)

    return write


def excel(file: Path) -> None:
    pytest.importorskip("openpyxl", reason="needs the extra excel")
    pd.DataFrame(COLUMNS).to_excel(file, index=False)


FILES: dict[str, Callable[[Path], Any]] = {
    "a.csv": separated(","),
    "a-semicolon.csv": separated(";"),
    "a.tsv": separated("\t"),
    "a.jsonl": lambda file: pd.DataFrame(COLUMNS).to_json(file, orient="records", lines=True),
    "a.json": lambda file: file.write_text(json.dumps(COLUMNS)),
    "a.parquet": lambda file: pq.write_table(pa.table(COLUMNS), file),
    "a.xlsx": excel,
}

IN_MEMORY: dict[str, Callable[[], Any]] = {
    "frame": lambda: pd.DataFrame(COLUMNS),
    "frame with an index": lambda: pd.DataFrame(COLUMNS, index=[7] * 40),
    "frame of floats": lambda: pd.DataFrame(COLUMNS).astype({"label": float}),
    "frame of texts": lambda: pd.DataFrame(COLUMNS).astype(str),
    "arrow": lambda: pa.table(COLUMNS),
    "dict": lambda: COLUMNS,
    "pairs": lambda: ROWS,
    "dicts": lambda: [{"text": text, "label": label} for text, label in ROWS],
    "generator": lambda: (row for row in ROWS),
    "Dataset": lambda: Dataset.from_dict(COLUMNS),
    "IterableDataset": lambda: Dataset.from_dict(COLUMNS).to_iterable_dataset(),
    "split": lambda: {"Train": Dataset.from_dict(COLUMNS)},
}


def facts(run: textclf_core.Run) -> tuple[Any, ...]:
    data = run.record.data
    splits = [(split.name, split.rows, split.label_counts) for split in data.splits]
    return data.task, data.fingerprint, splits, run.metrics, run.predictions().column("scores").to_pylist()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    run = textclf_core.run(["tfidf-logreg"], data=ROWS, output=tmp_path_factory.mktemp("runs"), quiet=True)
    assert run.record.data.task.label_names == ("0", "1")
    assert sum(split.rows for split in run.record.data.splits) == 40
    return facts(run)


@pytest.mark.parametrize("name", FILES)
def test_a_file(name: str, expected: tuple[Any, ...], tmp_path: Path) -> None:
    FILES[name](tmp_path / name)
    run = textclf_core.run(["tfidf-logreg", f"files:path={tmp_path / name}"], output=tmp_path / "runs", quiet=True)
    assert facts(run) == expected


@pytest.mark.parametrize("name", IN_MEMORY)
def test_data_in_memory(name: str, expected: tuple[Any, ...], tmp_path: Path) -> None:
    run = textclf_core.run(["tfidf-logreg"], data=IN_MEMORY[name](), output=tmp_path, quiet=True)
    assert facts(run) == expected
