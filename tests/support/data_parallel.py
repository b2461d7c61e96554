"""What two processes do with one batch of eight rows; run by torchrun.

Leaves in the folder of its argument the norm of plain Trainer's gradient, what each of our trainers leaves, with and
without weighted labels, and what training in phases leaves.
"""

from __future__ import annotations

import sys
from pathlib import Path

from plain_trainer import gradient_norms, plain_trainer
from trained import train, train_with

from textclf_core.system.world import World, connected
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_plugins.training.finetune import Finetune
from textclf_plugins.training.hf_trainer import HfTrainer

WEIGHTED = {"class_weights": (1.0, 3.0), "focal_gamma": 2.0}
PHASES = "linear-probe-then-finetune:probe_epochs=1 + layerwise-lr-decay"


def main(directory: Path, world: World) -> None:
    """Train with each trainer."""
    data = tiny_data(rows=8)
    plain = plain_trainer(
        tiny_encoder(dropout=0.0),
        data["train"],
        directory / "plain",
        per_device_train_batch_size=4,
        train_sampling_strategy="sequential",
    )
    plain.train()
    if world.rank == 0:
        (directory / "norm").write_text(repr(gradient_norms(plain)[0]))
    for trainer in (Finetune, HfTrainer):
        for name, options in (("", {}), ("weighted-", WEIGHTED)):
            train(
                trainer(batch_size=8, micro_batch_size=2, max_grad_norm=1e9, **options),
                directory / f"{name}{trainer.__name__}",
                encoder=tiny_encoder(dropout=0.0),
                data=data,
                world=world,
            )
    train_with(
        PHASES,
        directory / "phases",
        Finetune(batch_size=8),
        encoder=tiny_encoder(dropout=0.0),
        data=data,
        world=world,
    )


if __name__ == "__main__":
    with connected("cpu") as connection:
        main(Path(sys.argv[1]), connection)
