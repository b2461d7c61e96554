"""MLflow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from textclf_core.hookspecs import hookimpl
from textclf_core.types.option import Option
from textclf_plugins.tracking.packages import need

if TYPE_CHECKING:
    from textclf_core.types.record import RunRecord

# The limits of a request (MLflow's REST API, "Request limits").
_METRICS_AT_ONCE = 1000
_PARAMETERS_AT_ONCE = 100

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class MLflow:
    """Log each run to MLflow: losses by step, metrics and cost, plugin options, and the location of its folder."""

    uri: Annotated[str, Option("The tracking store: a database file, or a server such as http://HOST:5000.")] = (
        "sqlite:///mlflow.db"
    )
    experiment: Annotated[str, Option("The experiment for the runs; created if it doesn't exist.")] = "textclf"

    def __post_init__(self) -> None:
        need("mlflow", extra="mlflow")

    @hookimpl
    def textclf_run_finished(self, record: RunRecord, directory: Path) -> None:
        """Log the history and the results."""
        # Disabled so that data leave the machine only for the given store.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param, RunTag

        from textclf_core.records.history import history_of, results_of, series_of

        client = MlflowClient(tracking_uri=self.uri)
        began, ended = _milliseconds(record.started), _milliseconds(record.finished)
        history = history_of(directory)
        last = int(history[-1]["step"]) if history else 0
        metrics = [
            Metric(_name(f"train/{name}"), value, ended, int(entry["step"]))
            for entry in history
            for name, value in series_of(entry).items()
        ]
        metrics += [Metric(_name(name), value, ended, last) for name, value in results_of(record).items()]
        parameters = [Param("seed", str(record.seed)), Param("data_seed", str(record.data_seed))]
        parameters += [
            Param(_name(f"{plugin.name}.{option}"), str(value))
            for plugin in record.plugins
            for option, value in plugin.options.items()
        ]
        tags = [
            RunTag("textclf.run", record.id),
            RunTag("textclf.folder", directory.resolve().with_name(record.id).as_uri()),
        ]

        found = client.get_experiment_by_name(self.experiment)
        experiment = found.experiment_id if found else client.create_experiment(self.experiment)
        run = client.create_run(experiment, start_time=began, run_name=f"{record.label} s{record.seed}").info.run_id
        client.log_batch(run, tags=tags)
        for params in _chunks(parameters, _PARAMETERS_AT_ONCE):
            client.log_batch(run, params=params)
        for values in _chunks(metrics, _METRICS_AT_ONCE):
            client.log_batch(run, metrics=values)
        client.set_terminated(run, end_time=ended)


def _name(name: str) -> str:
    """Replace the characters that MLflow doesn't allow in names by underscores."""
    return re.sub(r"[^\w./: -]", "_", name)


def _milliseconds(moment: str) -> int:
    return round(1000 * datetime.fromisoformat(moment).timestamp())


def _chunks(values: Sequence[_T], size: int) -> Iterator[list[_T]]:
    return (list(values[start : start + size]) for start in range(0, len(values), size))
