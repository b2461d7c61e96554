"""TensorBoard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.tracking.packages import need

if TYPE_CHECKING:
    from textclf_core.types.record import RunRecord


@dataclass(frozen=True, kw_only=True)
class TensorBoard:
    """Write each run for TensorBoard: losses by step, metrics and cost at the last step."""

    folder: Annotated[Path, Option("The folder for `tensorboard --logdir`; each run is a folder in it.")] = Path(
        "tensorboard"
    )

    def __post_init__(self) -> None:
        need("tensorboard", extra="tensorboard")

    @hookimpl
    def textclf_run_finished(self, record: RunRecord, directory: Path) -> None:
        """Write the history and the results."""
        from torch.utils.tensorboard import SummaryWriter

        from textclf_core.records.history import history_of, results_of, series_of

        history = history_of(directory)
        last = int(history[-1]["step"]) if history else 0
        with SummaryWriter(self.folder / record.id) as writer:
            for entry in history:
                for name, value in series_of(entry).items():
                    writer.add_scalar(f"train/{name}", value, int(entry["step"]))
            for name, value in results_of(record).items():
                writer.add_scalar(name, value, last)
            writer.add_text("label", record.label)
