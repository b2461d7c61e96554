"""The events of runs and comparisons, as an observer sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import textclf_core
from textclf_core.errors import TextclfError
from textclf_core.records.history import history_of, series_of

FOLLOWERS = """
import json, random, time
from dataclasses import field
from typing import Any

import numpy
import torch

@dataclass(frozen=True)
class Follower:
    '''Note every event; whatever it is given, it changes.'''

    _open: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def write(self, *event):
        note(json.dumps(event))
        random.random(), numpy.random.rand(), torch.rand(3)

    @hookimpl
    def textclf_run_started(self, run):
        self._open[run.id] = 0
        self.write("started", run.id, run.label, run.seed, run.comparison, [one.name for one in run.plugins])

    @hookimpl
    def textclf_step_logged(self, run, step, values):
        self._open[run.id] += 1
        self.write("step", run.id, step, values)
        values.clear()

    @hookimpl
    def textclf_epoch_logged(self, run, epoch, step, values):
        self.write("epoch", run.id, epoch, step, values)
        values.clear()

    @hookimpl
    def textclf_run_finished(self, record):
        self.write("finished", record.id, self._open.pop(record.id), record.metrics["test"]["f1"])

    @hookimpl
    def textclf_run_failed(self, run, error):
        self.write("failed", run.id, error)

    @hookimpl
    def textclf_comparison_finished(self, comparison):
        failed = [label for label, seed, error in comparison.failed]
        ids = [record.id for record in comparison.records]
        self.write("compared", comparison.name, ids, failed, comparison.recommended, len(comparison.report))

@dataclass(frozen=True)
class Slow:
    '''Take a second at each epoch.'''

    @hookimpl
    def textclf_epoch_logged(self):
        time.sleep(1)

@dataclass(frozen=True)
class Fragile:
    '''Lose its server in the first step.'''

    @hookimpl
    def textclf_step_logged(self, run):
        note("called")
        raise ConnectionError("the server is on fire")

@dataclass(frozen=True)
class Failing:
    '''Train nothing.'''

    @hookimpl
    def textclf_train(self, data):
        raise RuntimeError("no luck")
"""

TRAINING = "finetune:epochs=2,learning_rate=1e-2"


@pytest.fixture
def followers(noting_file: Callable[[str], Path]) -> Path:
    return noting_file(FOLLOWERS)


@pytest.fixture
def train(run: Callable[..., textclf_core.Run], followers: Path) -> Callable[..., textclf_core.Run]:
    return lambda *plugins, **options: run(*plugins, file=followers, **options)


@pytest.fixture
def events(log: Callable[[], list[str]]) -> Callable[[], list[list[Any]]]:
    return lambda: [json.loads(line) for line in log()]


@pytest.mark.parametrize("trainer", [TRAINING, "hf-trainer:epochs=2,learning_rate=1e-2"])
def test_an_observer_follows_a_run_live(
    trainer: str, train: Callable[..., textclf_core.Run], events: Callable[[], list[list[Any]]]
) -> None:
    """It sees each row of the history, in order, between the start and the result."""
    run = train(trainer, "follower", seed=3)
    seen = events()
    assert seen[0][:5] == ["started", run.record.id, run.record.label, 3, None]
    assert "follower" in seen[0][5]
    rows = [(event[-2], event[-1]) for event in seen[1:-1]]
    history = history_of(run.directory)
    assert rows == [(row["step"], series_of(row)) for row in history]
    assert [event[0] for event in seen[1:-1]] == ["epoch" if "epoch" in row else "step" for row in history]
    steps = sum("epoch" not in row for row in history)
    assert seen[-1] == ["finished", run.record.id, steps, run.metrics["test"]["f1"]]


def test_an_observer_changes_neither_training_nor_the_history(train: Callable[..., textclf_core.Run]) -> None:
    """Though it draws random numbers and empties what it is given."""
    plain, followed = train(TRAINING), train(TRAINING, "follower")
    assert followed.predictions().equals(plain.predictions())
    assert history_of(followed.directory) == history_of(plain.directory)
    assert followed.record.notes == plain.record.notes


def test_the_time_of_an_observer_is_not_the_runs(train: Callable[..., textclf_core.Run]) -> None:
    seconds = train(TRAINING, "slow").record.cost.seconds
    plain = train(TRAINING).record.cost.seconds
    assert seconds["train"] < plain["train"] + 1
    assert seconds["total"] < plain["total"] + 1.5


def test_an_observer_that_fails_is_not_called_again_for_the_run(
    train: Callable[..., textclf_core.Run], log: Callable[[], list[str]]
) -> None:
    run = train(TRAINING, "fragile")
    [note] = [note for note in run.record.notes if "fragile" in note]
    assert "fragile could not report this run" in note
    assert "the server is on fire" in note
    assert log() == ["called"]


def test_an_observer_hears_of_a_run_that_fails(
    train: Callable[..., textclf_core.Run], base: list[str], events: Callable[[], list[list[Any]]]
) -> None:
    with pytest.raises(TextclfError, match="no luck"):
        train("failing", "follower", beside=base[:1])
    started, failed = events()
    assert started[0] == "started"
    assert failed[:2] == ["failed", started[1]]
    assert "no luck" in failed[2]


def test_a_resumed_run_logs_what_was_before_its_checkpoint_again(
    train: Callable[..., textclf_core.Run], events: Callable[[], list[list[Any]]]
) -> None:
    first = train("finetune:epochs=3,learning_rate=1e-2,checkpoints=3")
    checkpoint = sorted((first.directory / "checkpoints").iterdir())[0]
    run = train(f"finetune:epochs=3,learning_rate=1e-2,resume={checkpoint}", "follower")
    rows = [(event[-2], event[-1]) for event in events()[1:-1]]
    assert rows == [(row["step"], series_of(row)) for row in history_of(run.directory)]


def test_an_observer_follows_a_comparison(
    base: list[str],
    compare: Callable[..., textclf_core.ComparisonResult],
    followers: Path,
    events: Callable[[], list[list[Any]]],
) -> None:
    """All runs are of one comparison, those that train at the same time too; it is finished once, with every cell."""
    plugins = [*base, "follower", "finetune:epochs=1,learning_rate=1e-2"]
    result = compare("head-only", "majority", "failing", plugins=plugins, file=followers, seeds=2)
    seen = events()
    started = [event for event in seen if event[0] == "started"]
    assert sorted((event[2], event[3]) for event in started) == [
        (label, seed) for label in ("failing", "head-only", "majority") for seed in (0, 1)
    ]
    [name] = {event[4] for event in started}
    assert name.startswith("runs ")
    ids = [run.record.id for run in result.runs]
    assert seen[-1] == ["compared", name, ids, ["failing", "failing"], result.recommended, 1]
    assert sorted(event[1] for event in seen if event[0] == "finished") == sorted(ids)
    assert [event[0] for event in seen].count("failed") == 2

    more = compare("head-only", "majority", "failing", plugins=plugins, file=followers, seeds=3)
    continued = events()[len(seen) :]
    assert {event[4] for event in continued if event[0] == "started"} == {name}
    assert continued[-1][2] == [run.record.id for run in more.runs]


def test_pilot_runs_are_not_followed(
    base: list[str], compare: Callable[..., Any], followers: Path, log: Callable[[], list[str]]
) -> None:
    compare("head-only", plugins=[*base, "follower"], file=followers, dry_run=True)
    assert log() == []
