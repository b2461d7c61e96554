"""Plugins: found (``discovery``), checked (``hooks``), chosen for a run (``activation``), and in it (``active``)."""

from textclf_core.plugins.activation import activate, activate_executor, check_options, override, suited
from textclf_core.plugins.active import ActivePlugin, ActivePlugins
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
