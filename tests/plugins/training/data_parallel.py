"""What two processes do with one batch of eight rows; run by torchrun.

Leaves in the folder of its argument the norm of plain Trainer's gradient, and what each of our trainers leaves.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from plain_trainer import gradient_norms, plain_trainer
from trained import train

from textclf_core.testing import tiny_data, tiny_encoder
from textclf_plugins.training.finetune import Finetune
from textclf_plugins.training.hf_trainer import HfTrainer

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
