"""Whatever fails in a cell, only that cell has failed; a trial that diverges is a failed trial."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from textclf_core import ComparisonResult, open_run

UNLUCKY = """
import numpy, torch

def fail():
    raise ERROR

class Even:
    def scores(self, data):
        if "WHERE" == "scores":
            fail()
        return numpy.full((len(data), 2), 0.5, dtype=numpy.float32)

    def save(self, directory):
        if "WHERE" == "save":
            fail()

@dataclass(frozen=True)
class Unlucky:
    '''Fail in one place.'''

    @hookimpl
    def textclf_train(self, data):
        if "WHERE" == "train":
            fail()
        return Even()

    @hookimpl
    def textclf_load_classifier(self, directory):
        return Even()
"""
# Where it fails, what is raised, and what the error must say of it.
FAILURES = {
    "memory while training": ("train", "MemoryError('no memory left')", "no memory left"),
    "a full disk": ("save", "OSError(28, 'No space left on device')", "No space left"),
    "memory while scoring": ("scores", "MemoryError('no memory left')", "no memory left"),
    "a GPU's memory": ("scores", "torch.cuda.OutOfMemoryError('CUDA out of memory')", "CUDA out of memory"),
    "a fault in the code": ("scores", "KeyError('label')", "KeyError"),
}


@pytest.mark.parametrize(("where", "error", "message"), FAILURES.values(), ids=FAILURES)
def test_a_cell_that_fails_anywhere_is_a_failed_cell(
    where: str,
    error: str,
    message: str,
    compare: Callable[..., ComparisonResult],
    plugin_file: Callable[..., Path],
    reviews: Path,
) -> None:
    """The others go on, and the error names the contender's plugin and what was raised."""
    file = plugin_file(UNLUCKY.replace("WHERE", where).replace("ERROR", error))
    result = compare("unlucky", "majority", file=file, plugins=[f"files:path={reviews}"])
    assert [run.record.label for run in result.runs] == ["majority"]
    [((label, seed), failure)] = result.failed.items()
    assert (label, seed) == ("unlucky", 0)
    assert "unlucky" in str(failure)
    assert message in str(failure)


def test_a_trial_that_diverges_is_a_failed_trial(
    textclf: Callable[..., int], base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a range that is far too wide some values give a loss that isn't finite: the best of the others is taken."""
    words = [word for spec in [*base, "finetune:learning_rate=1e-2"] for word in ("--plugin", spec)]
    words += ["--output", str(tmp_path / "runs"), "--cache-dir", str(tmp_path / "cache"), "--seeds", "1"]
    words += ["--no-baselines", "--tune", "learning_rate=1e-2..1e38", "--trials", "4"]
    assert textclf("compare", *words, "--try", "full") == 0, capsys.readouterr().err
    [tuned] = [open_run(path) for path in (tmp_path / "runs").iterdir() if (path / "record.json").is_file()]
    assert tuned.record.tuning is not None
    assert tuned.record.tuning.trials == 4
    assert tuned.record.tuning.validation_score > 0


HOLDING = """
import weakref

MODELS = []

@dataclass(frozen=True)
class Holding:
    '''Remember the model, and fail.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        pass

    @hookimpl
    def textclf_training_finished(self, encoder):
        MODELS.append(weakref.ref(encoder.model))
        raise ArithmeticError
"""


def test_a_failed_cell_holds_no_model(
    compare: Callable[..., ComparisonResult], plugin_file: Callable[..., Path], base: list[str]
) -> None:
    """The cells that come after it need the memory."""
    file = plugin_file(HOLDING)
    result = compare("holding", file=file, plugins=base)
    assert len(result.failed) == 1
    [module] = [module for module in sys.modules.values() if getattr(module, "__file__", None) == str(file)]
    gc.collect()
    assert [model() for model in module.MODELS] == [None]
