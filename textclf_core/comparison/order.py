"""The order in which cells run: shallow frozen prefixes first, so that deeper ones go on from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclf_core.engine import build_encoder
from textclf_core.errors import TextclfError

if TYPE_CHECKING:
    from textclf_core.comparison.cells import Cell
    from textclf_core.encoder import Encoder
    from textclf_core.task import Task


@dataclass(frozen=True)
class Prefix:
    """The frozen prefix of a contender: its model plugin with its options, and how many blocks are frozen."""

    model: str
    blocks: int


def prefixes(cells: Sequence[Cell], task_of: Callable[[Cell], Task]) -> dict[str, Prefix]:
    """Return the frozen prefix of each contender that has one of a block at least, by its label.

    Each model is built once, and frozen by each contender's strategies in turn. What can't be built has none: its
    cells will say why. A single contender has no order to find.
    """
    found: dict[str, Prefix] = {}
    encoders: dict[str, Encoder] = {}
    first_cells = {cell.contender.label: cell for cell in reversed(cells)}
    for label, cell in first_cells.items() if len(first_cells) > 1 else ():
        plugins = cell.contender.plugins
        if not plugins.needs_encoder:
            continue
        model = " ".join(f"{one.name} {sorted(one.options.items())}" for one in plugins.of_role("model"))
        try:
            if model not in encoders:
                encoders[model] = build_encoder(plugins, task_of(cell), 0, "cpu")
            encoder = encoders[model]
            encoder.model.requires_grad_(True)
            plugins.hook.textclf_freeze(encoder=encoder)
        except TextclfError:
            continue
        if encoder.frozen_prefix > 1:
            found[label] = Prefix(model, encoder.frozen_prefix - 1)
    return found


def running_order(cells: Sequence[Cell], prefix_of: dict[str, Prefix]) -> list[Cell]:
    """Return the cells as they are written, but those with a frozen prefix last, the shallow ones first."""

    def depth(cell: Cell) -> tuple[str, int]:
        prefix = prefix_of.get(cell.contender.label)
        return (prefix.model, prefix.blocks) if prefix else ("", 0)

    return sorted(cells, key=depth)
