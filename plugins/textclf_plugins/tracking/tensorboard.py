"""TensorBoard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.tracking.packages import need

if TYPE_CHECKING:
    from textclf_core.types.record import RunRecord, StartedRun


@dataclass(frozen=True, kw_only=True)
class TensorBoard:
    """Write each run for TensorBoard while it trains: losses by step, then metrics and cost at the last step."""

    folder: Annotated[
        Path,
        Option(
            "The folder for `tensorboard --logdir`. Each run is a folder in it; those of a comparison are together in "
            "one folder, by contender and seed."
        ),
    ] = Path("tensorboard")
    _writers: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        need("tensorboard", extra="tensorboard")

    @hookimpl
    def textclf_run_started(self, run: StartedRun) -> None:
        """Open the run's folder."""
        from torch.utils.tensorboard import SummaryWriter

        names = (run.comparison, run.label, f"seed {run.seed}") if run.comparison else (run.id,)
        self._writers[run.id] = SummaryWriter(self.folder.joinpath(*map(_as_folder, names)))

    @hookimpl
    def textclf_step_logged(self, run: StartedRun, step: int, values: Mapping[str, float]) -> None:
        """Write the numbers of a step."""
        for name, value in values.items():
            self._writers[run.id].add_scalar(f"train/{name}", value, step)

    @hookimpl
    def textclf_epoch_logged(self, run: StartedRun, step: int, values: Mapping[str, float]) -> None:
        """Write the numbers of an epoch, so that TensorBoard shows all up to here."""
        self.textclf_step_logged(run, step, values)
        self._writers[run.id].flush()

    @hookimpl
    def textclf_run_finished(self, record: RunRecord, directory: Path) -> None:
        """Write the results."""
        from textclf_core.records.history import history_of, results_of

        history = history_of(directory)
        last = int(history[-1]["step"]) if history else 0
        with self._writers.pop(record.id) as writer:
            for name, value in results_of(record).items():
                writer.add_scalar(name, value, last)
            writer.add_text("label", record.label)

    @hookimpl
    def textclf_run_failed(self, run: StartedRun, error: str) -> None:
        """Write the error."""
        with self._writers.pop(run.id) as writer:
            writer.add_text("error", error)


def _as_folder(name: str) -> str:
    """Replace characters that some file systems don't allow in a folder's name."""
    return re.sub(r'[\\/:*?"<>|]', "_", name)
