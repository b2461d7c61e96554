"""Calling hooks: which plugins are asked, and what an error says of one that fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from textclf_core import DataError, PluginError, RunError
from textclf_core.plugins import ActivePlugins, Catalogue, activate
from textclf_core.plugins.calling import call
from textclf_core.plugins.hooks import ARGUMENTS_OF_HOOK
from textclf_core.plugins.results import RESULTS

METRIC = """
@dataclass(frozen=True)
class Mine:
    '''A metric.'''

    @hookimpl
    def textclf_compute_metrics(self, references):
"""


@pytest.fixture
def metric(install: Callable[..., Path]) -> Callable[[str], ActivePlugins]:
    """Returns the plugins of a run with a metric of an installed package that does this."""

    def activated(body: str) -> ActivePlugins:
        source = (
            f"from dataclasses import dataclass\nfrom textclf_core import hookimpl\n{dedent(METRIC)}        {body}\n"
        )
        install("acme-metrics", source, {"mine": "Mine"})
        return activate(["mine"], Catalogue.discover())

    return activated


def score(plugins: ActivePlugins) -> object:
    return call(plugins, "textclf_compute_metrics", references=[1, 2], predictions=[], scores=[], task=None)


def test_every_hook_has_what_it_may_give() -> None:
    assert RESULTS.keys() == ARGUMENTS_OF_HOOK.keys()


def test_a_wrong_result_names_the_package_and_its_version(metric: Callable[[str], ActivePlugins]) -> None:
    message = r"^textclf_compute_metrics of .* 'mine' \(acme-metrics 1\.2\) returned .*\(list\); it must return a dict"
    with pytest.raises(RunError, match=message):
        score(metric("return [0.5]"))


def test_the_line_of_an_error_is_in_the_plugin_not_in_what_it_calls(metric: Callable[[str], ActivePlugins]) -> None:
    with pytest.raises(RunError, match=r"failed at .*acme_metrics\.py:\d+: JSONDecodeError"):
        score(metric("import json; json.loads('{')"))


def test_an_error_of_textclf_keeps_its_message(metric: Callable[[str], ActivePlugins]) -> None:
    with pytest.raises(DataError, match=r"^row 3 is empty$"):
        score(metric("from textclf_core import DataError; raise DataError('row 3 is empty')"))


def test_ctrl_c_ends_the_run(metric: Callable[[str], ActivePlugins]) -> None:
    with pytest.raises(KeyboardInterrupt):
        score(metric("raise KeyboardInterrupt"))


def test_all_faults_of_a_class_are_reported_at_once(plugin_file: Callable[..., Path]) -> None:
    path = plugin_file(
        """
        @dataclass(frozen=True)
        class Mine:
            '''Wrong in three ways.'''

            strength = 3
            table: dict[str, int] | None = None

            @hookimpl(hookwrapper=True)
            def textclf_freeze(self, encoder):
                yield

            @hookimpl
            def textclf_train(self, recipe): ...
        """
    )
    with pytest.raises(PluginError) as error:
        Catalogue.discover([path]).get("mine")
    for fault in (
        "strength has no annotation",
        "the option table has the type",
        "is a wrapper",
        "'recipe', which no longer exists",
    ):
        assert fault in str(error.value)
