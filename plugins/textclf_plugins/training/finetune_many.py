"""Many heads at once on the cached features of one frozen encoder."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import MethodType
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from textclf_core.encoder.training_cells import TrainedCell, TrainingCell
from textclf_core.errors import RunError
from textclf_core.tasks import kind_of
from textclf_core.training.batching import LengthGroupedBatches
from textclf_core.training.checkpoints import restore_tensors, trainable_tensors
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.training.flops import count_flops
from textclf_core.training.frozen_prefix import cached_prefix
from textclf_core.training.loss import Loss
from textclf_core.training.parameters import decays
from textclf_core.training.plan import TrainingPlan
from textclf_core.training.precision import training_dtype
from textclf_core.training.session import TrainingSession
from textclf_core.types.meter import STEPS, Meter

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.types.progress import Progress
    from textclf_core.types.task import Task
    from textclf_plugins.training.finetune import Finetune

# Those of torch.optim.AdamW, the optimizer of a cell that trains alone.
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


def finetune_many(
    options: Finetune,
    encoder: Encoder,
    data: DatasetDict,
    task: Task,
    cells: Sequence[TrainingCell],
    progress: Progress,
) -> list[TrainedCell] | None:
    """Train the heads of all cells in the same steps; ``None`` if they have to be trained one by one.

    Every cell has its own batches, dropout, learning rate and clipping, so each gets what it would get alone, to
    rounding; the matrix products of all cells are done in one.
    """
    if not _alike(options, encoder, cells):
        return None
    shared = Meter()
    recipe = cells[0].recipe
    with shared.time("train/tokenize"):
        train = encoder.tokenize(data["train"], task, recipe)
        validation = encoder.tokenize(data["validation"], task, recipe)
    prefix = cached_prefix(encoder, cells[0].workspace.cache, shared, progress)
    known = prefix.training_rows(train) if prefix else None
    if prefix is None or known is None:
        return None
    lengths = [len(ids) for ids in train["input_ids"]]
    batches = {cell.seed: LengthGroupedBatches(lengths, recipe.batch_size, cell.seed) for cell in cells}
    steps = len(next(iter(batches.values())))
    sessions = [
        TrainingSession(
            dataclasses.replace(options, **dataclasses.asdict(cell.recipe), checkpoints=0),
            EncoderClassifier(encoder, task, recipe, prefix=prefix),
            train,
            validation,
            steps,
            cell.seed,
            cell.workspace,
            TrainingPlan.plain(cell.recipe),
        )
        for cell in cells
    ]
    flops = count_flops(encoder, prefix.boundary)
    errors: list[RunError | None] = [None] * len(cells)
    features = known.hidden(range(len(lengths)))
    device = encoder.model.device
    labels = torch.from_numpy(kind_of(task).training_labels(train)).to(device)
    dtype = training_dtype(options.precision, device)
    heads = _Heads(encoder, prefix.boundary, cells, sessions[0].loss, options.max_grad_norm)

    with heads.prepared(), progress.bar("train", sessions[0].total_steps, "steps") as bar:
        for epoch in range(recipe.epochs):
            epochs = {seed: of_seed.epoch(epoch) for seed, of_seed in batches.items()}
            for place, step in enumerate(range(epoch * steps + 1, (epoch + 1) * steps + 1)):
                with shared.time(STEPS):
                    indices = torch.tensor([epochs[cell.seed][place] for cell in cells], device=labels.device)
                    rates = [session.learning_rate(step) for session in sessions]
                    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                        losses, norms = heads.step(features[indices], labels[indices], rates)
                for number, (cell, session) in enumerate(zip(cells, sessions, strict=True)):
                    if errors[number]:
                        continue
                    try:
                        session.check_finite(step, "the loss", losses[number])
                        session.check_finite(step, "the norm of the gradient", norms[number])
                    except RunError as error:
                        errors[number] = error
                        continue
                    rows = epochs[cell.seed][place]
                    longest = max(lengths[row] for row in rows)
                    cell.workspace.meter.trained(
                        examples=len(rows),
                        non_padding_tokens=sum(lengths[row] for row in rows),
                        padded_tokens=len(rows) * longest,
                        flops=flops.train_step(len(rows), longest),
                    )
                    session.step_done(step, losses[number], rates[number])
                bar.advance()
            for number, session in enumerate(sessions):
                if errors[number]:
                    continue
                restore_tensors(encoder, heads.of_cell(number))
                try:
                    session.epoch_done(epoch + 1, None)
                except RunError as error:
                    errors[number] = error
    trained = []
    for number, (cell, session) in enumerate(zip(cells, sessions, strict=True)):
        cell.workspace.meter.add_share(shared, len(cells), whole=number == 0)
        if errors[number]:
            trained.append(TrainedCell(error=errors[number]))
            continue
        restore_tensors(encoder, heads.of_cell(number))
        session.finish()
        own = encoder.with_parameters(trainable_tensors(encoder, copy=False))
        # What the shared meter counted is dealt out already.
        counted = prefix.counted_by(cell.workspace.meter)
        classifier = dataclasses.replace(session.classifier, encoder=own, progress=progress, prefix=counted)
        trained.append(TrainedCell(classifier=classifier, encoder=own))
    return trained


def _alike(options: Finetune, encoder: Encoder, cells: Sequence[TrainingCell]) -> bool:
    """Return whether nothing but what follows the blocks trains, and the cells' batches can be stacked."""
    first = cells[0].recipe
    return (
        options.prefix_cache
        and options.resume is None
        and encoder.frozen_prefix == encoder.num_blocks + 1
        and encoder.reads_first_token
        and all(
            (cell.recipe.epochs, cell.recipe.batch_size, cell.recipe.max_length, cell.recipe.truncation)
            == (first.epochs, first.batch_size, first.max_length, first.truncation)
            for cell in cells
        )
    )


