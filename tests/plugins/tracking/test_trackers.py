"""The trackers' plugins, each read back with the tracker's own means."""

from __future__ import annotations

import json
import struct
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import textclf_core
from textclf_core.errors import UsageError
from textclf_core.plugins import Catalogue, activate
from textclf_core.records.history import history_of


@pytest.fixture
def plugins(tiny_checkpoint: Path, reviews: Path) -> list[str]:
    return [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}", "finetune:epochs=2,learning_rate=1e-3"]


def logged(content: bytes) -> Iterator[bytes]:
    """Yield the records of a .wandb file: a log as LevelDB writes it, behind a header of seven bytes."""
    at, parts = 7, b""
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:  # a header doesn't straddle two blocks
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + 7])
        if at + 7 + length > len(content):  # not all written yet
            return
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # a whole one, or the last part of one
            yield parts
            parts = b""


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="needs the extra tensorboard")
def test_tensorboard_reads_losses_by_step_and_the_results(plugins: list[str], tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = textclf_core.run([*plugins, f"tensorboard:folder={tmp_path / 'board'}"], output=tmp_path / "runs", quiet=True)
    events = EventAccumulator(str(tmp_path / "board" / run.record.id)).Reload()
    history = history_of(run.directory)
    losses = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    found = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert found == [(step, pytest.approx(loss)) for step, loss in losses]
    assert len(events.Scalars("train/validation_loss")) == 2
    [f1] = events.Scalars("test/f1")
    assert f1.value == pytest.approx(run.metrics["test"]["f1"])
    assert f1.step == history[-1]["step"]
    assert run.record.notes == tuple(note for note in run.record.notes if "did not see" not in note)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("wandb") is None, reason="needs the extra wandb")
def test_wandb_keeps_losses_by_step_and_the_results_offline(
    plugins: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wandb.proto.wandb_internal_pb2 import Record

    for name in ("exit", "excepthook"):  # wandb puts its own in their place, and leaves them there
        monkeypatch.setattr(sys, name, getattr(sys, name))
    run = textclf_core.run(
        [*plugins, f"wandb:project=reviews,folder={tmp_path / 'tracked'}"], output=tmp_path / "runs", quiet=True
    )
    [path] = (tmp_path / "tracked" / "wandb").glob("offline-run-*/run-*.wandb")
    # wandb's own process writes it, and may still be at it when wandb says that the run is over.
    deadline, records = time.monotonic() + 20, []
    while time.monotonic() < deadline and not any(record.HasField("exit") for record in records):
        time.sleep(0.05)
        records = [Record.FromString(data) for data in logged(path.read_bytes())]
    steps, summary = {}, {}
    for record in records:
        if record.HasField("history"):
            row = {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in record.history.item}
            steps[row["_step"]] = row
        for item in record.summary.update:
            summary[".".join(item.nested_key) or item.key] = json.loads(item.value_json)
    losses = {entry["step"]: entry["loss"] for entry in history_of(run.directory) if "loss" in entry}
    assert {step: row["train/loss"] for step, row in steps.items() if "train/loss" in row} == pytest.approx(losses)
    assert summary["test/f1"] == pytest.approx(run.metrics["test"]["f1"])
    [begun] = [record.run for record in records if record.HasField("run")]
    assert begun.project == "reviews"
    assert begun.run_group == ""
    assert not [note for note in run.record.notes if "did not see" in note]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mlflow") is None, reason="needs the extra mlflow")
def test_mlflow_keeps_losses_by_step_the_results_the_options_and_where_the_run_is(
    plugins: list[str], tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    run = textclf_core.run(
        [*plugins, f"mlflow:uri={uri},experiment=reviews"], output=tmp_path / "runs", seed=3, quiet=True
    )
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("reviews")
    assert experiment is not None
    [found] = client.search_runs([experiment.experiment_id])
    losses = [(entry["step"], entry["loss"]) for entry in history_of(run.directory) if "loss" in entry]
    series = client.get_metric_history(found.info.run_id, "train/loss")
    assert sorted((metric.step, metric.value) for metric in series) == losses
    assert len(client.get_metric_history(found.info.run_id, "train/validation_loss")) == 2
    assert found.data.metrics["test/f1"] == run.metrics["test"]["f1"]
    assert (found.data.params["seed"], found.data.params["finetune.learning_rate"]) == ("3", "0.001")
    assert found.data.tags["textclf.folder"] == run.directory.resolve().as_uri()
    assert found.info.status == "FINISHED"
    assert not [note for note in run.record.notes if "did not see" in note]


@pytest.fixture
def compared(plugins: list[str], tmp_path: Path) -> Callable[[str], textclf_core.ComparisonResult]:
    def compare(tracker: str) -> textclf_core.ComparisonResult:
        return textclf_core.compare(
            ["majority", "head-only"],
            plugins=[*plugins, tracker],
            seeds=2,
            baselines=False,
            output=tmp_path / "runs",
            quiet=True,
        )

    return compare


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="needs the extra tensorboard")
def test_tensorboard_has_a_comparison_as_a_folder(
    compared: Callable[[str], textclf_core.ComparisonResult], tmp_path: Path
) -> None:
    compared(f"tensorboard:folder={tmp_path / 'board'}")
    [comparison] = (tmp_path / "board").iterdir()
    assert comparison.name.startswith("runs ")
    folders = sorted(str(path.parent.relative_to(comparison)) for path in comparison.rglob("events.out.*"))
    assert folders == [f"{label}/seed {seed}" for label in ("head-only", "majority") for seed in (0, 1)]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mlflow") is None, reason="needs the extra mlflow")
def test_mlflow_nests_seeds_in_contenders_in_a_comparison(
    compared: Callable[[str], textclf_core.ComparisonResult], tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    result = compared(f"mlflow:uri={uri}")
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("textclf")
    assert experiment is not None
    runs = {run.info.run_id: run for run in client.search_runs([experiment.experiment_id])}
    assert {run.info.status for run in runs.values()} == {"FINISHED"}

    def path(run: Any) -> tuple[str, ...]:
        parent = run.data.tags.get("mlflow.parentRunId")
        return (*(path(runs[parent]) if parent else ()), run.info.run_name)

    leaves = [path(run) for run in runs.values() if "textclf.run" in run.data.tags]
    [comparison] = {one[0] for one in leaves}
    assert sorted(one[1:] for one in leaves) == [
        (label, f"{label} s{seed}") for label in ("head-only", "majority") for seed in (0, 1)
    ]
    assert comparison.startswith("runs ")
    assert len(runs) == len(result.runs) + 2 + 1


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_a_tracker_that_is_not_installed_is_refused_before_the_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textclf_plugins.tracking.packages.find_spec", lambda package: None)
    with pytest.raises(UsageError, match=rf'{name}: needs the package {name}: pip install "textclf-core\[{name}\]"'):
        activate(["majority", name], Catalogue.discover())
