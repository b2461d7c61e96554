"""What two processes do with one batch of eight rows; run by torchrun.

Leaves in the folder of its argument the norm of plain Trainer's gradient, what each of our trainers leaves, with and
without weighted labels, and what training in phases leaves.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from plain_trainer import gradient_norms, plain_trainer
from trained import train, train_with

from textclf_core.testing import tiny_data, tiny_encoder
from textclf_plugins.training.finetune import Finetune
from textclf_plugins.training.hf_trainer import HfTrainer

WEIGHTED = {"class_weights": (1.0, 3.0), "focal_gamma": 2.0}
PHASES = "linear-probe-then-finetune:probe_epochs=1 + layerwise-lr-decay"

if __name__ == "__main__":
    directory, rank = Path(sys.argv[1]), int(os.environ["RANK"])
    data = tiny_data(rows=8)
    plain = plain_trainer(
        tiny_encoder(dropout=0.0),
        data["train"],
        directory / "plain",
        per_device_train_batch_size=4,
        train_sampling_strategy="sequential",
    )
    plain.train()
    if rank == 0:
        (directory / "norm").write_text(repr(gradient_norms(plain)[0]))
    for trainer in (Finetune, HfTrainer):
        encoder = tiny_encoder(dropout=0.0)
        own = directory / trainer.__name__
        train(trainer(batch_size=8, micro_batch_size=2, max_grad_norm=1e9), own, encoder=encoder, data=data, rank=rank)
        weighted = trainer(batch_size=8, micro_batch_size=2, max_grad_norm=1e9, **WEIGHTED)
        train(
            weighted,
            directory / f"weighted-{trainer.__name__}",
            encoder=tiny_encoder(dropout=0.0),
            data=data,
            rank=rank,
        )
    own = directory / "phases"
    train_with(PHASES, own, Finetune(batch_size=8), encoder=tiny_encoder(dropout=0.0), data=data, rank=rank)
