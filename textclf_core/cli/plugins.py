"""``textclf plugins``: the list of plugins, and the options of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textclf_core.cli.completion import complete_names
from textclf_core.cli.plugin_list import ROLES, described, print_plugins, roles_in_words
from textclf_core.cli.standard_output import print_result, result_alone
from textclf_core.cli.text_table import aligned

if TYPE_CHECKING:
    from textclf_core.plugins import LoadedPlugin
    from textclf_core.plugins.options import OptionInfo

PluginFiles = Annotated[
    list[Path] | None,
    typer.Option("--plugin-file", metavar="FILE.py", help="A Python file with your own plugins. Repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(rich_markup_mode=None, short_help="List the plugins, or show the options of one.")


@app.callback(invoke_without_command=True)
def plugins(
    context: typer.Context,
    role: Annotated[
        str | None,
        typer.Option(help=f"List only plugins with this role: {', '.join(ROLES)}."),
    ] = None,
    as_json: Json = False,
    plugin_file: PluginFiles = None,
) -> None:
    """List all plugins, also those that can't be used; `textclf plugins show NAME` shows the options of one."""
    if context.invoked_subcommand:
        context.obj = (plugin_file or [], as_json)
        return
    print_plugins(role, as_json=as_json, files=plugin_file or [])


@app.command()
@result_alone
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The plugin's name.", autocompletion=complete_names)],
    as_json: Json = False,
    plugin_file: PluginFiles = None,
) -> None:
    """Show a plugin's options, with their types, defaults and help texts, and where its hooks are implemented."""
    from textclf_core.plugins import Catalogue, PluginListing
    from textclf_core.plugins.options import options_of

    files, group_json = context.obj
    catalogue = Catalogue.discover([*files, *(plugin_file or [])])
    plugin = catalogue.get(name)
    options = options_of(plugin.cls)
    facts = described(PluginListing(plugin.entry, plugin, None), catalogue)
    if as_json or group_json:
        shown = facts | {"docstring": plugin.docstring, "options": [_option_as_json(option) for option in options]}
        print_result(json.dumps(shown, indent=2))
    else:
        print_result(_as_page(plugin, roles_in_words(facts), options))


@app.command()
@result_alone
def hooks(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A hook; all of them if not given.")] = None,
    plugin_file: PluginFiles = None,
) -> None:
    """List the hooks in the order of a run, or show one: arguments, when it is called, which plugins implement it."""
    from textclf_core.cli.hook_list import print_hooks

    print_hooks(name, [*context.obj[0], *(plugin_file or [])])


@app.command()
@result_alone
def check(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="NAME or NAME:key=value, a .py file, or the folder of a package.")
    ],
    skip: Annotated[list[str] | None, typer.Option(metavar="CHECK", help="A check to skip. Repeatable.")] = None,
    plugin_file: PluginFiles = None,
) -> None:
    """Check what the hooks of a plugin promise, each promise by name, and print what to change."""
    from textclf_core.cli.plugin_check import check_target

    check_target(target, [*context.obj[0], *(plugin_file or [])], skip or [])


@app.command()
@result_alone
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name: lower-case words joined by hyphens.")],
    role: Annotated[str, typer.Option(help=f"What it does: {', '.join(ROLES)}.")],
    file: Annotated[bool, typer.Option("--file", help="Write one file instead of a package.")] = False,
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Where it is made.")] = Path(),
) -> None:
    """Write a plugin to begin with: a package with its test, or one file."""
    from textclf_core.cli.new_plugin import write_plugin

    files = write_plugin(name, role, output, one_file=file)
    print_result("\n".join(map(str, files)))
    target = files[0] if file else files[0].parent
    print_result(f"\nNext: textclf plugins check {target}")


def _as_page(plugin: LoadedPlugin, roles: str, options: Sequence[OptionInfo]) -> str:
    from textclf_core.plugins.hooks import implementing_places

    head = f"{plugin.name} · {roles} · {plugin.entry.origin}"
    lines = [head, "", plugin.docstring, ""] if plugin.docstring else [head, ""]
    rows = [
        (option.name, option.takes, "required" if option.required else _shown(option.default), option.help)
        for option in options
    ]
    table = aligned([("option", "takes", "default", "help"), *rows], {1: 40, 3: 72}) if rows else "It takes no options."
    places = aligned([("hook", "in"), *implementing_places(plugin.cls).items()])
    return "\n".join([*lines, table, "", places])


def _shown(default: object) -> str:
    from textclf_core.plugins.specs import format_value

    return format_value(default) or "(empty)"


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
