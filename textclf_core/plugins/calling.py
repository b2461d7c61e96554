"""Calling the hooks of a run's plugins, with errors that name the hook and the plugin."""

from __future__ import annotations

from typing import Any

from textclf_core.errors import RunError, TextclfError
from textclf_core.plugins.activation import ActivePlugins


def call(plugins: ActivePlugins, hook: str, *, optional: bool = False, **arguments: Any) -> Any:
    """Call a hook, and return its result, which isn't ``None`` unless it is ``optional``.

    What isn't an error of textclf's own becomes one that names the hook and its plugins.
    """
    try:
        result = getattr(plugins.hook, hook)(**arguments)
    except TextclfError:
        raise
    except Exception as error:
        raise RunError(f"{hook} failed ({_implementing(plugins, hook)}): {type(error).__name__}: {error}") from error
    if result is None and not optional:
        raise RunError(f"{hook} gave no result ({_implementing(plugins, hook)}).")
    return result


def _implementing(plugins: ActivePlugins, hook: str) -> str:
    names = [plugin.name for plugin in plugins if hasattr(plugin.instance, hook)]
    return f"plugin {', '.join(names)}"
