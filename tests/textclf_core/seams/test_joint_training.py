"""Cells that train jointly: only by the method that stands in for theirs, with every hook that one run calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textclf_core import ComparisonResult

FINETUNES = """
from inspect import signature
from textclf_plugins.training.finetune import Finetune

@dataclass(frozen=True, kw_only=True)
class Patient(Finetune):
    '''Train as finetune does, one by one, and say so.'''

    @hookimpl
    def textclf_train(self, encoder, data, task, seed, workspace, progress, plan):
        note("one", seed)
        given = dict(encoder=encoder, data=data, task=task, recipe=self, seed=seed, workspace=workspace,
                     progress=progress, plan=plan)
        return super().textclf_train(**{name: given[name] for name in signature(super().textclf_train).parameters})

@dataclass(frozen=True, kw_only=True)
class Sociable(Patient):
    '''Train as Patient does, and several at once in a way of its own.'''

    @hookimpl
    def textclf_train(self, encoder, data, task, seed, workspace, progress, plan):
        return super().textclf_train(encoder, data, task, seed, workspace, progress, plan)

    @hookimpl
    def textclf_train_many(self, encoder, data, task, cells, progress):
        note("many", *(cell.seed for cell in cells))
        return super().textclf_train_many(encoder, data, task, cells, progress)
"""
TIDY = """
@dataclass(frozen=True)
class Tidy:
    '''Freeze the whole body, and say when training is over.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        encoder.freeze(embeddings=True, blocks=range(encoder.num_blocks), pooler=True)

    @hookimpl
    def textclf_training_finished(self, workspace):
        note("finished", (workspace.directory / "model").exists())
"""
SECOND_F1 = """
@dataclass(frozen=True)
class SecondF1:
    '''A metric whose name is taken.'''

    @hookimpl
    def textclf_compute_metrics(self, references):
        note("scored", len(references))
        return {"f1": 1.0}
"""
Noting = Callable[[str], Path]
Log = Callable[[], list[str]]


def test_a_textclf_train_of_ones_own_is_called_for_each_cell(
    compare: Callable[..., ComparisonResult], noting_file: Noting, log: Log
) -> None:
    """A subclass that redefines textclf_train and inherits textclf_train_many is trained cell by cell."""
    result = compare("head-only + patient", seeds=2, file=noting_file(FINETUNES))
    assert result.failed == {}
    assert sorted(log()) == ["one 0", "one 1"]


def test_a_textclf_train_many_beside_its_textclf_train_trains_them_at_once(
    compare: Callable[..., ComparisonResult], noting_file: Noting, log: Log
) -> None:
    """A subclass that redefines both keeps its advantage."""
    result = compare("head-only + sociable", seeds=2, file=noting_file(FINETUNES))
    assert result.failed == {}
    assert log() == ["many 0 1"]


def test_each_of_several_cells_gets_training_finished(
    compare: Callable[..., ComparisonResult], noting_file: Noting, log: Log
) -> None:
    """textclf_training_finished comes before anything is saved, for joint cells as for one."""
    result = compare("tidy", seeds=2, file=noting_file(TIDY))
    assert result.failed == {}
    assert log() == ["finished False"] * 2


def test_metrics_that_clash_are_found_before_joint_cells_train(
    compare: Callable[..., ComparisonResult], noting_file: Noting, log: Log
) -> None:
    """Metrics are checked on one invented row a label before training; afterwards they would see 24 rows."""
    result = compare("head-only + f1 + second-f1", seeds=2, file=noting_file(SECOND_F1))
    assert len(result.failed) == 2
    assert all("both return the metric 'f1'" in str(error) for error in result.failed.values())
    assert set(log()) == {"scored 2"}
