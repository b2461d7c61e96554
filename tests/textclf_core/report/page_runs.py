"""Stored runs of invented texts, for the tests of the page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, Features, Value

from textclf_core.cost import Cost
from textclf_core.predictions import Predictions, write_predictions
from textclf_core.records import (
    RECORD_FORMAT,
    DataRecord,
    EncoderRecord,
    PluginRecord,
    Record,
    SplitRecord,
    write_record,
)
from textclf_core.task import Task

SCRIPT = "<script>alert(1)</script> a film that ends before it begins"
SUBJECTS = ("the plot", "her voice", "this sequel", "the last act", "a talking horse", "the score", "every joke")
PRAISE = ("is a small delight", "lands with grace", "kept me awake, gladly", "earns its tears")
BLAME = ("goes nowhere", "sinks like wet sand", "wore me out", "is louder than it is clever")


@dataclass(frozen=True)
class Fake:
    """A contender: how often it is right, what it costs, and the plugins that tell it from others."""

    label: str
    accuracy: float
    seconds: float
    strategy: tuple[str, Mapping[str, object]] = ("full", {})
    encoder: bool = True


FAKES = (
    Fake("full", 0.86, 280.0),
    *(
        Fake(f"freeze-first-n:n={n}", 0.86 - 0.002 * n * n, 260.0 - 32 * n, ("freeze-first-n", {"n": n}))
        for n in range(7)
    ),
    Fake("lora + finetune:learning_rate=1e-4", 0.85, 190.0, ("lora", {"rank": 8})),
    Fake("head-only", 0.64, 60.0, ("head-only", {})),
    Fake("tfidf-logreg", 0.79, 0.4, encoder=False),
    Fake("majority", 0.5, 0.0, encoder=False),
)


def texts(rows: int, first: str = SCRIPT) -> Dataset:
    """Invented reviews with two labels; the first text is ``first``."""
    rng = np.random.default_rng(7)
    labels = np.arange(rows) % 2
    written = []
    for label in labels:
        parts = rng.choice(SUBJECTS, size=rng.integers(1, 5), replace=False)
        written.append("; ".join(f"{part} {rng.choice(PRAISE if label else BLAME)}" for part in parts))
    written[0] = first
    source = rng.choice(["paper", "radio", "blog"], size=rows).tolist()
    features = Features(
        {"text": Value("string"), "label": ClassLabel(names=["negative", "positive"]), "source": Value("string")}
    )
    return Dataset.from_dict({"text": written, "label": labels.tolist(), "source": source}, features=features)


def write_runs(
    directory: Path,
    fakes: Sequence[Fake] = FAKES,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    rows: int = 400,
    first: str = SCRIPT,
    carved: bool = False,
    note: str = "",
) -> None:
    """Write a run of each fake contender at each seed into ``directory``."""
    test, validation = texts(rows, first), texts(40, first)
    hard = np.random.default_rng(3).random(rows)
    for number, fake in enumerate(fakes):
        for seed in seeds:
            rng = np.random.default_rng([number, seed])
            run = directory / f"run{number}-s{seed}"
            run.mkdir(parents=True)
            scores = {"validation": _scores(validation, fake.accuracy, rng.random(40), rng), "test": None}
            difficulty = 0.75 * hard + 0.25 * rng.random(rows)
            scores["test"] = _scores(test, fake.accuracy + rng.normal(0, 0.004), difficulty, rng)
            # Whatever the draw, the first text is a confident mistake of every contender.
            scores["test"][0] = (0.02, 0.98)
            write_predictions(
                {
                    "validation": Predictions(validation, scores["validation"]),
                    "test": Predictions(test, scores["test"]),
                },
                Task(("negative", "positive")),
                run,
            )
            right = float(np.mean(scores["test"].argmax(1) == np.array(test["label"])))
            write_record(_record(run.name, fake, number, seed, rows, right, carved, note), run)
            if fake.encoder:
                _write_history(run, rng)


def _scores(data: Dataset, accuracy: float, difficulty: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    labels = np.array(data["label"])
    right = difficulty < np.quantile(difficulty, accuracy)
    confidence = np.clip(0.5 + 0.5 * rng.beta(2.5, 1.2, len(labels)), 0.51, 0.999)
    of_truth = np.where(right, confidence, 1 - confidence)
    positive = np.where(labels == 1, of_truth, 1 - of_truth)
    return np.stack([1 - positive, positive], axis=1).astype(np.float32)


def _record(
    id: str, fake: Fake, number: int, seed: int, rows: int, score: float, carved: bool, note: str
) -> Record:  # fmt: skip
    splits = tuple(
        SplitRecord(
            name=name,
            rows=count,
            origin="carved from train" if carved and name != "train" else "given",
            sha256=f"{count:064x}",
            label_counts={"negative": count - count // 2, "positive": count // 2},
            empty_texts=3 if name == "train" else 0,
            truncated=12 if name == "train" else None,
        )
        for name, count in (("train", 8 * rows), ("validation", 40), ("test", rows))
    )
    name, options = fake.strategy
    plugins = [_plugin("files", "dataset", {"path": "reviews"}, "command line")]
    if fake.encoder:
        plugins += [
            _plugin("minilm", "model", {}),
            _plugin("finetune", "trainer", {"epochs": 1, "learning_rate": 2e-5}),
        ]
        plugins += [_plugin(name, "strategy", options, "command line")]
    else:
        plugins += [_plugin(fake.label, "trainer", {})]
    plugins += [_plugin("f1", "metric", {"average": "auto"})]
    trainable = 22_700_000 - 1_800_000 * int(options.get("n", 0)) if fake.encoder else None  # type: ignore[call-overload]
    return Record(
        format=RECORD_FORMAT,
        id=id,
        label=fake.label,
        started=f"2026-01-02T{number:02d}:0{seed}:00+00:00",
        finished=f"2026-01-02T{number:02d}:0{seed}:59+00:00",
        command="textclf compare --plugin minilm --plugin files:path=reviews --try full --try 'freeze-first-n:n=0..6'",
        seed=seed,
        data_seed=0,
        plugins=tuple(plugins),
        left_out=(),
        data=DataRecord(
            source="reviews/train.csv; reviews/test.csv",
            fingerprint="5e" * 32,
            task_kind="single-label",
            label_names=("negative", "positive"),
            text_columns=("text",),
            splits=splits,
        ),
        encoder=EncoderRecord(
            checkpoint="all-MiniLM-L6-v2", revision=None, family="bert", blocks=6, frozen_prefix=0, frozen=(),
            frozen_sha256=None, moved=100, trainable=100,
        ) if fake.encoder else None,
        metrics={"validation": {"f1": score, "accuracy": score}, "test": {"f1": score, "accuracy": score}},
        cost=Cost(
            seconds={"train": fake.seconds * (1 + 0.01 * seed), "total": fake.seconds + 20},
            train_flops=fake.seconds * 4e11 if fake.encoder else None,
            peak_memory_bytes=900_000_000 if fake.encoder else 300_000_000,
            trainable_parameters=trainable,
            total_parameters=22_700_000 if fake.encoder else None,
            artifact_bytes=91_000_000 if fake.encoder else 800_000,
            latency_seconds=0.012 if fake.encoder else 0.0006,
        ),
        environment={"python": "3.11.7", "textclf-core": "0.1.0", "torch": "2.13.0", "device": "cpu", "threads": "1"},
        notes=(note,) if note else (),
    )  # fmt: skip


def _plugin(name: str, role: str, options: Mapping[str, object], set_by: str = "default") -> PluginRecord:
    return PluginRecord(
        name=name,
        roles=(role,),
        distribution="textclf-core",
        version="0.1.0",
        options=dict(options),
        set_by=dict.fromkeys(options, set_by),
    )


def _write_history(run: Path, rng: np.random.Generator) -> None:
    rows: list[dict[str, float]] = []
    for epoch in (1, 2, 3):
        for step in range(1, 21):
            at = (epoch - 1) * 20 + step
            rows.append({"step": at, "loss": 0.7 * 0.97**at + float(rng.normal(0, 0.02)), "learning_rate": 2e-5})
        rows.append({"epoch": epoch, "step": epoch * 20, "train_loss": 0.7 * 0.97 ** (epoch * 20),
                     "validation_loss": 0.5 * 0.8**epoch + 0.2, "validation_accuracy": 0.8})  # fmt: skip
    (run / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
