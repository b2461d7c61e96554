"""Runs of an earlier format: reports and prediction read them, comparisons run them anew and say so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import textclf_core
from textclf_core.records.schema import RECORD_FILE

FORMAT_1 = Path(__file__).parent / "format_1"
"""Two runs that a version of format 1 made: ``tfidf-logreg``, and ``head-only`` of a random BERT of two blocks."""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A copy of the old runs, as a user's output folder."""
    return Path(shutil.copytree(FORMAT_1, tmp_path / "runs"))


def test_an_old_record_is_read_under_todays_names(runs: Path) -> None:
    found = {run.record.label: run.record for run in map(textclf_core.open_run, runs.iterdir())}
    frozen = found["head-only"]
    assert frozen.format == 1
    assert frozen.encoder is not None
    assert frozen.encoder.updated == frozen.encoder.trainable == 2
    assert frozen.cost.train_non_padding_tokens
    assert [split.origin for split in frozen.data.splits] == ["given", "held out from train", "held out from train"]


def test_a_report_sets_old_runs_beside_each_other(runs: Path) -> None:
    text = str(textclf_core.report([runs]))
    assert "head-only" in text
    assert "tfidf-logreg" in text
    assert "held out from train: not comparable with published scores" in text


def test_an_old_model_predicts_what_it_did(runs: Path) -> None:
    for run in map(textclf_core.open_run, runs.iterdir()):
        stored = [row for row in run.predictions().to_pylist() if row["split"] == "test"]
        again = run.predict([row["text"] for row in stored])
        assert [row["prediction"] for row in again] == [row["prediction"] for row in stored]


def test_a_cell_of_an_old_format_is_run_anew_and_that_is_logged(
    reviews: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def compare() -> textclf_core.ComparisonResult:
        plugins = [f"files:path={reviews}"]
        return textclf_core.compare(["majority"], plugins=plugins, baselines=False, seeds=1, output=tmp_path)

    [first] = compare().runs
    file = first.directory / RECORD_FILE
    old = json.loads(file.read_text())
    old["format"] = 1
    old["cost"]["train_real_tokens"] = old["cost"].pop("train_non_padding_tokens")
    file.write_text(json.dumps(old))
    caplog.set_level("INFO", logger="textclf")
    [again] = compare().runs
    assert again.record.format == 3
    assert f"{first.directory} is run again: its record has format 1, and this version writes 3" in caplog.messages


def test_the_one_tuned_option_of_an_old_record_is_read_as_one_of_several(runs: Path) -> None:
    run = runs / "head-only"
    content = json.loads((run / RECORD_FILE).read_text())
    content["tuning"] = {
        "option": "finetune:learning_rate", "value": 1e-3, "low": 1e-5, "high": 1e-2, "trials": 8, "train_flops": 1e12,
        "validation_score": 0.8,
    }  # fmt: skip
    (run / RECORD_FILE).write_text(json.dumps(content))
    tuning = textclf_core.open_run(run).record.tuning
    assert tuning is not None
    assert [(one.option, one.value, one.searched) for one in tuning.options] == [
        ("finetune:learning_rate", 1e-3, "1e-05..0.01")
    ]
    assert (tuning.trials, tuning.train_flops) == (8, 1e12)


def test_a_later_format_is_refused(runs: Path) -> None:
    run = next(iter(sorted(runs.iterdir())))
    content = json.loads((run / RECORD_FILE).read_text())
    (run / RECORD_FILE).write_text(json.dumps({**content, "format": 4}))
    with pytest.raises(
        textclf_core.UsageError, match="the record has format 4, but this version of textclf reads formats 1 to 3"
    ):
        textclf_core.open_run(run)
