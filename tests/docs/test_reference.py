"""What the reference pages are made from is complete: every hook, option, command and field says what it is."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer
from doc_blocks import ROOT

import textclf_core
from textclf_core import hookspecs
from textclf_core.cli.application import application
from textclf_core.plugins import LoadedPlugin
from textclf_core.plugins.options import OptionInfo, options_of

sys.path.insert(0, str(ROOT / "docs"))
import generated

HOOKS = [value for name, value in vars(hookspecs).items() if name.startswith("textclf_")]
PLUGINS = generated.builtin_plugins()
OPTIONS = [(plugin.name, option) for plugin in PLUGINS for option in options_of(plugin.cls)]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_a_hook_describes_each_of_its_arguments(hook: Callable[..., object]) -> None:
    _, _, arguments = (inspect.getdoc(hook) or "").partition("Args:\n")
    explained = re.findall(r"^ {4}(\w+): \S", arguments.partition("\n\n")[0], flags=re.MULTILINE)
    assert explained == list(inspect.signature(hook).parameters)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_a_hook_documents_whether_the_first_result_or_each_counts(hook: Any) -> None:
    first_paragraph = (inspect.getdoc(hook) or "").partition("\n\n")[0]
    assert ("First result." in first_paragraph) == hook.textclf_spec["firstresult"]
    assert ("Each in order" in first_paragraph) != hook.textclf_spec["firstresult"]


def types_of_the_hooks() -> list[str]:
    """The classes of the core that the signatures of the hooks name."""
    tree = ast.parse(inspect.getsource(hookspecs))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return [alias.name for node in imports if "textclf_core" in (node.module or "") for alias in node.names]


@pytest.mark.parametrize("name", types_of_the_hooks())
def test_a_type_in_a_hooks_signature_is_public_and_documented(name: str) -> None:
    assert name in textclf_core.__all__
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert re.search(rf"^(\.\. auto(class|data):: (\w+\.)*|### ){name}$", page, flags=re.MULTILINE)


def test_the_page_of_the_hooks_is_what_the_code_says() -> None:
    written = generated.HOOKS_PAGE.read_text(encoding="utf-8")
    assert written == generated.hook_reference(), "run `python docs/generated.py --hooks`"


def test_what_the_page_of_the_hooks_points_to_is_there() -> None:
    named = re.findall(r"`~?(textclf_core(?:\.\w+)+)`", hookspecs.__doc__ or "")
    assert "textclf_core.errors.DataError" in named
    for name in named:
        assert inspect.getdoc(pkgutil.resolve_name(name))


@pytest.mark.parametrize("hook", hookspecs.ROLE_OF_HOOK)
def test_a_hook_that_gives_a_role_names_it(hook: str) -> None:
    assert f"Role: {hookspecs.ROLE_OF_HOOK[hook]}." in (inspect.getdoc(getattr(hookspecs, hook)) or "")


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_a_builtin_plugin_has_a_description(plugin: LoadedPlugin) -> None:
    assert plugin.summary


@pytest.mark.parametrize(("plugin", "option"), OPTIONS, ids=[f"{plugin}:{option.name}" for plugin, option in OPTIONS])
def test_an_option_of_a_builtin_plugin_has_a_help_text(plugin: str, option: OptionInfo) -> None:
    assert option.help.endswith(".")


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command, those of groups included, by the words that call it."""
    waiting = [("textclf", typer.main.get_command(application()))]
    for name, command in waiting:
        yield name, command
        waiting += [(f"{name} {word}", sub) for word, sub in getattr(command, "commands", {}).items()]


@pytest.mark.parametrize("command", dict(commands()).values(), ids=dict(commands()))
def test_a_command_and_its_options_have_help_texts(command: Any) -> None:
    assert command.help
    silent = [option.name for option in command.params if option.param_type_name == "option" and not option.help]
    assert not silent


@pytest.mark.parametrize("cls", generated.record_classes(), ids=lambda cls: cls.__name__)
def test_a_part_of_the_record_describes_each_field(cls: type) -> None:
    assert list(generated.field_docs(cls)) == list(inspect.signature(cls).parameters)


def test_the_reference_pages_have_every_plugin_command_and_field() -> None:
    plugins = generated.plugin_reference()
    assert all(f"### {plugin.name}\n" in plugins for plugin in PLUGINS)
    assert all(f"| `{option.name}`" in plugins for _, option in OPTIONS)
    assert all(f"## `{name}`\n" in generated.command_reference() for name, _ in commands())
    fields = [field for cls in generated.record_classes() for field in inspect.signature(cls).parameters]
    assert all(f"| `{field}`" in generated.record_reference() for field in fields)
