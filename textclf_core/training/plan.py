"""What a run's plugins say of its training, as the trainer is given it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textclf_core.errors import RunError, did_you_mean
from textclf_core.plugins import ActivePlugin, ActivePlugins
from textclf_core.plugins.calling import call_one
from textclf_core.plugins.specs import format_spec
from textclf_core.types.phases import Change, FinishedEpoch, ParameterGroup, Phase

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.types.recipe import Recipe


@dataclass(frozen=True)
class TrainingPlan:
    """The phases of a training run, and the plugins to ask during it.

    Attributes:
        phases: in their order; one, without freezing of its own, where no plugin plans any.
        recipe: the trainer's.
        plugins: those that have a say; none in a plain run.
    """

    phases: tuple[Phase, ...]
    recipe: Recipe
    plugins: ActivePlugins | None = None

    @classmethod
    def plain(cls, recipe: Recipe) -> TrainingPlan:
        """Return the plan of a run in which no plugin has a say: one phase."""
        return cls((Phase(epochs=recipe.epochs),), recipe)

    @classmethod
    def of(cls, plugins: ActivePlugins, encoder: Encoder, recipe: Recipe) -> TrainingPlan:
        """Ask the plugins for their plan.

        Raises:
            RunError: what they give can't be carried out.
        """
        if not plugins.plans_training:
            return cls.plain(recipe)
        asked = ActivePlugins(plugins.planning)
        for plugin in asked.implementing("textclf_plan"):
            phases = call_one(plugin, "textclf_plan", encoder=encoder, recipe=recipe)
            if phases is not None:
                _check_names(plugin, "textclf_plan", [name for phase in phases for name in phase.freeze], encoder)
                return cls(tuple(phases), recipe, asked)
        return replace(cls.plain(recipe), plugins=asked)

    @property
    def epochs(self) -> int:
        """The epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def planned_by(self) -> str | None:
        """The plugins that have a say, with all of their options; ``None`` in a plain run."""
        if self.plugins is None:
            return None
        return " + ".join(format_spec(plugin.name, plugin.options) for plugin in self.plugins)

    @property
    def measures_gradients(self) -> bool:
        """Whether a plugin needs the gradients' norms, which cost memory and time."""
        return any(plugin.needs.gradient_norms for plugin in self.plugins or ())

    def rate_factors(self, encoder: Encoder) -> dict[str, float]:
        """Return what the learning rate is multiplied with, by parameter name, where it isn't by 1.

        Raises:
            RunError: a plugin names a parameter that there isn't, or one twice.
        """
        if self.plugins is None:
            return {}
        hook = "textclf_parameter_groups"
        for plugin in self.plugins.implementing(hook):
            groups: Sequence[ParameterGroup] | None = call_one(plugin, hook, encoder=encoder, recipe=self.recipe)
            if groups is None:
                continue
            factors: dict[str, float] = {}
            for group in groups:
                _check_names(plugin, hook, group.names, encoder)
                if twice := sorted(factors.keys() & group.names):
                    raise RunError(f"{hook} of {plugin}: the parameter {twice[0]!r} is in two groups.")
                factors |= dict.fromkeys(group.names, group.factor)
            return factors
        return {}

    def interval_finished(self, encoder: Encoder, gradient_norms: Sequence[Mapping[int, float]]) -> tuple[str, ...]:
        """Ask what is frozen after an interval, and return the answers as one; see the hook for the arguments.

        Raises:
            RunError: a plugin names a parameter that there isn't.
        """
        if self.plugins is None:
            return ()
        hook = "textclf_interval_finished"
        frozen: list[str] = []
        for plugin in self.plugins.implementing(hook):
            names: Sequence[str] = call_one(plugin, hook, encoder=encoder, gradient_norms=gradient_norms) or ()
            _check_names(plugin, hook, names, encoder)
            frozen += names
        return tuple(dict.fromkeys(frozen))

    def epoch_finished(self, encoder: Encoder, epochs: Sequence[FinishedEpoch]) -> Change:
        """Ask what is to change after an epoch, and return the answers as one; see the hook for the arguments.

        Raises:
            RunError: a plugin names a parameter that there isn't.
        """
        if self.plugins is None:
            return Change()
        hook = "textclf_epoch_finished"
        stop, frozen = False, list[str]()
        for plugin in self.plugins.implementing(hook):
            change: Change = call_one(plugin, hook, encoder=encoder, epochs=epochs) or Change()
            _check_names(plugin, hook, change.freeze, encoder)
            stop = stop or change.stop
            frozen += change.freeze
        return Change(stop=stop, freeze=tuple(dict.fromkeys(frozen)))


def _check_names(plugin: ActivePlugin, hook: str, names: Sequence[str], encoder: Encoder) -> None:
    known = {name for name, _ in encoder.model.named_parameters()}
    for name in names:
        if name not in known:
            raise RunError(
                f"{hook} of {plugin}: {encoder.checkpoint} has no parameter {name!r}.{did_you_mean(name, known)}"
            )
