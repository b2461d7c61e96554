"""Plugins that can't be used together, refused by name before a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textclf_core.errors import UsageError
from textclf_core.hookspecs import (
    COMPARISON_ROLES,
    EXCLUSIVE_ROLES,
    PLAN_HOOKS,
    ROLE_OF_HOOK,
    SAVED_MODEL_ROLES,
    SEAM_HOOKS,
)
from textclf_core.plugins.discovery import Catalogue, LoadedPlugin
from textclf_core.plugins.hooks import hooks_of, name_of_seam
from textclf_core.plugins.options import options_of
from textclf_core.plugins.specs import PluginSpec, format_value

if TYPE_CHECKING:
    from textclf_core.plugins.active import ActivePlugins

ENCODER_ROLES = ("model", "strategy")
"""The roles that only a trainer that needs a model uses."""


def refuse_second(chosen: Sequence[LoadedPlugin]) -> None:
    """Refuse two plugins of an exclusive role."""
    for role in EXCLUSIVE_ROLES:
        same = [plugin.name for plugin in chosen if role in plugin.roles]
        if len(same) > 1:
            raise UsageError(f"A run has one {role}, but {' and '.join(map(repr, same))} are given; leave one out.")


def refuse_uncalled(chosen: Sequence[LoadedPlugin]) -> None:
    """Refuse plugins that no run calls: executors, and those for saved models."""
    for plugin in chosen:
        if set(plugin.roles) <= set(COMPARISON_ROLES):
            [role] = plugin.roles
            raise UsageError(
                f"{plugin.name!r} is an {role}, and no run has one; give it to a comparison: --{role} {plugin.name}."
            )
        if set(plugin.roles) <= set(SAVED_MODEL_ROLES):
            raise UsageError(
                f"{plugin.name!r} has the role {' and '.join(plugin.roles)}, which no run calls: it works on a saved "
                "model, in `textclf predict --engine` or `textclf export --format`."
            )


def refuse_repeats(specs: Sequence[PluginSpec]) -> None:
    """Refuse a plugin that is given twice, or two of the same name."""
    names = [spec.name.rpartition("/")[2] for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"The plugin {name!r} is given twice; a run has each plugin once.")


def _trainer(plugins: Sequence[LoadedPlugin]) -> LoadedPlugin | None:
    return next((plugin for plugin in plugins if "trainer" in plugin.roles), None)


def needs_a_model(plugins: Sequence[LoadedPlugin]) -> bool:
    """Return whether the trainer among the plugins needs a model."""
    trainer = _trainer(plugins)
    return trainer is not None and trainer.needs.model != "none"


def inert_roles(plugin: LoadedPlugin, trainer: LoadedPlugin) -> tuple[str, ...]:
    """Return the roles in which a plugin would have no effect with this trainer.

    A trainer that decides itself what trains still uses strategies that only adapt the model.
    """
    if plugin is trainer:
        return ()
    if trainer.needs.model == "none":
        return tuple(role for role in ENCODER_ROLES if role in plugin.roles)
    decides = any(ROLE_OF_HOOK.get(hook) == "strategy" and hook != "textclf_adapt" for hook in plugin.hooks)
    return ("strategy",) if "strategy" in trainer.roles and decides else ()


def refuse_unused(chosen: Sequence[LoadedPlugin], all_plugins: Sequence[LoadedPlugin]) -> None:
    """Refuse models and strategies that the trainer has no use for."""
    trainer = _trainer(all_plugins)
    if trainer is None:
        return
    why = "trains without an encoder" if trainer.needs.model == "none" else "decides itself what to train"
    for plugin in chosen:
        for role in inert_roles(plugin, trainer):
            raise UsageError(
                f"{plugin.name!r} is a {role}, but the trainer {trainer.name!r} {why}, so it would have no effect; "
                f"leave {plugin.name!r} or {trainer.name!r} out."
            )


def refuse_plans(chosen: Sequence[LoadedPlugin], all_plugins: Sequence[LoadedPlugin], catalogue: Catalogue) -> None:
    """Refuse two plugins that decide the same, and what the trainer doesn't carry out."""
    strategies = [plugin for plugin in chosen if "trainer" not in plugin.roles]
    for hook, what in _DECIDED_BY_ONE.items():
        same = [plugin.name for plugin in strategies if hook in plugin.hooks]
        if len(same) > 1:
            raise UsageError(f"{' and '.join(map(repr, same))} both decide {what} of training; leave one out.")
    trainer = _trainer(all_plugins)
    if trainer is None:
        return
    for plugin in strategies:
        for hook in plugin.hooks:
            if _carries_out(trainer, hook):
                continue
            able = [name for name in catalogue.defaults.get("trainer", ()) if _carries_out(catalogue.get(name), hook)]
            what = "plans training" if hook in PLAN_HOOKS else f"changes the training steps by {hook}"
            raise UsageError(
                f"{plugin.name!r} {what}, which the trainer {trainer.name!r} doesn't "
                f"carry out; leave {plugin.name!r} out{''.join(f', or train with {name!r}' for name in able)}."
            )


_DECIDED_BY_ONE = {
    "textclf_plan": "the phases",
    "textclf_parameter_groups": "the learning rates",
    "textclf_training_rows": "the rows",
    "textclf_loss": "the loss",
    "textclf_optimizer": "the optimizer",
    "textclf_schedule": "the schedule of the learning rate",
}
"""The hooks of strategies of which a run has at most one, and what they decide."""


def _carries_out(trainer: LoadedPlugin, hook: str) -> bool:
    """Return whether a trainer carries out what a strategy decides by a hook."""
    if hook in PLAN_HOOKS:
        return trainer.needs.phases
    return hook not in SEAM_HOOKS or name_of_seam(hook) in trainer.needs.seams


def refuse_replaced_options(plugins: ActivePlugins) -> None:
    """Refuse options of the trainer that were set, and that another plugin's hook replaces."""
    trainer = plugins.one("trainer")
    if trainer is None:
        return
    for option in options_of(type(trainer.instance)):
        for plugin in plugins.replacing:
            cls: type = type(plugin.instance)
            replaced = option.replaced_by in hooks_of(cls)
            if replaced and trainer.options[option.name] != option.default:
                raise UsageError(
                    f"{trainer.name!r} has {option.name}={format_value(trainer.options[option.name])}, but "
                    f"{plugin.name!r} decides this instead ({option.replaced_by}); leave one of them out."
                )
