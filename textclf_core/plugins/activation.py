"""Activating the plugins of a run: those that the user chose, and the defaults for the other roles."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textclf_core.errors import UsageError
from textclf_core.hookspecs import COMPARISON_ROLES, EXCLUSIVE_ROLES
from textclf_core.plugins.active import ActivePlugin, ActivePlugins
from textclf_core.plugins.calling import call_one
from textclf_core.plugins.discovery import Catalogue, LoadedPlugin
from textclf_core.plugins.hooks import arguments_of
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
from textclf_core.plugins.specs import PluginSpec, parse_options, split_name

if TYPE_CHECKING:
    from textclf_core.types.data import DataRecord

logger = logging.getLogger("textclf")


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
