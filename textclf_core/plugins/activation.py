"""Activating the plugins of a run: those that the user chose, and the defaults for the other roles."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from textclf_core import hookspecs
from textclf_core.errors import PluginError, UsageError
from textclf_core.hookspecs import COMPARISON_ROLES, EXCLUSIVE_ROLES, PLAN_HOOKS, SEAM_HOOKS
from textclf_core.plugins.calling import call_one
from textclf_core.plugins.discovery import Catalogue, LoadedPlugin, plugin_file_of
from textclf_core.plugins.hooks import arguments_of, deprecations_of, is_defined_later, needs_of, written_side_by_side
from textclf_core.plugins.options import build_plugin, option_names
from textclf_core.plugins.refusals import (
    ENCODER_ROLES,
    needs_a_model,
    refuse_plans,
    refuse_repeats,
    refuse_replaced_options,
    refuse_second,
    refuse_uncalled,
    refuse_unused,
)
from textclf_core.plugins.specs import PluginSpec, format_spec, parse_options, split_name
from textclf_core.system.code import code_of

if TYPE_CHECKING:
    from textclf_core.types.data import DataRecord
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


def check_options(contenders: Iterable[ActivePlugins]) -> None:
    """Let the plugins of all runs check what their options refer to; equal plugins are asked once.

    Raises:
        UsageError: some can't be used with their options; the message has the faults of all.
    """
    faults, asked = [], set()
    for plugins in contenders:
        for plugin in plugins.implementing("textclf_check_options"):
            if (plugin, plugins.model_needed) in asked:
                continue
            asked.add((plugin, plugins.model_needed))
            try:
                call_one(plugin, "textclf_check_options", model_needed=plugins.model_needed)
            except UsageError as error:
                faults.append(f"{plugin.name}: {error}")
    if faults:
        raise UsageError("\n".join(faults))


def suited(plugins: ActivePlugins, data: DataRecord) -> ActivePlugins:
    """Return the plugins without default metrics that don't support the data's task.

    Raises:
        UsageError: any other plugin doesn't support it.
    """
    left_out, faults = [], []
    checking = plugins.implementing("textclf_check_task")
    for plugin in plugins:
        reason = call_one(plugin, "textclf_check_task", task=data.task) if plugin in checking else None
        reason = reason or _unknown_labels_fault(plugin, data)
        if reason is None:
            continue
        if plugin.roles == ("metric",) and plugin.chosen_by == "default":
            left_out.append(plugin.name)
        else:
            faults.append(f"{plugin.name}: {reason}.")
    if faults:
        raise UsageError("\n".join(faults))
    return ActivePlugins([plugin for plugin in plugins if plugin.name not in left_out])


def _unknown_labels_fault(plugin: ActivePlugin, data: DataRecord) -> str | None:
    unknown = {split.name: sum(split.unknown_labels.values()) for split in data.splits if split.unknown_labels}
    reads = {"trainer", "postprocessor", "metric"}.intersection(plugin.roles)
    if arguments_of(plugin.instance, "textclf_loss"):
        reads.add("loss")
    if not unknown or not reads or not plugin.needs.known_labels:
        return None
    counts = ", ".join(f"{count:,} in {name}" for name, count in unknown.items())
    return (
        f"it must know of each text which labels it has, and here entries are unknown ({counts}); choose another "
        f"{' and '.join(sorted(reads))}, or leave out these rows or labels"
    )


def activate(
    specs: Sequence[str | PluginSpec],
    catalogue: Catalogue,
    *,
    set_by: str = "command line",
    without: Collection[str] = (),
) -> ActivePlugins:
    """Return the plugins of a run, with their options.

    A role without a chosen plugin gets its default. If the trainer needs no model, the default model and strategy are
    omitted.

    Args:
        specs: the chosen plugins, in the order in which they will be called.
        catalogue: the available plugins.
        set_by: the origin of specs that are strings, for the record.
        without: roles that the run doesn't need (``dataset`` if the data are in memory): they get no default, and a
            plugin with such a role is refused.

    Raises:
        UsageError: a plugin doesn't exist or can't be used, an option is wrong, two plugins have the same exclusive
            role, or a plugin would never be called.
    """
    written = [read_spec(spec, catalogue, set_by) for spec in specs]
    refuse_repeats(written)
    chosen = [catalogue.get(spec.name) for spec in written]
    refuse_uncalled(chosen)
    refuse_second(chosen)
    for plugin in chosen:
        for role in without:
            if role in plugin.roles:
                raise UsageError(f"{plugin.name!r} is a {role}, but this run needs none; leave it out.")
    defaults: list[LoadedPlugin] = []
    for role in ("trainer", *(role for role in catalogue.defaults if role != "trainer")):
        present = [*chosen, *defaults]
        wanted = role not in (*without, *COMPARISON_ROLES) and (role not in ENCODER_ROLES or needs_a_model(present))
        if wanted and not any(role in plugin.roles for plugin in present):
            defaults += [catalogue.get(name) for name in catalogue.defaults.get(role, ())]
    refuse_unused(chosen, [*chosen, *defaults])
    refuse_plans(chosen, [*chosen, *defaults], catalogue)
    written += [PluginSpec(catalogue.name_of(plugin.entry), set_by="default") for plugin in defaults]
    active = ActivePlugins(_built(written, catalogue))
    refuse_replaced_options(active)
    return active


def override(
    base: Sequence[PluginSpec],
    chosen: Sequence[str | PluginSpec],
    catalogue: Catalogue,
    *,
    set_by: str = "command line",
) -> list[PluginSpec]:
    """Return the specs of a base (an experiment file) overridden by chosen specs (set by ``set_by``).

    A chosen plugin replaces the base's plugin with the same name, including its options, or with the same exclusive
    role. The other chosen plugins are added at the end.

    Raises:
        UsageError: a string isn't a spec, a plugin doesn't exist, or a plugin is chosen twice.
    """
    on_top = [read_spec(spec, catalogue, set_by) for spec in chosen]
    refuse_repeats(on_top)
    taken = {role for spec in on_top for role in catalogue.get(spec.name).roles if role in EXCLUSIVE_ROLES}
    by_name = {spec.name: spec for spec in on_top}
    kept = [
        by_name.pop(spec.name, spec)
        for spec in base
        if spec.name in by_name or not taken.intersection(catalogue.get(spec.name).roles)
    ]
    return [*kept, *by_name.values()]


def activate_executor(
    spec: str | PluginSpec | None, workers: int | None, catalogue: Catalogue, *, set_by: str = "command line"
) -> ActivePlugin | None:
    """Return the executor of a comparison; ``None`` if its cells run in this process, one after another.

    Args:
        spec: the executor; the default one if only the number of workers is given.
        workers: how many cells to run at the same time.
        catalogue: the available plugins.
        set_by: the origin of the spec.

    Raises:
        UsageError: the plugin doesn't exist, is no executor, or can't be used with its options.
    """
    if spec is None and workers is None:
        return None
    [chosen] = [read_spec(spec, catalogue, set_by)] if spec else map(PluginSpec, catalogue.defaults["executor"])
    plugin = build_active(chosen, catalogue)
    if "executor" not in plugin.roles:
        names = [one.entry.name for one in catalogue.listing() if one.plugin and "executor" in one.plugin.roles]
        raise UsageError(
            f"--executor {spec}: {plugin.name!r} is a {' and '.join(plugin.roles)}, and no executor; the executors are "
            f"{', '.join(names)}."
        )
    check_options([ActivePlugins([plugin])])
    return plugin


def read_spec(spec: str | PluginSpec, catalogue: Catalogue, set_by: str) -> PluginSpec:
    """Return a spec with its options parsed, which needs the plugin's option names, and no longer name than needed.

    Raises:
        UsageError: a string isn't a spec, or there is no such plugin.
    """
    if isinstance(spec, PluginSpec):
        return replace(spec, name=catalogue.name_of(catalogue.get(spec.name).entry)) if "/" in spec.name else spec
    name, options = split_name(spec)
    plugin = catalogue.get(name)
    values = parse_options(options, option_names(plugin.cls), plugin=name)
    return PluginSpec(catalogue.name_of(plugin.entry), values, set_by)


def _built(specs: Sequence[PluginSpec], catalogue: Catalogue) -> list[ActivePlugin]:
    """Build the plugins; the faults of all of them are raised as one error."""
    active: list[ActivePlugin] = []
    faults: list[str] = []
    for spec in specs:
        try:
            active.append(build_active(spec, catalogue))
        except UsageError as error:
            faults.append(str(error))
    if faults:
        raise UsageError("\n".join(faults))
    return active


def with_options(plugin: ActivePlugin, values: Mapping[str, object], *, set_by: str) -> ActivePlugin:
    """Return an active plugin with other values for some of its options.

    Raises:
        UsageError: an option doesn't exist or can't take its value.
    """
    instance = build_plugin(plugin.name, type(plugin.instance), {**plugin.options, **values})
    return replace(
        plugin,
        instance=instance,
        options={name: getattr(instance, name) for name in plugin.options},
        set_by={**plugin.set_by, **dict.fromkeys(values, set_by)},
    )


def build_active(spec: PluginSpec, catalogue: Catalogue) -> ActivePlugin:
    """Return a plugin with its options.

    Raises:
        UsageError: it doesn't exist, or an option is wrong.
        PluginError: it can't be imported.
    """
    plugin = catalogue.get(spec.name)
    instance = build_plugin(plugin.name, plugin.cls, spec.options)
    names = option_names(plugin.cls)
    return ActivePlugin(
        name=plugin.name,
        instance=instance,
        roles=plugin.roles,
        distribution=plugin.entry.distribution,
        version=plugin.entry.version,
        options={name: getattr(instance, name) for name in names},
        set_by={name: spec.set_by if name in spec.options else "default" for name in names},
        chosen_by=spec.set_by,
    )
