"""The table of valid results for each hook, against which every call is checked.

Types that take long to import are imported when a result is checked, since `textclf plugins` checks none.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from textclf_core.types.metric import MetricInfo
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


def _losses(value: Any, arguments: Mapping[str, Any]) -> str | None:
    from torch import Tensor

    wanted = tuple(arguments["labels"].shape)
    if not isinstance(value, Tensor):
        return shown(value)
    if tuple(value.shape) != wanted or not value.is_floating_point():
        return f"a tensor of {value.dtype} and shape {tuple(value.shape)} for labels of shape {wanted}"
    if arguments["logits"].requires_grad and not value.requires_grad:
        return "a tensor that isn't computed from the logits, so it has no gradient"
    return None


def _optimizer(value: Any, arguments: Mapping[str, Any]) -> str | None:
    from torch.optim import Optimizer

    if not isinstance(value, Optimizer):
        return shown(value)
    wanted, found = (
        [(id(one), group.get("factor")) for group in groups for one in group["params"]]
        for groups in (arguments["groups"], value.param_groups)
    )
    if sorted(one for one, _ in found) != sorted(one for one, _ in wanted):
        return f"a {type(value).__name__} of {len(found)} parameters that aren't the {len(wanted)} of the groups"
    return None if dict(found) == dict(wanted) else f"a {type(value).__name__} whose groups lack their 'factor'"


def _rows(value: Any, arguments: Mapping[str, Any]) -> str | None:
    from datasets import Dataset

    wanted = arguments["train"].features
    if not isinstance(value, Dataset):
        return shown(value)
    if value.features != wanted:
        names = wanted.keys() ^ value.features.keys()
        other = sorted(names) or [name for name in wanted if value.features[name] != wanted[name]]
        return f"rows whose columns aren't those of train: {', '.join(other)}"
    return None if len(value) else "no rows"


def _report_parts(value: Any, arguments: Mapping[str, Any]) -> str | None:
    from textclf_core.types.report import ReportColumn, ReportCost, ReportPlot, ReportSection

    if isinstance(value, str) or not isinstance(value, Sequence):
        return shown(value)
    names: list[tuple[bool, str]] = []
    for place, part in enumerate(value):
        came = f"a {type(value).__name__} whose item {place} is"
        if not isinstance(part, ReportCost | ReportColumn | ReportPlot | ReportSection):
            return f"{came} {shown(part)}"
        for name in ("heading", "title", "caption"):
            if not isinstance(text := getattr(part, name, ""), str):
                return f"{came} a {type(part).__name__} whose {name} is {shown(text)}"
        unit = getattr(part, "unit", 1)
        if not (_is_number(unit) and 0 < unit < math.inf):
            return f"{came} a {type(part).__name__} whose unit is {shown(unit)}"
        if isinstance(part, ReportSection):
            continue
        if not isinstance(part.name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", part.name):
            return f"{came} a {type(part).__name__} with the name {part.name!r}"
        if (key := (isinstance(part, ReportPlot), part.name)) in names:
            return f"{came} another part with the name {part.name!r}"
        names.append(key)
    return None


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


def _postprocessing(value: Any, arguments: Mapping[str, Any]) -> str | None:
    from textclf_core.types.postprocessing import Postprocessing

    if not isinstance(value, Postprocessing):
        return shown(value)
    if type(value).__str__ is object.__str__ and type(value).__repr__ is object.__repr__:
        return (
            f"a {type(value).__name__} without __str__, so the record would hold a memory address; define __str__ with "
            "the fitted values"
        )
    return None


_CLASSIFIER = "a Classifier (with scores and save)"
_POSTPROCESSING = "a Postprocessing (with abstains, rescore, decide, save and __str__)"

RESULTS: Mapping[str, Result] = {
    "textclf_check_options": Result("nothing", _nothing),
    "textclf_load_data": Result("a DatasetDict of the package datasets", _optional(_a(_dataset_dict))),
    "textclf_check_task": Result("a reason (str), or None", _optional(_a(lambda: str))),
    "textclf_build_model": Result("an Encoder of textclf_core", _optional(_a(_encoder))),
    "textclf_load_model": Result("an Encoder of textclf_core", _optional(_a(_encoder))),
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
    "textclf_loss": Result("a float tensor in the shape of the labels, computed from the logits", _optional(_losses)),
    "textclf_training_rows": Result(
        "a Dataset of at least one row with the columns and features of train, or None", _optional(_rows)
    ),
    "textclf_gradient": Result("nothing", _nothing),
    "textclf_optimizer": Result(
        "a torch.optim.Optimizer of all the parameters, in groups with their 'factor', or None", _optional(_optimizer)
    ),
    "textclf_schedule": Result(
        "a finite number from 0 on, or None",
        _optional(lambda value, _: None if _is_number(value) and 0 <= value < math.inf else shown(value)),
    ),
    "textclf_interval_finished": Result("a list of parameter names, or None", _optional(_each(str))),
    "textclf_epoch_finished": Result("a Change, or None", _optional(_a(lambda: Change))),
    "textclf_train_many": Result(
        "a TrainedCell for each cell, with classifier and encoder or an error, or None", _optional(_trained_cells)
    ),
    "textclf_training_finished": Result("nothing", _nothing),
    "textclf_load_classifier": Result(_CLASSIFIER, _optional(_a(_classifier))),
    "textclf_postprocess": Result(f"{_POSTPROCESSING}, or None", _optional(_postprocessing)),
    "textclf_load_postprocessing": Result(_POSTPROCESSING, _optional(_postprocessing)),
    "textclf_describe_metrics": Result("a list of MetricInfo", _each(MetricInfo)),
    "textclf_compute_metrics": Result("a dict of numbers (float) by name", _by_name(_is_number)),
    "textclf_run_started": Result("nothing", _nothing),
    "textclf_step_logged": Result("nothing", _nothing),
    "textclf_epoch_logged": Result("nothing", _nothing),
    "textclf_run_finished": Result("nothing", _nothing),
    "textclf_run_failed": Result("nothing", _nothing),
    "textclf_comparison_finished": Result("nothing", _nothing),
    "textclf_report": Result(
        "a list of ReportCost, ReportColumn, ReportPlot and ReportSection, with names of lower-case letters, digits, - "
        "and _, texts as headings, and units above 0",
        _report_parts,
    ),
    "textclf_export": Result("nothing: it writes into the directory", _nothing),
    "textclf_engine": Result(_CLASSIFIER, _optional(_a(_classifier))),
    "textclf_execute": Result("True when the queue is done", _optional(_a(lambda: bool))),
}
