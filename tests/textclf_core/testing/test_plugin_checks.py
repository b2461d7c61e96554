"""The checks of plugins, by name: each catches what it is for, and what is right passes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from unittest import SkipTest

import pytest
from broken import Broken, all_broken
from broken.engine import GoodEngine, GoodExporterAndEngine
from broken.every import GoodStrategy
from broken.executor import GoodExecutor
from broken.metric import GoodMetric
from broken.model import GoodModel
from broken.observer import GoodObserver
from broken.postprocessor import GoodPostprocessor
from broken.reporter import GoodReporter
from broken.trainer import GoodTrainer

from textclf_core import Option, PluginError, UsageError, hookimpl
from textclf_core.hookspecs import ROLE_OF_HOOK
from textclf_core.testing import Check, plugin_checks, unchecked_hooks

BROKEN = all_broken()
GOOD = (
    *(GoodMetric, GoodModel, GoodObserver, GoodPostprocessor, GoodReporter, GoodTrainer),
    *(GoodExecutor, GoodEngine, GoodExporterAndEngine),
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what a broken plugin writes into the current folder land in one of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("one", BROKEN, ids=lambda one: f"{one.role}-{one.cls.__name__}")
def test_a_broken_plugin_is_caught_by_the_check_for_it_with_advice(one: Broken) -> None:
    checks = {check.name: check for check in plugin_checks(one.cls)}
    with pytest.raises(PluginError) as error:
        checks[one.check]()
    assert f"{one.cls.__name__} fails {one.check} (" in str(error.value)
    assert one.advice in str(error.value)


def test_there_are_at_least_five_broken_plugins_of_each_role() -> None:
    roles = Counter(one.role for one in BROKEN)
    assert sum(roles.values()) >= 60
    assert {role for role in dict.fromkeys(ROLE_OF_HOOK.values()) if roles[role] < 5} == set()


@pytest.mark.parametrize("check", [check for cls in GOOD for check in plugin_checks(cls)])
def test_a_plugin_as_it_should_be_passes(check: Check) -> None:
    check()


@pytest.mark.parametrize("check", plugin_checks(GoodStrategy, blocks=2))
def test_the_checks_are_parameters_of_a_test_under_their_names(check: Check, request: pytest.FixtureRequest) -> None:
    assert f"[{check.name}]" in request.node.name
    check()


def test_a_skipped_check_is_skipped_with_its_reason() -> None:
    [check] = [one for one in plugin_checks(GoodStrategy, skip={"has_help": "later"}) if one.name == "has_help"]
    with pytest.raises(SkipTest, match="later"):
        check()


def test_an_unknown_check_cant_be_skipped() -> None:
    with pytest.raises(UsageError, match=r"There is no check 'has_halp'\. Did you mean 'has_help'\?"):
        plugin_checks(GoodStrategy, skip={"has_halp": "later"})


def test_options_are_checked_as_in_a_run() -> None:
    with pytest.raises(UsageError, match="option 'blocks' takes int, at least 1, not 0"):
        plugin_checks(GoodStrategy, blocks=0)


def test_all_faults_of_a_class_are_reported_at_once() -> None:
    @dataclass(frozen=True)
    class Plugin:
        blocks: int = 2
        first: Annotated[int, Option("")] = 0

        @hookimpl
        def textclf_freeze(self) -> None: ...

    [check] = [one for one in plugin_checks(Plugin) if one.name == "has_help"]
    with pytest.raises(PluginError) as error:
        check()
    assert "it has no docstring" in str(error.value)
    assert "option 'blocks' has no help" in str(error.value)
    assert "option 'first' has no help" in str(error.value)


def test_a_class_that_cant_be_loaded_has_only_the_checks_that_say_why() -> None:
    class Plugin:
        """A strategy."""

        @hookimpl
        def textclf_freeze(self) -> None: ...

    assert [check.name for check in plugin_checks(Plugin)] == ["hooks_fit", "fields_are_options"]


def test_hooks_that_no_check_calls_are_named() -> None:
    @dataclass(frozen=True)
    class Plugin:
        """A strategy."""

        @hookimpl
        def textclf_epoch_finished(self) -> None: ...

        @hookimpl
        def textclf_freeze(self) -> None: ...

    assert unchecked_hooks(Plugin) == ()
