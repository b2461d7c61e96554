"""textclf's side, through its public door; each function is one job in a process of its own."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import DatasetDict, concatenate_datasets, load_from_disk
from measure import Job, Measured, answer
from scoring import WARM_UP_ROWS, f1, timed
from step_times import median_step, watch_steps

import textclf_core
from textclf_core.inference.store import load_classifier
from textclf_core.plugins import Catalogue

if TYPE_CHECKING:
    from textclf_core.records.schema import Record


def train(job: Job) -> Measured:
    """Run once.

    Args:
        job: ``model`` and ``plugins``, specs; ``data``, a folder; ``seed``. ``cache``, a folder, if the run isn't to
            have a cache of its own; ``times``, how often the training rows are repeated; ``keep``, which gets the run.
    """
    with tempfile.TemporaryDirectory() as room:
        run = textclf_core.run(
            [job["model"], *job["plugins"]],
            data=_data(job),
            seed=job["seed"],
            output=Path(room, "runs"),
            cache_dir=job.get("cache") or Path(room, "cache"),
            device="cpu",
            quiet=True,
        )
        if "keep" in job:
            shutil.move(run.directory, job["keep"])
    return _of_records([run.record])


def compare(job: Job) -> Measured:
    """Run a comparison; its F1 is the best contender's mean over the seeds.

    Args:
        job: ``model`` and ``data`` as for :func:`train`; ``tries``; ``seeds``, how many.
    """
    with tempfile.TemporaryDirectory() as room:
        result = textclf_core.compare(
            job["tries"],
            plugins=[job["model"]],
            data=_data(job),
            seeds=job["seeds"],
            baselines=False,
            output=Path(room, "runs"),
            cache_dir=Path(room, "cache"),
            device="cpu",
            quiet=True,
        )
    for error in result.failed.values():
        raise error
    return _of_records([run.record for run in result.runs])


def steps(job: Job) -> Measured:
    """Run once, as :func:`train`; the seconds are those of the median step, all between two steps included."""
    finished = watch_steps()
    train(job)
    return median_step(finished)


def evaluate(job: Job) -> Measured:
    """Score the test split, tokenized before.

    Args:
        job: ``trained``, the folder of a run; ``data``; ``engine``, if it isn't torch that computes.
    """
    classifier, task = _classifier(job)
    test = _data(job)["test"]
    rows = classifier.encoder.tokenize(test, task, classifier.tokenization)
    return _scored(classifier.logits, rows, test["label"])


def predict(job: Job) -> Measured:
    """Score the texts of the test split; the job is that of :func:`evaluate`."""
    classifier, _ = _classifier(job)
    test = _data(job)["test"]
    return _scored(classifier.scores, test.remove_columns("label"), test["label"])


def _scored(score: Callable[[Any], Any], rows: Any, labels: Sequence[int]) -> Measured:
    scores, seconds = timed(score, rows.select(range(min(WARM_UP_ROWS, len(rows)))), rows)
    return Measured(seconds, f1(labels[:], scores.argmax(-1), scores.shape[1]))


def _classifier(job: Job) -> Any:
    return load_classifier(Path(job["trained"]), Catalogue.discover(), engine=job.get("engine", "torch"))


def _data(job: Job) -> DatasetDict:
    data = load_from_disk(job["data"], keep_in_memory=True)
    data["train"] = concatenate_datasets([data["train"]] * job.get("times", 1))
    return data


def _of_records(records: Sequence[Record]) -> Measured:
    """Return the training stages of runs together: what the trainer spent on its steps and on the frozen prefix.

    What of training is in no named part is told beside: the weights' hashes, by which the cache knows them and which
    prove that nothing frozen changed, and the making of loop and optimizer.
    """
    parts: dict[str, float] = defaultdict(float)
    scores: dict[str, list[float]] = defaultdict(list)
    for record in records:
        scores[record.label].append(record.metrics["test"]["f1"] or 0.0)
        for stage, seconds in record.cost.seconds.items():
            parts[stage] += seconds
    return Measured(
        seconds=parts["train/steps"] + parts["train/prefix"],
        rest_seconds=parts["train"] - sum(parts[stage] for stage in parts if _is_training_part(stage)),
        f1=max(statistics.mean(of_seeds) for of_seeds in scores.values()),
        # Each run measures its peak anew, so that the process has forgotten those of earlier ones.
        peak_mib=max(record.cost.peak_memory_bytes for record in records) / 2**20,
        parts=dict(parts),
    )


def _is_training_part(stage: str) -> bool:
    """Tell the parts of training (``train/steps``) from it and from their own parts (``train/steps/batch``)."""
    return stage.startswith("train/") and stage.count("/") == 1


if __name__ == "__main__":
    answer({"train": train, "compare": compare, "steps": steps, "evaluate": evaluate, "predict": predict})
