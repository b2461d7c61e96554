"""Observers watch: what they do to what they are given changes nothing of the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core
from textclf_core import Run

MEDDLERS = """
import json, logging

@dataclass(frozen=True)
class Flatterer:
    '''Better every score that it is shown.'''

    @hookimpl
    def textclf_run_finished(self, record):
        for split in record.metrics.values():
            split.update(dict.fromkeys(split, 1.5))
        logging.getLogger("textclf").info("the record is written again after an observer says something")

@dataclass(frozen=True)
class Witness:
    '''Say what scores it was shown.'''

    @hookimpl
    def textclf_run_finished(self, record):
        note(json.dumps(record.metrics))

@dataclass(frozen=True)
class Remover:
    '''Remove the predictions.'''

    @hookimpl
    def textclf_run_finished(self, directory):
        (directory / "predictions.parquet").unlink()

@dataclass(frozen=True)
class Forger:
    '''Write another record, and other weights.'''

    @hookimpl
    def textclf_run_finished(self, directory):
        (directory / "record.json").write_text("{}")
        for path in (directory / "model").iterdir():
            path.write_text("{}")

@dataclass(frozen=True)
class Litterer:
    '''Leave a file.'''

    @hookimpl
    def textclf_run_finished(self, directory):
        (directory / "litter.txt").write_text("mine")
"""


@pytest.fixture
def watched(run: Callable[..., Run], noting_file: Callable[[str], Path], reviews: Path) -> Callable[..., Run]:
    file = noting_file(MEDDLERS)
    return lambda *observers: run("majority", *observers, file=file, beside=[f"files:path={reviews}"])


def test_an_observer_that_changes_the_record_changes_nothing_of_the_run(watched: Callable[..., Run]) -> None:
    """Neither the record in memory nor the one on disk has what an observer wrote into its copy."""
    plain, done = watched(), watched("flatterer")
    assert done.metrics == plain.metrics
    assert textclf_core.open_run(done.directory).metrics == plain.metrics


def test_what_one_observer_changes_the_next_does_not_see(
    watched: Callable[..., Run], log: Callable[[], list[str]]
) -> None:
    """Each observer has a copy of its own."""
    plain = watched()
    watched("flatterer", "witness")
    assert json.loads(log()[-1]) == plain.metrics


@pytest.mark.parametrize("observer", ["remover", "forger", "litterer"])
def test_what_was_written_stays_as_it_was(observer: str, watched: Callable[..., Run]) -> None:
    """The directory has the files that it has without the observer, and they can be read."""
    plain, done = watched(), watched(observer)
    names = [sorted(str(path.relative_to(one.directory)) for path in one.directory.rglob("*")) for one in (plain, done)]
    assert names[0] == names[1]
    opened = textclf_core.open_run(done.directory)
    assert opened.metrics == plain.metrics
    assert opened.predictions().equals(plain.predictions())
    assert opened.predict(["dull"]) == plain.predict(["dull"])
