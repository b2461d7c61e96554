"""The training loop of ``finetune``: phases, steps and micro-batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from textclf_core.encoder.dropout import KeyedDropout
from textclf_core.errors import RunError
from textclf_core.system.memory import HeapTrimming, trim_heap
from textclf_core.training.checkpoints import OptimizerState, optimizer_state_of, restore_optimizer_state
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.training.flops import EncoderFlops, count_flops
from textclf_core.training.frozen_prefix import FrozenPrefix, cached_prefix
from textclf_core.training.gradient_norms import GradientNorms
from textclf_core.training.parameters import build_optimizer
from textclf_core.training.precision import training_dtype
from textclf_core.training.prefix_rows import PrefixRows
from textclf_core.training.row_gradients import RowGradients
from textclf_core.training.rows import EpochRows, TrainingRows
from textclf_core.training.session import TrainingSession
from textclf_core.training.shared_gradients import SharedGradients
from textclf_core.training.step_results import StepResults
from textclf_core.types.meter import STEPS

if TYPE_CHECKING:
    from datasets import DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.system.world import World
    from textclf_core.types.meter import Meter
    from textclf_core.types.phases import Interval
    from textclf_core.types.progress import Bar, Progress
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace
    from textclf_plugins.training.finetune import Finetune

# Draws of dropout masks are counted beyond the micro-batches of a step.
_MOST_MICRO_BATCHES = 2**20


def finetune(
    options: Finetune,
    encoder: Encoder,
    data: DatasetDict,
    task: Task,
    seed: int,
    workspace: Workspace,
    progress: Progress,
    plan: Plan,
) -> EncoderClassifier:
    """Train all parameters that aren't frozen, phase by phase, and return the classifier.

    The loss of a step is the mean over its whole batch (in a token task, over the batch's words). Dividing the batch
    into micro-batches or among processes doesn't change the gradient.

    Raises:
        RunError: the loss or the gradient of a step isn't finite, or a frozen parameter was updated.
        UsageError: the checkpoint to resume from doesn't fit this run, or the device doesn't support the precision.
    """
    meter = workspace.meter
    with meter.time("train/tokenize"):
        rows = TrainingRows(options, encoder, task, data["train"], seed, plan, workspace.world)
        validation = encoder.tokenize(data["validation"], task, options, workspace.world)
    classifier = EncoderClassifier(encoder, task, options, progress, world=workspace.world)
    session = TrainingSession(options, classifier, rows.tokenized, validation, rows.batching, workspace, plan)
    optimizer_state: OptimizerState = session.resume(options.resume) if options.resume else {}
    device = encoder.model.device
    training = _Training(
        encoder=encoder,
        device=device,
        session=session,
        dropout=KeyedDropout(encoder.model, seed),
        rows=rows,
        progress=progress,
        dtype=training_dtype(options.precision, device),
    )
    cached = _CachedPrefix()
    with progress.bar("train", session.phases.total_steps) as bar:
        bar.skip(session.phases.state.steps_done)
        for intervals in session.phases:
            # In the last epoch, caching a deeper prefix no longer pays.
            if options.prefix_cache and session.phases.reads_every_row:
                cached = _open_prefix(training)
            optimizer_state = _train_phase(training, intervals, cached, optimizer_state, bar)
    trained = session.finish()
    trim_heap()  # before scoring needs its own memory
    return trained


@dataclass(frozen=True, kw_only=True)
class _Training:
    """The inputs of all phases.

    Attributes:
        device: the model's, which takes transformers a while to find.
        rows: the rows of train, by epoch.
        dtype: the dtype of matrix products; float32 means no autocast.
    """

    encoder: Encoder
    device: torch.device
    session: TrainingSession
    dropout: KeyedDropout
    rows: TrainingRows
    progress: Progress
    dtype: torch.dtype

    @property
    def world(self) -> World:
        """The processes among which each batch is divided."""
        return self.session.workspace.world


@dataclass(frozen=True, kw_only=True)
class _Phase:
    """The inputs of the steps of one phase: the optimizer, an epoch's rows and their prefix."""

    optimizer: torch.optim.Optimizer
    trainable: Sequence[nn.Parameter]
    gradients: SharedGradients
    row_gradients: RowGradients
    norms: GradientNorms | None
    flops: EncoderFlops
    rows: EpochRows
    prefix: PrefixRows | None


@dataclass
class _CachedPrefix:
    """A frozen prefix whose output is cached, and its output for the last epoch's rows.

    Attributes:
        prefix: ``None`` if there is none.
        rows: the rows that were read last.
        known: the output for them; ``None`` if it isn't cached.
    """

    prefix: FrozenPrefix | None = None
    rows: EpochRows | None = None
    known: PrefixRows | None = None

    def read(self, training: _Training, rows: EpochRows, bar: Bar) -> PrefixRows | None:
        """Return the output for the rows of an epoch, computed or read from the cache; ``None`` if it isn't cached."""
        if rows is self.rows:
            return self.known
        session = training.session
        with bar.paused():  # computing a prefix has a bar of its own
            self.rows, self.known = rows, self.prefix.training_rows(rows.tokenized) if self.prefix else None
            if self.prefix and self.known:
                with session.workspace.meter.time("train/validate"):
                    self.prefix.rows(session.validation.rows)  # now, before training needs its memory
                self.prefix.page_out()
        session.use_prefix(self.prefix if self.known else None)
        return self.known


def _open_prefix(training: _Training) -> _CachedPrefix:
    """Return the present frozen prefix, if its output is cached."""
    workspace = training.session.workspace
    prefix = cached_prefix(training.encoder, workspace.cache, workspace.meter, training.progress, world=workspace.world)
    if prefix:
        _release_if_trained(prefix, workspace)
    return _CachedPrefix(prefix)


def _train_phase(
    training: _Training,
    intervals: Iterable[Interval],
    cached: _CachedPrefix,
    optimizer_state: OptimizerState,
    bar: Bar,
) -> OptimizerState:
    """Train one phase, and return the optimizer's state for the next one."""
    encoder, session, options = training.encoder, training.session, training.session.options
    rows = training.rows.of_epoch(session.phases.epoch)
    known = cached.read(training, rows, bar)
    optimizer = build_optimizer(encoder, options, session.plan)
    restore_optimizer_state(encoder, optimizer, optimizer_state)
    trainable = [parameter for parameter in encoder.model.parameters() if parameter.requires_grad]
    phase = _Phase(
        optimizer=optimizer,
        trainable=trainable,
        gradients=SharedGradients(training.world, trainable),
        row_gradients=RowGradients(
            encoder.model,
            processes=training.world.size,
            read_by_plugins=session.plan.replaces("textclf_gradient"),
        ),
        norms=GradientNorms(encoder) if session.plan.measures_gradients else None,
        flops=_count_flops(encoder, known),
        rows=rows,
        prefix=known,
    )
    # Only the fused AdamW skips a step that isn't finite, so that its result may be read later.
    seen = {"unseen": 1} if session.plan.replaces("textclf_optimizer") else {}
    results, trimming = StepResults(session.steps, bar, training.device, **seen), HeapTrimming()
    with encoder.frozen_in_eval(), phase.row_gradients.collected(), encoder.computing_what_the_head_reads():
        for interval in intervals:
            phase = _of_epoch(training, phase, cached, interval.epoch, bar)
            encoder.model.train()
            of_interval = phase.rows.batching.epoch(interval.epoch)[interval.first : interval.end]
            for step, indices in enumerate(of_interval, start=session.phases.state.steps_done + 1):
                with session.workspace.meter.time(STEPS):
                    trimming.before(step, len(indices) * max(phase.rows.lengths[row] for row in indices))
                    _take_step(training, phase, step, indices, results)
            results.look()
            trim_heap()  # before a checkpoint copies the parameters
            session.interval_done(interval, optimizer, phase.norms.of_interval() if phase.norms else None)
    return optimizer_state_of(encoder, optimizer)


def _of_epoch(training: _Training, phase: _Phase, cached: _CachedPrefix, epoch: int, bar: Bar) -> _Phase:
    """Return the inputs of an epoch, counted from 0; the same if its rows are."""
    rows = training.rows.of_epoch(epoch + 1)
    if rows is phase.rows:
        return phase
    known = cached.read(training, rows, bar)
    # Rows that exceed the cache's limit are computed from the input on.
    flops = phase.flops if bool(known) == bool(phase.prefix) else _count_flops(training.encoder, known)
    return replace(phase, rows=rows, prefix=known, flops=flops)


def _count_flops(encoder: Encoder, prefix: PrefixRows | None) -> EncoderFlops:
    with encoder.computing_what_the_head_reads():
        return count_flops(encoder, prefix.boundary if prefix else None)


def _take_step(training: _Training, phase: _Phase, step: int, indices: list[int], results: StepResults) -> None:
    """Take one optimizer step on the rows of a batch; this process computes its share of them."""
    session, world, optimizer = training.session, training.world, phase.optimizer
    options, learning_rate = session.options, session.phases.learning_rate(step)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group["factor"]
    # Of the whole batch, so that the sum over micro-batches and processes is the mean.
    weight = 1 / max(1, int(phase.rows.loss_terms[indices].sum()))
    loss = torch.zeros((), device=training.device)
    mine = indices[world.rank :: world.size]  # none, if the batch has fewer rows than there are processes
    passes = _Passes(training, phase, step, _split(mine, options.micro_batch_size), weight)
    with phase.gradients.summed(loss):
        for number, rows in enumerate(passes.micro_batches):
            loss += passes.train(number)
            longest = max(phase.rows.lengths[row] for row in rows)
            session.workspace.meter.trained(
                examples=len(rows),
                non_padding_tokens=sum(phase.rows.lengths[row] for row in rows),
                padded_tokens=len(rows) * longest,
                flops=0.0,  # counted by pass
            )
    if session.plan.replaces("textclf_gradient"):
        with session.workspace.meter.time("train/steps/gradient"):
            session.plan.change_gradient(training.encoder, passes)
    with session.workspace.meter.time("train/steps/optimizer"):
        phase.row_gradients.complete()
        if phase.norms:
            phase.norms.step()
        norm = get_total_norm([one.grad for one in phase.trainable if one.grad is not None])
        results.add(step, learning_rate, loss, norm)
        clip = ((norm + 1e-6) / options.max_grad_norm).clamp(min=1)
        if session.plan.replaces("textclf_optimizer"):
            torch._foreach_div_([one.grad for one in phase.trainable if one.grad is not None], clip)
        else:
            # The fused optimizer divides by grad_scale and skips steps with found_inf, as for a GradScaler: this saves
            # a pass over all gradients.
            optimizer.grad_scale, optimizer.found_inf = clip, results.broken  # type: ignore[attr-defined]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        phase.row_gradients.clear()


@dataclass(frozen=True)
class _Passes:
    """The forward and backward passes of one step over this process's share of the batch.

    It is the ``TrainingStep`` that ``textclf_gradient`` gets.

    Attributes:
        number: the step, from 1.
        micro_batches: the rows of each micro-batch.
        weight: the factor of the sum of the losses.
    """

    training: _Training
    phase: _Phase
    number: int
    micro_batches: Sequence[list[int]]
    weight: float

    def train(self, number: int) -> Tensor:
        """Add the gradients of a micro-batch to the existing ones, and return its weighted loss, a scalar."""
        forward, labels = self._inputs(number)
        return self._backward(self.training.session.loss(forward(0), labels))

    def add_gradients(self, losses: Callable[[Callable[[int], Tensor], Tensor], Tensor] | None = None) -> None:
        """Repeat the passes with the present parameters; see ``TrainingStep``."""
        with self.phase.gradients.summed():
            for number in range(len(self.micro_batches)):
                if losses is None:
                    self.train(number)
                else:
                    self._add_gradients_of(losses, *self._inputs(number))

    def clear_gradients(self) -> None:
        """Remove the gradients of all parameters."""
        self.phase.optimizer.zero_grad(set_to_none=True)

    def _add_gradients_of(
        self,
        losses: Callable[[Callable[[int], Tensor], Tensor], Tensor],
        forward: Callable[[int], Tensor],
        labels: Tensor,
    ) -> None:
        known = self.training.session.loss.labelled(labels)

        def logits(draw: int) -> Tensor:
            return (forward(draw) if known is None else forward(draw)[known]).float()

        wanted = labels if known is None else labels[known]
        given = losses(logits, wanted)
        if not isinstance(given, Tensor) or given.shape != wanted.shape or not given.requires_grad:
            came = f"shape {tuple(given.shape)}" if isinstance(given, Tensor) else type(given).__name__
            raise RunError(
                f"add_gradients ({self.training.session.plan.steps_replaced_by}): the losses must be a tensor of "
                f"shape {tuple(wanted.shape)}, computed from forward(...), not one of {came}."
            )
        self._backward(given.sum())

    def _inputs(self, number: int) -> tuple[Callable[[int], Tensor], Tensor]:
        """Return a function that computes the logits of a micro-batch with a draw of dropout masks, and the labels."""
        encoder, prefix, rows = self.training.encoder, self.phase.prefix, self.micro_batches[number]
        with self._meter.time("train/steps/batch"):
            hidden = prefix.hidden(rows) if prefix else None
            batch = None
            if prefix and prefix.only_first_token:
                labels = torch.tensor([self.phase.rows.labels[row] for row in rows], device=self.training.device)
            else:
                batch = encoder.collate([self.phase.rows.rows[row] for row in rows])
                labels = batch.pop("labels")
        longest = max(self.phase.rows.lengths[row] for row in rows)

        def forward(draw: int) -> Tensor:
            self._count(self.phase.flops.train_step(len(rows), longest))
            return self._logits(number + draw * _MOST_MICRO_BATCHES, hidden, batch)

        return forward, labels

    def _logits(self, place: int, hidden: Tensor | None, batch: dict[str, Tensor] | None) -> Tensor:
        training, prefix = self.training, self.phase.prefix
        with (
            self._meter.time("train/steps/forward"),
            # A mask is drawn for a micro-batch as a whole, so another number of processes draws others.
            training.dropout.drawing(self.number, training.world.rank, place),
            torch.autocast(training.device.type, training.dtype, enabled=training.dtype != torch.float32),
        ):
            if prefix and hidden is not None:
                return training.encoder.run_from(hidden, batch, prefix.boundary)
            return training.encoder.logits(batch or {})

    def _backward(self, loss: Tensor) -> Tensor:
        loss = loss * self.weight
        with self._meter.time("train/steps/backward"):
            loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _count(self, flops: float) -> None:
        self._meter.trained(examples=0, non_padding_tokens=0, padded_tokens=0, flops=flops)

    @property
    def _meter(self) -> Meter:
        return self.training.session.workspace.meter


def _split(rows: list[int], size: int | None) -> list[list[int]]:
    size = size or max(1, len(rows))
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _release_if_trained(prefix: FrozenPrefix, workspace: Workspace) -> None:
    """Mark a prefix's output for removal if this run trained a part of the prefix, so that no other run has it."""
    earlier = [phase.frozen_prefix for phase in workspace.events.phases[:-1]]
    if earlier and 1 + prefix.boundary > min(earlier):
        workspace.cache.release(prefix.key)
