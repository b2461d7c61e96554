"""Checks of observers."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from textclf_core.plugins.calling import call_one
from textclf_core.records.cost import Cost
from textclf_core.records.formats import RECORD_FORMAT
from textclf_core.records.schema import HISTORY_FILE, EncoderRecord, PluginRecord, Record, write_record
from textclf_core.testing.registry import check_of
from textclf_core.testing.subject import Subject
from textclf_core.types.data import DataRecord
from textclf_core.types.record import FinishedComparison, StartedRun


def made_up_record() -> Record:
    """Return a made-up record of a run that trained an encoder."""
    trainer = PluginRecord(
        name="trainer", roles=("trainer",), distribution="somebody", version="1", options={"epochs": 1}, set_by={}
    )
    return Record(
        format=RECORD_FORMAT,
        id="2026-01-02-030405-made-up",
        label="made up",
        started="2026-01-02T03:04:05+00:00",
        finished="2026-01-02T03:05:05+00:00",
        command=None,
        seed=0,
        data_seed=0,
        plugins=(trainer,),
        left_out=(),
        data=DataRecord(
            source="made up",
            fingerprint="0" * 64,
            task_kind="single-label",
            label_names=("no", "yes"),
            text_columns=("text",),
            train_size=None,
            splits=(),
        ),
        encoder=EncoderRecord(
            checkpoint="tiny",
            revision=None,
            family="bert",
            blocks=2,
            frozen_prefix=0,
            frozen=(),
            frozen_sha256=None,
            updated=1,
            trainable=1,
        ),
        metrics={"validation": {"f1": 0.5, "accuracy": 0.5}, "test": {"f1": 0.5, "accuracy": None}},
        cost=Cost(
            seconds={"train": 1.0, "total": 2.0},
            train_flops=1e9,
            peak_memory_bytes=10**8,
            trainable_parameters=10,
            total_parameters=20,
            artifact_bytes=1000,
            latency_seconds=0.01,
        ),
        environment={"python": "3.11"},
        notes=("a note",),
    )


_OF_A_RUN = ("textclf_run_started", "textclf_step_logged", "textclf_epoch_logged", "textclf_run_finished")
_HISTORY = (
    {"step": 1, "loss": 0.7, "learning_rate": 1e-5},
    {"epoch": 1, "step": 1, "train_loss": 0.6, "validation_loss": 0.6, "validation_accuracy": 0.5},
)


def _run(subject: Subject, record: Record, history: bool = True) -> Path:
    folder = subject.folder() / record.id
    folder.mkdir()
    write_record(record, folder)
    if history:
        (folder / HISTORY_FILE).write_text("".join(json.dumps(row) + "\n" for row in _HISTORY), encoding="utf-8")
    return folder


def observe(subject: Subject, record: Record | None = None, history: bool = True, *, fails: bool = False) -> Path:
    """Let the observer follow a made-up run, and return the run's folder.

    Args:
        subject: the observer.
        record: the record of the run that it sees.
        history: whether the trainer logged steps and epochs.
        fails: whether the run ends without a result.
    """
    record = record or made_up_record()
    folder = _run(subject, record, history)
    run = StartedRun(
        id=record.id,
        label=record.label,
        started=record.started,
        seed=record.seed,
        data_seed=record.data_seed,
        plugins=record.plugins,
    )
    step, epoch = ({name: value for name, value in row.items() if name not in ("step", "epoch")} for row in _HISTORY)
    _call(subject, "textclf_run_started", run=run)
    if history:
        _call(subject, "textclf_step_logged", run=run, step=1, values=step)
        _call(subject, "textclf_epoch_logged", run=run, epoch=1, step=1, values=epoch)
    if fails:
        _call(subject, "textclf_run_failed", run=run, error="the loss isn't finite")
    else:
        _call(subject, "textclf_run_finished", record=record, directory=folder)
    return folder


def _call(subject: Subject, hook: str, **arguments: object) -> None:
    if hook in subject.hooks:
        subject.run(lambda: call_one(subject.plugin, hook, **arguments))


@check_of(*_OF_A_RUN)
def observes_a_run(subject: Subject) -> Iterator[str]:
    """It follows a run that trained an encoder, and takes its record and folder."""
    observe(subject)
    yield from ()


@check_of(*_OF_A_RUN)
def observes_every_trainer(subject: Subject) -> Iterator[str]:
    """It takes runs without encoder, FLOPs, parameters or history, as trainers without a model leave them."""
    record = made_up_record()
    cost = replace(record.cost, train_flops=None, trainable_parameters=None, total_parameters=None)
    observe(subject, replace(record, encoder=None, cost=cost, metrics={"test": {"f1": None}}), history=False)
    yield from ()


@check_of(*_OF_A_RUN)
def leaves_the_record_alone(subject: Subject) -> Iterator[str]:
    """It doesn't change the record."""
    before = copy.deepcopy(record := made_up_record())
    observe(subject, record)
    if record != before:
        changed = [name for name in vars(before) if getattr(before, name) != getattr(record, name)]
        yield f"it changed the record's {', '.join(changed)}; an observer reports a run, so work on a copy."


@check_of(*_OF_A_RUN)
def leaves_the_folder_alone(subject: Subject) -> Iterator[str]:
    """It writes and removes nothing in the run's folder, which is a copy that is removed."""

    def content(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }

    before = content(_run(subject, made_up_record()))
    folder = observe(subject)
    if other := sorted(name for name, _ in content(folder).items() ^ before.items()):
        yield f"it wrote, changed or removed {other[0]} in the run's folder; write into a folder that an option names."


@check_of(*_OF_A_RUN)
def observes_several_runs(subject: Subject) -> Iterator[str]:
    """It takes one run after another, also the same twice, as in a comparison."""
    for name in ("first", "second", "second"):
        observe(subject, replace(made_up_record(), id=name))
    yield from ()


@check_of("textclf_run_failed", "textclf_run_started")
def observes_a_failed_run(subject: Subject) -> Iterator[str]:
    """It takes a run that ends without a result, and another one after it."""
    observe(subject, fails=True)
    observe(subject, replace(made_up_record(), id="another"))
    yield from ()


@check_of("textclf_comparison_finished")
def observes_a_comparison(subject: Subject) -> Iterator[str]:
    """It takes a comparison, also one without a recommendation, and leaves its folder alone."""
    record = made_up_record()
    folder = _run(subject, record).parent
    before = sorted(folder.rglob("*"))
    for records, recommended in (((record,), record.label), ((), None)):
        comparison = FinishedComparison(
            name="made up",
            records=records,
            failed=(("another", 0, "the loss isn't finite"),),
            recommended=recommended,
            report=({"contender": record.label, "f1": 0.5},),
            directory=folder,
        )
        _call(subject, "textclf_comparison_finished", comparison=comparison)
    if sorted(folder.rglob("*")) != before:
        yield "it wrote into the folder of the runs; write into a folder that an option names."
