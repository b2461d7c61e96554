"""Which fine-tuning strategy should I use for my labelled text, and what does it cost me.

For users: :func:`run`, :func:`compare`, :func:`report`, :func:`open_run`. For authors of plugins: :data:`hookimpl`,
:class:`Option`, :class:`Needs`, :class:`Recipe`, :class:`Encoder`, :class:`Classifier`, :class:`Task`, :class:`Phase`,
:class:`ParameterGroup`, :class:`FinishedEpoch`, :class:`Change` and the errors.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from textclf_core.errors import DataError, PluginError, RunError, TextclfError, UsageError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.needs import Needs
from textclf_core.types.option import Option
from textclf_core.types.phases import Change, FinishedEpoch, ParameterGroup, Phase
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task

if TYPE_CHECKING:
    from textclf_core.api import compare, open_run, report, run
    from textclf_core.encoder import Encoder
    from textclf_core.encoder.tokenizing_classifier import Tokenizing
    from textclf_core.reports.estimate_table import Estimate
    from textclf_core.reports.report import Report
    from textclf_core.results import ComparisonResult, Run
    from textclf_core.types.classifier import Classifier
    from textclf_core.types.progress import Progress
    from textclf_core.types.workspace import Workspace

__all__ = [
    "Change",
    "Classifier",
    "ComparisonResult",
    "DataError",
    "Encoder",
    "Estimate",
    "FinishedEpoch",
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
    "Task",
    "TextclfError",
    "Tokenizing",
    "UsageError",
    "Workspace",
    "compare",
    "hookimpl",
    "open_run",
    "report",
    "run",
]

# These import torch or rich, which would make listing plugins slow, since plugin modules import this package.
_LAZY = {
    "Classifier": "textclf_core.types.classifier",
    "ComparisonResult": "textclf_core.results",
    "Encoder": "textclf_core.encoder",
    "Estimate": "textclf_core.reports.estimate_table",
    "Progress": "textclf_core.types.progress",
    "Report": "textclf_core.reports.report",
    "Run": "textclf_core.results",
    "Tokenizing": "textclf_core.encoder.tokenizing_classifier",
    "Workspace": "textclf_core.types.workspace",
    "compare": "textclf_core.api",
    "open_run": "textclf_core.api",
    "report": "textclf_core.api",
    "run": "textclf_core.api",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
