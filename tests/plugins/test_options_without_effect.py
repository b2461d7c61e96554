"""Options of how a file is written are refused where they have no effect."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from textclf_core.errors import DataError
from textclf_plugins.datasets.files import Files

ROWS = [{"text": f"text {number}", "label": "ab"[number % 2]} for number in range(6)]

WRITERS: dict[str, Callable[[Path], object]] = {
    "a.jsonl": lambda file: file.write_text("\n".join(map(json.dumps, ROWS))),
    "a.json": lambda file: file.write_text(json.dumps(ROWS)),
    "a.parquet": lambda file: pd.DataFrame(ROWS).to_parquet(file),
    "a.xlsx": lambda file: pd.DataFrame(ROWS).to_excel(file, index=False),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "separator=semicolon": {"separator": "semicolon"},
    "quoting=none": {"quoting": "none"},
    "header=none": {"header": "none", "columns": ("text", "label")},
    "encoding=latin-1": {"encoding": "latin-1"},
}


def read(path: object, **options: Any) -> int:
    return len(Files(path=str(path), **options).textclf_load_data()["train"])


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", WRITERS)
def test_an_option_without_effect_is_refused_with_the_file(name: str, option: str, tmp_path: Path) -> None:
    if name == "a.xlsx":
        pytest.importorskip("openpyxl", reason="needs the extra excel")
    WRITERS[name](tmp_path / name)
    if (option, name) in [("encoding=latin-1", "a.json"), ("encoding=latin-1", "a.jsonl")]:
        assert read(tmp_path / name, **OPTIONS[option]) == 6
    elif (option, name) == ("header=none", "a.xlsx"):
        assert read(tmp_path / name, **OPTIONS[option]) == 7
    else:
        with pytest.raises(
            DataError, match=rf"files: {option.partition('=')[0]}= has no effect on .*{name} .*leave it out$"
        ):
            read(tmp_path / name, **OPTIONS[option])


@pytest.mark.parametrize("option", OPTIONS)
def test_a_folder_of_texts_for_each_class_has_an_encoding_alone(option: str, tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.txt").write_text("text")
    if option.startswith("encoding"):
        assert read(tmp_path, **OPTIONS[option]) == 2
    else:
        with pytest.raises(DataError, match=f"files: {option.partition('=')[0]}= has no effect on"):
            read(tmp_path, **OPTIONS[option])


def test_an_option_has_an_effect_if_one_file_of_several_needs_it(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text~label\n" + "".join(f"{row['text']}~{row['label']}\n" for row in ROWS))
    WRITERS["a.jsonl"](tmp_path / "test.jsonl")
    assert read(tmp_path, separator="~") == 6
