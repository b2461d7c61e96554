"""Weights & Biases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.tracking.packages import need

if TYPE_CHECKING:
    from textclf_core.types.record import RunRecord


@dataclass(frozen=True, kw_only=True)
class Wandb:
    """Log each run to Weights & Biases: losses by step, metrics and cost, the options of its plugins."""

    project: Annotated[str, Option("The project for the runs.")] = "textclf"
    mode: Annotated[
        Literal["offline", "online"],
        Option("offline writes a folder for `wandb sync` to upload; online uploads at once, with your login."),
    ] = "offline"
    folder: Annotated[Path, Option("The folder in which wandb creates its folder `wandb`.")] = Path()

    def __post_init__(self) -> None:
        need("wandb", extra="wandb")

    @hookimpl
    def textclf_run_finished(self, record: RunRecord, directory: Path) -> None:
        """Log the history and the results."""
        import wandb

        from textclf_core.records.history import history_of, results_of, series_of

        self.folder.mkdir(parents=True, exist_ok=True)
        run = wandb.init(
            project=self.project,
            name=f"{record.label} s{record.seed}",
            dir=self.folder,
            mode=self.mode,
            config={
                "seed": record.seed,
                "data_seed": record.data_seed,
                "id": record.id,
                **{plugin.name: plugin.options for plugin in record.plugins},
            },
            reinit="create_new",
            # wandb's own system metrics would be of the time after the run; the record has those of the run.
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, x_disable_meta=True),
        )
        try:
            for entry in history_of(directory):
                run.log({f"train/{name}": value for name, value in series_of(entry).items()}, step=int(entry["step"]))
            run.summary.update(results_of(record))
        finally:
            run.finish()
