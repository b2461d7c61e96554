"""The command line and the Python API say the same: each option has its argument, and each argument its option."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
import typer

import textclf_core
from textclf_core.cli.application import application

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "data": textclf_core.inspect_data,
    "run": textclf_core.run,
    "compare": textclf_core.compare,
    "report": textclf_core.report,
    "predict": textclf_core.Run.predict,
}

# An option that is given again for each value is a list in Python, and named as one.
LISTS = {
    "plugin": "plugins",
    "plugin_file": "plugin_files",
    "attempt": "tries",
    "data_set": "data_sets",
    "slice": "slices",
}

_SHOWN = "what comes back shows itself, and `text(format)` writes it in any format"
_IN_MEMORY = "data in memory"
_QUIET = "on a terminal, `2> /dev/null` does that"

OPTIONS_ALONE = {
    "data": {"format": _SHOWN},
    "run": {"format": _SHOWN, "profile": "printed for a person at a terminal; the seconds are in the record"},
    "compare": {
        "format": _SHOWN,
        "emit": "the files are for commands of a scheduler",
        "live": "watched by a person who waits for a command",
        "live_at": "beside live",
    },
    "report": {},
    "predict": {
        "run": "the run whose method it is",
        "input": "the texts are in memory",
        "output": "the predictions come back",
        "format": "how the standard input is written",
        **dict.fromkeys(("separator", "encoding", "quoting", "header", "columns"), "how the input is written"),
    },
}
_OF_DATA = dict.fromkeys(("data", "text", "label", "group", "time"), _IN_MEMORY)
ARGUMENTS_ALONE = {
    "data": _OF_DATA,
    "run": {**_OF_DATA, "quiet": _QUIET},
    "compare": {**_OF_DATA, "quiet": _QUIET},
    "report": {},
    "predict": {"self": "the run, which the command names", "texts": _IN_MEMORY},
}


def options(name: str) -> dict[str, Any]:
    """Return the defaults of a command's options and arguments, by Python's name for each."""
    command = typer.main.get_command(application()).commands[name]  # type: ignore[attr-defined]
    own = [parameter for parameter in command.params if parameter.name != "help"]
    return {LISTS.get(parameter.name, parameter.name): parameter.default for parameter in own}


def arguments(name: str) -> dict[str, Any]:
    """Return the defaults of a function's arguments."""
    return {key: one.default for key, one in inspect.signature(FUNCTIONS[name]).parameters.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_option_has_its_argument_and_the_other_way_round(name: str) -> None:
    assert options(name).keys() - arguments(name).keys() == OPTIONS_ALONE[name].keys()
    assert arguments(name).keys() - options(name).keys() == ARGUMENTS_ALONE[name].keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_defaults_are_the_same(name: str) -> None:
    ours, theirs = options(name), arguments(name)
    assert ours.pop("paths", None) is None  # both read the folder runs
    for shared in ours.keys() & theirs.keys():
        assert (ours[shared] or None) == (theirs[shared] or None), shared


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_is_explained(name: str) -> None:
    _, _, explained = (inspect.getdoc(FUNCTIONS[name]) or "").partition("Args:\n")
    names = re.findall(r"^ {4}(\w+): \S", explained.partition("\n\n")[0], flags=re.MULTILINE)
    assert names == [argument for argument in arguments(name) if argument != "self"]
