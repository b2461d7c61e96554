"""The stacked heads of several cells that train together, and their optimizer."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from textclf_core.encoder.dropout import DropoutMasks, replaced_dropout
from textclf_core.encoder.training_cells import TrainingCell
from textclf_core.training.loss import Loss
from textclf_core.training.parameters import decays
from textclf_core.types.task import NO_LABEL

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.training.options import EncoderTraining

# The defaults of torch.optim.AdamW, which a cell has alone.
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8

_DropoutCall = tuple[str, tuple[int, ...], float]
"""The name of a dropout, the shape of its input, and its rate."""


class StackedHeads:
    """The heads of all cells as one function of stacked parameters, whose first dimension is the cell."""

    def __init__(
        self, encoder: Encoder, boundary: int, cells: Sequence[TrainingCell], loss: Loss, options: EncoderTraining
    ) -> None:
        self._rest = _Rest(encoder, boundary)
        self._encoder = encoder
        self._seeds = [cell.seed for cell in cells]
        self._step = 0
        self._row_loss = loss
        self._max_grad_norm, self._micro_batch_size = options.max_grad_norm, options.micro_batch_size
        self._parameters = {
            name: torch.stack([cell.parameters[name] for cell in cells]).to(encoder.model.device)
            for name in cells[0].parameters
        }
        self._optimizer = StackedAdamW(
            self._parameters,
            torch.tensor([cell.recipe.weight_decay for cell in cells], device=encoder.model.device),
            decaying={name for name, values in cells[0].parameters.items() if decays(name, values)},
        )
        self._dropouts: dict[int, list[_DropoutCall]] = {}
        self._gradients = vmap(grad_and_value(self._loss))

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Keep frozen parts in evaluation mode, and use each cell's own dropout masks, while the block runs."""
        model = self._encoder.model
        with self._encoder.frozen_in_eval(), replaced_dropout(model.train(), self._rest.drop):
            yield
        model.train(False)

    def step(self, hidden: Tensor, labels: Tensor, rates: Sequence[float]) -> tuple[list[float], list[float]]:
        """Take one step of every cell; return the losses and the gradient norms of the cells.

        A cell whose loss isn't finite can't be trained further; the others aren't affected.

        Args:
            hidden: the first token's hidden states after the blocks, float32, shape (cells, rows, 1, width).
            labels: int64, shape (cells, rows), or zeros and ones, (cells, rows, labels).
            rates: the learning rate of each cell.
        """
        self._step += 1
        gradients, losses = self._gradients(self._parameters, hidden, labels, self._masks(hidden.shape[1]))
        norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients.values()]).norm(dim=0)
        shrink = (self._max_grad_norm / (norms + 1e-6)).clamp(max=1.0)
        self._optimizer.step(gradients, shrink, torch.tensor(rates, device=norms.device))
        return losses.tolist(), norms.tolist()

    def of_cell(self, number: int) -> dict[str, Tensor]:
        """Return the parameters of one cell, by name."""
        return {name: values[number] for name, values in self._parameters.items()}

    def _loss(self, parameters: dict[str, Tensor], hidden: Tensor, labels: Tensor, masks: list[Tensor]) -> Tensor:
        self._rest.masks = list(masks)
        named = {f"model.{name}": values for name, values in parameters.items()}
        logits = functional_call(self._rest, named, (hidden,))
        return self._row_loss(logits, labels) / (labels != NO_LABEL).sum()

    def _masks(self, rows: int) -> list[Tensor]:
        """Return the stacked dropout masks of all cells in this step: for each seed the same as alone."""
        if rows not in self._dropouts:
            self._dropouts[rows] = self._rest.record_dropouts(rows)
        drawn = {seed: self._masks_alone(seed, rows) for seed in set(self._seeds)}
        device = self._encoder.model.device
        return [torch.stack(masks).to(device) for masks in zip(*(drawn[seed] for seed in self._seeds), strict=True)]

    def _masks_alone(self, seed: int, rows: int) -> list[Tensor]:
        """Return the dropout masks of one seed, concatenated over its micro-batches."""
        size = self._micro_batch_size or rows
        parts = []
        for number, start in enumerate(range(0, rows, size)):
            masks, count = DropoutMasks(seed, self._step, micro_batch=number), min(size, rows - start)
            parts.append([masks.draw(name, (count, *shape[1:]), rate) for name, shape, rate in self._dropouts[rows]])
        return [torch.cat(masks) for masks in zip(*parts, strict=True)]


class StackedAdamW:
    """AdamW (Loshchilov and Hutter, ICLR 2019, algorithm 2) with a learning rate and a weight decay per cell.

    Each cell's parameters are updated as by ``torch.optim.AdamW`` alone, up to rounding.

    Args:
        parameters: stacked, (cells, ...), by name; they are changed in place.
        weight_decays: float, (cells,).
        decaying: the names of the parameters that decay.
    """

    def __init__(self, parameters: dict[str, Tensor], weight_decays: Tensor, decaying: Collection[str]) -> None:
        self._parameters = parameters
        self._means = {name: torch.zeros_like(values) for name, values in parameters.items()}
        self._squares = {name: torch.zeros_like(values) for name, values in parameters.items()}
        self._weight_decays = weight_decays
        self._decaying = decaying
        self._steps = 0

    def step(self, gradients: dict[str, Tensor], factors: Tensor, rates: Tensor) -> None:
        """Update the parameters.

        Args:
            gradients: of each parameter, shaped as it.
            factors: what each cell's gradients are multiplied by, which clips them, (cells,).
            rates: each cell's learning rate, (cells,).
        """
        self._steps += 1
        correction1 = 1 - _BETA1**self._steps
        correction2 = math.sqrt(1 - _BETA2**self._steps)
        for name, values in self._parameters.items():
            each = (-1, *[1] * (values.ndim - 1))
            gradient = gradients[name] * factors.view(each)
            if name in self._decaying:
                values.mul_(1 - (rates * self._weight_decays).view(each))
            mean = self._means[name].lerp_(gradient, 1 - _BETA1)
            square = self._squares[name].mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
            values.sub_((rates / correction1).view(each) * mean / (square.sqrt() / correction2 + _EPSILON))


class _Rest(nn.Module):
    """The part of the model after the blocks, whose dropouts multiply by ``masks`` in the order of their calls."""

    def __init__(self, encoder: Encoder, boundary: int) -> None:
        super().__init__()
        self.model = encoder.model
        self.masks: list[Tensor] | None = None
        self._encoder = (encoder,)  # in a tuple, so that it isn't registered as a submodule
        self._boundary = boundary
        self._names = {module: name for name, module in encoder.model.named_modules()}
        self._recorded: list[_DropoutCall] = []

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the logits, shape (rows, labels), of first tokens, shape (rows, 1, width)."""
        [encoder] = self._encoder
        return encoder.run_from(hidden, None, self._boundary)

    def drop(self, dropout: nn.Module, values: Tensor, rate: float) -> Tensor:
        """Multiply by the next mask; without masks, record the call."""
        if self.masks is None:
            self._recorded.append((self._names[dropout], tuple(values.shape), rate))
            return values
        return values * self.masks.pop(0)

    def record_dropouts(self, rows: int) -> list[_DropoutCall]:
        """Return the dropout calls of a forward pass over a number of rows, in order."""
        [encoder] = self._encoder
        self.masks, self._recorded = None, []
        with torch.no_grad():
            self(torch.zeros(rows, 1, encoder.model.config.hidden_size, device=encoder.model.device))
        return self._recorded
