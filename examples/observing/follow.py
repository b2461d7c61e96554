"""An observer that follows runs while they train."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from textclf_core import FinishedComparison, Option, RunRecord, StartedRun, hookimpl


@dataclass(frozen=True, kw_only=True)
class Follow:
    """Write a line of JSON for each event of a run to a file, as it happens: ``tail -f`` shows them.

    A line is written by a single call, so that runs in several processes can share a file.
    """

    path: Annotated[Path, Option("The file.")] = Path("events.jsonl")

    @hookimpl
    def textclf_run_started(self, run: StartedRun) -> None:
        """Write which run it is."""
        self._write(run.id, "started", name=run.label, seed=run.seed)

    @hookimpl
    def textclf_step_logged(self, run: StartedRun, step: int, values: Mapping[str, float]) -> None:
        """Write the loss and the learning rate."""
        self._write(run.id, "step", step=step, **values)

    @hookimpl
    def textclf_epoch_logged(self, run: StartedRun, epoch: int, step: int, values: Mapping[str, float]) -> None:
        """Write the losses of train and validation."""
        self._write(run.id, "epoch", epoch=epoch, step=step, **values)

    @hookimpl
    def textclf_run_finished(self, record: RunRecord) -> None:
        """Write the scores and the seconds."""
        self._write(record.id, "finished", metrics=record.metrics, seconds=record.cost.seconds)

    @hookimpl
    def textclf_run_failed(self, run: StartedRun, error: str) -> None:
        """Write the reason."""
        self._write(run.id, "failed", error=error)

    @hookimpl
    def textclf_comparison_finished(self, comparison: FinishedComparison) -> None:
        """Write what is recommended."""
        self._write(None, "compared", runs=len(comparison.records), recommended=comparison.recommended)

    def _write(self, run: str | None, event: str, **facts: Any) -> None:
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"run": run, "event": event, **facts}) + "\n")
