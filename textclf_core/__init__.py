"""Which fine-tuning strategy should I use for my labelled text, and what does it cost me.

For users: :func:`run`, :func:`compare`, :func:`open_run`. For authors of plugins: :data:`hookimpl`, :class:`Option`,
:class:`Needs`, :class:`Recipe`, :class:`Encoder`, :class:`Classifier`, :class:`Task`, :class:`Phase`,
:class:`ParameterGroup`, :class:`FinishedEpoch`, :class:`Change` and the errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textclf_core.errors import DataError, PluginError, RunError, TextclfError, UsageError
from textclf_core.hookspecs import hookimpl
from textclf_core.types.needs import Needs
from textclf_core.types.option import Option
from textclf_core.types.phases import Change, FinishedEpoch, ParameterGroup, Phase
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task

if TYPE_CHECKING:
    from textclf_core.api import ComparisonResult, Run, compare, open_run, run
    from textclf_core.encoder import Encoder
    from textclf_core.types.classifier import Classifier, Tokenizing
    from textclf_core.types.progress import Progress
    from textclf_core.types.workspace import Workspace

__all__ = [
    "Change",
    "Classifier",
    "ComparisonResult",
    "DataError",
    "Encoder",
    "FinishedEpoch",
    "Needs",
    "Option",
    "ParameterGroup",
    "Phase",
    "PluginError",
    "Progress",
    "Recipe",
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
    "run",
]

# These import torch or rich; a plugin module that imports this package must not, or listing plugins takes seconds.
_LAZY = {
    "Classifier": "textclf_core.types.classifier",
    "ComparisonResult": "textclf_core.api",
    "Encoder": "textclf_core.encoder",
    "Progress": "textclf_core.types.progress",
    "Run": "textclf_core.api",
    "Tokenizing": "textclf_core.types.classifier",
    "Workspace": "textclf_core.types.workspace",
    "compare": "textclf_core.api",
    "open_run": "textclf_core.api",
    "run": "textclf_core.api",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
