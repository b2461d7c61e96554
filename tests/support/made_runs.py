"""Runs made up for the tests of reports: records and predictions as the engine writes them, with no model behind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from textclf_core.records.cost import Cost
from textclf_core.records.formats import RECORD_FORMAT
from textclf_core.records.predictions import Predictions, write_predictions
from textclf_core.records.schema import PluginRecord, Record, write_record
from textclf_core.reports.analysis import Analysis, Row
from textclf_core.reports.costs import TOLERANCE
from textclf_core.reports.criteria import Criteria
from textclf_core.reports.outcomes import metric_of
from textclf_core.reports.prices import Prices
from textclf_core.reports.stored import find_runs, gather
from textclf_core.statistics import Difference, Interval, PairedTest, StandardError
from textclf_core.types.data import DataRecord, SplitRecord
from textclf_core.types.task import Task

WORDS = ("plot", "music", "ending", "hero", "dull", "bright", "slow", "clever", "cast", "scene", "long", "short")


def reviews(rows: int = 200, labels: Sequence[str] = ("bad", "good"), seed: int = 0) -> Dataset:
    """Return texts of one to forty words with labels in turn, and a column ``source`` of two values."""
    rng = np.random.default_rng(seed)
    return Dataset.from_dict(
        {
            "text": [" ".join(rng.choice(WORDS, size=1 + int(rng.integers(40)))) for _ in range(rows)],
            "label": [row % len(labels) for row in range(rows)],
            "source": [("letter", "forum")[int(rng.random() < 0.3)] for _ in range(rows)],
        }
    )


def scores(data: Dataset, accuracy: float, seed: int, labels: int = 2) -> NDArray[np.float32]:
    """Return probabilities whose highest is right about as often as ``accuracy`` says."""
    rng = np.random.default_rng([seed, round(1000 * accuracy)])
    truth = np.asarray(data["label"])
    wrong = (truth + 1 + rng.integers(labels - 1, size=len(truth))) % labels
    chosen = np.where(rng.random(len(truth)) < accuracy, truth, wrong)
    logits = rng.normal(0, 0.3, size=(len(truth), labels))
    logits[np.arange(len(truth)), chosen] = logits.max(axis=1) + rng.exponential(1.5, size=len(truth)) + 0.01
    exponentials = np.exp(logits)
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)


def plugin(name: str, *roles: str, **options: Any) -> PluginRecord:
    return PluginRecord(
        name=name,
        roles=roles,
        distribution="textclf-core",
        version="0.1.0",
        options=options,
        set_by=dict.fromkeys(options, "command line"),
    )


def write_run(
    folder: Path,
    label: str,
    *,
    seed: int = 0,
    strategy: PluginRecord | None = None,
    accuracy: float = 0.8,
    data: Dataset | None = None,
    given_scores: NDArray[np.float32] | None = None,
    labels: Sequence[str] = ("bad", "good"),
    train_seconds: float = 10.0,
    flops: float | None = 2e12,
    held_out: bool = False,
    metrics: Mapping[str, float] | None = None,
    history: Sequence[Mapping[str, float]] = (),
    trainer: PluginRecord | None = None,
    metric_plugin: PluginRecord | None = None,
    source: str = "reviews.csv",
    train_size: str | None = None,
    train_rows: int | None = None,
    beside: int | None = 0,
) -> Path:
    """Write the directory of one run, and return it."""
    data = reviews(labels=labels) if data is None else data
    test = scores(data, accuracy, seed, len(labels)) if given_scores is None else given_scores
    right = float((test.argmax(axis=1) == np.asarray(data["label"])).mean())
    directory = folder / f"{len(list(folder.glob('*'))) if folder.is_dir() else 0:03d}-s{seed}"
    directory.mkdir(parents=True)
    task = Task(label_names=tuple(labels))
    write_predictions({"test": Predictions(data, test, test.argmax(axis=1), task)}, directory)
    texts = list(data["text"])
    origin = "held out from train" if held_out else "given"
    splits = tuple(
        SplitRecord(
            name=name,
            rows=train_rows if name == "train" and train_rows else len(data),
            origin="given" if name == "train" else origin,
            sha256=hashlib.sha256(f"{name} {texts} {train_rows if name == 'train' else ''}".encode()).hexdigest(),
            label_counts=dict.fromkeys(labels, 1),
            empty_texts=0,
        )
        for name in ("train", "validation", "test")
    )
    own = strategy or plugin(label.partition(":")[0], "strategy")
    record = Record(
        format=RECORD_FORMAT,
        id=directory.name,
        label=label,
        started="2026-01-02T03:04:05+00:00",
        finished="2026-01-02T03:05:05+00:00",
        command=None,
        seed=seed,
        data_seed=0,
        plugins=(
            trainer or plugin("finetune", "trainer", epochs=1),
            own,
            metric_plugin or plugin("f1", "metric", average="auto"),
        ),
        left_out=(),
        data=DataRecord(
            source=source,
            fingerprint=hashlib.sha256(f"{texts} {train_rows}".encode()).hexdigest(),
            task_kind="single-label",
            label_names=tuple(labels),
            text_columns=("text",),
            train_size=train_size,
            splits=splits,
        ),
        encoder=None,
        metrics={"test": dict(metrics or {"f1": right, "accuracy": right})},
        cost=Cost(
            seconds={"train": train_seconds, "total": train_seconds + 5},
            train_flops=flops,
            peak_memory_bytes=700 * 2**20,
            beside=beside,
            trainable_parameters=22_700_000,
            total_parameters=22_700_000,
            artifact_bytes=90 * 2**20,
            latency_seconds=0.012,
        ),
        environment={"python": "3.11"},
        notes=(),
    )
    write_record(record, directory)
    if history:
        (directory / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in history))
    return directory


def comparison(
    folder: Path,
    *,
    metric: str = "f1",
    cost: str = "train-seconds",
    half: float = 0.024,
    pairs: bool = False,
    prices: Prices | None = None,
) -> Analysis:
    """Return an analysis of the runs in ``folder``: means that are theirs, intervals and p-values that are made up.

    The statistics have tests of their own; those of the tables and plots want numbers that they can foresee.
    """
    criteria = Criteria(metric=metric, cost=cost, pairs=pairs, prices=prices)
    [lines] = gather(find_runs([folder])).values()
    seeds = lines[0].seeds
    means = {
        line.label: float(np.mean([run.record.metrics["test"][metric] or 0 for run in line.runs])) for line in lines
    }
    ranked = sorted(lines, key=lambda line: -means[line.label])
    best = means[ranked[0].label]
    costs = {
        line.label: {name: _mean([kind.read(run.record) for run in line.runs]) for name, kind in criteria.kinds.items()}
        for line in lines
    }
    like_the_best = [line for line in ranked if best - means[line.label] <= 2 * half]
    cheapest = min(like_the_best, key=lambda line: costs[line.label][cost] or 0)
    return Analysis(
        criteria=criteria,
        measured=metric_of(metric, lines[0].runs[0]),
        tolerance=TOLERANCE,
        rows=tuple(
            Row(
                line=line,
                score=means[line.label],
                deviation=0.0031 if len(seeds) > 1 else None,
                low=means[line.label] - half,
                high=means[line.label] + half,
                verdict="best" if line is ranked[0] else ("undecided" if line in like_the_best else "worse"),
                difference=means[line.label] - best,
                distance=Interval(means[line.label] - best - half, half if line in like_the_best else 0.0, 0.95)
                if len(ranked) > 1
                else None,
                needed=None,
                loss=0.0042 if line in like_the_best else best - means[line.label],
                risk=0.125 if line in like_the_best else 0.9876,
                costs=costs[line.label],
                on_front=all(
                    means[other.label] <= means[line.label]
                    or (costs[other.label][cost] or 0) >= (costs[line.label][cost] or 0)
                    for other in lines
                    if other is not line
                ),
                recommended=line is cheapest,
            )
            for line in ranked
        ),
        seeds=seeds,
        test_rows=lines[0].runs[0].test.num_rows,
        looks=(),
        test_draws=lines[0].runs[0].test.num_rows,
        smallest_difference=0.0417,
        sentence=f"{ranked[0].label} is best.",
        data=lines[0].runs[0].record.data,
        pairs=tuple(
            PairedTest(
                one.label,
                other.label,
                Difference(
                    gap := means[one.label] - means[other.label],
                    Interval(gap - half, gap + half, 0.95),
                    StandardError(half / 2, 100.0),
                    "strategies",
                ),
                "crossed t",
                p_value=0.25,
                adjusted_p_value=0.5,
                detectable=0.0417,
            )
            for one, other in combinations(ranked, 2)
        )
        if pairs
        else (),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return float(np.mean(numbers)) if numbers else None
