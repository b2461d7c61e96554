"""Where a run takes place, and the record that it leaves there."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING

import transformers

from textclf_core.cache import CacheFolder
from textclf_core.data import PreparedData
from textclf_core.pipeline.directory import RunDirectory, run_id
from textclf_core.pipeline.experiment import Experiment
from textclf_core.pipeline.recording import (
    data_record,
    encoder_record,
    label_of,
    plugin_record,
    tokenization_record,
    truncated,
)
from textclf_core.records.cost import cost_of, directory_bytes
from textclf_core.records.history import tell_observers
from textclf_core.records.schema import (
    MODEL_DIRECTORY,
    RECORD_FORMAT,
    Adaptation,
    Record,
    write_record,
)
from textclf_core.system.environment import environment, resolve_device
from textclf_core.training.parameter_check import Movement
from textclf_core.training.plan import TrainingPlan
from textclf_core.types.workspace import Workspace

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.pipeline.evaluation import Evaluation
    from textclf_core.types.classifier import Classifier


class Room:
    """Where a run takes place: its directory, which is whole or absent, its workspace, what is said meanwhile.

    Args:
        experiment: what is run.
        start_memory_bytes: what `reset_peak_memory` returned as the run began, for the record.
    """

    def __init__(self, experiment: Experiment, start_memory_bytes: int | None) -> None:
        self.experiment = experiment
        self._start_memory_bytes = start_memory_bytes
        self.label = experiment.label or label_of(experiment.plugins)
        self._started = datetime.now(UTC)
        device = resolve_device(experiment.device)
        # Its bars for loading and saving would run through ours.
        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        name = experiment.id or run_id(self._started, self.label, experiment.seed)
        self.directory = RunDirectory(experiment.output, name, replace=experiment.replace)
        cache = experiment.cache or CacheFolder()
        self.workspace = Workspace(self.directory.partial, device, cache=cache, probe=experiment.probe)
        self._notes = _Notes().__enter__()

    def __enter__(self) -> Room:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._notes.__exit__()
        self.directory.__exit__(kind, error, at)

    def discard(self, *_: object) -> None:
        """Leave nothing: the run didn't begin."""
        self._notes.__exit__()
        shutil.rmtree(self.directory.partial, ignore_errors=True)

    def leave_record(
        self,
        data: PreparedData,
        classifier: Classifier,
        encoder: Encoder | None,
        movement: Movement | None,
        evaluation: Evaluation,
        plan: TrainingPlan | None = None,
        adaptations: tuple[Adaptation, ...] = (),
    ) -> Record:
        """Write the record, and return it."""
        experiment, workspace = self.experiment, self.workspace
        # Before the texts that were cut are counted: that may read them once more.
        cost = cost_of(
            workspace.meter,
            movement,
            workspace.device,
            start_memory_bytes=self._start_memory_bytes,
            artifact_bytes=directory_bytes(workspace.directory / MODEL_DIRECTORY),
            latency_seconds=evaluation.latency_seconds,
        )
        record = Record(
            format=RECORD_FORMAT,
            id=self.directory.id,
            label=self.label,
            started=self._started.isoformat(timespec="seconds"),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            command=experiment.command,
            seed=experiment.seed,
            data_seed=experiment.data_seed,
            plugins=tuple(plugin_record(plugin) for plugin in experiment.plugins),
            left_out=experiment.left_out,
            data=data_record(data, truncated(classifier, data)),
            encoder=encoder_record(encoder, movement),
            phases=tuple(plan.ran) if plan else (),
            metrics=evaluation.metrics,
            postprocessing=evaluation.postprocessing,
            cost=cost,
            environment=environment(workspace.device),
            notes=self._notes.messages,
            expected=experiment.expected,
            tuning=experiment.tuning,
            adaptations=adaptations,
            tokenization=tokenization_record(classifier),
        )
        write_record(record, workspace.directory)
        tell_observers(experiment.plugins, record, workspace.directory)
        if record.notes != self._notes.messages:  # an observer failed, or had something to say
            record = replace(record, notes=self._notes.messages)
            write_record(record, workspace.directory)
        return record


class _Notes(logging.Handler):
    """Collects what is said during a run at level INFO or above."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._messages: list[str] = []

    @property
    def messages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._messages))

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(record.getMessage())

    def __enter__(self) -> _Notes:
        logger = logging.getLogger("textclf")
        self._level = logger.level
        if logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("textclf").removeHandler(self)
        logging.getLogger("textclf").setLevel(self._level)
