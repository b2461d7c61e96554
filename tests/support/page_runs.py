"""A comparison made up for the tests of the page: a sweep, baselines, texts of two labels or more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from datasets import Dataset
from made_runs import plugin, scores, write_run

from textclf_core.records.schema import PluginRecord, read_record, write_record
from textclf_core.reports.analysis import Analysis, analyse
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.stored import find_runs

LABELS = ("negative", "positive")
SCRIPT = "<script>alert(1)</script> a film that ends before it begins"
COMMAND = "textclf compare --plugin files:path=reviews --try full --try 'freeze-first-n:n=0..4'"

_SUBJECTS = ("the plot", "her voice", "this sequel", "the last act", "a talking horse", "the score", "every joke")
_PRAISE = ("is a small delight", "lands with grace", "kept me awake, gladly", "earns its tears")
_BLAME = ("goes nowhere", "sinks like wet sand", "wore me out", "is louder than it is clever")


@dataclass(frozen=True)
class Fake:
    """A contender: how often it is right, what it costs, and how it differs from others."""

    label: str
    accuracy: float
    seconds: float
    strategy: PluginRecord
    flops: float | None = None


def sweep(values: Sequence[int] = range(5)) -> list[Fake]:
    return [
        Fake(
            f"freeze-first-n:n={n}",
            0.86 - 0.005 * n * n,
            260.0 - 40 * n,
            plugin("freeze-first-n", "strategy", n=n),
            flops=1e14 / (n + 1),
        )
        for n in values
    ]


FULL = Fake("full", 0.86, 280.0, plugin("full", "strategy"), flops=1.2e14)
FAKES = (
    FULL,
    *sweep(),
    Fake("lora + finetune:learning_rate=1e-4", 0.85, 190.0, plugin("lora", "strategy", rank=8), flops=9e13),
    Fake("head-only", 0.64, 60.0, plugin("head-only", "strategy"), flops=4e13),
    Fake("tfidf-logreg", 0.79, 0.4, plugin("tfidf-logreg", "strategy")),
    Fake("majority", 0.5, 0.0, plugin("majority", "strategy")),
)


def made_up(
    folder: Path,
    fakes: Sequence[Fake] = FAKES,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    rows: int = 300,
    labels: Sequence[str] = LABELS,
    first: str = SCRIPT,
    titles: bool = False,
    padding: str = "",
    held_out: bool = False,
    train_size: str | None = None,
    train_rows: int = 2400,
    notes: tuple[str, ...] = (),
) -> Analysis:
    """Write a run of each contender at each seed into ``folder``, and return their analysis.

    The first text is ``first``, and a confident mistake of every contender. With ``titles`` there are two columns of
    text; ``padding`` ends every other text.
    """
    data = _reviews(rows, labels, first, padding, titles=titles)
    for number, fake in enumerate(fakes):
        for seed in seeds:
            given = scores(data, fake.accuracy, 100 * number + seed, len(labels))
            given[0] = 0.02 / (len(labels) - 1)
            given[0, 1] = 0.98
            directory = write_run(
                folder,
                fake.label,
                seed=seed,
                strategy=fake.strategy,
                data=data,
                given_scores=given,
                labels=labels,
                train_seconds=fake.seconds * (1 + 0.01 * seed),
                flops=fake.flops,
                held_out=held_out,
                history=_history(seed) if fake.flops else (),
            )
            record = read_record(directory)
            columns = ("title", "text") if titles else ("text",)
            splits = tuple(
                replace(split, rows=train_rows if split.name == "train" else rows) for split in record.data.splits
            )
            of_data = replace(record.data, text_columns=columns, splits=splits, train_size=train_size)
            write_record(replace(record, command=COMMAND, notes=notes, data=of_data), directory)
    [analysis] = analyse(find_runs([folder]), Criteria(pairs=True))
    return analysis


def by_amount(folder: Path) -> list[Analysis]:
    """Return the analyses of two contenders whose curves cross between 64 and 640 training examples."""
    falling, rising = FAKES[-2], FULL
    return [
        made_up(
            folder / str(rows),
            [replace(falling, accuracy=plain), replace(rising, accuracy=trained)],
            train_size=f"{rows // 2}/class",
            train_rows=rows,
        )
        for rows, plain, trained in ((64, 0.72, 0.52), (640, 0.77, 0.88), (6400, 0.79, 0.92))
    ]


def _reviews(rows: int, labels: Sequence[str], first: str, padding: str, *, titles: bool) -> Dataset:
    rng = np.random.default_rng(7)
    ids = [row % len(labels) for row in range(rows)]
    texts = []
    for label in ids:
        parts = rng.choice(_SUBJECTS, size=rng.integers(1, 5), replace=False)
        texts.append("; ".join(f"{part} {rng.choice(_PRAISE if label else _BLAME)}" for part in parts) + padding)
    columns: dict[str, list[object]] = {"text": [first, *texts[1:]], "label": list(ids)}
    columns["source"] = rng.choice(["paper", "radio", "blog"], size=rows).tolist()
    if titles:
        columns = {"title": [f"Review {row}" for row in range(rows)], **columns}
    return Dataset.from_dict(columns)


def _history(seed: int) -> list[dict[str, float]]:
    rng = np.random.default_rng(seed)
    rows: list[dict[str, float]] = []
    for epoch in (1, 2, 3):
        for step in range(20 * epoch - 19, 20 * epoch + 1):
            rows.append({"step": step, "loss": 0.7 * 0.97**step + float(rng.normal(0, 0.02)), "learning_rate": 2e-5})
        last = {"train_loss": 0.7 * 0.97 ** (20 * epoch), "validation_loss": 0.5 * 0.8**epoch + 0.01 * seed}
        rows.append({"epoch": epoch, "step": 20 * epoch, **last, "validation_accuracy": 0.8})
    return rows
