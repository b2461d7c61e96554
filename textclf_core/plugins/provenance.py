"""What a plugin is, for keys: its name, its code, its options, and what else its result depends on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from textclf_core.errors import PluginError
from textclf_core.plugins.activation import ActivePlugin
from textclf_core.plugins.discovery import OWN_DISTRIBUTION
from textclf_core.system.code import code_of, content_sha256, distribution_code, requirements
from textclf_core.types.origin import Origin

DEPENDS_ON = "depends_on"
"""The attribute in which a plugin says on what else its result depends: strings, each the name of a distribution (its
version counts, and its source where that can change), the path of a file or folder (its content counts), or any other
fact."""


def origin_of(plugin: ActivePlugin) -> Origin:
    """Return what an encoder says of the plugin that built or adapted it."""
    facts = {**plugin_facts(plugin), DEPENDS_ON: dependencies(plugin)}
    text = json.dumps(facts, sort_keys=True)
    return Origin(plugin=plugin.spec, sha256=hashlib.sha256(text.encode()).hexdigest())


def plugin_facts(plugin: ActivePlugin) -> dict[str, object]:
    """Return a plugin's name, code and options; not the content of the files that an option names."""
    return {
        "name": plugin.name,
        "code": [plugin.distribution, plugin.version, code_of(type(plugin.instance).__module__)],
        "options": {name: repr(value) for name, value in plugin.options.items()},
    }


def option_contents(plugin: ActivePlugin) -> dict[str, str]:
    """Return hashes of the files and folders that options name, by the option: paths, and text that is one."""
    return {name: content for name, value in plugin.options.items() if (content := _content(value)) is not None}


def dependencies(plugin: ActivePlugin) -> list[str]:
    """Return what a plugin's result depends on beside its code: its requirements' versions, and what it says itself."""
    own = plugin.distribution == OWN_DISTRIBUTION  # what the core requires is in every key that needs it
    required = () if own else (distribution_code(name) or name for name in requirements(plugin.distribution))
    named = getattr(plugin.instance, DEPENDS_ON, ())
    if not isinstance(named, tuple | list) or not all(isinstance(text, str) for text in named):
        raise PluginError(f"{DEPENDS_ON} of {plugin} must be a tuple of strings, not {named!r}.")
    return [*required, *map(_dependency, named)]


def _dependency(text: str) -> str:
    return distribution_code(text) or _content(text) or text


def _content(value: object) -> str | None:
    """Return a hash of what an option's value names, or of each where it is a list; ``None`` if it names nothing."""
    if isinstance(value, tuple | list):
        contents = [content for one in value if (content := _content(one)) is not None]
        return " ".join(contents) or None
    if not isinstance(value, str | Path) or not value:
        return None
    path = Path(value).expanduser()
    try:
        return content_sha256(path) if path.exists() else None
    except OSError:  # too long for a name, or not to be read: whoever uses it says so
        return None
