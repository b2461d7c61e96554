"""Which fine-tuning strategy should I use for my labelled text, and what does it cost me.

For users: :func:`inspect_data`, :func:`run`, :func:`compare`, :func:`report`, :func:`open_run`. For authors of plugins:
:data:`hookimpl`, :class:`Option`, :class:`Needs`, :class:`Recipe`, :class:`Encoder`, :class:`Classifier`,
:class:`Task`, :class:`Phase`, :class:`ParameterGroup`, :class:`FinishedEpoch`, :class:`Change`, :class:`RunRecord`,
:class:`StartedRun`, :class:`FinishedComparison` and the errors.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textclf_core.api import compare, inspect_data, open_run, report, run
    from textclf_core.encoder import Encoder
    from textclf_core.encoder.tokenizing_classifier import Tokenizing
    from textclf_core.errors import DataError, PluginError, RunError, TextclfError, UsageError
    from textclf_core.hookspecs import hookimpl
    from textclf_core.reports.estimate_table import Estimate
    from textclf_core.reports.inspection import Inspection
    from textclf_core.reports.report import Report
    from textclf_core.results import ComparisonResult, Run
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.needs import Needs
    from textclf_core.types.option import Option
    from textclf_core.types.phases import Change, FinishedEpoch, ParameterGroup, Phase
    from textclf_core.types.progress import Progress
    from textclf_core.types.recipe import Recipe
    from textclf_core.types.record import FinishedComparison, RunRecord, StartedRun
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace

__all__ = [
    "Change",
    "Classifier",
    "ComparisonResult",
    "DataError",
    "Encoder",
    "Estimate",
    "FinishedComparison",
    "FinishedEpoch",
    "Inspection",
    "Needs",
    "Option",
    "ParameterGroup",
    "Phase",
    "PluginError",
    "Progress",
    "Recipe",
    "Report",
    "Run",
    "RunError",
    "RunRecord",
    "StartedRun",
    "Task",
    "TextclfError",
    "Tokenizing",
    "UsageError",
    "Workspace",
    "compare",
    "hookimpl",
    "inspect_data",
    "open_run",
    "report",
    "run",
]

# Each is imported on first use: some import torch, and `textclf --help` imports this package too.
_MODULES = {
    "Change": "types.phases",
    "Classifier": "types.classifier",
    "ComparisonResult": "results",
    "DataError": "errors",
    "Encoder": "encoder",
    "Estimate": "reports.estimate_table",
    "FinishedComparison": "types.record",
    "FinishedEpoch": "types.phases",
    "Inspection": "reports.inspection",
    "Needs": "types.needs",
    "Option": "types.option",
    "ParameterGroup": "types.phases",
    "Phase": "types.phases",
    "PluginError": "errors",
    "Progress": "types.progress",
    "Recipe": "types.recipe",
    "Report": "reports.report",
    "Run": "results",
    "RunError": "errors",
    "RunRecord": "types.record",
    "StartedRun": "types.record",
    "Task": "types.task",
    "TextclfError": "errors",
    "Tokenizing": "encoder.tokenizing_classifier",
    "UsageError": "errors",
    "Workspace": "types.workspace",
    "compare": "api",
    "hookimpl": "hookspecs",
    "inspect_data": "api",
    "open_run": "api",
    "report": "api",
    "run": "api",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
