"""``textclf plugins``: the list of plugins, and the options of each."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textclf_core.cli.standard_output import print_result, result_alone
from textclf_core.errors import UsageError, did_you_mean
from textclf_core.hookspecs import ROLE_OF_HOOK

if TYPE_CHECKING:
    from textclf_core.plugins import Catalogue, LoadedPlugin, PluginListing
    from textclf_core.plugins.options import OptionInfo

SLOW_IMPORT_SECONDS = 0.1
"""Import times above this are shown, since they slow down every `textclf plugins`."""

PluginFiles = Annotated[
    list[Path] | None,
    typer.Option("--plugin-file", metavar="FILE.py", help="A Python file with your own plugins. Repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(rich_markup_mode=None, short_help="List the plugins, or show the options of one.")


@app.callback(invoke_without_command=True)
@result_alone
def plugins(
    context: typer.Context,
    role: Annotated[
        str | None,
        typer.Option(help=f"List only plugins with this role: {', '.join(dict.fromkeys(ROLE_OF_HOOK.values()))}."),
    ] = None,
    as_json: Json = False,
    plugin_file: PluginFiles = None,
) -> None:
    """List all plugins, also those that can't be used; `textclf plugins show NAME` shows the options of one."""
    if context.invoked_subcommand:
        context.obj = (plugin_file or [], as_json)
        return
    if role is not None and role not in ROLE_OF_HOOK.values():
        roles = tuple(dict.fromkeys(ROLE_OF_HOOK.values()))
        raise UsageError(f"There is no role {role!r}.{did_you_mean(role, roles)} The roles are {', '.join(roles)}.")
    from textclf_core.plugins import Catalogue

    catalogue = Catalogue.discover(plugin_file or [])
    # A plugin that can't be loaded may have any role.
    listing = [item for item in catalogue.listing() if not (role and item.plugin and role not in item.plugin.roles)]
    if as_json:
        print_result(json.dumps([_as_json(item, catalogue) for item in listing], indent=2))
    else:
        print_result(_as_table(listing, catalogue))


@app.command()
@result_alone
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The plugin's name.")],
    as_json: Json = False,
    plugin_file: PluginFiles = None,
) -> None:
    """Show a plugin's options: their types, defaults and help texts."""
    from textclf_core.plugins import Catalogue, PluginListing
    from textclf_core.plugins.options import options_of

    files, group_json = context.obj
    catalogue = Catalogue.discover([*files, *(plugin_file or [])])
    plugin = catalogue.get(name)
    options = options_of(plugin.cls)
    if as_json or group_json:
        described = _as_json(PluginListing(plugin.entry, plugin, None), catalogue)
        described |= {
            "docstring": plugin.docstring,
            "hooks": sorted(plugin.hooks),
            "options": [_option_as_json(option) for option in options],
        }
        print_result(json.dumps(described, indent=2))
    else:
        print_result(_as_page(plugin, options, catalogue))


def _as_table(listing: Sequence[PluginListing], catalogue: Catalogue) -> str:
    rows = []
    for item in listing:
        if item.plugin:
            slow = item.plugin.import_seconds > SLOW_IMPORT_SECONDS
            summary = item.plugin.summary + (f" [{item.plugin.import_seconds:.2f} s to import]" if slow else "")
            rows.append((item.entry.name, _roles(item.plugin, catalogue), item.entry.origin, summary))
    table = _aligned([("name", "role", "from", "what it does"), *rows])
    broken = [f"  {item.error}" for item in listing if item.error]
    return "\n".join([table, *(["", "Can't be used:", *broken] if broken else [])])


def _as_page(plugin: LoadedPlugin, options: Sequence[OptionInfo], catalogue: Catalogue) -> str:
    head = f"{plugin.name} · {_roles(plugin, catalogue)} · {plugin.entry.origin}"
    lines = [head, "", plugin.docstring, ""] if plugin.docstring else [head, ""]
    if not options:
        return "\n".join([*lines, "It takes no options."])
    rows = [
        (option.name, option.takes, "required" if option.required else _shown(option.default), option.help)
        for option in options
    ]
    return "\n".join([*lines, _aligned([("option", "takes", "default", "help"), *rows], {1: 40, 3: 72})])


def _aligned(rows: Sequence[Sequence[str]], widest: Mapping[int, int] | None = None) -> str:
    """Return rows, the headings first, as aligned columns; ``widest`` is the width at which a column is wrapped.

    The result is that of tabulate's format "plain", without the twentieth of a second for importing tabulate.
    """
    wrapped = [
        [textwrap.wrap(cell, (widest or {}).get(column, 10_000)) or [""] for column, cell in enumerate(row)]
        for row in rows
    ]
    headings = rows[0]
    widths = [
        max(len(heading) + 2, *(len(line) for cell in column for line in cell))
        for heading, column in zip(headings, zip(*wrapped, strict=True), strict=True)
    ]
    return "\n".join(
        "  ".join(line.ljust(width) for line, width in zip(lines, widths, strict=True)).rstrip()
        for row in wrapped
        for lines in zip_longest(*row, fillvalue="")
    )


def _shown(default: object) -> str:
    from textclf_core.plugins.specs import format_value

    return format_value(default) or "(empty)"


def _roles(plugin: LoadedPlugin, catalogue: Catalogue) -> str:
    roles = ", ".join(plugin.roles) or "none"
    return f"{roles} (default)" if _is_default(plugin, catalogue) else roles


def _is_default(plugin: LoadedPlugin, catalogue: Catalogue) -> bool:
    return any(plugin.name in names for names in catalogue.defaults.values())


def _as_json(item: PluginListing, catalogue: Catalogue) -> dict[str, object]:
    plugin = item.plugin
    return {
        "name": item.entry.name,
        "roles": list(plugin.roles) if plugin else None,
        "distribution": item.entry.distribution,
        "version": item.entry.version,
        "summary": plugin.summary if plugin else None,
        "default": bool(plugin and _is_default(plugin, catalogue)),
        "import_seconds": round(plugin.import_seconds, 3) if plugin else None,
        "error": item.error,
    }


def _option_as_json(option: OptionInfo) -> dict[str, object]:
    from textclf_core.plugins.specs import format_value

    plain = option.default is None or isinstance(option.default, bool | int | float | str)
    return {
        "name": option.name,
        "type": option.type,
        "required": option.required,
        "default": option.default if plain else format_value(option.default),
        "range": option.range,
        "choices": list(option.choices),
        "help": option.help,
    }
