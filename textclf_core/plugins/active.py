"""The plugins of one run, and finding one again in another process."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from textclf_core import hookspecs
from textclf_core.errors import PluginError
from textclf_core.hookspecs import PLAN_HOOKS, SEAM_HOOKS
from textclf_core.plugins.discovery import Catalogue, plugin_file_of
from textclf_core.plugins.hooks import deprecations_of, is_defined_later, needs_of, written_side_by_side
from textclf_core.plugins.options import build_plugin, option_names
from textclf_core.plugins.specs import format_spec
from textclf_core.system.code import code_of

if TYPE_CHECKING:
    from textclf_core.types.needs import NeededModel, Needs

logger = logging.getLogger("textclf")


@dataclass(frozen=True)
class ActivePlugin:
    """A plugin of a run, with its options.

    It is hashable and picklable; another process finds its class by name and distribution, or by its file.
    """

    name: str
    instance: Any = field(compare=False)  # the same code loaded twice gives two classes
    roles: tuple[str, ...]
    distribution: str
    version: str | None
    options: Mapping[str, object]
    """The value of every option in this run."""
    set_by: Mapping[str, str]
    """Where each option was set: ``"default"``, ``"command line"``, ``"call"``, or a file."""
    chosen_by: str
    """Where the plugin was chosen: ``"default"``, ``"command line"``, ``"call"``, or a file."""

    def __str__(self) -> str:
        """Return the name for error messages: ``the plugin 'mine' (file /home/me/mine.py)``."""
        origin = self.distribution if self.version is None else f"{self.distribution} {self.version}"
        return f"the plugin {self.name!r} ({origin})"

    def __hash__(self) -> int:
        return hash((self.name, self.distribution, self.version, format_spec(self.name, self.options)))

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: getattr(self.instance, name) for name in option_names(type(self.instance))}
        facts = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "instance"}
        # Views of dicts can't be pickled.
        plain = {**facts, "options": dict(self.options), "set_by": dict(self.set_by)}
        return restored, (values, plain, self.file_code())

    def file_code(self) -> str | None:
        """Return the hash of the code of a plugin from a file, which has no version; ``None`` for any other."""
        return code_of(type(self.instance).__module__) if self.version is None else None

    @property
    def trains_many(self) -> bool:
        """Whether it can train cells jointly, because the same class defines both training hooks.

        If a class defines its own ``textclf_train`` or a part of its steps and inherits ``textclf_train_many``, the
        latter would give other results.
        """
        cls = type(self.instance)
        changed = any(is_defined_later(cls, hook, "textclf_train_many") for hook in SEAM_HOOKS)
        return written_side_by_side(cls, "textclf_train_many", "textclf_train") and not changed

    @property
    def needs(self) -> Needs:
        """What the plugin needs from the run, as declared in its class."""
        return needs_of(type(self.instance))

    @property
    def spec(self) -> str:
        """The plugin's spec, with the options that were set."""
        return format_spec(self.name, {key: self.options[key] for key, by in self.set_by.items() if by != "default"})


@cache
def _warn_of_deprecations(cls: type, name: str) -> None:
    """Log once what the plugin's author should change: Python hides pluggy's warnings outside of tests."""
    for sentence in deprecations_of(cls):
        logger.warning("The plugin %r uses what will be removed from textclf: %s", name, sentence)


class ActivePlugins:
    """The plugins of one run, in the order in which their hooks are called."""

    def __init__(self, plugins: Sequence[ActivePlugin]) -> None:
        self.plugins = tuple(plugins)
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        for plugin in reversed(self.plugins):  # pluggy calls the plugin first that was registered last
            manager.register(plugin.instance, plugin.name)
            cls: type = type(plugin.instance)
            _warn_of_deprecations(cls, plugin.name)
        manager.check_pending()
        self.hook = manager.hook
        """The hooks of these plugins, to be called as in ``hook.textclf_freeze(encoder=encoder)``."""

    def __iter__(self) -> Iterator[ActivePlugin]:
        return iter(self.plugins)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActivePlugins) and self.plugins == other.plugins

    def __hash__(self) -> int:
        return hash(self.plugins)

    def __reduce__(self) -> tuple[Any, ...]:
        return ActivePlugins, (self.plugins,)

    def of_role(self, role: str) -> tuple[ActivePlugin, ...]:
        """Return the plugins of a role, in order."""
        return tuple(plugin for plugin in self.plugins if role in plugin.roles)

    def implementing(self, hook: str) -> tuple[ActivePlugin, ...]:
        """Return the plugins that implement a hook, in calling order, which respects ``tryfirst`` and ``trylast``."""
        by_name = {plugin.name: plugin for plugin in self.plugins}
        # pluggy lists them in reverse calling order.
        return tuple(by_name[one.plugin_name] for one in reversed(getattr(self.hook, hook).get_hookimpls()))

    def one(self, role: str) -> ActivePlugin | None:
        """Return the plugin of an exclusive role; ``None`` if the run has none."""
        plugins = self.of_role(role)
        return plugins[0] if plugins else None

    @property
    def planning(self) -> tuple[ActivePlugin, ...]:
        """The plugins that plan phases or learning rates or decide between epochs, in the user's order."""
        names = {plugin.name for hook in PLAN_HOOKS for plugin in self.implementing(hook)}
        return tuple(plugin for plugin in self.plugins if plugin.name in names)

    @property
    def plans_training(self) -> bool:
        """Whether a plugin plans phases or learning rates or decides between epochs."""
        return bool(self.planning)

    @property
    def replacing(self) -> tuple[ActivePlugin, ...]:
        """The plugins other than the trainer that replace a part of the training steps, in the user's order."""
        names = {plugin.name for hook in SEAM_HOOKS for plugin in self.implementing(hook)}
        return tuple(plugin for plugin in self.plugins if plugin.name in names and "trainer" not in plugin.roles)

    @property
    def model_needed(self) -> NeededModel:
        """The model that the trainer needs."""
        trainer = self.one("trainer")
        return trainer.needs.model if trainer else "none"

    @property
    def needs_encoder(self) -> bool:
        """Whether the trainer needs a model, which is then built and to which strategies apply."""
        return self.model_needed != "none"


@cache
def _catalogue(file: Path | None) -> Catalogue:
    return Catalogue.discover([file] if file else [])


def restored(values: Mapping[str, object], facts: Mapping[str, Any], file_code: str | None) -> ActivePlugin:
    """Return a plugin that was pickled or written in another process.

    Raises:
        PluginError: this process has another version of it (or other code, for a file), or doesn't have it.
    """
    loaded = _catalogue(plugin_file_of(facts["distribution"])).get(facts["name"])
    chosen = facts["distribution"], facts["version"]
    if chosen != (loaded.entry.distribution, loaded.entry.version):
        raise PluginError(
            f"the plugin {facts['name']!r} was chosen from {' '.join(filter(None, chosen))}, but in this process it "
            f"comes from {loaded.entry.origin}; install the same version."
        )
    plugin = ActivePlugin(instance=build_plugin(facts["name"], loaded.cls, values), **facts)
    if plugin.file_code() != file_code:
        raise PluginError(
            f"{plugin} has changed since it was chosen: its file, or a module that the file imports, differs."
        )
    return plugin
