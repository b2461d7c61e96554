"""A column of zeros and ones for each label."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import Dataset

import textclf_core
from textclf_core.data import Source, from_memory, labelled
from textclf_core.errors import DataError
from textclf_core.testing import TOPICS, tiny_topics


def source(**columns: list[Any]) -> Source:
    return Source(Dataset.from_dict(columns), "comments.csv")


@pytest.mark.parametrize(
    "values",
    [
        [1, 0, 1],
        [True, False, True],
        ["1", "0", "1"],
        ["1.0", "0.0", "1.0"],
        [1.0, 0.0, 1.0],
        ["True", "false", "TRUE"],
    ],
)
def test_they_become_lists_in_the_order_in_which_they_are_named(values: list[Any]) -> None:
    rows = source(text=["a", "b", "c"], threat=[0, 0, 1], toxic=values, id=[7, 8, 9])
    data = labelled({"train": rows}, label="toxic,threat")["train"]
    assert data["label"][:] == [[0], [], [0, 1]]
    assert data.features["label"].feature.names == ["toxic", "threat"]
    assert data.column_names == ["text", "label", "id"]


def test_a_list_of_names_in_python_does_it_too() -> None:
    frame = pd.DataFrame({"text": ["a", "b"], "toxic": [1, 0], "a,b": [0, 1]})
    data = from_memory(frame, label=["toxic", "a,b"])["train"]
    assert data["label"][:] == [[0], [1]]
    assert data.features["label"].feature.names == ["toxic", "a,b"]


def test_one_column_is_that_of_a_label_a_text() -> None:
    data = labelled({"train": source(text=["a", "b"], toxic=[1, 0])}, label="toxic")["train"]
    assert data["label"][:] == [1, 0]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (
            "toxic,treat",
            "comments.csv: there is no column 'treat' .*the columns are: text, toxic, threat, stars.*'threat'",
        ),
        ("toxic,stars", "comments.csv, row 1: 3 in the column 'stars' is neither 0 nor 1"),
        ("toxic,toxic", "the label column 'toxic' is named twice"),
        ("toxic,text", "a label can't both be the column 'text'"),
    ],
)
def test_errors_give_the_row_and_column(label: str, message: str) -> None:
    rows = source(text=["a", "b", "c"], toxic=[0, 1, 0], threat=[1, 0, 0], stars=[3, None, 1])
    with pytest.raises(DataError, match=message):
        labelled({"train": rows}, text="text", label=label)


def test_a_csv_file_with_such_columns_trains_and_predicts(
    textclf: Callable[..., int], tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, split in tiny_topics(48).items():
        frame = pd.DataFrame({"text": split["text"][:]})
        for id, topic in enumerate(TOPICS):
            frame[topic] = [int(id in row) for row in split["label"][:]]
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    data = f"files:path={tmp_path},label={','.join(TOPICS)}"
    model = f"hf-model:checkpoint={tiny_checkpoint}"
    assert textclf("run", "--plugin", model, "--plugin", data, "--output", str(tmp_path / "runs")) == 0
    [folder] = (tmp_path / "runs").iterdir()
    assert textclf_core.open_run(folder).record.data.label_names == TOPICS
    capsys.readouterr()
    assert textclf("predict", str(folder), "--input", str(tmp_path / "test.csv")) == 0
    assert capsys.readouterr().out.startswith(f"text,{','.join(TOPICS)},labels\n")


def test_a_separator_has_no_place_beside_them() -> None:
    with pytest.raises(DataError, match="is for labels in one column"):
        labelled({"train": source(text=["a"], toxic=[1], threat=[0])}, label="toxic,threat", label_separator=";")
