"""Shell completion of plugins and their options."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import redirect_stdout

from textclf_core.cli.plugin_list import listed_plugins
from textclf_core.hookspecs import COMPARISON_ROLES, SAVED_MODEL_ROLES

_SHELL = "_TEXTCLF_COMPLETE"
"""Set by the shell's script, which ``textclf --install-completion`` installs."""
_BREAKS = ":="
"""Where bash divides words, as plugin specs and options do too."""


def complete_names(incomplete: str) -> list[str]:
    """Return the names of the plugins that begin so."""
    return [one["name"] for one in listed_plugins() if not one["error"] and one["name"].startswith(incomplete)]


def complete_specs(incomplete: str) -> list[str]:
    """Return the specs that begin so, of plugins for runs: ``NAME``, ``NAME:option=``, ``NAME:option=choice``."""
    return _specs(incomplete, lambda roles: not roles <= {*SAVED_MODEL_ROLES, *COMPARISON_ROLES})


def complete_engines(incomplete: str) -> list[str]:
    """Return the specs of engines that begin so."""
    from textclf_core.inference.engines import TORCH

    own = [TORCH] if TORCH.startswith(incomplete) else []
    return [*own, *_specs(incomplete, lambda roles: "engine" in roles)]


def complete_executors(incomplete: str) -> list[str]:
    """Return the specs of executors that begin so."""
    return _specs(incomplete, lambda roles: "executor" in roles)


def complete_datasets(incomplete: str) -> list[str]:
    """Return the specs of datasets that begin so."""
    return _specs(incomplete, lambda roles: "dataset" in roles)


def complete_exporters(incomplete: str) -> list[str]:
    """Return the specs of exporters that begin so."""
    return _specs(incomplete, lambda roles: "exporter" in roles)


def _specs(incomplete: str, fits: Callable[[set[str]], bool]) -> list[str]:
    name, colon, options = incomplete.partition(":")
    able = [one for one in listed_plugins() if not one["error"] and fits(set(one["roles"] or ()))]
    if not colon:
        return [one["name"] for one in able if one["name"].startswith(name)]
    known = next((one["options"] for one in able if one["name"] == name), {})
    before, comma, last = options.rpartition(",")
    option, equals, value = last.partition("=")
    begin = f"{name}:{before}{comma}"
    if equals:
        return [f"{begin}{option}={choice}" for choice in known.get(option, ()) if choice.startswith(value)]
    taken = {part.partition("=")[0] for part in before.split(",")}
    return [f"{begin}{key}=" for key in known if key.startswith(last) and key not in taken]


def asked_by_bash() -> bool:
    """Return whether this process was started by bash to complete a command line."""
    return os.environ.get(_SHELL) == "complete_bash"


def answer_bash(application: Callable[[], None]) -> None:
    """Let the application print completions; bash replaces only what stands after the last colon or equals sign."""
    incomplete = _join_words()
    kept = 1 + max(incomplete.rfind(mark) for mark in _BREAKS)
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            application()
    finally:
        for line in printed.getvalue().splitlines():
            print(line[kept:])


def _join_words() -> str:
    """Undo that bash divides ``NAME:option=value`` into words; return the word that is to be completed."""
    words, current = os.environ["COMP_WORDS"].split("\n"), int(os.environ["COMP_CWORD"])
    joined: list[str] = []
    for place, word in enumerate(words):
        if place > 1 and (_is_break(word) or _is_break(words[place - 1])):
            joined[-1] += word
        else:
            joined.append(word)
        if place == current:
            os.environ["COMP_CWORD"] = str(len(joined) - 1)
    os.environ["COMP_WORDS"] = "\n".join(joined)
    return joined[int(os.environ["COMP_CWORD"])] if current < len(words) else ""


def _is_break(word: str) -> bool:
    return bool(word) and not word.strip(_BREAKS)
