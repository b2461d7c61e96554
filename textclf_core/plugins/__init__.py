"""Plugins: finding them (``discovery``), checking their classes (``hooks``), choosing a run's (``activation``)."""

from textclf_core.plugins.activation import (
    ActivePlugin,
    ActivePlugins,
    activate,
    activate_executor,
    check_options,
    override,
    suited,
)
from textclf_core.plugins.discovery import Catalogue, Entry, LoadedPlugin, PluginListing

__all__ = [
    "ActivePlugin",
    "ActivePlugins",
    "Catalogue",
    "Entry",
    "LoadedPlugin",
    "PluginListing",
    "activate",
    "activate_executor",
    "check_options",
    "override",
    "suited",
]
