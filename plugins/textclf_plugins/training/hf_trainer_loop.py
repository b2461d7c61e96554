"""``transformers.Trainer`` with the batches, the loss and the dropout of ``finetune``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, Sampler
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from textclf_core.encoder.dropout import KeyedDropout
from textclf_core.errors import UsageError
from textclf_core.training.batching import LengthGroupedBatches, training_batches
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.training.flops import EncoderFlops, count_flops
from textclf_core.training.parameters import build_optimizer
from textclf_core.training.session import TrainingSession
from textclf_core.types.meter import STEPS

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from textclf_core.encoder import Encoder
    from textclf_core.encoder.plan import Plan
    from textclf_core.types.progress import Bar, Progress
    from textclf_core.types.task import Task
    from textclf_core.types.workspace import Workspace
    from textclf_plugins.training.hf_trainer import HfTrainer


def train(
    options: HfTrainer,
    encoder: Encoder,
    data: DatasetDict,
    task: Task,
    seed: int,
    workspace: Workspace,
    progress: Progress,
    plan: Plan,
) -> EncoderClassifier:
    """Train all parameters that aren't frozen, and return the classifier.

    Raises:
        RunError: the loss of a step isn't finite.
        UsageError: Trainer can't use the device.
    """
    if workspace.device not in ("cpu", "cuda", "cuda:0", "mps"):
        raise UsageError(
            f"hf-trainer: transformers.Trainer chooses among GPUs itself, so it can't train on {workspace.device!r}. "
            "Show it that GPU alone (CUDA_VISIBLE_DEVICES=1) and leave the device out, or use finetune."
        )
    with workspace.meter.time("train/tokenize"):
        train_rows = encoder.tokenize(data["train"], task, options)
        validation = encoder.tokenize(data["validation"], task, options)
    batches = training_batches(options, task, data["train"], train_rows, seed)
    classifier = EncoderClassifier(encoder, task, options, progress)
    session = TrainingSession(options, classifier, train_rows, validation, batches, workspace, plan)
    with encoder.frozen_in_eval(), progress.bar("train", session.phases.total_steps) as bar:
        trainer = _Trainer(session, count_flops(encoder))
        trainer.add_callback(_Steps(session, trainer, bar))
        trainer.train()
    return session.finish()


class _Trainer(Trainer):
    """A Trainer with given batches and counted costs; a session finishes its epochs.

    These are the faults of Trainer with a BERT classifier, and how they are avoided:

    - It interprets ``**kwargs`` in a model's ``forward`` as a model that divides its loss by the whole batch. So the
      gradient grows with accumulation and with the number of processes. Here a loss function divides by the batch.
    - It replaces a loss that isn't finite in its log, and continues. Here such a loss ends training.
    - It trains frozen blocks with dropout. Here ``Encoder.frozen_in_eval`` prevents that.
    - Its FLOPs ignore freezing. Here they consider it.
    - Its grouping by length permutes predictions. Here it neither groups nor predicts.
    """

    def __init__(self, session: TrainingSession, flops: EncoderFlops) -> None:
        self._session = session
        options, workspace, batches = session.options, session.workspace, session.batches
        arguments = TrainingArguments(
            output_dir=str(workspace.directory),
            use_cpu=workspace.device == "cpu",
            seed=batches.seed % 2**32,
            num_train_epochs=options.epochs,
            learning_rate=options.learning_rate,
            weight_decay=options.weight_decay,
            max_grad_norm=options.max_grad_norm,
            lr_scheduler_type="linear",
            warmup_steps=session.phases.warmup_steps,
            eval_strategy="epoch",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        # More than one would wrap the model in DataParallel; with several processes, each has one.
        arguments._n_gpu = min(arguments.n_gpu, 1)
        self._batches = _MicroBatches(batches, options.micro_batch_size, arguments.process_index, arguments.world_size)
        arguments.gradient_accumulation_steps = self._batches.of_a_full_batch
        super().__init__(
            model=session.classifier.encoder.model,
            args=arguments,
            train_dataset=session.train,
            eval_dataset=session.validation.rows,
            compute_loss_func=self._share_of_the_loss,
        )
        self.remove_callback(PrinterCallback)
        self._flops = flops
        self._dropout = KeyedDropout(session.classifier.encoder.model, session.batches.seed)
        self._place = (0, 0)
        self.step_loss = 0.0

    def _share_of_the_loss(
        self, outputs: Mapping[str, torch.Tensor], labels: torch.Tensor, num_items_in_batch: torch.Tensor
    ) -> torch.Tensor:
        """Return the part of a micro-batch in the mean loss of its whole batch."""
        # A batch whose words were all truncated has no label.
        return self._session.loss(outputs["logits"], labels) / num_items_in_batch.clamp(min=1)

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """Return Trainer's AdamW, or the optimizer of a plugin."""
        session = self._session
        if self.optimizer is None and session.plan.replaces("textclf_optimizer"):
            self.optimizer = build_optimizer(session.classifier.encoder, session.options, session.plan)
            return self.optimizer
        return super().create_optimizer(model)

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        """Return Trainer's linear schedule, or that of a plugin."""
        phases, peak = self._session.phases, self._session.options.learning_rate
        optimizer = optimizer or self.optimizer
        if optimizer and self.lr_scheduler is None and self._session.plan.replaces("textclf_schedule"):
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer,
                # Trainer also asks for a step after the last one.
                lambda done: phases.learning_rate(min(done + 1, phases.total_steps)) / peak,
            )
            return self.lr_scheduler
        return super().create_scheduler(num_training_steps, optimizer)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return this process's share of the session's batches."""
        # Not prepared by accelerate, which would distribute whole batches among the processes.
        return DataLoader(
            self._session.train, batch_sampler=self._batches, collate_fn=self._session.classifier.encoder.collate
        )

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Compute the gradient of a micro-batch, and count its cost."""
        step, (last_step, micro_batch) = self.state.global_step + 1, self._place
        self._place = (step, micro_batch + 1 if step == last_step else 0)
        model.train()  # as Trainer does, but before dropout is replaced
        with self._dropout.drawing(step, self.args.process_index, self._place[1]):
            loss = super().training_step(model, inputs, num_items_in_batch)
        self.step_loss += loss.item()
        self._session.steps.check_finite(self.state.global_step + 1, "the loss", self.step_loss)
        shape = inputs["input_ids"].shape
        self._session.workspace.meter.trained(
            examples=shape[0],
            non_padding_tokens=int(inputs["attention_mask"].sum()),
            padded_tokens=shape.numel(),
            flops=self._flops.train_step(*shape),
        )
        return loss

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Return the FLOPs of a micro-batch considering what is frozen; 0 if they are unknown."""
        flops = self._flops.train_step(*inputs["input_ids"].shape)
        return 0 if math.isnan(flops) else round(flops)

    def evaluate(
        self,
        eval_dataset: Dataset | dict[str, Dataset] | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Finish an epoch."""
        epoch = self.state.global_step // len(self._session.batches)
        assert self.optimizer is not None  # there is one once training began
        loss, accuracy = self._session.epoch_done(epoch, self.optimizer)
        return {f"{metric_key_prefix}_loss": loss, f"{metric_key_prefix}_accuracy": accuracy}


