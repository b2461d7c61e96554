"""Active plugins as JSON, for a process on another machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from textclf_core.errors import UsageError
from textclf_core.plugins.active import ActivePlugin, ActivePlugins, restored
from textclf_core.plugins.options import build_plugin


@lru_cache(maxsize=256)
def written_plugins(plugins: ActivePlugins) -> str:
    """Return plugins as JSON; cached, since a contender's cells have the same.

    Raises:
        UsageError: an option's value can't be written, or would be another one when it is read.
    """
    return json.dumps([_written(plugin) for plugin in plugins])


@lru_cache(maxsize=256)
def read_plugins(written: str) -> ActivePlugins:
    """Return the plugins that another process wrote; cached, as they are written.

    Raises:
        PluginError: this process has another version of one, or doesn't have it.
    """
    return ActivePlugins([_read(one) for one in json.loads(written)])


def _written(plugin: ActivePlugin) -> dict[str, Any]:
    # As they are after JSON, in which a path is text.
    options = json.loads(json.dumps(dict(plugin.options), default=str))
    again = build_plugin(plugin.name, type(plugin.instance), options)
    for name, value in plugin.options.items():
        if getattr(again, name) != value:
            raise UsageError(
                f"{plugin} can't run in another process: its option {name!r} is {value!r}, and would be "
                f"{getattr(again, name)!r} there. Leave out --workers and --executor, or give the option another value."
            )
    return {
        "name": plugin.name,
        "roles": plugin.roles,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "options": options,
        "set_by": dict(plugin.set_by),
        "chosen_by": plugin.chosen_by,
        "file_code": plugin.file_code(),
    }


def _read(written: Mapping[str, Any]) -> ActivePlugin:
    facts = {**written, "roles": tuple(written["roles"])}
    plugin = restored(facts["options"], facts, facts.pop("file_code"))
    # With the options' own types: a tuple, a path.
    return replace(plugin, options={name: getattr(plugin.instance, name) for name in plugin.options})
