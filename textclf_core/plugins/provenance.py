"""The facts of a plugin for cache keys: its name, code, options and dependencies."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from textclf_core.errors import PluginError
from textclf_core.plugins.active import ActivePlugin
from textclf_core.plugins.discovery import OWN_DISTRIBUTION
from textclf_core.system.code import code_of, content_sha256, distribution_code, requirements
from textclf_core.types.origin import Origin

DEPENDS_ON = "depends_on"
"""The attribute with a plugin's further dependencies: strings, each the name of a distribution (its version is used, or
the hash of an editable one's source), the path of a file or folder (its content is used), or any other fact."""


def origin_of(plugin: ActivePlugin) -> Origin:
    """Return the origin to add to an encoder that the plugin built or adapted."""
    facts = {**plugin_facts(plugin), DEPENDS_ON: dependencies(plugin)}
    text = json.dumps(facts, sort_keys=True)
    return Origin(plugin=plugin.spec, sha256=hashlib.sha256(text.encode()).hexdigest())


def plugin_facts(plugin: ActivePlugin) -> dict[str, object]:
    """Return a plugin's name, code and options, without the content of files that an option names."""
    return {
        "name": plugin.name,
        "code": [plugin.distribution, plugin.version, code_of(type(plugin.instance).__module__)],
        "options": {name: repr(value) for name, value in plugin.options.items()},
    }


def option_contents(plugin: ActivePlugin) -> dict[str, str]:
    """Return the hashes of files and folders whose paths are values of options, by option."""
    return {name: content for name, value in plugin.options.items() if (content := _content(value)) is not None}


def dependencies(plugin: ActivePlugin) -> list[str]:
    """Return a plugin's dependencies apart from its code: its requirements' versions, and those that it declares."""
    own = plugin.distribution == OWN_DISTRIBUTION  # the core's requirements are part of every key that needs them
    required = () if own else (distribution_code(name) or name for name in requirements(plugin.distribution))
    named = getattr(plugin.instance, DEPENDS_ON, ())
    if not isinstance(named, tuple | list) or not all(isinstance(text, str) for text in named):
        raise PluginError(f"{DEPENDS_ON} of {plugin} must be a tuple of strings, not {named!r}.")
    return [*required, *map(_dependency, named)]


def _dependency(text: str) -> str:
    return distribution_code(text) or _content(text) or text


def _content(value: object) -> str | None:
    """Return the hash of the file or folder (or those of a list) that a value names; ``None`` if it names none."""
    if isinstance(value, tuple | list):
        contents = [content for one in value if (content := _content(one)) is not None]
        return " ".join(contents) or None
    if not isinstance(value, str | Path) or not value:
        return None
    path = Path(value).expanduser()
    try:
        return content_sha256(path) if path.exists() else None
    except OSError:  # too long for a path, or unreadable, which is reported when it is used
        return None
