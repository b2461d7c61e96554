"""The page of the plugin API: what is public, a line for each part, with the API number that brought it.

``python docs/plugin_api.py`` writes it anew. What would break a plugin is refused unless
``textclf_core.hookspecs.API`` has grown.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import textclf_core
from textclf_core import hookspecs
from textclf_core.cli.hook_list import hook_names
from textclf_core.hookspecs import API

PAGE = Path(__file__).with_name("plugin-api.md")

_LINE = re.compile(r"(.+)  # (\d+)")
_FENCE = "```text\n"

# Functions for users; a plugin calls none of them.
_FOR_USERS = ("run", "compare", "report", "open_run", "inspect_data", "Run", "ComparisonResult", "Report", "Estimate")


def signatures() -> list[str]:
    """Return the lines of the hooks and of the types that plugins import."""
    lines = [line for hook in hook_names() for line in _of_function(hook, getattr(hookspecs, hook))]
    for name in textclf_core.__all__:
        if name not in (*_FOR_USERS, "Inspection"):
            lines += _lines(name, getattr(textclf_core, name))
    return lines


def _lines(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, type):
        yield from _of_function(name, value) if callable(value) else [name]
        return
    yield f"class {name}"
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            if not field.name.startswith("_") and field.init:
                yield f"{name}.{field.name}: {field.type}{'' if _required(field) else ' = ...'}"
    elif "__init__" in vars(value) and not getattr(value, "_is_protocol", False):
        yield from _of_function(f"{name}()", value.__init__)
    members = {name: own for cls in value.__mro__ if _is_of_the_core(cls) for name, own in vars(cls).items()}
    for member, own in members.items():
        function = getattr(own, "__func__", own)
        if member.startswith("_"):
            continue
        if isinstance(own, property | cached_property):
            yield f"{name}.{member}"
        elif inspect.isfunction(function):
            yield from _of_function(f"{name}.{member}()", function)


def _is_of_the_core(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "textclf_core"


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _of_function(name: str, function: Any) -> Iterator[str]:
    """Yield a line for what it returns, and one for each argument, with whether it has a default."""
    try:
        found = inspect.signature(function)
    except ValueError:
        yield name
        return
    yield f"{name} -> {_written(found.return_annotation)}"
    for one in found.parameters.values():
        if one.name not in ("self", "cls"):
            default = "" if one.default is inspect.Parameter.empty else " = ..."
            yield f"{name}, {one.name}: {_written(one.annotation)}{default}"


def _written(annotation: object) -> str:
    if annotation is inspect.Signature.empty:
        return "None"
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def recorded(page: str) -> dict[str, int]:
    """Return the signatures on the page, each with the API number that brought it."""
    block = page.partition(_FENCE)[2].partition("```")[0]
    return {found[1]: int(found[2]) for line in block.splitlines() if (found := _LINE.fullmatch(line))}


def recorded_number(page: str) -> int:
    """Return the API number of the page."""
    found = re.search(r"API number is (\d+)", page)
    return int(found[1]) if found else 0


def breaking(known: Mapping[str, int]) -> list[str]:
    """Return what plugins can't go on with: lines that are gone or changed, and new arguments that must be given."""
    now = signatures()
    called = {line.partition(" -> ")[0] for line in known if " -> " in line}
    needed = (
        line
        for line in now
        if line not in known
        and line.partition(", ")[0] in called
        and not line.startswith("textclf_")  # an implementation of a hook takes only what it needs
        and not line.endswith(" = ...")
    )
    return sorted({*(known.keys() - set(now)), *needed})


def page_of(known: Mapping[str, int]) -> str:
    """Return the page, with the numbers of the signatures that are known."""
    lines = "".join(f"{line}  # {known.get(line, API)}\n" for line in dict.fromkeys(signatures()))
    return (
        "# The plugin API\n\n<!-- Made by `python docs/plugin_api.py`. -->\n\n"
        f"The API number is {API}. It is `textclf_core.hookspecs.API`.\n\n"
        "Hooks, their arguments, and optional members of the types in their signatures may be added at any time. The\n"
        "number grows only if one is removed or changes its meaning. What will be removed warns for two minor\n"
        "versions before, and the warning names what to use instead. Below is every hook and public member, each\n"
        "argument in a line, with the number that brought it. A test compares them with the code.\n\n"
        f"{_FENCE}{lines}```\n"
    )


def main() -> None:
    """Write the page, unless a signature is gone without a new number."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    known = recorded(page)
    broken = breaking(known)
    if broken and recorded_number(page) == API:
        sys.exit(
            "These are gone, changed or newly required, and plugins may rely on what was:\n  "
            + "\n  ".join(broken)
            + "\nKeep them; or raise textclf_core.hookspecs.API, and say in CHANGELOG.md what to use instead."
        )
    PAGE.write_text(page_of(known), encoding="utf-8")


if __name__ == "__main__":
    main()
