"""What pluggy offers works wherever a hook is called, or is refused by name when the plugin is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from textclf_core import PluginError, Run, UsageError

Noting = Callable[[str], Path]
Log = Callable[[], list[str]]

RENAMED = """
from textclf_core import Change, Phase

@dataclass(frozen=True)
class Adapts:
    '''Adapt by a method of another name.'''

    @hookimpl(specname="textclf_adapt")
    def widen(self, encoder):
        note("adapts")
        return {"width": 8}

@dataclass(frozen=True)
class Freezes:
    '''Freeze by a method of another name.'''

    @hookimpl(specname="textclf_freeze")
    def rest(self, encoder):
        note("freezes")

@dataclass(frozen=True)
class Plans:
    '''Plan by a method of another name.'''

    @hookimpl(specname="textclf_plan")
    def phases(self, recipe):
        note("plans")
        return [Phase(epochs=recipe.epochs)]

@dataclass(frozen=True)
class Groups:
    '''Give rates by a method of another name.'''

    @hookimpl(specname="textclf_parameter_groups")
    def rates(self, recipe):
        note("groups")
        return []

@dataclass(frozen=True)
class Stops:
    '''Stop by a method of another name.'''

    @hookimpl(specname="textclf_epoch_finished")
    def stop(self, epochs):
        note("stops")
        return Change(stop=True)

@dataclass(frozen=True)
class Measures:
    '''Measure by a method of another name.'''

    @hookimpl(specname="textclf_compute_metrics")
    def rows(self, references):
        note("measures")
        return {"rows": float(len(references))}

@dataclass(frozen=True)
class Watches:
    '''Watch by a method of another name.'''

    @hookimpl(specname="textclf_run_finished")
    def tell(self, record):
        note("watches")
"""
PLUGINS = ("adapts", "freezes", "plans", "groups", "stops", "measures", "watches")


def test_a_hook_under_another_name_is_called(run: Callable[..., Run], noting_file: Noting, log: Log) -> None:
    """`@hookimpl(specname=...)` lets a method have a name of its own."""
    run(*PLUGINS, "finetune:epochs=2", file=noting_file(RENAMED))
    assert set(log()) == set(PLUGINS)


WRAPPERS = """
@dataclass(frozen=True)
class Rounding:
    '''Freeze nothing, and round what the metrics give.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        pass

    @hookimpl(wrapper=True)
    def textclf_compute_metrics(self, references):
        given = yield
        note("metrics", *(name for one in given for name in one))
        return [{name: round(value) for name, value in one.items()} for one in given]

@dataclass(frozen=True)
class Framing:
    '''Freeze nothing, and stand around what adapts the model.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        pass

    @hookimpl(wrapper=True)
    def textclf_adapt(self, encoder):
        given = yield
        note("adapted", given)
        return given

@dataclass(frozen=True)
class Timing:
    '''Freeze nothing, and stand around freezing.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        note("frozen")

    @hookimpl(wrapper=True)
    def textclf_train(self, encoder):
        note("before")
        classifier = yield
        note("after")
        return classifier

@dataclass(frozen=True)
class Widening:
    '''Adapt the model, and say so.'''

    @hookimpl
    def textclf_adapt(self, encoder):
        return {"width": 8}
"""


def test_a_wrapper_stands_around_every_metric_or_is_refused(
    run: Callable[..., Run], noting_file: Noting, log: Log
) -> None:
    """What it makes of the metrics is what the record has; or the error names plugin and hook before anything runs."""
    try:
        done = run("f1", "accuracy", "rounding", file=noting_file(WRAPPERS))
    except PluginError as error:
        assert "rounding" in str(error)  # noqa: PT017 - either answer is right
        assert "textclf_compute_metrics" in str(error)  # noqa: PT017
    else:
        assert all(value == round(value) for value in done.metrics["test"].values())
        assert {word for line in log() for word in line.split()} == {"metrics", "f1", "accuracy"}


def test_a_wrapper_stands_around_what_adapts_or_is_refused(
    run: Callable[..., Run], noting_file: Noting, log: Log
) -> None:
    """It sees what the other plugin gave, and the record has no adaptation of its own."""
    try:
        done = run("widening", "framing", file=noting_file(WRAPPERS))
    except PluginError as error:
        assert "framing" in str(error)  # noqa: PT017 - either answer is right
        assert "textclf_adapt" in str(error)  # noqa: PT017
    else:
        assert [adaptation.plugin for adaptation in done.record.adaptations] == ["widening"]
        assert "width" in log()[0]


def test_a_wrapper_gives_no_role(run: Callable[..., Run], noting_file: Noting, log: Log) -> None:
    """Who stands around training doesn't train: the trainer is another; or it is refused by name."""
    try:
        done = run("timing", "finetune", file=noting_file(WRAPPERS))
    except PluginError as error:
        assert "textclf_train" in str(error)  # noqa: PT017 - either answer is right
    else:
        assert log() == ["frozen", "before", "after"]
        assert {plugin.name: plugin.roles for plugin in done.record.plugins}["timing"] == ("strategy",)


INERT = {
    "a wrapper alone": "@hookimpl(wrapper=True)\n    def textclf_run_finished(self, record):\n        return (yield)",
    "a reason alone": "@hookimpl\n    def textclf_check_task(self, task):\n        return None",
    "an end alone": "@hookimpl\n    def textclf_training_finished(self, encoder):\n        pass",
    "loading alone": "@hookimpl\n    def textclf_load_classifier(self, directory):\n        pass",
    "joint training alone": "@hookimpl\n    def textclf_train_many(self, cells):\n        pass",
    "an unknown hook alone": "@hookimpl(optionalhook=True)\n    def textclf_of_tomorrow(self):\n        pass",
}


@pytest.mark.parametrize("method", INERT.values(), ids=INERT)
def test_a_plugin_that_can_never_act_is_refused(method: str, run: Callable[..., Run], noting_file: Noting) -> None:
    """It would be in the record, and would have done nothing."""
    file = noting_file(f"@dataclass(frozen=True)\nclass Idle:\n    '''Do nothing.'''\n\n    {method}\n")
    with pytest.raises(UsageError, match="idle"):
        run("idle", file=file)


HOOKS = {
    "textclf_adapt": "encoder",
    "textclf_freeze": "encoder",
    "textclf_compute_metrics": "references",
    "textclf_postprocess": "scores",
    "textclf_run_finished": "record",
}


def ordered(name: str, marker: str = "") -> str:
    """Return a plugin that notes each hook, and is called as the marker says."""
    methods = "".join(
        f"""
    @hookimpl{marker}
    def {hook}(self, {argument}):
        note("{hook} {name}")
        return {{"{name}": 1.0}} if "{hook}" == "textclf_compute_metrics" else None
"""
        for hook, argument in HOOKS.items()
    )
    return f"@dataclass(frozen=True)\nclass {name.title()}:\n    '''Note the order.'''\n{methods}\n"


def test_tryfirst_and_trylast_hold_in_every_hook(run: Callable[..., Run], noting_file: Noting, log: Log) -> None:
    """Whatever the order in which the plugins are written."""
    source = ordered("late", "(trylast=True)") + ordered("written") + ordered("eager", "(tryfirst=True)")
    run("f1", "late", "written", "eager", file=noting_file(source))
    for hook in HOOKS:
        called = [line.split()[1] for line in log() if line.startswith(f"{hook} ")]
        assert called[:3] == ["eager", "written", "late"], hook
