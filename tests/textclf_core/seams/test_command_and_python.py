"""The command line and the Python API say the same: every option has its argument, and the other way round."""

from __future__ import annotations

import inspect

import pytest
import typer

import textclf_core
from textclf_core.cli import application

# Options that no argument stands for, with the reason.
OF_A_TERMINAL = {
    "experiment": "a file that says what arguments say",
    "format": "how the answer is printed or the standard input is written; Python has objects",
    "profile": "a table that is printed beside the answer",
    "input": "Python is given the texts",
    "text": "of predict: the column of the input; Python is given the texts",
    "run": "of predict: the object that the method belongs to",
}
# Arguments that no option stands for, with the reason.
OF_MEMORY = {
    "self": "the run",
    "data": "labelled texts in memory; a file has the plugin files",
    "text": "the column of data in memory",
    "label": "the column of data in memory",
    "texts": "the texts in memory; the command reads --input",
    "quiet": "a command's progress goes to standard error, which a shell can send away",
}
# Commands whose answer goes to a file if asked; in Python it is the value that is returned.
RETURNED = {"predict": {"output"}, "report": {"output"}}
# An argument that holds several has a plural; an option is given again for each.
PLURAL = {"plugin": "plugins", "plugin_file": "plugin_files", "attempt": "tries", "slice": "slices"}
FUNCTIONS = {"run": "run", "compare": "compare", "report": "report", "predict": "Run.predict"}


def options_of(command: str) -> set[str]:
    group = typer.main.get_command(application())
    return {
        PLURAL.get(str(one.name), str(one.name))
        for one in group.commands[command].params  # type: ignore[attr-defined]
        if one.name != "help"
    }


def arguments_of(command: str) -> set[str]:
    found: object = textclf_core
    for name in FUNCTIONS[command].split("."):
        found = getattr(found, name, None)
    assert callable(found), f"there is no textclf_core.{FUNCTIONS[command]}"
    return set(inspect.signature(found).parameters)


@pytest.mark.parametrize(
    "command",
    [
        "run",
        *(
            pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=reason))
            for name, reason in {
                "compare": "train_size, tune, trials, dry_run and price are missing",
                "report": "there is no textclf_core.report",
                "predict": "device and plugin_files are missing",
            }.items()
        ),
    ],
)
def test_every_option_has_its_argument(command: str) -> None:
    """But what belongs to a terminal."""
    missing = options_of(command) - arguments_of(command) - OF_A_TERMINAL.keys() - RETURNED.get(command, set())
    assert missing == set()


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "compare",
        "predict",
        pytest.param("report", marks=pytest.mark.xfail(strict=True, reason="there is no textclf_core.report")),
    ],
)
def test_every_argument_has_its_option(command: str) -> None:
    """But what belongs to memory."""
    assert arguments_of(command) - options_of(command) - OF_MEMORY.keys() == set()
