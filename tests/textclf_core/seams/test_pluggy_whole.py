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
        note("called")
        return {"width": 8}

@dataclass(frozen=True)
class Freezes:
    '''Freeze by a method of another name.'''

    @hookimpl(specname="textclf_freeze")
    def rest(self, encoder):
        note("called")

@dataclass(frozen=True)
class Plans:
    '''Plan by a method of another name.'''

    @hookimpl(specname="textclf_plan")
    def phases(self, recipe):
        note("called")
        return [Phase(epochs=recipe.epochs)]

@dataclass(frozen=True)
class Groups:
    '''Give rates by a method of another name.'''

    @hookimpl(specname="textclf_parameter_groups")
    def rates(self, recipe):
        note("called")
        return []

@dataclass(frozen=True)
class Stops:
    '''Stop by a method of another name.'''

    @hookimpl(specname="textclf_epoch_finished")
    def stop(self, epochs):
        note("called")
        return Change(stop=True)

@dataclass(frozen=True)
class Measures:
    '''Measure by a method of another name.'''

    @hookimpl(specname="textclf_compute_metrics")
    def rows(self, references):
        note("called")
        return {"rows": float(len(references))}

@dataclass(frozen=True)
class Watches:
    '''Watch by a method of another name.'''

    @hookimpl(specname="textclf_run_finished")
    def tell(self, record):
        note("called")
"""
WORK = ("freezes", "measures", "watches")
FAIL = ("adapts", "plans", "groups", "stops")


@pytest.mark.parametrize(
    "plugin",
    [
        *WORK,
        *(
            pytest.param(name, marks=pytest.mark.xfail(strict=True, reason="asked by hasattr, the hook isn't found"))
            for name in FAIL
        ),
    ],
)
def test_a_hook_under_another_name_is_called(
    plugin: str, run: Callable[..., Run], noting_file: Noting, log: Log
) -> None:
    """`@hookimpl(specname=...)` lets a method have a name of its own."""
    run(plugin, "finetune:epochs=2", file=noting_file(RENAMED))
    assert "called" in log()


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


@pytest.mark.xfail(strict=True, reason="a wrapper is taken for a metric and called alone")
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


@pytest.mark.xfail(strict=True, reason="a wrapper is taken for a plugin that adapts, and called alone")
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


@pytest.mark.xfail(strict=True, reason="a wrapper gives the role trainer, of which a run has one")
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
    "a reason alone": "@hookimpl\n    def textclf_why_not(self, task):\n        return None",
    "an end alone": "@hookimpl\n    def textclf_training_finished(self, encoder):\n        pass",
    "loading alone": "@hookimpl\n    def textclf_load_classifier(self, directory):\n        pass",
    "joint training alone": "@hookimpl\n    def textclf_train_many(self, cells):\n        pass",
    "an unknown hook alone": "@hookimpl(optionalhook=True)\n    def textclf_of_tomorrow(self):\n        pass",
}


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(
            method,
            id=name,
            marks=()
            if name == "an unknown hook alone"
            else pytest.mark.xfail(strict=True, reason="what has any hook is taken"),
        )
        for name, method in INERT.items()
    ],
)
def test_a_plugin_that_can_never_act_is_refused(method: str, run: Callable[..., Run], noting_file: Noting) -> None:
    """It would be in the record, and would have done nothing."""
    file = noting_file(f"@dataclass(frozen=True)\nclass Idle:\n    '''Do nothing.'''\n\n    {method}\n")
    with pytest.raises(UsageError, match="idle"):
        run("idle", file=file)


ORDERED = """
@dataclass(frozen=True)
class Written:
    '''Written first.'''

    @hookimpl
    def HOOK(self, ARGUMENT):
        note("written")
        return None if "HOOK" != "textclf_compute_metrics" else {"first": 1.0}

@dataclass(frozen=True)
class Eager:
    '''Written second, and called first.'''

    @hookimpl(tryfirst=True)
    def HOOK(self, ARGUMENT):
        note("eager")
        return None if "HOOK" != "textclf_compute_metrics" else {"second": 1.0}
"""
LATE = ORDERED.replace('"eager"', '"late"').replace("tryfirst", "trylast").replace("Eager", "Late")
BY_PLUGIN = {
    "textclf_adapt": "encoder",
    "textclf_compute_metrics": "references",
    "textclf_postprocess": "scores",
    "textclf_run_finished": "record",
}
HOOKS = [
    pytest.param(
        hook,
        argument,
        id=hook,
        marks=pytest.mark.xfail(strict=True, reason="plugins are called one by one, as they are written"),
    )
    for hook, argument in BY_PLUGIN.items()
] + [pytest.param("textclf_freeze", "encoder", id="textclf_freeze")]


@pytest.mark.parametrize(("hook", "argument"), HOOKS)
def test_tryfirst_comes_before_what_is_written_first(
    hook: str, argument: str, run: Callable[..., Run], noting_file: Noting, log: Log
) -> None:
    """`@hookimpl(tryfirst=True)` holds in every hook."""
    run("f1", "written", "eager", file=noting_file(ORDERED.replace("HOOK", hook).replace("ARGUMENT", argument)))
    assert log()[:2] == ["eager", "written"]


@pytest.mark.parametrize(("hook", "argument"), HOOKS)
def test_trylast_comes_after_what_is_written_last(
    hook: str, argument: str, run: Callable[..., Run], noting_file: Noting, log: Log
) -> None:
    """`@hookimpl(trylast=True)` holds in every hook."""
    run("f1", "late", "written", file=noting_file(LATE.replace("HOOK", hook).replace("ARGUMENT", argument)))
    assert log()[:2] == ["written", "late"]
