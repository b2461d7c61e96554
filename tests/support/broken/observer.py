"""Broken observers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from broken import broken
from textclf_core import hookimpl


@dataclass(frozen=True)
class GoodObserver:
    """Count the runs."""

    seen: ClassVar[list[str]] = []

    @hookimpl
    def textclf_run_finished(self, record: Any) -> None:
        self.seen.append(record.id)


@broken("observes_a_run", "failed at")
@dataclass(frozen=True)
class ReadsWhatIsntThere:
    """The name of a field of long ago."""

    @hookimpl
    def textclf_run_finished(self, record: Any) -> None:
        assert record.charge.seconds


@broken("observes_a_run", "must return nothing")
@dataclass(frozen=True)
class ReturnsTheRecord:
    """What nobody takes."""

    @hookimpl
    def textclf_run_finished(self, record: Any) -> Any:
        return record.metrics


@broken("observes_every_trainer", "failed at")
@dataclass(frozen=True)
class NeedsAnEncoder:
    """The number of blocks, which not every run has."""

    @hookimpl
    def textclf_run_finished(self, record: Any) -> None:
        assert record.encoder.blocks


@broken("observes_every_trainer", "history.jsonl")
@dataclass(frozen=True)
class NeedsAHistory:
    """The losses, which not every run has."""

    @hookimpl
    def textclf_run_finished(self, directory: Path) -> None:
        (directory / "history.jsonl").read_text()


@broken("leaves_the_record_alone", "work on a copy")
@dataclass(frozen=True)
class ChangesTheRecord:
    """Better numbers."""

    @hookimpl
    def textclf_run_finished(self, record: Any) -> None:
        record.metrics["test"]["f1"] = 1.0


@broken("leaves_the_folder_alone", "write into a folder that an option names")
@dataclass(frozen=True)
class WritesIntoTheRun:
    """A file beside the record."""

    @hookimpl
    def textclf_run_finished(self, record: Any, directory: Path) -> None:
        (directory / "seen.txt").write_text(record.id)


@broken("leaves_the_folder_alone", "write into a folder that an option names")
@dataclass(frozen=True)
class RemovesTheHistory:
    """What is seen isn't needed any more."""

    @hookimpl
    def textclf_run_finished(self, directory: Path) -> None:
        (directory / "history.jsonl").unlink(missing_ok=True)


@broken("observes_several_runs", "failed at")
@dataclass(frozen=True)
class OneRunAlone:
    """A second run is a fault."""

    seen: ClassVar[list[str]] = []

    @hookimpl
    def textclf_run_finished(self, record: Any) -> None:
        if self.seen and record.id not in self.seen:
            raise ValueError("there is a run already")
        self.seen.append(record.id)


@broken("observes_a_failed_run", "failed at")
@dataclass(frozen=True)
class ExpectsEveryRunToFinish:
    """A run that never finished is a fault at the next one."""

    open: ClassVar[list[str]] = []

    @hookimpl
    def textclf_run_started(self, run: Any) -> None:
        assert not self.open
        self.open.append(run.id)

    @hookimpl
    def textclf_run_finished(self, record: Any) -> None:
        self.open.remove(record.id)


@broken("observes_a_comparison", "failed at")
@dataclass(frozen=True)
class NeedsARecommendation:
    """What nobody may be able to recommend."""

    @hookimpl
    def textclf_comparison_finished(self, comparison: Any) -> None:
        print(comparison.recommended.upper())
