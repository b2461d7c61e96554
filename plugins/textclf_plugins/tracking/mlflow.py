"""MLflow."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.tracking.packages import need

if TYPE_CHECKING:
    from textclf_core.types.record import RunRecord, StartedRun

# The limits of a request (MLflow's REST API, "Request limits").
_METRICS_AT_ONCE = 1000
_PARAMETERS_AT_ONCE = 100

_PARENT = "mlflow.parentRunId"
"""The tag by which MLflow nests runs (MLflow's list of system tags)."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class _Logged:
    """A run in the store, and the runs that it is nested in."""

    id: str
    parents: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MLflow:
    """Log each run to MLflow while it trains: losses by step, then metrics, cost, plugin options, and its folder.

    The runs of a comparison are nested: in a run for the comparison, and in it one for each contender.
    """

    uri: Annotated[str, Option("The tracking store: a database file, or a server such as http://HOST:5000.")] = (
        "sqlite:///mlflow.db"
    )
    experiment: Annotated[str, Option("The experiment for the runs; created if it doesn't exist.")] = "textclf"
    _runs: dict[str, _Logged] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        need("mlflow", extra="mlflow")

    @hookimpl
    def textclf_run_started(self, run: StartedRun) -> None:
        """Create the run, and those that it is nested in."""
        from mlflow.entities import Param, RunTag

        client = self._client()
        found = client.get_experiment_by_name(self.experiment)
        experiment = found.experiment_id if found else client.create_experiment(self.experiment)
        parents: tuple[str, ...] = ()
        if run.comparison:
            comparison = _group(client, experiment, run.comparison, {"textclf.comparison": run.comparison})
            tags = {"textclf.contender": run.label, _PARENT: comparison}
            parents = comparison, _group(client, experiment, run.label, tags)
        tags = {"textclf.run": run.id, **({_PARENT: parents[-1]} if parents else {})}
        began = _milliseconds(run.started)
        created = client.create_run(experiment, start_time=began, run_name=f"{run.label} s{run.seed}").info.run_id
        self._runs[run.id] = _Logged(created, parents)
        client.log_batch(created, tags=[RunTag(name, value) for name, value in tags.items()])
        parameters = [Param("seed", str(run.seed)), Param("data_seed", str(run.data_seed))]
        parameters += [
            Param(_name(f"{plugin.name}.{option}"), str(value))
            for plugin in run.plugins
            for option, value in plugin.options.items()
        ]
        for params in _chunks(parameters, _PARAMETERS_AT_ONCE):
            client.log_batch(created, params=params)

    @hookimpl
    def textclf_step_logged(self, run: StartedRun, step: int, values: Mapping[str, float]) -> None:
        """Log the numbers of a step."""
        self._log(self._runs[run.id].id, {f"train/{name}": value for name, value in values.items()}, step)

    @hookimpl
    def textclf_epoch_logged(self, run: StartedRun, step: int, values: Mapping[str, float]) -> None:
        """Log the numbers of an epoch."""
        self.textclf_step_logged(run, step, values)

    @hookimpl
    def textclf_run_finished(self, record: RunRecord, directory: Path) -> None:
        """Log the results and the run's folder."""
        from textclf_core.records.history import history_of, results_of

        history = history_of(directory)
        run = self._runs[record.id]
        self._log(run.id, results_of(record), int(history[-1]["step"]) if history else 0)
        folder = directory.resolve().with_name(record.id).as_uri()
        self._client().set_tag(run.id, "textclf.folder", folder)
        self._end(record.id, "FINISHED")

    @hookimpl
    def textclf_run_failed(self, run: StartedRun, error: str) -> None:
        """Mark the run as failed."""
        self._client().set_tag(self._runs[run.id].id, "textclf.error", error)
        self._end(run.id, "FAILED")

    def _log(self, run: str, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = round(1000 * time.time())
        metrics = [Metric(_name(name), value, now, step) for name, value in values.items()]
        for some in _chunks(metrics, _METRICS_AT_ONCE):
            self._client().log_batch(run, metrics=some)

    def _end(self, run: str, status: str) -> None:
        """End a run; the runs that it is nested in end with the last of theirs."""
        client, logged = self._client(), self._runs.pop(run)
        client.set_terminated(logged.id, status=status)
        for parent in logged.parents:
            client.set_terminated(parent)

    def _client(self) -> Any:
        # Disabled so that data leave the machine only for the given store.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri)


def _group(client: Any, experiment: str, name: str, tags: Mapping[str, str]) -> str:
    """Return the id of the run with these tags, for others to be nested in; it is created if it doesn't exist."""
    wanted = " and ".join(f"tags.`{tag}` = {_quoted(value)}" for tag, value in tags.items())
    found = client.search_runs([experiment], wanted, max_results=1)
    run = found[0] if found else client.create_run(experiment, run_name=name, tags=dict(tags))
    return str(run.info.run_id)


def _quoted(value: str) -> str:
    """Return a value as MLflow's search takes it."""
    return f'"{value}"' if "'" in value else f"'{value}'"


def _name(name: str) -> str:
    """Replace the characters that MLflow doesn't allow in names by underscores."""
    return re.sub(r"[^\w./: -]", "_", name)


def _milliseconds(moment: str) -> int:
    return round(1000 * datetime.fromisoformat(moment).timestamp())


def _chunks(values: Sequence[_T], size: int) -> Iterator[list[_T]]:
    return (list(values[start : start + size]) for start in range(0, len(values), size))
