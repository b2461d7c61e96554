"""The order of the cells: shallow frozen prefixes first, so that deeper ones can start from their cached outputs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from textclf_core.errors import TextclfError
from textclf_core.pipeline.stages import build_encoder, training_plan
from textclf_core.plugins.calling import call
from textclf_core.types.recipe import Recipe

if TYPE_CHECKING:
    from textclf_core.comparison.cells import Cell, DataKey
    from textclf_core.encoder import Encoder
    from textclf_core.plugins import ActivePlugin, ActivePlugins
    from textclf_core.types.task import Task

logger = logging.getLogger("textclf")


@dataclass(frozen=True)
class Prefix:
    """The frozen prefix of a contender in its first phase.

    Attributes:
        model: the model plugin and the strategies that adapt the model, with their options.
        blocks: the number of frozen blocks.
        whole: whether all blocks are frozen.
    """

    model: str
    blocks: int
    whole: bool


@dataclass(frozen=True)
class SharedWork:
    """What a cell computes that other cells can start from: its frozen prefix, or the adapted encoder.

    Attributes:
        family: the model, with the strategies that adapt it.
        blocks: the number of frozen blocks.
        data: the data set, and the size and the sample of train.
    """

    family: str
    blocks: int
    data: DataKey


def shared_work(cell: Cell, prefix_of: dict[str, Prefix]) -> SharedWork | None:
    """Return what a cell computes that others can start from; ``None`` if there is nothing."""
    prefix, plugins = prefix_of.get(cell.contender.label), cell.contender.plugins
    if prefix is None and not plugins.implementing("textclf_adapt"):
        return None
    return SharedWork(_adapted(plugins), prefix.blocks if prefix else 0, cell.data_key)


def prefixes(cells: Sequence[Cell], task_of: Callable[[Cell], Task]) -> dict[str, Prefix]:
    """Return the frozen prefix of each contender whose prefix has at least one block, by its label.

    Each model is built once, and frozen by each contender's strategies in turn. It isn't adapted, since that may take
    as long as training. A contender whose model can't be built is skipped; its cells will raise the error. With a
    single cell there is nothing to order.
    """
    found: dict[str, Prefix] = {}
    encoders: dict[str, Encoder] = {}
    first_cells = {cell.contender.label: cell for cell in reversed(cells)}
    for label, cell in first_cells.items() if len(cells) > 1 else ():
        plugins = cell.contender.plugins
        if not plugins.needs_encoder:
            continue
        model = _named(plugins.of_role("model"))
        try:
            if model not in encoders:
                encoders[model] = build_encoder(plugins, task_of(cell), 0, "cpu")
            encoder = encoders[model]
            encoder.model.requires_grad_(True)
            call(plugins, "textclf_freeze", encoder=encoder)
            if plan := training_plan(plugins, encoder):
                encoder.freeze(names=plan.phases[0].freeze)
        except TextclfError:
            continue
        if encoder.frozen_prefix > 1:
            found[label] = Prefix(
                _adapted(plugins), encoder.frozen_prefix - 1, encoder.frozen_prefix > encoder.num_blocks
            )
    return found


def _adapted(plugins: ActivePlugins) -> str:
    """Return the name of a model with the strategies that adapt it."""
    return _named((*plugins.of_role("model"), *plugins.implementing("textclf_adapt")))


def _named(plugins: Sequence[ActivePlugin]) -> str:
    return " ".join(f"{one.name} {sorted(one.options.items())}" for one in plugins)


def running_order(cells: Sequence[Cell], prefix_of: dict[str, Prefix]) -> list[Cell]:
    """Return the cells in order, but those with a frozen prefix last, by data set, shallow prefixes first."""
    places: dict[str, int] = {}
    for cell in cells:
        places.setdefault(cell.data_key.data_set, len(places))

    def depth(cell: Cell) -> tuple[int, str, int]:
        prefix = prefix_of.get(cell.contender.label)
        return (1 + places[cell.data_key.data_set], prefix.model, prefix.blocks) if prefix else (0, "", 0)

    return sorted(cells, key=depth)


def trained_jointly(first: Cell, others: Sequence[Cell], prefix_of: dict[str, Prefix]) -> list[Cell]:
    """Return ``first`` and the cells that its trainer can train jointly with it.

    Their whole encoder is frozen throughout training, no plugin replaces a part of the steps, and they differ only in
    the seed and the recipe's options.
    """
    if not _can_share_steps(first, prefix_of) or first.contender.plugins.replacing:
        return [first]
    return [first, *(other for other in others if _what_is_shared(other) == _what_is_shared(first))]


def log_cells_trained_alone(cells: Sequence[Cell], prefix_of: dict[str, Prefix]) -> None:
    """Log the contenders whose cells are trained one by one only because a plugin replaces a part of the steps."""
    able = Counter(cell.contender for cell in cells if _can_share_steps(cell, prefix_of))
    for contender, count in able.items():
        if count > 1 and (plugins := contender.plugins.replacing):
            names = " and ".join(plugin.name for plugin in plugins)
            logger.info(
                "%s: its %d runs are trained one by one, since %s replaces a part of the training steps",
                contender.name,
                count,
                names,
            )


def _can_share_steps(cell: Cell, prefix_of: dict[str, Prefix]) -> bool:
    """Return whether the whole encoder is frozen throughout training, and the trainer trains such cells jointly."""
    prefix, plugins = prefix_of.get(cell.contender.label), cell.contender.plugins
    [trainer] = plugins.of_role("trainer")
    return prefix is not None and prefix.whole and trainer.trains_many and not plugins.plans_training


def _what_is_shared(cell: Cell) -> list[object]:
    recipe = {field.name for field in fields(Recipe)}
    return [
        cell.data_key,
        *(
            (
                one.name,
                {name: value for name, value in one.options.items() if name not in recipe or one.roles != ("trainer",)},
            )
            for one in cell.contender.plugins
        ),
    ]