class _MicroBatches(Sampler[list[int]]):
    """The micro-batches of one process; each iteration yields those of the next epoch.

    Trainer takes a step after every ``of_a_full_batch`` micro-batches and at the end of an epoch. That is correct since
    the smaller batch is the last.
    """

    def __init__(self, batches: LengthGroupedBatches, size: int | None, process: int, processes: int) -> None:
        self._batches = batches
        self._size = size
        self._process = process
        self._processes = processes
        self._epoch = 0
        self.of_a_full_batch = len(self._cut(list(range(batches.batch_size))))

    def __len__(self) -> int:
        return sum(len(self._cut(batch)) for batch in self._batches.epoch(0))

    def __iter__(self) -> Iterator[list[int]]:
        batches = self._batches.epoch(self._epoch)
        self._epoch += 1
        return (rows for batch in batches for rows in self._cut(batch))

    def _cut(self, batch: list[int]) -> list[list[int]]:
        mine = batch[self._process :: self._processes]
        size = self._size or len(mine)
        return [mine[start : start + size] for start in range(0, len(mine), size)]


class _Steps(TrainerCallback):
    """Time the steps, and pass each to the session and the progress bar."""

    def __init__(self, session: TrainingSession, trainer: _Trainer, bar: Bar) -> None:
        self._session = session
        self._trainer = trainer
        self._bar = bar
        self._timer = ExitStack()

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._timer.enter_context(self._session.workspace.meter.time(STEPS))

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._timer.close()

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        loss, self._trainer.step_loss = self._trainer.step_loss, 0.0
        # The schedule advances afterwards.
        learning_rate = float(kwargs["lr_scheduler"].get_last_lr()[0])
        self._session.steps.add(state.global_step + 1, loss, learning_rate)
        self._bar.advance(note=f"loss {loss:.3f}")
