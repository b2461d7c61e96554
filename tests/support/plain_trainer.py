"""``transformers.Trainer`` as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from trained import TASK
from transformers import Trainer, TrainingArguments

from textclf_core.encoder import Encoder
from textclf_core.types.recipe import Recipe


def plain_trainer(encoder: Encoder, rows: Dataset, directory: Path, **settings: Any) -> Trainer:
    """Return a Trainer that pads with our collator, doesn't clip, and logs every step."""
    defaults: dict[str, Any] = {
        "num_train_epochs": 1,
        "per_device_train_batch_size": 8,
        "learning_rate": 1e-3,
        "max_grad_norm": 1e9,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        "remove_unused_columns": False,
        "seed": 0,
    }
    return Trainer(
        model=encoder.model,
        args=TrainingArguments(output_dir=str(directory), **(defaults | settings)),
        train_dataset=encoder.tokenize(rows, TASK, Recipe()),
        data_collator=encoder.collate,
        processing_class=encoder.tokenizer,
    )


def gradient_norms(trainer: Trainer) -> list[float]:
    return [row["grad_norm"] for row in trainer.state.log_history if "grad_norm" in row]
