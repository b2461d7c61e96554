"""What ending hopeless trials early saves in a tuned comparison, and what it costs in validation score.

    python tests/benchmarks/pruning.py --data rotten-tomatoes --plugin minilm

compares four contenders on 1,000 rows, tuned with eight trials each, with pruning and without, on ten samples of rows,
and prints FLOPs as ratios and the scores of the chosen values on validation. One seed of each contender is trained and
its FLOPs are counted ``--seeds`` times, since a seed changes the order of the rows and not what they cost.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from datasets import DatasetDict

import textclf_core
from textclf_core.pipeline.loading import load_data
from textclf_core.plugins import Catalogue, activate

CONTENDERS = ("full", "freeze-first-n:n=1", "lora", "head-only")
TOLERANCE = 0.01


def tuned(data: DatasetDict, plugins: Sequence[str], seeds: int, *, prune: bool) -> tuple[float, float, float]:
    """Return the FLOPs of tuning, those of tuning and seeds, and the chosen values' mean accuracy on validation."""
    with TemporaryDirectory() as place:
        result = textclf_core.compare(
            CONTENDERS,
            plugins=plugins,
            data=data,
            seeds=1,
            tune="learning_rate=1e-5..1e-2",
            trials=8,
            prune=prune,
            baselines=False,
            metric="accuracy",
            output=Path(place) / "runs",
            cache_dir=Path(place) / "cache",
            quiet=True,
        )
        if result.failed:
            raise SystemExit(f"a cell failed: {result.failed}")
        tunings = {run.record.label: run.record.tuning for run in result.runs}
        of_tuning = sum(one.train_flops or 0.0 for one in tunings.values() if one)
        of_seeds = seeds * sum(run.record.cost.train_flops or 0.0 for run in result.runs)
        scores = [one.validation_score for one in tunings.values() if one]
        return of_tuning, of_tuning + of_seeds, float(np.mean(scores))


def main() -> None:
    """Print a line for each sample, and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="rotten-tomatoes")
    parser.add_argument("--plugin", action="append", default=[], help="the model, and what else contenders share")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--validation", type=int, default=533, help="so many rows of validation")
    parser.add_argument("--test", type=int, default=100, help="so many rows of test, whose scores aren't shown")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first repeat's number, to divide them over processes")
    options = parser.parse_args()
    whole = load_data(activate([options.data], Catalogue.discover()), 0).data
    evaluated = {
        split: whole[split].shuffle(seed=0).select(range(rows))
        for split, rows in (("validation", options.validation), ("test", options.test))
    }
    lines = []
    for repeat in range(options.first, options.first + options.repeats):
        data = DatasetDict(evaluated | {"train": whole["train"].shuffle(seed=repeat).select(range(options.rows))})
        pruned, unpruned = (tuned(data, options.plugin, options.seeds, prune=prune) for prune in (True, False))
        lines.append((pruned[0] / unpruned[0], pruned[1] / unpruned[1], pruned[2] - unpruned[2]))
        print(
            f"{repeat}: FLOPs of tuning {lines[-1][0]:.2f}, of all {lines[-1][1]:.2f}; "
            f"validation {pruned[2]:.4f} with pruning, {unpruned[2]:.4f} without",
            flush=True,
        )
    of_tuning, of_all, _ = np.mean(lines, axis=0)
    losses = np.array([line[2] for line in lines])
    error = losses.std(ddof=1) / np.sqrt(len(losses)) if len(losses) > 1 else float("nan")
    print(f"mean: FLOPs of tuning {of_tuning:.2f}, of all {of_all:.2f}; validation {losses.mean():+.4f} ± {error:.4f}")
    print(f"half of the tolerance is {TOLERANCE / 2}")


if __name__ == "__main__":
    main()
