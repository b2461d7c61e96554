"""Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.tracking.packages import need

if TYPE_CHECKING:
    from textclf_core.types.record import RunRecord, StartedRun


@dataclass(frozen=True, kw_only=True)
class Wandb:
    """Log each run to Weights & Biases while it trains: losses by step, then metrics and cost, the plugins' options.

    The runs of a comparison are one group, in which each contender is a job type and each seed a run.
    """

    project: Annotated[str, Option("The project for the runs.")] = "textclf"
    mode: Annotated[
        Literal["offline", "online"],
        Option("offline writes a folder for `wandb sync` to upload; online uploads at once, with your login."),
    ] = "offline"
    folder: Annotated[Path, Option("The folder in which wandb creates its folder `wandb`.")] = Path()
    _runs: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        need("wandb", extra="wandb")

    @hookimpl
    def textclf_run_started(self, run: StartedRun) -> None:
        """Begin a run."""
        import wandb

        self.folder.mkdir(parents=True, exist_ok=True)
        self._runs[run.id] = wandb.init(
            project=self.project,
            name=f"{run.label} s{run.seed}",
            group=run.comparison,
            job_type=run.label if run.comparison else None,
            dir=self.folder,
            mode=self.mode,
            config={
                "seed": run.seed,
                "data_seed": run.data_seed,
                "id": run.id,
                **{plugin.name: plugin.options for plugin in run.plugins},
            },
            reinit="create_new",
            # wandb's own system metrics would be those of the observer too; the record has those of the run.
            settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, x_disable_meta=True),
        )

    @hookimpl
    def textclf_step_logged(self, run: StartedRun, step: int, values: Mapping[str, float]) -> None:
        """Log the numbers of a step."""
        self._runs[run.id].log({f"train/{name}": value for name, value in values.items()}, step=step)

    @hookimpl
    def textclf_epoch_logged(self, run: StartedRun, step: int, values: Mapping[str, float]) -> None:
        """Log the numbers of an epoch."""
        self.textclf_step_logged(run, step, values)

    @hookimpl
    def textclf_run_finished(self, record: RunRecord) -> None:
        """Log the results."""
        from textclf_core.records.history import results_of

        run = self._runs.pop(record.id)
        try:
            run.summary.update(results_of(record))
        finally:
            run.finish()

    @hookimpl
    def textclf_run_failed(self, run: StartedRun, error: str) -> None:
        """Mark the run as failed."""
        logged = self._runs.pop(run.id)
        logged.summary["error"] = error
        logged.finish(exit_code=1)
