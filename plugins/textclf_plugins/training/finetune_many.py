"""Training the heads of several cells together on the cached output of one frozen encoder."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from textclf_core.encoder.training_cells import TrainedCell, TrainingCell
from textclf_core.errors import RunError
from textclf_core.tasks import kind_of
from textclf_core.training.batching import training_batches
from textclf_core.training.checkpoints import restore_tensors, trainable_tensors
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.training.flops import EncoderFlops, count_flops
from textclf_core.training.frozen_prefix import FrozenPrefix, cached_prefix
from textclf_core.training.plan import TrainingPlan
from textclf_core.training.precision import training_dtype
from textclf_core.training.session import TrainingSession
from textclf_core.types.meter import STEPS, Meter
from textclf_plugins.training.stacked_heads import StackedHeads

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.types.progress import Progress
    from textclf_core.types.task import Task
    from textclf_plugins.training.finetune import Finetune


def finetune_many(
    options: Finetune,
    encoder: Encoder,
    data: DatasetDict,
    task: Task,
    cells: Sequence[TrainingCell],
    progress: Progress,
) -> list[TrainedCell] | None:
    """Train the heads of all cells in the same steps; return ``None`` if the cells must be trained one by one.

    Every cell has its own batches, dropout, learning rate and clipping, so its result is the same as alone, up to
    rounding; the matrix products of all cells are computed as one.
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
    of_all = dataclasses.replace(options, **dataclasses.asdict(recipe))
    batches = {cell.seed: training_batches(of_all, task, data["train"], train, cell.seed) for cell in cells}
    first = batches[cells[0].seed]
    lengths, steps = first.lengths, len(first)
    sessions = [
        TrainingSession(
            dataclasses.replace(options, **dataclasses.asdict(cell.recipe), checkpoints=0),
            EncoderClassifier(encoder, task, recipe, prefix=prefix),
            train,
            validation,
            batches[cell.seed],
            cell.workspace,
            TrainingPlan.plain(cell.recipe),
        )
        for cell in cells
    ]
    flops = count_flops(encoder, prefix.boundary)
    features = known.hidden(range(len(lengths)))
    device = encoder.model.device
    labels = torch.from_numpy(kind_of(task).training_labels(train)).to(device)
    dtype = training_dtype(options.precision, device)
    heads = StackedHeads(encoder, prefix.boundary, cells, sessions[0].loss, options)
    outcomes = [_CellTraining(cell, session) for cell, session in zip(cells, sessions, strict=True)]

    with heads.prepared(), progress.bar("train", sessions[0].phases.total_steps, "steps") as bar:
        for epoch in range(recipe.epochs):
            epochs = {seed: of_seed.epoch(epoch) for seed, of_seed in batches.items()}
            for place, step in enumerate(range(epoch * steps + 1, (epoch + 1) * steps + 1)):
                with shared.time(STEPS):
                    indices = torch.tensor([epochs[cell.seed][place] for cell in cells], device=labels.device)
                    rates = [session.phases.learning_rate(step) for session in sessions]
                    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                        losses, norms = heads.step(features[indices], labels[indices], rates)
                for one, loss, norm, rate in zip(outcomes, losses, norms, rates, strict=True):
                    one.count_step(
                        step, [lengths[row] for row in epochs[one.cell.seed][place]], loss, norm, rate, flops
                    )
                bar.advance()
            for number, one in enumerate(outcomes):
                if not one.error:
                    restore_tensors(encoder, heads.of_cell(number))
                    one.finish_epoch(epoch + 1)
    trained = []
    for number, one in enumerate(outcomes):
        one.cell.workspace.meter.add_share(shared, len(cells), whole=number == 0)
        restore_tensors(encoder, heads.of_cell(number))
        trained.append(one.finish(encoder, prefix, progress))
    return trained


@dataclasses.dataclass
class _CellTraining:
    """One of the cells: its session, and the error that ended its training, if any."""

    cell: TrainingCell
    session: TrainingSession
    error: RunError | None = None

    def count_step(
        self, step: int, lengths: Sequence[int], loss: float, norm: float, learning_rate: float, flops: EncoderFlops
    ) -> None:
        """Check and count a step; ``lengths`` are those of the batch's rows, in tokens."""
        if self.error:
            return
        try:
            self.session.steps.add(step, loss, learning_rate, norm)
        except RunError as error:
            self.error = error
            return
        self.cell.workspace.meter.trained(
            examples=len(lengths),
            non_padding_tokens=sum(lengths),
            padded_tokens=len(lengths) * max(lengths),
            flops=flops.train_step(len(lengths), max(lengths)),
        )

    def finish_epoch(self, epoch: int) -> None:
        """Finish an epoch; the encoder must have the cell's head."""
        try:
            self.session.epoch_done(epoch, None)
        except RunError as error:
            self.error = error

    def finish(self, encoder: Encoder, prefix: FrozenPrefix, progress: Progress) -> TrainedCell:
        """Return the result; the encoder must have the cell's head."""
        if self.error:
            return TrainedCell(error=self.error)
        trained = self.session.finish()
        own = encoder.with_parameters(trainable_tensors(encoder, copy=False))
        # The counts of the shared meter have been divided already.
        counted = prefix.counted_by(self.cell.workspace.meter)
        classifier = dataclasses.replace(trained, encoder=own, progress=progress, prefix=counted)
        return TrainedCell(classifier=classifier, encoder=own)


def _alike(options: Finetune, encoder: Encoder, cells: Sequence[TrainingCell]) -> bool:
    """Return whether all blocks are frozen and the cells' batches can be stacked."""
    first = cells[0].recipe
    return (
        options.prefix_cache
        and options.resume is None
        and encoder.reads_first_token
        and encoder.frozen_prefix == encoder.num_blocks + 1
        and all(
            (cell.recipe.epochs, cell.recipe.batch_size, cell.recipe.max_length, cell.recipe.truncation)
            == (first.epochs, first.batch_size, first.max_length, first.truncation)
            for cell in cells
        )
    )
