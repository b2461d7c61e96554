"""The plan of training that a run's plugins make, as the trainer gets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from textclf_core.errors import RunError, did_you_mean
from textclf_core.plugins import ActivePlugin, ActivePlugins
from textclf_core.plugins.calling import call, call_one
from textclf_core.plugins.specs import format_spec
from textclf_core.training.schedule import linear_schedule
from textclf_core.types.phases import Change, FinishedEpoch, Phase

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor
    from torch.optim import Optimizer

    from textclf_core.encoder import Encoder
    from textclf_core.types.recipe import Recipe
    from textclf_core.types.task import Task
    from textclf_core.types.training_step import TrainingStep


@dataclass(frozen=True)
class TrainingPlan:
    """The phases of a training run, and the plugins to ask during it.

    Attributes:
        phases: the phases in order; a single one without further freezing if no plugin plans phases.
        recipe: the trainer's options.
        plugins: the plugins that plan training; ``None`` if there are none.
        steps: the plugins that replace a part of the training steps; ``None`` if there are none.
    """

    phases: tuple[Phase, ...]
    recipe: Recipe
    plugins: ActivePlugins | None = None
    steps: ActivePlugins | None = None

    @classmethod
    def plain(cls, recipe: Recipe) -> TrainingPlan:
        """Return the plan of a run without plugins that plan training: one phase."""
        return cls((Phase(epochs=recipe.epochs),), recipe)

    @classmethod
    def of(cls, plugins: ActivePlugins, encoder: Encoder, recipe: Recipe) -> TrainingPlan:
        """Ask the plugins for their plan.

        Raises:
            RunError: a plan names unknown parameters.
        """
        planning, steps = (ActivePlugins(some) if some else None for some in (plugins.planning, plugins.replacing))
        plan = replace(cls.plain(recipe), plugins=planning, steps=steps)
        for plugin, phases in plan._answers("textclf_plan", encoder=encoder, recipe=recipe):
            _check_names(plugin, "textclf_plan", [name for phase in phases for name in phase.freeze], encoder)
            return replace(plan, phases=tuple(phases))
        return plan

    @property
    def epochs(self) -> int:
        """The total number of epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def planned_by(self) -> str | None:
        """The plugins that plan training, with all their options; ``None`` if there are none."""
        return _specs(self.plugins)

    @property
    def steps_replaced_by(self) -> str | None:
        """The plugins that replace a part of the steps, with all their options; ``None`` if there are none."""
        return _specs(self.steps)

    @property
    def measures_gradients(self) -> bool:
        """Whether a plugin needs gradient norms, which cost memory and time."""
        return any(plugin.needs.gradient_norms for plugin in self.plugins or ())

    def rate_factors(self, encoder: Encoder) -> dict[str, float]:
        """Return the factors of the learning rate that aren't 1, by parameter name.

        Raises:
            RunError: a plugin names an unknown parameter, or one twice.
        """
        hook = "textclf_parameter_groups"
        factors: dict[str, float] = {}
        for plugin, groups in self._answers(hook, encoder=encoder, recipe=self.recipe):
            for group in groups:
                _check_names(plugin, hook, group.names, encoder)
                if twice := sorted(factors.keys() & group.names):
                    raise RunError(f"{hook} of {plugin}: the parameter {twice[0]!r} is in two groups.")
                factors |= dict.fromkeys(group.names, group.factor)
            break  # the first result counts
        return factors

    def interval_finished(self, encoder: Encoder, gradient_norms: Sequence[Mapping[int, float]]) -> tuple[str, ...]:
        """Return the names of the parameters to freeze after an interval, from all plugins; see the hook.

        Raises:
            RunError: a plugin names an unknown parameter.
        """
        hook = "textclf_interval_finished"
        frozen: list[str] = []
        for plugin, names in self._answers(hook, encoder=encoder, gradient_norms=gradient_norms):
            _check_names(plugin, hook, names, encoder)
            frozen += names
        return tuple(dict.fromkeys(frozen))

    def epoch_finished(self, encoder: Encoder, epochs: Sequence[FinishedEpoch]) -> Change:
        """Return the change after an epoch, combined from all plugins; see the hook.

        Raises:
            RunError: a plugin names an unknown parameter.
        """
        hook = "textclf_epoch_finished"
        stop, frozen = False, list[str]()
        for plugin, change in self._answers(hook, encoder=encoder, epochs=epochs):
            _check_names(plugin, hook, change.freeze, encoder)
            stop = stop or change.stop
            frozen += change.freeze
        return Change(stop=stop, freeze=tuple(dict.fromkeys(frozen)))

    def replaces(self, hook: str) -> bool:
        """Return whether a plugin replaces a part of the steps by this hook."""
        return self.steps is not None and bool(self.steps.implementing(hook))

    def training_rows(self, train: Dataset, task: Task, epoch: int, seed: int) -> Dataset:
        """Return the rows of an epoch, counted from 1; ``train`` itself unless a plugin chooses or changes them.

        Raises:
            RunError: a plugin failed, or its rows haven't the columns of train.
        """
        rows = self._step_result("textclf_training_rows", train=train, task=task, epoch=epoch, seed=seed)
        return train if rows is None else rows

    def losses(self, logits: Tensor, labels: Tensor, task: Task, class_counts: Tensor) -> Tensor | None:
        """Return the losses of a batch; ``None`` if no plugin returns any; see the hook.

        Raises:
            RunError: a plugin failed, or returned no losses in the shape of the labels.
        """
        losses: Tensor | None = self._step_result(
            "textclf_loss", logits=logits, labels=labels, task=task, class_counts=class_counts
        )
        return losses

    def change_gradient(self, encoder: Encoder, step: TrainingStep) -> None:
        """Let the plugins change the gradient of a step; see the hook.

        Raises:
            RunError: a plugin failed.
        """
        if self.steps:
            call(self.steps, "textclf_gradient", encoder=encoder, step=step)

    def optimizer(self, groups: Sequence[dict[str, Any]], recipe: Recipe) -> Optimizer | None:
        """Return the optimizer of a plugin; ``None`` if the trainer's own is used; see the hook.

        Raises:
            RunError: a plugin failed, or its optimizer hasn't all the parameters.
        """
        optimizer: Optimizer | None = self._step_result("textclf_optimizer", groups=groups, recipe=recipe)
        return optimizer

    def schedule(self, step: int, warmup_steps: int, total_steps: int) -> float:
        """Return the fraction of the peak learning rate at a step, counted from 1; see the hook.

        Raises:
            RunError: a plugin failed, or returned no number from 0 on.
        """
        arguments = {"step": step, "warmup_steps": warmup_steps, "total_steps": total_steps}
        fraction: float | None = self._step_result("textclf_schedule", **arguments)
        return linear_schedule(**arguments) if fraction is None else fraction

    def _step_result(self, hook: str, **arguments: Any) -> Any:
        """Return the first result of the plugins that replace a part of the steps; ``None`` without one."""
        return call(self.steps, hook, optional=True, **arguments) if self.steps else None

    def _answers(self, hook: str, **arguments: Any) -> Iterator[tuple[ActivePlugin, Any]]:
        """Call a hook of each plugin, and yield the plugin and its result unless that is ``None``."""
        for plugin in self.plugins.implementing(hook) if self.plugins else ():
            answer = call_one(plugin, hook, **arguments)
            if answer is not None:
                yield plugin, answer


def _specs(plugins: ActivePlugins | None) -> str | None:
    return " + ".join(format_spec(one.name, one.options) for one in plugins) if plugins else None


def _check_names(plugin: ActivePlugin, hook: str, names: Sequence[str], encoder: Encoder) -> None:
    known = {name for name, _ in encoder.model.named_parameters()}
    for name in names:
        if name not in known:
            raise RunError(
                f"{hook} of {plugin}: {encoder.checkpoint} has no parameter {name!r}.{did_you_mean(name, known)}"
            )
