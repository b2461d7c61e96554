"""Which fine-tuning strategy should I use for my labelled text, and what does it cost me.

For users: :func:`inspect_data`, :func:`run`, :func:`compare`, :func:`report`, :func:`open_run`. For authors of plugins:
:data:`hookimpl`, :class:`Option`, :class:`Needs`, :class:`Recipe`, the types of the hooks' signatures, and the errors;
for a training loop of one's own :class:`EncoderTraining`, :class:`TrainingRows`, :class:`TrainingSession`,
:class:`EncoderClassifier`, :func:`build_optimizer`, :func:`cached_prefix` and :func:`count_flops`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textclf_core.api.compare import compare
    from textclf_core.api.report import report
    from textclf_core.api.run import inspect_data, open_run, run
    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.encoder.saved import load_saved
    from textclf_core.encoder.tokenizing_classifier import Tokenizing
    from textclf_core.encoder.training_cells import TrainedCell, TrainingCell
    from textclf_core.errors import DataError, PluginError, RunError, TextclfError, UsageError
    from textclf_core.hookspecs import hookimpl
    from textclf_core.reports.estimate_table import Estimate
    from textclf_core.reports.inspection import Inspection
    from textclf_core.reports.report import Report
    from textclf_core.results import ComparisonResult, Run
    from textclf_core.system.world import World
    from textclf_core.training.encoder_classifier import EncoderClassifier
    from textclf_core.training.flops import count_flops
    from textclf_core.training.frozen_prefix import cached_prefix
    from textclf_core.training.options import EncoderTraining
    from textclf_core.training.parameters import build_optimizer
    from textclf_core.training.rows import TrainingRows
    from textclf_core.training.session import TrainingSession
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.execution import CellJob, CellQueue
    from textclf_core.types.meter import Meter
    from textclf_core.types.metric import MetricInfo, RowSums, ScoredRows
    from textclf_core.types.needs import NeededModel, Needs
    from textclf_core.types.option import Option
    from textclf_core.types.phases import Change, FinishedEpoch, ParameterGroup, Phase
    from textclf_core.types.postprocessing import Postprocessing
    from textclf_core.types.progress import Progress
    from textclf_core.types.recipe import Recipe
    from textclf_core.types.record import Fact, FinishedComparison, RunRecord, StartedRun
    from textclf_core.types.report import (
        ReportColumn,
        ReportCost,
        ReportedComparison,
        ReportedContender,
        ReportPlot,
        ReportSection,
        ReportTable,
    )
    from textclf_core.types.task import Task
    from textclf_core.types.training_step import TrainingStep
    from textclf_core.types.workspace import Workspace

__all__ = [
    "CellJob",
    "CellQueue",
    "Change",
    "Classifier",
    "ComparisonResult",
    "DataError",
    "Encoder",
    "EncoderClassifier",
    "EncoderTraining",
    "Estimate",
    "Fact",
    "FinishedComparison",
    "FinishedEpoch",
    "Inspection",
    "Meter",
    "MetricInfo",
    "NeededModel",
    "Needs",
    "Option",
    "ParameterGroup",
    "Phase",
    "Plan",
    "PluginError",
    "Postprocessing",
    "Progress",
    "Recipe",
    "Report",
    "ReportColumn",
    "ReportCost",
    "ReportPlot",
    "ReportSection",
    "ReportTable",
    "ReportedComparison",
    "ReportedContender",
    "RowSums",
    "Run",
    "RunError",
    "RunRecord",
    "ScoredRows",
    "StartedRun",
    "Task",
    "TextclfError",
    "Tokenizing",
    "TrainedCell",
    "TrainingCell",
    "TrainingRows",
    "TrainingSession",
    "TrainingStep",
    "UsageError",
    "Workspace",
    "World",
    "build_optimizer",
    "cached_prefix",
    "compare",
    "count_flops",
    "hookimpl",
    "inspect_data",
    "load_saved",
    "open_run",
    "report",
    "run",
]

# Each is imported on first use: some import torch, and `textclf --help` imports this package too.
_MODULES = {
    "CellJob": "types.execution",
    "CellQueue": "types.execution",
    "Change": "types.phases",
    "Classifier": "types.classifier",
    "ComparisonResult": "results",
    "DataError": "errors",
    "Encoder": "encoder",
    "EncoderClassifier": "training.encoder_classifier",
    "EncoderTraining": "training.options",
    "Estimate": "reports.estimate_table",
    "Fact": "types.record",
    "FinishedComparison": "types.record",
    "FinishedEpoch": "types.phases",
    "Inspection": "reports.inspection",
    "Meter": "types.meter",
    "MetricInfo": "types.metric",
    "NeededModel": "types.needs",
    "Needs": "types.needs",
    "Option": "types.option",
    "ParameterGroup": "types.phases",
    "Phase": "types.phases",
    "Plan": "encoder.plan",
    "PluginError": "errors",
    "Postprocessing": "types.postprocessing",
    "Progress": "types.progress",
    "Recipe": "types.recipe",
    "Report": "reports.report",
    "ReportColumn": "types.report",
    "ReportCost": "types.report",
    "ReportPlot": "types.report",
    "ReportSection": "types.report",
    "ReportTable": "types.report",
    "ReportedComparison": "types.report",
    "ReportedContender": "types.report",
    "RowSums": "types.metric",
    "Run": "results",
    "RunError": "errors",
    "RunRecord": "types.record",
    "ScoredRows": "types.metric",
    "StartedRun": "types.record",
    "Task": "types.task",
    "TextclfError": "errors",
    "Tokenizing": "encoder.tokenizing_classifier",
    "TrainedCell": "encoder.training_cells",
    "TrainingCell": "encoder.training_cells",
    "TrainingRows": "training.rows",
    "TrainingSession": "training.session",
    "TrainingStep": "types.training_step",
    "UsageError": "errors",
    "Workspace": "types.workspace",
    "World": "system.world",
    "build_optimizer": "training.parameters",
    "cached_prefix": "training.frozen_prefix",
    "compare": "api.compare",
    "count_flops": "training.flops",
    "hookimpl": "hookspecs",
    "inspect_data": "api.run",
    "load_saved": "encoder.saved",
    "open_run": "api.run",
    "report": "api.report",
    "run": "api.run",
}


if not TYPE_CHECKING:  # a type checker would take any name for one of these

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
