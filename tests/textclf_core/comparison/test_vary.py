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


def test_test_rows_are_drawn_too_if_asked(quick: dict[str, Any]) -> None:
    two = quick | {"baselines": False, "seeds": 2}
    result = textclf_core.compare(["tfidf-logreg:c=2", "majority"], vary="data=all", pairs=True, **two)
    tests: dict[int, set[str]] = {}
    for run in result.runs:
        tests.setdefault(run.record.seed, set()).add(run.record.data.splits[2].sha256)
    assert [len(hashes) for hashes in tests.values()] == [1, 1]
    assert len(set.union(*tests.values())) == 2
    [analysis] = result.report.analyses
    rows = [split.rows for split in analysis.data.splits]
    assert analysis.vary == "data=all"
    assert analysis.overlap == pytest.approx(rows[0] / sum(rows))
    assert analysis.test_overlap == pytest.approx(rows[2] / sum(rows))
    assert {pair.method for pair in analysis.pairs} == {"corrected resampled t"}
    assert analysis.sentence.endswith("This holds over training samples and test rows.")
    text = " ".join(str(result).split())
    assert f"2 seeds (0, 1), each with {rows[2]} test examples of its own." in text
    assert "Each seed has its own train, validation and test, the same for all contenders." in text
    assert "test is drawn anew for each seed: not comparable with published scores" in text
    assert f"train, validation and test drawn anew for each seed from {sum(rows)} rows" in text
    page = result.report.text("page")
    assert "This holds over training samples and test rows." in page
    assert "Texts of test at seed 0" in page
    [content] = json.loads(result.report.text("json"))
    assert (content["vary"], content["slices"], content["data"]["own_tests"]) == ("data=all", [], True)
    with pytest.raises(UsageError, match=r"--slice length: each seed has its own test rows \(--vary data=all\)"):
        textclf_core.report(quick["output"], slices=["length"]).text()


def test_what_varied_is_never_mixed_and_seeds_that_some_lack_are_named(quick: dict[str, Any]) -> None:
    everything = quick | {"baselines": False, "seeds": 2}
    textclf_core.compare(["tfidf-logreg:c=2"], vary="data", **everything)
    textclf_core.compare(["majority", "tfidf-logreg:c=2"], vary="data=all", **everything)
    textclf_core.compare(["majority"], vary="data=all", **(everything | {"seeds": [0, 1, 7]}))
    report = textclf_core.report(quick["output"])
    analyses = {one.vary: one for one in report.analyses}  # their runs may have started in one second
    assert {vary: len(one.rows) for vary, one in analyses.items()} == {"data": 1, "data=all": 2}
    assert analyses["data=all"].seeds == (0, 1)
    assert analyses["data=all"].left_out == (7,)
    assert "Left out: the runs at seed 7, since not all contenders have one on the test rows of that seed." in " ".join(
        str(report).split()
    )


def test_contenders_without_a_common_draw_are_refused(quick: dict[str, Any]) -> None:
    everything = quick | {"baselines": False}
    textclf_core.compare(["tfidf-logreg:c=2"], vary="data=all", **(everything | {"seeds": [0, 1]}))
    textclf_core.compare(["majority"], vary="data=all", **(everything | {"seeds": [2, 3]}))
    with pytest.raises(UsageError, match="have no seed in common, and each seed has its own test rows"):
        textclf_core.report(quick["output"])


@pytest.mark.parametrize("vary", ["data", "data=all"])
def test_each_sample_has_its_own_tuning(quick: dict[str, Any], vary: str) -> None:
    arguments = quick | {"seeds": 2, "tune": ["c=0.01..100"], "trials": 2, "baselines": False}
    result = textclf_core.compare(["tfidf-logreg", "majority"], vary=vary, **arguments)
    tuned = {run.record.seed: run.record for run in result.runs if run.record.tuning}
    assert list(tuned) == [0, 1]
    for record in tuned.values():
        assert record.tuning is not None
        assert record.tuning.own_sample
        assert record.tuning.options[0].value == record.plugin("trainer").options["c"]  # type: ignore[union-attr]
    [analysis] = result.report.analyses
    assert {row.line.label: row.line.seeds for row in analysis.rows} == dict.fromkeys(
        ("tfidf-logreg (tuned)", "majority"), (0, 1)
    )
    assert analysis.sentence.endswith(", with its own tuning for each.")
    assert "2 trials at each seed" in " ".join(str(result).split())
    trials = [textclf_core.open_run(path.parent) for path in (quick["output"] / "trials").glob("[!.]*/record.json")]
    assert len(trials) == 4
    assert {run.record.data.splits[0].sha256 for run in trials} == {one.data.splits[0].sha256 for one in tuned.values()}


def test_what_cant_vary_is_refused(quick: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"--vary dta: seed, data or data=all\. Did you mean 'data'\?"):
        textclf_core.compare(["majority"], vary="dta", **quick)
    with pytest.raises(UsageError, match="--max-seeds 5: with --vary data=all each seed has its own test rows"):
        textclf_core.compare(["majority"], vary="data=all", max_seeds=5, **quick)
    with pytest.raises(UsageError, match=r"--train-size: with --vary data=all .* a learning curve needs the same"):
        textclf_core.compare(["majority"], vary="data=all", train_size=["8/class", "50%"], **quick)
