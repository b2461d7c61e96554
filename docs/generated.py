"""The pages that are made from the code: plugins and their options, commands, the fields of a record."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import typer
from tabulate import tabulate

from textclf_core import hookspecs
from textclf_core.cli.application import application
from textclf_core.cli.hook_list import documentation, hook_names, signature, since
from textclf_core.hookspecs import ROLE_OF_HOOK
from textclf_core.plugins import Catalogue, LoadedPlugin
from textclf_core.plugins.discovery import OWN_DISTRIBUTION
from textclf_core.plugins.options import options_of
from textclf_core.plugins.specs import format_value
from textclf_core.records.schema import Record
from textclf_core.types.recipe import Recipe

COLUMNS = 88
"""The width of a command's help, in characters; it fits a page."""


def write_pages(folder: Path) -> None:
    """Write each page into ``folder``, which is made if need be."""
    folder.mkdir(exist_ok=True)
    pages = {
        "plugins.md": plugin_reference(),
        "commands.md": command_reference(),
        "recipe.md": f"{_paragraphs(Recipe)}\n\n{_options(Recipe)}\n",
        "record.md": record_reference(),
    }
    for name, page in pages.items():
        (folder / name).write_text(page, encoding="utf-8")


HOOKS_PAGE = Path(__file__).with_name("hooks.md")
"""The page of the hooks, which stands in the checkout: ``python docs/generated.py --hooks`` writes it."""


def hook_reference() -> str:
    """Return the page of the hooks: the module's help, then each hook with its signature, help and implementations."""
    plugins = builtin_plugins()
    head = (
        "# Hooks\n\n<!-- Made from textclf_core/hookspecs.py by `python docs/generated.py --hooks`. -->\n\n"
        "To learn how a plugin is written, tested and shipped, see [write a plugin](write-a-plugin.md). "
        "`textclf plugins hooks NAME` shows the same for one hook, with the plugins that are installed."
    )
    sections = [head, _markdown(inspect.getdoc(hookspecs) or "")]
    for hook in hook_names():
        users = ", ".join(f"`{plugin.name}`" for plugin in plugins if hook in plugin.hooks) or "none yet"
        facts = f"Since {since(hook)}. Built-in plugins that implement it: {users}."
        sections += [f"## {hook}", f"    {signature(hook)}", _markdown(documentation(hook)), facts]
    return "\n\n".join(sections) + "\n"


def _markdown(docstring: str) -> str:
    """Return a docstring as Markdown: names of the reference as code, arguments as a list."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"``\1``", docstring)
    text = re.sub(r"^ {4}(\w+): ", r"- ``\1``: ", text, flags=re.MULTILINE)
    text = re.sub(r"^ {8}", "  ", text, flags=re.MULTILINE)
    text = re.sub(r"^(Args|Returns|Raises):$", r"**\1**\n", text, flags=re.MULTILINE)
    return re.sub(r"^ {4}", "", text, flags=re.MULTILINE)


def builtin_plugins() -> tuple[LoadedPlugin, ...]:
    """Return the plugins that this distribution brings, by name."""
    catalogue = Catalogue.discover()
    return tuple(catalogue.load(entry) for entry in catalogue.entries if entry.distribution == OWN_DISTRIBUTION)


def plugin_reference() -> str:
    """Return a section a role, and in it each plugin (by its last role) with its help and a table of its options."""
    plugins = builtin_plugins()
    sections = []
    for role in dict.fromkeys(ROLE_OF_HOOK.values()):
        if own := [_plugin(plugin) for plugin in plugins if plugin.roles[-1] == role]:
            sections += [f"## Role: {role}", *own]
    return "\n\n".join(sections) + "\n"


def _plugin(plugin: LoadedPlugin) -> str:
    return "\n\n".join([f"### {plugin.name}", _paragraphs(plugin.cls), _options(plugin.cls)])


def _paragraphs(cls: type) -> str:
    return "\n\n".join(_prose(paragraph) for paragraph in (inspect.getdoc(cls) or "").split("\n\n"))


def _options(cls: type) -> str:
    rows = [
        (
            f"`{option.name}`",
            _prose(option.takes),
            "required" if option.required else f"`{format_value(option.default)}`",
            _prose(option.help),
        )
        for option in options_of(cls)
    ]
    return _table(rows, ("option", "takes", "default", "")) if rows else "It takes no options."


def command_reference() -> str:
    """Return the ``--help`` of ``textclf`` and of each of its commands."""
    return "\n\n".join(_helps(typer.main.get_command(application()), "textclf", None)) + "\n"


def _helps(command: Any, name: str, parent: Any) -> Iterator[str]:
    context = command.context_class(command, info_name=name, parent=parent, terminal_width=COLUMNS)
    yield f"## `{context.command_path}`\n\n```text\n{command.get_help(context)}\n```"
    for sub_name, sub_command in getattr(command, "commands", {}).items():
        yield from _helps(sub_command, sub_name, context)


def record_reference() -> str:
    """Return a section a table of the record: each field with its type and what it is."""
    return "\n\n".join(_record_section(cls) for cls in record_classes()) + "\n"


def record_classes() -> tuple[type, ...]:
    """Return ``Record`` and the dataclasses inside it, each before those inside it."""
    found: dict[type, None] = {}

    def visit(cls: type) -> None:
        found[cls] = None
        for annotation in get_type_hints(cls).values():
            for part in _dataclasses_in(annotation):
                visit(part)

    visit(Record)
    return tuple(found)


def field_docs(cls: type) -> dict[str, str]:
    """Return what a dataclass's docstring says of its fields, under "Attributes:"."""
    _, _, attributes = (inspect.getdoc(cls) or "").partition("Attributes:\n")
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", attributes, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _record_section(cls: type) -> str:
    docs = field_docs(cls)
    hints = get_type_hints(cls)
    summary = _in_json((inspect.getdoc(cls) or "").partition("\n\nAttributes:")[0])
    rows = [
        (f"`{field.name}`", _type_in_json(hints[field.name]), _in_json(docs[field.name]))
        for field in dataclasses.fields(cls)
    ]
    return "\n\n".join([f"### {_section_name(cls)}", summary, _table(rows, ("field", "holds", ""))])


def _section_name(cls: type) -> str:
    return "Record" if cls is Record else cls.__name__.removesuffix("Record")


def _type_in_json(annotation: Any) -> str:
    """Return a field's type in JSON's words: ``string or null``, ``list of Plugin``, ``object of number``."""
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        name = _section_name(annotation)
        return f"[{name}](#{name.lower()})"
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return f"list of {_type_in_json(parts[0])}"
    if origin is dict:
        return f"object of {_type_in_json(parts[1])}"
    if parts:
        return " or ".join(_type_in_json(part) for part in parts)
    words = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null", Any: "anything"}
    return words[annotation]


def _in_json(text: str) -> str:
    return _prose(text.replace("``None``", "``null``"))


def _dataclasses_in(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        yield annotation
    for part in get_args(annotation):
        yield from _dataclasses_in(part)


def _prose(text: str) -> str:
    """Return a docstring's paragraph as Markdown.

    Its ``code`` stays; what else Markdown would read as its own is escaped.
    """
    pieces = re.split(r"(``.+?``)", " ".join(text.split()))
    return "".join(
        piece if piece.startswith("``") else re.sub(r"([\\`*_<>\[\]|$#])", r"\\\1", piece) for piece in pieces
    )


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


if __name__ == "__main__":
    if sys.argv[1] == "--hooks":
        HOOKS_PAGE.write_text(hook_reference(), encoding="utf-8")
    else:
        write_pages(Path(sys.argv[1]))
