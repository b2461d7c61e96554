"""Which plugins a run has: those that the user wrote, and the defaults of the roles that nobody chose."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from textclf_core import hookspecs
from textclf_core.errors import PluginError, UsageError
from textclf_core.hookspecs import EXCLUSIVE_ROLES, PLAN_HOOKS, ROLE_OF_HOOK
from textclf_core.plugins.calling import call_one
from textclf_core.plugins.discovery import Catalogue, LoadedPlugin, plugin_file_of
from textclf_core.plugins.hooks import needs_of, written_side_by_side
from textclf_core.plugins.options import build_plugin, option_names
from textclf_core.plugins.specs import PluginSpec, format_spec, parse_options, split_name
from textclf_core.system.code import code_of

if TYPE_CHECKING:
    from textclf_core.types.needs import NeededModel, Needs
    from textclf_core.types.task import Task

ENCODER_ROLES = ("model", "strategy")
"""The roles that are of use only to a trainer that needs a model."""


@dataclass(frozen=True)
class ActivePlugin:
    """A plugin of one run, with its options.

    A value: it has a hash, and goes to another process, which finds its class by name and distribution, or by its file.
    """

    name: str
    instance: Any = field(compare=False)  # the same code loaded twice gives two classes
    roles: tuple[str, ...]
    distribution: str
    version: str | None
    options: Mapping[str, object]
    """Every option, with the value that it has in this run."""
    set_by: Mapping[str, str]
    """Who set each option: ``"default"``, ``"command line"``, ``"call"``, or a file."""
    chosen_by: str
    """Who chose the plugin: ``"default"``, ``"command line"``, ``"call"``, or a file."""

    def __str__(self) -> str:
        """Name it in an error: ``the plugin 'mine' (file /home/me/mine.py)``."""
        origin = self.distribution if self.version is None else f"{self.distribution} {self.version}"
        return f"the plugin {self.name!r} ({origin})"

    def __hash__(self) -> int:
        return hash((self.name, self.distribution, self.version, format_spec(self.name, self.options)))

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: getattr(self.instance, name) for name in option_names(type(self.instance))}
        facts = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "instance"}
        # A view of a dict isn't sent to other processes.
        plain = {**facts, "options": dict(self.options), "set_by": dict(self.set_by)}
        return _restored, (values, plain, self._file_code())

    def _file_code(self) -> str | None:
        """Return a hash of the code of a plugin that comes from a file and so has no version."""
        return code_of(type(self.instance).__module__) if self.version is None else None

    @property
    def trains_many(self) -> bool:
        """Whether it trains cells jointly as it would one by one: both methods were written side by side.

        A ``textclf_train_many`` that is inherited beside a ``textclf_train`` of one's own trains something else.
        """
        return written_side_by_side(type(self.instance), "textclf_train_many", "textclf_train")

    @property
    def needs(self) -> Needs:
        """What it needs of the run, as its class says."""
        return needs_of(type(self.instance))

    @property
    def spec(self) -> str:
        """The plugin as it would be typed, with the options that somebody set."""
        return format_spec(self.name, {key: self.options[key] for key, by in self.set_by.items() if by != "default"})


class ActivePlugins:
    """The plugins of one run, in the order in which their hooks are called."""

    def __init__(self, plugins: Sequence[ActivePlugin]) -> None:
        self.plugins = tuple(plugins)
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        for plugin in reversed(self.plugins):  # pluggy calls first what was registered last
            manager.register(plugin.instance, plugin.name)
        manager.check_pending()
        self.hook = manager.hook
        """Calls the hooks of these plugins: ``hook.textclf_freeze(encoder=encoder)``."""

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
        """Return the plugins that implement a hook, in the order in which it is called: ``tryfirst``, ``trylast``."""
        by_name = {plugin.name: plugin for plugin in self.plugins}
        # pluggy calls the last of them first.
        return tuple(by_name[one.plugin_name] for one in reversed(getattr(self.hook, hook).get_hookimpls()))

    def one(self, role: str) -> ActivePlugin | None:
        """Return the plugin of an exclusive role, or ``None`` where the run has no use for one."""
        plugins = self.of_role(role)
        return plugins[0] if plugins else None

    @property
    def planning(self) -> tuple[ActivePlugin, ...]:
        """Those that plan phases or rates, or decide something between epochs, as the user wrote them."""
        names = {plugin.name for hook in PLAN_HOOKS for plugin in self.implementing(hook)}
        return tuple(plugin for plugin in self.plugins if plugin.name in names)

    @property
    def plans_training(self) -> bool:
        """Whether a plugin plans phases or rates, or decides something between epochs."""
        return bool(self.planning)

    @property
    def model_needed(self) -> NeededModel:
        """What model the trainer needs."""
        trainer = self.one("trainer")
        return trainer.needs.model if trainer else "none"

    @property
    def needs_encoder(self) -> bool:
        """Whether the trainer needs a model, so that one is built and strategies apply."""
        return self.model_needed != "none"


@cache
def _catalogue(file: Path | None) -> Catalogue:
    return Catalogue.discover([file] if file else [])


def _restored(values: dict[str, object], facts: dict[str, Any], file_code: str | None) -> ActivePlugin:
    """Return a plugin that came from another process, of the same version, or of the same code where it has none.

    Raises:
        PluginError: this process has it in another version, or not at all.
    """
    loaded = _catalogue(plugin_file_of(facts["distribution"])).get(facts["name"])
    chosen = facts["distribution"], facts["version"]
    if chosen != (loaded.entry.distribution, loaded.entry.version):
        raise PluginError(
            f"the plugin {facts['name']!r} was chosen from {' '.join(filter(None, chosen))}, and here it comes from "
            f"{loaded.entry.origin}: install the same version."
        )
    plugin = ActivePlugin(instance=loaded.cls(**values), **facts)
    if plugin._file_code() != file_code:
        raise PluginError(
            f"{plugin} isn't what it was where it was chosen: its file, or what the file imports, differs here."
        )
    return plugin


def suited(plugins: ActivePlugins, task: Task) -> ActivePlugins:
    """Return the plugins without the metrics that nobody chose and that do not support the task.

    Raises:
        UsageError: another plugin can't.
    """
    left_out, faults = [], []
    for plugin in plugins.implementing("textclf_check_task"):
        reason = call_one(plugin, "textclf_check_task", task=task)
        if reason is None:
            continue
        if plugin.roles == ("metric",) and plugin.chosen_by == "default":
            left_out.append(plugin.name)
        else:
            faults.append(f"{plugin.name}: {reason}.")
    if faults:
        raise UsageError("\n".join(faults))
    return ActivePlugins([plugin for plugin in plugins if plugin.name not in left_out])


def activate(
    specs: Sequence[str | PluginSpec],
    catalogue: Catalogue,
    *,
    set_by: str = "command line",
    without: Collection[str] = (),
) -> ActivePlugins:
    """Return the plugins of a run, built with their options.

    A role that no spec names takes its default. A trainer that needs no model has no use for a model or
    a strategy: then their defaults are left out.

    Args:
        specs: the plugins, in the order in which they are to be called.
        catalogue: the plugins that there are.
        set_by: where the specs that are strings come from, for the record.
        without: roles that the run has no use for (``dataset`` where the data are in memory): they get no default,
            and a plugin of one is refused.

    Raises:
        UsageError: a plugin doesn't exist or can't be used, an option is wrong, two plugins have one exclusive role,
            or a plugin would never be called.
    """
    written = [_read(spec, catalogue, set_by) for spec in specs]
    _refuse_repeats(written)
    chosen = [catalogue.get(spec.name) for spec in written]
    _refuse_second(chosen)
    for plugin in chosen:
        for role in without:
            if role in plugin.roles:
                raise UsageError(f"{plugin.name!r} is a {role}, which this run has no use for; leave it out.")
    defaults: list[LoadedPlugin] = []
    for role in ("trainer", *(role for role in catalogue.defaults if role != "trainer")):
        present = [*chosen, *defaults]
        wanted = role not in without and (role not in ENCODER_ROLES or _needs_a_model(present))
        if wanted and not any(role in plugin.roles for plugin in present):
            defaults += [catalogue.get(name) for name in catalogue.defaults.get(role, ())]
    _refuse_unused(chosen, [*chosen, *defaults])
    _refuse_plans(chosen, [*chosen, *defaults], catalogue)
    written += [PluginSpec(plugin.name, set_by="default") for plugin in defaults]
    return ActivePlugins(_built(written, catalogue))


def override(
    base: Sequence[PluginSpec],
    chosen: Sequence[str | PluginSpec],
    catalogue: Catalogue,
    *,
    set_by: str = "command line",
) -> list[PluginSpec]:
    """Return the specs of a base (an experiment file), with those chosen on top of it (by ``set_by``).

    A plugin chosen takes the place of the base's of the same name, options and all, or of the same exclusive role.
    The others are added at the end.

    Raises:
        UsageError: a string isn't a spec, there is no such plugin, or one is chosen twice.
    """
    on_top = [_read(spec, catalogue, set_by) for spec in chosen]
    _refuse_repeats(on_top)
    taken = {role for spec in on_top for role in catalogue.get(spec.name).roles if role in EXCLUSIVE_ROLES}
    by_name = {spec.name: spec for spec in on_top}
    kept = [
        by_name.pop(spec.name, spec)
        for spec in base
        if spec.name in by_name or not taken.intersection(catalogue.get(spec.name).roles)
    ]
    return [*kept, *by_name.values()]


def _read(spec: str | PluginSpec, catalogue: Catalogue, set_by: str) -> PluginSpec:
    """Return the spec with its options apart; only their plugin tells where a value ends."""
    if isinstance(spec, PluginSpec):
        return spec
    name, options = split_name(spec)
    return PluginSpec(name, parse_options(options, option_names(catalogue.get(name).cls), plugin=name), set_by)


def _refuse_repeats(specs: Sequence[PluginSpec]) -> None:
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"The plugin {name!r} is given twice; a run has each plugin once.")


def _refuse_second(chosen: Sequence[LoadedPlugin]) -> None:
    for role in EXCLUSIVE_ROLES:
        same = [plugin.name for plugin in chosen if role in plugin.roles]
        if len(same) > 1:
            raise UsageError(f"A run has one {role}, but {' and '.join(map(repr, same))} are given; leave one out.")


def _trainer(plugins: Sequence[LoadedPlugin]) -> LoadedPlugin | None:
    return next((plugin for plugin in plugins if "trainer" in plugin.roles), None)


def _needs_a_model(plugins: Sequence[LoadedPlugin]) -> bool:
    trainer = _trainer(plugins)
    return trainer is not None and trainer.needs.model != "none"


def inert_roles(plugin: LoadedPlugin, trainer: LoadedPlugin) -> tuple[str, ...]:
    """Return the roles in which a plugin would do nothing in a run with this trainer.

    A trainer that says itself what trains has a use for strategies that only adapt the model to it.
    """
    if plugin is trainer:
        return ()
    if trainer.needs.model == "none":
        return tuple(role for role in ENCODER_ROLES if role in plugin.roles)
    decides = any(ROLE_OF_HOOK.get(hook) == "strategy" and hook != "textclf_adapt" for hook in plugin.hooks)
    return ("strategy",) if "strategy" in trainer.roles and decides else ()


def _refuse_unused(chosen: Sequence[LoadedPlugin], all_plugins: Sequence[LoadedPlugin]) -> None:
    trainer = _trainer(all_plugins)
    if trainer is None:
        return
    why = "trains without an encoder" if trainer.needs.model == "none" else "says itself what of the encoder trains"
    for plugin in chosen:
        for role in inert_roles(plugin, trainer):
            raise UsageError(
                f"{plugin.name!r} is a {role}, but the trainer {trainer.name!r} {why}, so it would do nothing; "
                f"leave {plugin.name!r} or {trainer.name!r} out."
            )


def _refuse_plans(chosen: Sequence[LoadedPlugin], all_plugins: Sequence[LoadedPlugin], catalogue: Catalogue) -> None:
    """Refuse two answers where one is taken, and plans beside a trainer that doesn't carry them out."""
    for hook, what in (("textclf_plan", "the phases"), ("textclf_parameter_groups", "the learning rates")):
        same = [plugin.name for plugin in chosen if hook in plugin.hooks]
        if len(same) > 1:
            raise UsageError(f"{' and '.join(map(repr, same))} both decide {what} of training; leave one out.")
    trainer = _trainer(all_plugins)
    if trainer is None or trainer.needs.phases:
        return
    for plugin in chosen:
        if any(hook in plugin.hooks for hook in PLAN_HOOKS):
            able = [name for name in catalogue.defaults.get("trainer", ()) if catalogue.get(name).needs.phases]
            raise UsageError(
                f"{plugin.name!r} plans training, which the trainer {trainer.name!r} doesn't "
                f"carry out; leave {plugin.name!r} out{''.join(f', or train with {name!r}' for name in able)}."
            )


def _built(specs: Sequence[PluginSpec], catalogue: Catalogue) -> list[ActivePlugin]:
    """Build the plugins; what is wrong with any of them is said at once."""
    active: list[ActivePlugin] = []
    faults: list[str] = []
    for spec in specs:
        try:
            active.append(_active(catalogue.get(spec.name), spec))
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


def _active(plugin: LoadedPlugin, spec: PluginSpec) -> ActivePlugin:
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
