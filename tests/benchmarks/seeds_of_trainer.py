"""Whether training gives what ``transformers.Trainer`` gives with the same settings: log loss and AUC of several seeds.

    python tests/benchmarks/seeds_of_trainer.py --data rotten-tomatoes --model minilm --rows 1066

trains each strategy with both, on the same rows. The seeds' random numbers differ, so only distributions can agree.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import peer
from datasets import load_from_disk
from numpy.typing import NDArray
from peft import LoraConfig, get_peft_model
from scipy.special import softmax
from sklearn.metrics import log_loss, roc_auc_score
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

import textclf_core

STRATEGIES = {"full": 1e-4, "freeze-first-n:n=4": 2e-4, "lora": 1e-3}
"""The strategies, with their learning rates."""

Scores = NDArray[np.float64]


def ours(folder: Path, strategy: str, learning_rate: float, seed: int) -> Scores:
    """Return the scores of the second label on the test rows."""
    with tempfile.TemporaryDirectory() as place:
        run = textclf_core.run(
            [
                f"hf-model:checkpoint={folder / 'model'}",
                strategy,
                f"finetune:learning_rate={learning_rate},checkpoints=0",
            ],
            data=load_from_disk(folder / "data"),
            seed=seed,
            output=Path(place) / "runs",
            cache_dir=Path(place) / "cache",
            device="cpu",
            quiet=True,
        )
        rows = run.predictions().to_pandas()
        return np.stack(rows[rows["split"] == "test"]["scores"])[:, 1]


def trainers(folder: Path, strategy: str, learning_rate: float, seed: int) -> Scores:
    """Return the same of Trainer with the same settings, with peft for LoRA."""
    set_seed(seed)
    data, tokenizer = peer._tokenized(str(folder / "data"), str(folder / "model"))
    model = AutoModelForSequenceClassification.from_pretrained(folder / "model", num_labels=2)
    if strategy == "lora":
        # textclf trains the pooler as a part of the head; peft by itself leaves it as it is.
        parts = {"target_modules": ["query", "value"], "modules_to_save": ["classifier", "pooler"]}
        model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, **parts))
    else:
        peer.freeze(model, 4 if "freeze" in strategy else "nothing")
    with tempfile.TemporaryDirectory() as place:
        arguments = TrainingArguments(
            place,
            num_train_epochs=1,
            learning_rate=learning_rate,
            per_device_train_batch_size=16,
            per_device_eval_batch_size=64,
            weight_decay=0.01,
            seed=seed,
            **peer.QUIET,
        )
        collator = DataCollatorWithPadding(tokenizer)
        trainer = Trainer(model=model, args=arguments, train_dataset=data["train"], data_collator=collator)
        trainer.train()
        return np.asarray(softmax(trainer.predict(data["test"]).predictions, axis=1)[:, 1])


def main() -> None:
    """Print log loss and AUC of each side, and their difference with its standard error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="rotten-tomatoes")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--rows", type=int, default=1066)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=STRATEGIES, help="one of the strategies")
    options = parser.parse_args()
    sides: dict[str, Callable[[Path, str, float, int], Scores]] = {"textclf": ours, "Trainer": trainers}
    with tempfile.TemporaryDirectory() as place:
        job = {"data": options.data, "model": options.model, "rows": options.rows, "folder": place}
        rows = Path(__file__).with_name("rows.py")
        subprocess.run([sys.executable, str(rows), json.dumps(job)], check=True, stdout=subprocess.DEVNULL)
        labels = load_from_disk(Path(place) / "data")["test"]["label"][:]
        for strategy in [options.only] if options.only else STRATEGIES:
            learning_rate = STRATEGIES[strategy]
            found = {}
            for side, of_side in sides.items():
                scores = [of_side(Path(place), strategy, learning_rate, seed) for seed in range(options.seeds)]
                found[side] = np.array([(log_loss(labels, one), roc_auc_score(labels, one)) for one in scores])
            for number, name in enumerate(("log loss", "AUC")):
                values = {side: of_side[:, number] for side, of_side in found.items()}
                means = ", ".join(f"{side} {own.mean():.4f} (sd {own.std(ddof=1):.4f})" for side, own in values.items())
                gap = values["textclf"].mean() - values["Trainer"].mean()
                error = np.sqrt(sum(own.var(ddof=1) / len(own) for own in values.values()))
                print(f"{strategy}, {name}: {means}; difference {gap:+.4f} ± {error:.4f}", flush=True)


if __name__ == "__main__":
    main()
