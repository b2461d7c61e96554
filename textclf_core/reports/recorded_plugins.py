"""The plugins of stored runs, built again with the options that they had."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from textclf_core.errors import PluginError, UsageError
from textclf_core.plugins import ActivePlugin, Catalogue
from textclf_core.plugins.activation import build_active
from textclf_core.plugins.discovery import plugin_file_of
from textclf_core.plugins.specs import PluginSpec
from textclf_core.records.schema import PluginRecord


def recorded_plugins(
    recorded: Iterable[PluginRecord],
) -> tuple[list[ActivePlugin], list[tuple[PluginRecord, str]], Catalogue]:
    """Return the plugins that can be built here, the others with the reason why not, and all that are available."""
    wanted = list(recorded)
    files = {path for plugin in wanted if (path := plugin_file_of(plugin.distribution)) and path.is_file()}
    broken: dict[Path | None, str] = {}
    for path in files:
        try:
            _catalogue((path,))
        except PluginError as error:
            broken[path] = str(error)
    catalogue = _catalogue(tuple(sorted(files - broken.keys())))
    built: list[ActivePlugin] = []
    missing: list[tuple[PluginRecord, str]] = []
    for plugin in wanted:
        if (path := plugin_file_of(plugin.distribution)) in broken:
            missing.append((plugin, broken[path]))
            continue
        try:
            built.append(build_active(PluginSpec(plugin.name, plugin.options), catalogue))
        except (UsageError, PluginError) as error:
            missing.append((plugin, str(error)))
    return built, missing, catalogue


@cache
def _catalogue(files: tuple[Path, ...]) -> Catalogue:
    return Catalogue.discover(files)
