"""The examples of a trainer, a postprocessor, an executor and a live observer are used as their pages say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core
from textclf_core import UsageError
from textclf_core.plugins import Catalogue
from textclf_core.testing import Check, plugin_checks, tiny_data

EXAMPLES = Path(__file__).parents[2] / "examples"
CLASS_MEANS, CLASS_SHARES, HOSTS = (
    EXAMPLES / "roles" / f"{name}.py" for name in ("class_means", "class_shares", "hosts")
)
FOLLOW = EXAMPLES / "observing" / "follow.py"


def plugin(file: Path) -> type:
    return Catalogue.discover([file]).get(file.stem.replace("_", "-")).cls


@pytest.mark.parametrize(
    "check",
    [
        *plugin_checks(plugin(CLASS_MEANS)),
        *plugin_checks(plugin(CLASS_SHARES), shares=(0.75, 0.25)),
        *plugin_checks(plugin(FOLLOW)),
    ],
)
def test_an_example_does_what_its_hooks_promise(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check()


@pytest.mark.slow
@pytest.mark.parametrize("check", plugin_checks(plugin(HOSTS), names=("-c",), command="sh"))
def test_the_executor_does_what_its_hook_promises(check: Check) -> None:
    check()  # as it is with ssh: a shell gets the command as one line


def test_the_trainer_is_compared_and_predicts(reviews: Path, tmp_path: Path) -> None:
    result = textclf_core.compare(
        ["class-means", "majority"],
        plugins=[f"files:path={reviews}"],
        plugin_files=[CLASS_MEANS],
        seeds=1,
        baselines=False,
        output=tmp_path,
        quiet=True,
    )
    trained, majority = result.runs
    assert trained.metrics["test"]["accuracy"] > majority.metrics["test"]["accuracy"]
    [answer] = trained.predict(["a text that it never saw"], plugin_files=[CLASS_MEANS])
    assert answer["prediction"] in trained.record.data.task.label_names
    assert 0.5 <= answer["score"] <= 1


def test_the_postprocessor_changes_the_shares(tmp_path: Path) -> None:
    def share_of_second(shares: str | None) -> float:
        run = textclf_core.run(
            ["tfidf-logreg", *([f"class-shares:shares={shares}"] if shares else [])],
            plugin_files=[CLASS_SHARES],
            data=tiny_data(64),
            output=tmp_path / str(shares),
            quiet=True,
        )
        scores = run.predictions()["scores"].to_pylist()
        return sum(row[1] for row in scores) / len(scores)

    assert share_of_second("0.95,0.05") < share_of_second(None) < share_of_second("0.05,0.95")
    with pytest.raises(UsageError, match=r"there are 2 labels .* and 3 shares"):
        share_of_second("0.2,0.3,0.5")


def test_the_observer_follows_a_run_as_it_trains(tiny_checkpoint: Path, tmp_path: Path) -> None:
    run = textclf_core.run(
        [f"hf-model:checkpoint={tiny_checkpoint}", "finetune:epochs=2", f"follow:path={tmp_path / 'events.jsonl'}"],
        plugin_files=[FOLLOW],
        data=tiny_data(32),
        output=tmp_path / "runs",
        quiet=True,
    )
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {line["run"] for line in lines} == {run.record.id}
    events = [line["event"] for line in lines]
    assert events[0] == "started"
    assert events[-1] == "finished"
    assert events.count("epoch") == 2
    assert "step" in events
    assert lines[-1]["metrics"] == json.loads(json.dumps(run.metrics))


@pytest.mark.slow
def test_cells_run_on_machines_that_a_command_reaches(
    textclf: Callable[..., int], reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", "--plugin-file", str(HOSTS), "--executor", "hosts:names=-c,command=sh"]
    words += ["--plugin", f"files:path={reviews}", "--try", "majority", "--try", "tfidf-logreg", "--seeds", "1"]
    assert textclf(*words, "--output", str(tmp_path)) == 0
    assert "tfidf-logreg" in capsys.readouterr().out
