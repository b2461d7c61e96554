"""Runs that one process does alone or several share; torchrun runs this with the names of the cases as arguments.

The folder of the first argument gets a run directory for each case.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from datasets import DatasetDict
from safetensors.torch import load_file

from textclf_core import run
from textclf_core.records.predictions import read_predictions
from textclf_core.records.schema import Record, read_record
from textclf_core.testing import LABELS, TAGS, TOPICS, tiny_data, tiny_encoder, tiny_topics, tiny_words
from textclf_core.types.task import Kind

BATCH = 8
ROWS = 163
"""Twenty batches, and one of three rows, which is fewer than four processes."""


@dataclass(frozen=True)
class TaskData:
    labels: tuple[str, ...]
    kind: Kind
    data: Callable[..., DatasetDict]


TASKS = {
    "reviews": TaskData(LABELS, "single-label", tiny_data),
    "topics": TaskData(TOPICS, "multi-label", tiny_topics),
    "words": TaskData(TAGS, "tokens", tiny_words),
}
STRATEGIES = {
    "full": ["full"],
    "frozen": ["freeze-first-n:n=1"],
    "lora": ["lora:r=4"],
    "adversarial": ["full", "adversarial"],
}


@dataclass(frozen=True)
class Case:
    """A run: ``full-reviews-4`` trains everything on reviews, in micro-batches of a quarter of a batch."""

    strategy: str
    task: str
    accumulation: int
    steps: str = ""

    @classmethod
    def named(cls, name: str) -> Case:
        strategy, task, accumulation, *steps = name.split("-")
        return cls(strategy, task, int(accumulation), *steps)

    def __str__(self) -> str:
        return "-".join([self.strategy, self.task, str(self.accumulation), *([self.steps] if self.steps else [])])

    def run(self, folder: Path) -> SharedRun:
        """Run it: ``one`` step on a batch, or all."""
        own = TASKS[self.task]
        checkpoint = folder / f"checkpoint-{self.task}"
        if not checkpoint.exists():
            raise FileNotFoundError(f"{checkpoint}: save_checkpoints makes it")
        micro = f",micro_batch_size={BATCH // self.accumulation}" if self.accumulation > 1 else ""
        recipe = f"batch_size={BATCH},learning_rate=1e-3,max_grad_norm=1e9"
        done = run(
            [f"hf-model:checkpoint={checkpoint}", *STRATEGIES[self.strategy], f"finetune:{recipe}{micro}"],
            data=own.data(BATCH - 1 if self.steps == "one" else ROWS),
            output=folder / str(self),
            cache_dir=folder / "cache",
            device="cpu",
            quiet=True,
        )
        return SharedRun(done.directory)


@dataclass(frozen=True)
class SharedRun:
    directory: Path

    @classmethod
    def found(cls, folder: Path) -> SharedRun:
        """The one finished run in a folder."""
        [directory] = [place for place in folder.iterdir() if (place / "record.json").exists()]
        return cls(directory)

    @property
    def record(self) -> Record:
        return read_record(self.directory)

    @property
    def parameters(self) -> dict[str, torch.Tensor]:
        return load_file(self.directory / "model" / "model.safetensors")

    @property
    def first_gradient(self) -> dict[str, torch.Tensor]:
        """The gradient of a run of one step: Adam's first moment is a tenth of it."""
        states = load_file(self.directory / "checkpoints" / "epoch-1" / "optimizer.safetensors")
        return {name: 10 * values for name, values in states.items() if name.endswith("/exp_avg")}

    @property
    def scores(self) -> torch.Tensor:
        """The stored scores of validation and test, one after another."""
        flat = read_predictions(self.directory).column("scores").combine_chunks()
        while hasattr(flat, "flatten") and not str(flat.type).startswith("float"):
            flat = flat.flatten()
        return torch.from_numpy(flat.to_numpy().copy())


def save_checkpoints(folder: Path) -> None:
    """Save an encoder without dropout for each task."""
    for name, own in TASKS.items():
        encoder = tiny_encoder(labels=own.labels, kind=own.kind, dropout=0.0)
        encoder.model.save_pretrained(folder / f"checkpoint-{name}")
        encoder.tokenizer.save_pretrained(folder / f"checkpoint-{name}")


def gradient_difference(one: SharedRun, other: SharedRun) -> float:
    """Return the largest difference of the first gradients, relative to the largest value of the parameter's."""
    ours, theirs = one.first_gradient, other.first_gradient
    assert ours.keys() == theirs.keys()
    # The gradient of attention's key biases is zero but for rounding.
    names = [name for name in ours if "key.bias" not in name]
    return max(
        ((ours[name] - theirs[name]).abs().max() / ours[name].abs().max().clamp(min=1e-12)).item() for name in names
    )


def parameter_differences(one: SharedRun, other: SharedRun) -> tuple[float, float]:
    """Return the largest difference of attention's key biases, and of all other parameters."""
    ours, theirs = one.parameters, other.parameters
    assert ours.keys() == theirs.keys()
    differences = {name: (ours[name] - theirs[name]).abs().max().item() for name in ours}
    keys = [value for name, value in differences.items() if "key.bias" in name]
    return max(keys), max(value for name, value in differences.items() if "key.bias" not in name)


if __name__ == "__main__":
    for case in sys.argv[2:]:
        Case.named(case).run(Path(sys.argv[1]))
