"""``textclf plugins hooks``: what each hook is, when it is called, and which plugins implement it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from pathlib import Path

from textclf_core import hookspecs
from textclf_core.cli.plugin_list import listed_plugins
from textclf_core.cli.standard_output import print_result
from textclf_core.cli.text_table import aligned
from textclf_core.errors import UsageError, did_you_mean
from textclf_core.hookspecs import ROLE_OF_HOOK

FIRST_VERSION = "0.1"
"""The version that has every hook whose docstring doesn't say "Since VERSION."."""


def hook_names() -> tuple[str, ...]:
    """Return the names of all hooks, in the order in which a run calls them."""
    mark = f"{hookspecs.PROJECT}_spec"
    return tuple(name for name, function in vars(hookspecs).items() if hasattr(function, mark))


def documentation(hook: str) -> str:
    """Return a hook's docstring."""
    return inspect.getdoc(getattr(hookspecs, hook)) or ""


def signature(hook: str) -> str:
    """Return a hook's name, arguments and result, as they stand in its specification."""
    return f"{hook}{inspect.signature(getattr(hookspecs, hook))}".replace("'", "")


def since(hook: str) -> str:
    """Return the first version that has a hook."""
    found = re.search(r"\bSince (\d+(?:\.\d+)+)\.", documentation(hook))
    return found[1] if found else FIRST_VERSION


def print_hooks(name: str | None, files: Sequence[Path]) -> None:
    """Print all hooks, or all about one of them.

    Raises:
        UsageError: there is no such hook.
    """
    names = hook_names()
    answer = {hook: [one["name"] for one in listed_plugins(files) if hook in one["hooks"]] for hook in names}
    if name is None:
        rows = [
            (hook, ROLE_OF_HOOK.get(hook, ""), _results(hook), since(hook), str(len(answer[hook]))) for hook in names
        ]
        print_result(aligned([("hook", "role", "results", "since", "plugins"), *rows]))
        return
    hook = name if name.startswith(f"{hookspecs.PROJECT}_") else f"{hookspecs.PROJECT}_{name}"
    if hook not in names:
        raise UsageError(f"There is no hook {name!r}.{did_you_mean(hook, names)} `textclf plugins hooks` lists them.")
    facts = [f"Since {since(hook)}. Implemented by {', '.join(answer[hook]) or 'no installed plugin'}."]
    print_result("\n\n".join([signature(hook), documentation(hook), *facts]))


def _results(hook: str) -> str:
    return "first" if getattr(getattr(hookspecs, hook), f"{hookspecs.PROJECT}_spec")["firstresult"] else "each in order"
