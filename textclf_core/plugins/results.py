"""The table of valid results for each hook, against which every call is checked.

Types that take long to import are imported when a result is checked, since `textclf plugins` checks none.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from textclf_core.types.phases import Change, ParameterGroup, Phase

Fault = Callable[[Any, Mapping[str, Any]], str | None]
"""Takes a result and the arguments of the call; returns a description of an invalid result, or ``None``."""


@dataclass(frozen=True)
class Result:
    """The valid results of a hook.

    Attributes:
        wanted: their description, for the message "it must return ...".
        fault: returns a description of an invalid result.
    """

    wanted: str
    fault: Fault


def shown(value: object) -> str:
    """Return a short description of a value: its type, and the value itself if that is short."""
    if value is None:
        return "None"
    name = type(value).__name__
    if isinstance(value, str | bool | int | float | list | tuple | dict | set | frozenset):
        return f"{reprlib.repr(value)} ({name})"
    return f"a {name}"


def _optional(fault: Fault) -> Fault:
    return lambda value, arguments: None if value is None else fault(value, arguments)


def _nothing(value: Any, arguments: Mapping[str, Any]) -> str | None:
    return None if value is None else shown(value)


def _a(kind: Callable[[], type]) -> Fault:
    """Return a check that a result has a type, which is imported by the check."""
    return lambda value, arguments: None if isinstance(value, kind()) else shown(value)


def _each(kind: type, holds: Callable[[Any], bool] = lambda _: True, *, least: int = 0) -> Fault:
    """Return a check that a result is a sequence of at least ``least`` values of a type that satisfy a condition."""

    def fault(value: Any, arguments: Mapping[str, Any]) -> str | None:
        if isinstance(value, str) or not isinstance(value, Sequence):
            return shown(value)
        for place, item in enumerate(value):
            if not isinstance(item, kind) or not holds(item):
                return f"a {type(value).__name__} whose item {place} is {_item(item)}"
        return None if len(value) >= least else shown(value)

    return fault


def _item(value: object) -> str:
    return repr(value) if isinstance(value, Phase | ParameterGroup) else shown(value)


def _by_name(holds: Callable[[Any], bool]) -> Fault:
    """Return a check that a result is a dict of values by name that satisfy a condition."""

    def fault(value: Any, arguments: Mapping[str, Any]) -> str | None:
        if not isinstance(value, dict):
            return shown(value)
        for name, item in value.items():
            if not isinstance(name, str):
                return f"a dict with the key {shown(name)}"
            if not holds(item):
                return f"a dict whose {name!r} is {shown(item)}"
        return None

    return fault


def _trained_cells(value: Any, arguments: Mapping[str, Any]) -> str | None:
    from textclf_core.encoder.training_cells import TrainedCell
    from textclf_core.types.classifier import Classifier

    def whole(cell: TrainedCell) -> bool:
        return cell.error is not None or (
            isinstance(cell.classifier, Classifier) and isinstance(cell.encoder, _encoder())
        )

    if came := _each(TrainedCell, whole)(value, arguments):
        return came
    cells = len(arguments["cells"])
    return None if len(value) == cells else f"{len(value)} for {cells} cells"


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_fact(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def _dataset_dict() -> type:
    from datasets import DatasetDict

    kind: type = DatasetDict  # the package has no types
    return kind


def _encoder() -> type:
    from textclf_core.encoder import Encoder

    return Encoder


def _classifier() -> type:
    from textclf_core.types.classifier import Classifier

    return Classifier


def _postprocessing() -> type:
    from textclf_core.types.postprocessing import Postprocessing

    return Postprocessing


_CLASSIFIER = "a Classifier (with scores and save)"
_POSTPROCESSING = "a Postprocessing (with abstains, rescore, decide and save)"

RESULTS: Mapping[str, Result] = {
    "textclf_check_options": Result("nothing", _nothing),
    "textclf_load_data": Result("a DatasetDict of the package datasets", _optional(_a(_dataset_dict))),
    "textclf_check_task": Result("a reason (str), or None", _optional(_a(lambda: str))),
    "textclf_build_model": Result("an Encoder of textclf_core", _optional(_a(_encoder))),
    "textclf_adapt": Result(
        "a dict of facts by name, each str, int, float, bool or None", _optional(_by_name(_is_fact))
    ),
    "textclf_freeze": Result("nothing: it calls encoder.freeze(...)", _nothing),
    "textclf_plan": Result(
        "a list of at least one Phase, each with at least one epoch, or None",
        _optional(_each(Phase, lambda phase: phase.epochs >= 1, least=1)),
    ),
    "textclf_parameter_groups": Result("a list of ParameterGroup, or None", _optional(_each(ParameterGroup))),
    "textclf_train": Result(_CLASSIFIER, _optional(_a(_classifier))),
    "textclf_interval_finished": Result("a list of parameter names, or None", _optional(_each(str))),
    "textclf_epoch_finished": Result("a Change, or None", _optional(_a(lambda: Change))),
    "textclf_train_many": Result(
        "a TrainedCell for each cell, with classifier and encoder or an error, or None", _optional(_trained_cells)
    ),
    "textclf_training_finished": Result("nothing", _nothing),
    "textclf_load_classifier": Result(_CLASSIFIER, _optional(_a(_classifier))),
    "textclf_postprocess": Result(f"{_POSTPROCESSING}, or None", _optional(_a(_postprocessing))),
    "textclf_load_postprocessing": Result(_POSTPROCESSING, _optional(_a(_postprocessing))),
    "textclf_compute_metrics": Result("a dict of numbers (float) by name", _by_name(_is_number)),
    "textclf_run_started": Result("nothing", _nothing),
    "textclf_step_logged": Result("nothing", _nothing),
    "textclf_epoch_logged": Result("nothing", _nothing),
    "textclf_run_finished": Result("nothing", _nothing),
    "textclf_run_failed": Result("nothing", _nothing),
    "textclf_comparison_finished": Result("nothing", _nothing),
}
