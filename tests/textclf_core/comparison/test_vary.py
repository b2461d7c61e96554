"""A comparison in which each seed has its own training sample."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textclf_core
from textclf_core import ComparisonResult, UsageError
from textclf_core.records.predictions import read_predictions


@pytest.fixture
def quick(reviews: Path, tmp_path: Path) -> dict[str, Any]:
    """Arguments of a comparison without an encoder."""
    return {"plugins": [f"files:path={reviews}"], "seeds": 3, "output": tmp_path / "runs", "quiet": True}


def samples(result: ComparisonResult) -> dict[int, set[str]]:
    """Return the hashes of train of all contenders at each seed."""
    found: dict[int, set[str]] = {}
    for run in result.runs:
        found.setdefault(run.record.seed, set()).add(run.record.data.splits[0].sha256)
    return found


def test_each_seed_has_a_sample_that_all_contenders_share(quick: dict[str, Any]) -> None:
    result = textclf_core.compare(["tfidf-logreg:c=2"], vary="data", **quick)
    of_seed = samples(result)
    assert [len(hashes) for hashes in of_seed.values()] == [1, 1, 1]
    assert len(set.union(*of_seed.values())) == 3
    assert len({run.record.data.splits[2].sha256 for run in result.runs}) == 1
    assert {run.record.data.drawn_from.rows for run in result.runs if run.record.data.drawn_from} == {120}
    [analysis] = result.report.analyses
    assert analysis.seeds == (0, 1, 2)
    assert analysis.overlap == pytest.approx(96 / 120)


def test_sentence_table_page_and_json_say_for_which_samples_a_result_holds(quick: dict[str, Any]) -> None:
    over = textclf_core.compare(["tfidf-logreg:c=2"], vary="data", **quick)
    assert over.analysis is not None
    assert over.analysis.sentence.endswith("This holds over training samples.")
    text = " ".join(str(over).split())
    assert "Each seed has its own training sample, the same for all contenders." in text
    assert "Those of two seeds share about 80% of their rows" in text
    assert "train and validation drawn anew for each seed from 120 rows" in text
    assert "This holds over training samples." in over.report.text("page")
    [content] = json.loads(over.report.text("json"))
    assert (content["vary"], content["overlap"]) == ("data", pytest.approx(0.8))
    one = textclf_core.compare(["tfidf-logreg:c=2"], **quick)
    assert one.analysis is not None
    assert one.analysis.sentence.endswith("This holds for this training sample.")
    assert "All seeds have the same training sample; with `--vary data` each has its own." in " ".join(str(one).split())
    [content] = json.loads(one.report.text("json"))
    assert (content["vary"], content["overlap"]) == ("seed", None)


def test_runs_of_either_kind_are_never_in_one_table(quick: dict[str, Any]) -> None:
    textclf_core.compare(["tfidf-logreg:c=2"], vary="data", **quick)
    textclf_core.compare(["tfidf-logreg:c=2"], **quick)
    report = textclf_core.report(quick["output"])
    assert [one.vary for one in report.analyses] == ["data", "seed"]
    assert all(len(row.line.runs) == 3 for one in report.analyses for row in one.rows)
    assert " ".join(str(report).split()).count(", its own training sample for each seed") == 1
    assert list(report.to_frame()["vary"]) == ["data"] * 3 + ["seed"] * 3


def test_a_finished_comparison_is_read_and_another_data_seed_draws_anew(quick: dict[str, Any]) -> None:
    first, again, other = (
        textclf_core.compare(["majority"], vary="data", data_seed=seed, **quick) for seed in (0, 0, 1)
    )
    assert [run.directory for run in first.runs] == [run.directory for run in again.runs]
    assert not samples(first)[0] & samples(other)[0]
    assert len(textclf_core.report(quick["output"]).analyses) == 2


def test_few_shot_samples_overlap_less(quick: dict[str, Any]) -> None:
    result = textclf_core.compare(["majority"], vary="data", train_size=["8/class", "50%"], **quick)
    few, half = result.report.analyses
    assert few.overlap == pytest.approx(16 / 120)
    assert half.overlap == pytest.approx(48 / 120)
    assert len(set.union(*samples(result).values())) == 6


def test_seeds_whose_samples_differ_are_not_trained_jointly(tiny_checkpoint: Path, quick: dict[str, Any]) -> None:
    quick["plugins"] += [f"hf-model:checkpoint={tiny_checkpoint}", "finetune:learning_rate=1e-2"]
    folder = quick.pop("output")
    both = textclf_core.compare(
        ["head-only"], vary="data", baselines=False, output=folder / "both", **(quick | {"seeds": [0, 1]})
    )
    alone = textclf_core.compare(
        ["head-only"], vary="data", baselines=False, output=folder / "alone", **(quick | {"seeds": [1]})
    )
    first, second = (read_predictions(run.directory)["scores"].to_pylist() for run in (both.runs[1], alone.runs[0]))
    assert np.array_equal(first, second)


def test_a_trainer_that_samples_itself_gets_another_seed_for_it(
    quick: dict[str, Any], plugin_file: Callable[..., Path]
) -> None:
    path = plugin_file(
        """
        from pathlib import Path
        from textclf_plugins.baselines.majority import Majority

        @dataclass(frozen=True)
        class Sampler(Majority):
            '''The majority class; it writes down the seed of samples.'''

            @hookimpl
            def textclf_train(self, data, task, data_seed, workspace):
                with Path(__file__).with_name("seeds").open("a") as stream:
                    stream.write(f"{data_seed} ")
                return super().textclf_train(data, task, workspace)
        """
    )
    result = textclf_core.compare(["sampler"], vary="data", plugin_files=[path], baselines=False, **quick)
    assert len(set(path.with_name("seeds").read_text().split())) == 3
    [analysis] = result.report.analyses
    assert [row.line.seeds for row in analysis.rows] == [(0, 1, 2)]


def test_more_seeds_are_drawn_as_they_are_needed(quick: dict[str, Any]) -> None:
    result = textclf_core.compare(["tfidf-logreg:c=2"], vary="data", max_seeds=4, **quick)
    assert len(samples(result)) in (3, 4)
    assert result.runs[0].record.looks == (3, 4)


def test_what_cant_vary_is_refused(quick: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"--vary dta: seed or data\. Did you mean 'data'\?"):
        textclf_core.compare(["majority"], vary="dta", **quick)
