"""The peer: ``transformers.Trainer`` in the book's recipe, written as its users write it. It imports no textclf.

Alammar and Grootendorst, Hands-On Large Language Models (2024), chapter 11: batches of 16 at random, padded to their
longest row, learning rate 2e-5, weight decay 0.01, no warm-up. Logging, saving and evaluating while training are off.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from datasets import DatasetDict, load_from_disk
from measure import Job, Measured, answer
from scoring import WARM_UP_ROWS, f1, timed
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    pipeline,
    set_seed,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def train(job: Job) -> Measured:
    """Train and score the test split; the seconds are those of ``Trainer.train``.

    Args:
        job: ``checkpoint``, a folder; ``data``, a folder; ``seed``; ``epochs``; ``learning_rate``; ``freeze``:
            ``"nothing"``, ``"body"``, or of how many blocks, besides the embeddings.
    """
    set_seed(job["seed"])
    data, tokenizer = _tokenized(job["data"], job["checkpoint"])
    labels = data["train"].features["label"].num_classes
    model = AutoModelForSequenceClassification.from_pretrained(job["checkpoint"], num_labels=labels)
    freeze(model, job["freeze"])
    with tempfile.TemporaryDirectory() as room:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                room,
                num_train_epochs=job["epochs"],
                learning_rate=job["learning_rate"],
                per_device_train_batch_size=16,
                per_device_eval_batch_size=64,
                weight_decay=0.01,
                seed=job["seed"],
                **QUIET,
            ),
            train_dataset=data["train"],
            data_collator=DataCollatorWithPadding(tokenizer),
            compute_metrics=metrics,
        )
        start = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - start
        return Measured(seconds, trainer.evaluate(data["test"])["eval_f1"])


def evaluate(job: Job) -> Measured:
    """Score the test split, tokenized before; the seconds are those of ``Trainer.evaluate``.

    Args:
        job: ``checkpoint``, the folder of a trained model; ``data``; ``batch_size``.
    """
    data, tokenizer = _tokenized(job["data"], job["checkpoint"])
    test = data["test"]
    with tempfile.TemporaryDirectory() as room:
        trainer = Trainer(
            model=AutoModelForSequenceClassification.from_pretrained(job["checkpoint"]),
            args=TrainingArguments(room, per_device_eval_batch_size=job["batch_size"], **QUIET),
            eval_dataset=test,
            data_collator=DataCollatorWithPadding(tokenizer),
            compute_metrics=metrics,
        )
        scores, seconds = timed(trainer.evaluate, test.select(range(min(WARM_UP_ROWS, len(test)))), None)
        return Measured(seconds, scores["eval_f1"])


def predict(job: Job) -> Measured:
    """Score the texts of the test split with ``transformers.pipeline``; the job is that of :func:`evaluate`."""
    test = load_from_disk(job["data"], keep_in_memory=True)["test"]
    texts, labels = test["text"][:], test["label"][:]
    classify = pipeline("text-classification", model=job["checkpoint"], device="cpu")
    score = partial(classify, batch_size=job["batch_size"], truncation=True)
    found, seconds = timed(score, texts[:WARM_UP_ROWS], texts)
    ids = classify.model.config.label2id
    return Measured(seconds, f1(labels, [ids[one["label"]] for one in found], len(ids)))


QUIET: dict[str, Any] = {
    "use_cpu": True,
    "save_strategy": "no",
    "logging_strategy": "no",
    "report_to": "none",
    "disable_tqdm": True,
}


def freeze(model: PreTrainedModel, what: str | int) -> None:
    """Freeze by hand, as the book does: nothing, the body (all but the head), or embeddings and first blocks."""
    body = model.base_model
    parts: list[Any] = []
    if what == "body":
        parts = [body]
    elif what != "nothing":
        parts = [body.embeddings, *body.encoder.layer[:what]]
    for part in parts:
        for parameter in part.parameters():
            parameter.requires_grad = False


def metrics(evaluated: Any) -> dict[str, float]:
    """Return F1, as ``Trainer`` asks for it."""
    logits, labels = evaluated
    return {"f1": f1(labels, logits.argmax(-1), logits.shape[-1])}


def _tokenized(folder: str, checkpoint: str) -> tuple[DatasetDict, Any]:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    # In memory, or the next process would find this one's tokens on disk.
    data = load_from_disk(folder, keep_in_memory=True)
    return data.map(lambda rows: tokenizer(rows["text"], truncation=True), batched=True), tokenizer


if __name__ == "__main__":
    answer({"train": train, "evaluate": evaluate, "predict": predict})