class _Heads:
    """The heads of all cells as one function of their stacked parameters, and their AdamW.

    Stacked tensors have the cells as their first dimension.
    """

    def __init__(
        self, encoder: Encoder, boundary: int, cells: Sequence[TrainingCell], loss: Loss, max_grad_norm: float
    ) -> None:
        self._rest = _Rest(encoder, boundary)
        self._encoder = encoder
        self._seeds = [cell.seed for cell in cells]
        self._generators = {seed: torch.Generator(encoder.model.device).manual_seed(seed) for seed in self._seeds}
        self._row_loss = loss
        self._max_grad_norm = max_grad_norm
        self._parameters = {
            name: torch.stack([cell.parameters[name] for cell in cells]).to(encoder.model.device)
            for name in cells[0].parameters
        }
        self._means = {name: torch.zeros_like(values) for name, values in self._parameters.items()}
        self._squares = {name: torch.zeros_like(values) for name, values in self._parameters.items()}
        self._weight_decays = torch.tensor([cell.recipe.weight_decay for cell in cells], device=encoder.model.device)
        self._decaying = {name for name, values in cells[0].parameters.items() if decays(name, values)}
        self._steps = 0
        self._kept: dict[int, list[tuple[tuple[int, ...], float]]] = {}
        self._gradients = vmap(grad_and_value(self._loss))

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Keep what is frozen in evaluation mode, and let dropout take the cells' own numbers."""
        with self._encoder.frozen_in_eval(), ExitStack() as stack:
            self._encoder.model.train()
            for module in self._encoder.model.modules():
                if isinstance(module, nn.Dropout) and module.training and module.p:
                    stack.enter_context(self._rest.dropping(module))
            yield
        self._encoder.model.train(False)

    def step(self, hidden: Tensor, labels: Tensor, rates: Sequence[float]) -> tuple[list[float], list[float]]:
        """Take one step of every cell, and return the cells' losses and the norms of their gradients.

        A cell whose loss isn't finite is of no more use; the others don't see it.

        Args:
            hidden: what follows the blocks is to read, float32, shape (cells, rows, 1, width).
            labels: int64, shape (cells, rows), or zeros and ones, (cells, rows, labels).
            rates: the learning rate of each cell.
        """
        gradients, losses = self._gradients(self._parameters, hidden, labels, self._masks(hidden.shape[1]))
        norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients.values()]).norm(dim=0)
        shrink = (self._max_grad_norm / (norms + 1e-6)).clamp(max=1.0)
        self._update(gradients, shrink, torch.tensor(rates, device=norms.device))
        return losses.tolist(), norms.tolist()

    def of_cell(self, number: int) -> dict[str, Tensor]:
        """Return the parameters of one cell, by name."""
        return {name: values[number] for name, values in self._parameters.items()}

    def _update(self, gradients: dict[str, Tensor], shrink: Tensor, rates: Tensor) -> None:
        """AdamW (Loshchilov and Hutter, ICLR 2019, algorithm 2) with a rate and a decay for each cell."""
        self._steps += 1
        correction1 = 1 - _BETA1**self._steps
        correction2 = math.sqrt(1 - _BETA2**self._steps)
        for name, values in self._parameters.items():
            each = (-1, *[1] * (values.ndim - 1))
            gradient = gradients[name] * shrink.view(each)
            if name in self._decaying:
                values.mul_(1 - (rates * self._weight_decays).view(each))
            mean = self._means[name].lerp_(gradient, 1 - _BETA1)
            square = self._squares[name].mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
            values.sub_((rates / correction1).view(each) * mean / (square.sqrt() / correction2 + _EPSILON))

    def _loss(self, parameters: dict[str, Tensor], hidden: Tensor, labels: Tensor, masks: list[Tensor]) -> Tensor:
        self._rest.masks = list(masks)
        named = {f"model.{name}": values for name, values in parameters.items()}
        logits = functional_call(self._rest, named, (hidden,))
        return self._row_loss(logits, labels) / labels.numel()

    def _masks(self, rows: int) -> list[Tensor]:
        """Return what dropout multiplies with: the numbers that each seed would draw alone, stacked."""
        if rows not in self._kept:
            self._kept[rows] = self._rest.record_dropouts(rows)
        drawn = {
            seed: [
                torch.empty(shape, device=self._encoder.model.device).bernoulli_(1 - p, generator=generator).div_(1 - p)
                for shape, p in self._kept[rows]
            ]
            for seed, generator in self._generators.items()
        }
        return [torch.stack(masks) for masks in zip(*(drawn[seed] for seed in self._seeds), strict=True)]


