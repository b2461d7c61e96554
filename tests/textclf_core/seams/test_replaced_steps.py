"""Plugins that replace a part of the training steps: called, recorded, resumed, refused where they can't be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from textclf_core import ComparisonResult, Run, RunError, UsageError

FileOf = Callable[[str], Path]

LOSSES = """
from typing import Annotated

from textclf_core import Option
from torch.nn.functional import cross_entropy

@dataclass(frozen=True, kw_only=True)
class Mine:
    '''Cross-entropy, times a factor.'''

    factor: Annotated[float, Option("The factor.")] = 1.0

    @hookimpl
    def textclf_loss(self, logits, labels):
        return BODY

@dataclass(frozen=True, kw_only=True)
class Other(Mine):
    '''The same.'''
"""
PER_ROW = "self.factor * cross_entropy(logits, labels, reduction='none')"


def losses(body: str = PER_ROW) -> str:
    return LOSSES.replace("BODY", body)


def numbers_of(run: Run) -> tuple[object, ...]:
    """What two runs that computed the same have in common."""
    return run.predictions()["scores"].to_pylist(), run.record.cost.train_flops


@pytest.mark.parametrize("trainer", ["finetune", "hf-trainer"])
def test_a_loss_of_ones_own_trains_as_the_same_loss_of_the_trainer(
    trainer: str, run: Callable[..., Run], noting_file: FileOf
) -> None:
    file = noting_file(losses())
    mine = run(f"{trainer}:learning_rate=1e-3,micro_batch_size=3", "mine", file=file, output="mine")
    plain = run(f"{trainer}:learning_rate=1e-3,micro_batch_size=3", output="plain")
    assert numbers_of(mine) == numbers_of(plain)
    assert [plugin.name for plugin in mine.record.plugins if plugin.options.get("factor") == 1.0] == ["mine"]


@pytest.mark.parametrize(
    ("body", "came"),
    [
        ("cross_entropy(logits, labels)", r"shape \(\) for labels of shape \(\d+,\)"),
        ("PER.detach()", "isn't computed from the logits"),
        ("0.5", "0.5"),
        ("PER / 0 * 0", "the loss became nan .* changed by: mine:factor=1.0"),
    ],
)
def test_a_loss_that_is_none_is_refused_with_the_plugins_name(
    body: str, came: str, run: Callable[..., Run], noting_file: FileOf
) -> None:
    with pytest.raises(RunError, match=f"(?s)({came}.*mine|mine.*{came}|{came})"):
        run("mine", file=noting_file(losses(body.replace("PER", PER_ROW))))


def test_what_cannot_go_together_is_refused_by_name_before_training(
    run: Callable[..., Run], noting_file: FileOf
) -> None:
    file = noting_file(losses())
    with pytest.raises(UsageError, match="'mine' and 'other' both decide the loss"):
        run("mine", "other", file=file)
    with pytest.raises(UsageError, match=r"'finetune' has focal_gamma=2.0, but 'mine' decides this"):
        run("mine", "finetune:focal_gamma=2", file=file)
    with pytest.raises(UsageError, match="'mine' is a strategy, but the trainer 'embedding-logreg' decides itself"):
        run("mine", "embedding-logreg", file=file)


def test_cells_with_a_replaced_part_are_trained_one_by_one_which_is_logged(
    compare: Callable[..., ComparisonResult], noting_file: FileOf, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="textclf")
    result = compare("head-only + mine", seeds=2, file=noting_file(losses()))
    assert result.failed == {}
    assert "head-only + mine: its 2 runs are trained one by one, since mine replaces a part" in caplog.text


def test_a_run_resumes_with_the_same_loss_alone(run: Callable[..., Run], noting_file: FileOf) -> None:
    file = noting_file(losses())
    whole = run("mine:factor=2", "finetune:epochs=2,learning_rate=1e-3", file=file, output="whole")
    checkpoint = whole.directory / "checkpoints" / "epoch-1"
    again = run("mine:factor=2", f"finetune:epochs=2,learning_rate=1e-3,resume={checkpoint}", file=file, output="again")
    assert again.predictions()["scores"].to_pylist() == whole.predictions()["scores"].to_pylist()
    with pytest.raises(UsageError, match=r"the plugins of the steps was mine:factor=2.0, now mine:factor=1.0"):
        run("mine", f"finetune:epochs=2,learning_rate=1e-3,resume={checkpoint}", file=file, output="other")
