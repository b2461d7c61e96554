"""Several text columns, from the file to the prediction."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import textclf_core
from textclf_core.data import from_memory, labelled, prepare
from textclf_core.data.source import Source
from textclf_core.errors import DataError, UsageError
from textclf_core.reports.analysis import analyse
from textclf_core.reports.page import page_text
from textclf_core.reports.page.examples import example_data
from textclf_core.reports.stored import StoredRun
from textclf_core.testing import tiny_data

Textclf = Callable[..., int]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def articles() -> pd.DataFrame:
    """Rows of a title, a body, an author and a verdict."""
    frame = pd.concat([split.to_pandas() for split in tiny_data(48).values()])
    words = frame["text"].str.split(" ", n=3)
    return pd.DataFrame(
        {
            "author": [f"critic {number}" for number in range(len(frame))],
            "title": words.str[:3].str.join(" "),
            "body": words.str[3].fillna(""),
            "verdict": frame["label"].map({0: "bad", 1: "good"}),
        }
    ).reset_index(drop=True)


@pytest.fixture(scope="module")
def file(articles: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("articles") / "articles.csv"
    articles.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def run(tiny_checkpoint: Path, articles: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> textclf_core.Run:
    """A run on title and body whose longest input cuts some of them."""
    return textclf_core.run(
        [f"hf-model:checkpoint={tiny_checkpoint}", "finetune:max_length=p50,truncation=head+tail"],
        data=articles,
        text=["title", "body"],
        label="verdict",
        output=tmp_path_factory.mktemp("runs"),
        quiet=True,
    )


def test_the_columns_keep_their_names_and_order_and_others_are_no_texts(articles: pd.DataFrame) -> None:
    for text in ("body,title", "body, title", ["body", "title"], ("body", "title")):
        data = from_memory(articles, text=text, label="verdict")
        assert data["train"].column_names == ["body", "title", "label", "author"]
        assert prepare(data, 0).task.text_columns == ("body", "title")


def test_a_column_called_text_may_be_one_of_them() -> None:
    data = from_memory({"text": list(LETTERS), "title": list(LETTERS), "label": list("xy" * 13)}, text="title,text")
    assert prepare(data, 0).task.text_columns == ("title", "text")


def test_a_comma_in_the_name_of_a_column_is_part_of_it() -> None:
    data = from_memory({"so, what": ["a", "b"], "label": ["x", "y"]}, text="so, what")
    assert data["train"]["text"][:] == ["a", "b"]


def test_a_row_is_empty_if_all_of_its_texts_are() -> None:
    rows = {"a": ["", "x", None], "b": ["y", "", " "], "label": ["p", "q", "q"]}
    assert len(from_memory(rows, text="a,b")["train"]) == 3
    source = Source(from_memory(rows, text="a,b")["train"], "rows.csv")
    assert labelled({"train": source}, text="a,b", empty="drop")["train"]["a"][:] == ["", "x"]


@pytest.mark.parametrize(
    ("text", "label", "message"),
    [
        ("title,boddy", None, r"there is no column 'boddy' \(text=title,boddy\).* Did you mean 'body'"),
        ("title,title", None, "the text column 'title' is named twice"),
        ("title,body", "title", "the text and the label can't both be the column 'title'"),
        ("title,body", "verdit", "there is no column 'verdit'.* Did you mean 'verdict'"),
        ("title,body", None, "can't infer which column is the label"),
        (
            "id,title",
            None,
            "one of several text columns can't be named 'id', which is a column of the predictions; rename",
        ),
        ("title,number", "verdict", "the column 'number' holds int64, not text"),
    ],
)
def test_impossible_columns_are_refused(articles: pd.DataFrame, text: str, label: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_memory(articles.assign(id=articles["author"], number=1), text=text, label=label)


def test_the_record_names_the_columns_and_counts_truncated_rows(run: textclf_core.Run) -> None:
    record = run.record
    assert record.data.text_columns == ("title", "body")
    assert record.tokenization is not None
    assert record.tokenization.truncation == "head+tail"
    assert record.plugin("trainer").options["max_length"] == "p50"  # type: ignore[union-attr]  # it has one
    train = record.data.splits[0]
    assert 0 < train.truncated <= train.rows / 2  # type: ignore[operator]  # it was counted
    assert f"; {train.truncated} truncated" in str(run)
    assert f"{record.tokenization.max_length} tokens; longer texts truncated (truncation=head+tail)" in str(run)


def test_a_reloaded_model_reads_texts_as_in_training(run: textclf_core.Run, tmp_path: Path) -> None:
    assert run.record.tokenization is not None
    note = json.loads((run.directory / "model" / "tokenization.json").read_text())
    assert note == {"max_length": run.record.tokenization.max_length, "truncation": "head+tail"}
    stored = run.predictions().to_pandas()
    texts = list(zip(stored["title"], stored["body"], strict=True))
    scores = [row["score"] for row in run.predict(texts)]
    assert scores == pytest.approx([max(row) for row in stored["scores"]], abs=2e-6)
    run.export(tmp_path / "mine")
    card = " ".join((tmp_path / "mine" / "README.md").read_text().split())
    assert f"The longest input is {note['max_length']} tokens" in card
    assert "Truncated texts (truncation=head+tail): " in card


def test_a_row_may_be_texts_in_order_or_by_name(run: textclf_core.Run) -> None:
    [one, other] = run.predict([("a dull plot", "grim"), {"body": "grim", "title": "a dull plot"}])
    assert one == {"title": "a dull plot", "body": "grim", "prediction": one["prediction"], "score": one["score"]}
    assert (other["prediction"], other["score"]) == (one["prediction"], one["score"])
    for wrong in ("a dull plot", ("a", "b", "c")):
        with pytest.raises(UsageError, match=r"the model reads 2 texts per row \(title, body\), but got"):
            run.predict([wrong])


def test_predict_reads_the_columns_of_a_file(
    run: textclf_core.Run, file: Path, textclf: Textclf, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert textclf("predict", str(run.directory), "--input", str(file)) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert list(rows[0]) == ["author", "title", "body", "verdict", "prediction", "score"]
    renamed = tmp_path / "renamed.csv"
    renamed.write_text(file.read_text().replace("author,title,body", "author,headline,story", 1))
    assert textclf("predict", str(run.directory), "--input", str(renamed), "--text", "headline,story") == 0
    again = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["score"] for row in again] == [row["score"] for row in rows]
    assert textclf("predict", str(run.directory), "--input", str(renamed)) == 2
    assert "the model reads the columns title, body, but the rows have no title and no body" in capsys.readouterr().err
    assert textclf("predict", str(run.directory), "--input", str(renamed), "--text", "story") == 2
    assert (
        "the model reads 2 text columns (title, body), but --text story (in Python: text=) names 1"
        in capsys.readouterr().err
    )


def test_the_page_shows_all_texts_of_a_row_and_how_many_were_truncated(run: textclf_core.Run) -> None:
    [analysis] = analyse([StoredRun(run.directory, run.record)])
    assert "Truncated texts (truncation=head+tail): " in page_text([analysis])
    data = example_data(analysis)
    assert data["columns"] == ["title", "body"]
    assert all(len(texts) == 2 for texts, *_ in data["texts"].values())  # type: ignore[attr-defined]  # a dict


@pytest.mark.parametrize("trainer", ["tfidf-logreg", "embedding-logreg", "finetune"])
def test_an_experiment_file_names_the_columns(
    trainer: str, tiny_checkpoint: Path, file: Path, textclf: Textclf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = "" if trainer == "tfidf-logreg" else f"hf-model = {{ checkpoint = '{tiny_checkpoint}' }}\n"
    columns = '["title", "body", "author"]' if trainer == "finetune" else '["title", "body"]'
    (tmp_path / "experiment.toml").write_text(
        f"[plugins]\n{trainer} = {{}}\n{model}files = {{ path = '{file}', text = {columns}, label = 'verdict' }}\n"
    )
    assert textclf("run", "experiment.toml") == 0
    [directory] = Path("runs").iterdir()
    note = json.loads((directory / "model" / "classifier.json").read_text())
    assert note["task"]["text_columns"] == json.loads(columns)
    assert textclf("predict", str(directory), "--input", str(file), "--output", "scored.csv") == 0


def test_cells_that_train_jointly_and_untrained_models_look_up_the_percentile(
    tiny_checkpoint: Path, articles: pd.DataFrame, run: textclf_core.Run, tmp_path: Path
) -> None:
    given = {"data": articles, "text": "title,body", "label": "verdict", "quiet": True}
    together = textclf_core.compare(
        ["head-only"],
        plugins=[f"hf-model:checkpoint={tiny_checkpoint}", "finetune:max_length=p50"],
        seeds=2,
        baselines=False,
        output=tmp_path / "cells",
        **given,
    )
    labels = "labels=negative=bad,positive=good"
    untrained = textclf_core.run(
        [f"task-specific:checkpoint={tiny_checkpoint},{labels},max_length=p50"], output=tmp_path / "one", **given
    )
    notes = [json.loads((one.directory / "model" / "tokenization.json").read_text()) for one in together.runs]
    notes.append(json.loads((untrained.directory / "model" / "tokenization.json").read_text()))
    assert run.record.tokenization is not None
    assert notes == [{"max_length": run.record.tokenization.max_length, "truncation": "head"}] * 3