class _Rest(nn.Module):
    """What follows the blocks, as a module; its dropouts multiply with ``masks``, in the order of their calls."""

    def __init__(self, encoder: Encoder, boundary: int) -> None:
        super().__init__()
        self.model = encoder.model
        self.masks: list[Tensor] | None = None
        self._encoder = (encoder,)  # in a tuple: it is no module of this one
        self._boundary = boundary
        self._recorded: list[tuple[tuple[int, ...], float]] = []

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the logits, shape (rows, labels), of first tokens, shape (rows, 1, width)."""
        [encoder] = self._encoder
        return encoder.run_from(hidden, None, self._boundary)

    @contextmanager
    def dropping(self, dropout: nn.Dropout) -> Iterator[None]:
        """Let a dropout of the model take its mask from here."""

        def drop(_: nn.Module, values: Tensor) -> Tensor:
            if not dropout.training:  # validation between two epochs
                return values
            if self.masks is None:
                self._recorded.append((tuple(values.shape), dropout.p))
                return values
            return values * self.masks.pop(0)

        vars(dropout)["forward"] = MethodType(drop, dropout)
        try:
            yield
        finally:
            del vars(dropout)["forward"]

    def record_dropouts(self, rows: int) -> list[tuple[tuple[int, ...], float]]:
        """Return shape and rate of each dropout, in the order of their calls, for a batch of so many rows."""
        [encoder] = self._encoder
        self.masks, self._recorded = None, []
        with torch.no_grad():
            self(torch.zeros(rows, 1, encoder.model.config.hidden_size, device=encoder.model.device))
        return self._recorded
