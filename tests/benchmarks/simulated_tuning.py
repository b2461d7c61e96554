"""A tuned comparison of equal contenders, by the command that users run, with models that are drawn."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from datasets import Dataset, DatasetDict
from scipy import stats

import textclf_core

ACCURACY = 0.8
SCATTERS = (0.04, 0.005, 0.005, 0.005)
TRIALS = 8

_DRAWN = '''"""A trainer whose models are right with a probability that seed and option draw."""

from dataclasses import dataclass
from typing import Annotated

import numpy
from annotated_types import Ge

from textclf_core import hookimpl


class Model:
    def __init__(self, key, scatter):
        self.key, self.scatter = key, scatter

    def scores(self, data):
        accuracy = ACCURACY + self.scatter * numpy.random.default_rng(self.key).normal()
        rows, labels = numpy.array([text.split() for text in data["text"]], dtype=int).T
        # Which rows are hard is in part the same for all models.
        hard = numpy.random.default_rng(self.key[0]).normal(size=ROWS)[rows]
        own = numpy.random.default_rng([*self.key, ROWS]).normal(size=ROWS)[rows]
        right = 0.3**0.5 * hard + 0.7**0.5 * own < QUANTILE + (accuracy - ACCURACY) / DENSITY
        return numpy.eye(2, dtype=numpy.float32)[numpy.where(right, labels, 1 - labels)]

    def save(self, directory):
        (directory / "key.txt").write_text(" ".join(map(str, (*self.key, self.scatter))))


@dataclass(frozen=True)
class Drawn:
    """Draw a model.

    Attributes:
        world: the number of the simulation.
        contender: which contender it is.
        scatter: the deviation of a model's true accuracy about its contender's, over seeds.
        choice: an option that changes nothing but what is drawn.
    """

    world: int = 0
    contender: int = 0
    scatter: float = 0.0
    choice: Annotated[int, Ge(0)] = 0

    @hookimpl
    def textclf_train(self, seed):
        return Model((self.world, self.contender, self.choice, seed), self.scatter)

    @hookimpl
    def textclf_load_classifier(self, directory):
        *key, scatter = (directory / "key.txt").read_text().split()
        return Model(tuple(map(int, key)), float(scatter))
'''


def reported_errors(world: int, seeds: int, rows: int = 1066) -> tuple[float, ...]:
    """Return the reported score minus the true one of each contender of one comparison.

    Each contender tries the values of an option on validation, of which none is better than another, and is then
    reported with seeds of its own.
    """
    quantile = float(stats.norm.ppf(ACCURACY))
    source = f"ACCURACY, QUANTILE, DENSITY = {ACCURACY}, {quantile}, {float(stats.norm.pdf(quantile))}\n"
    source += f"ROWS = {8 + 2 * rows}\n"
    labels = np.arange(8 + 2 * rows) % 2
    parts = np.split(np.arange(len(labels)), [8, 8 + rows])
    data = DatasetDict(
        {
            name: Dataset.from_dict({"text": [f"{row} {labels[row]}" for row in own], "label": labels[own]})
            for name, own in zip(("train", "validation", "test"), parts, strict=True)
        }
    )
    with TemporaryDirectory() as place:
        folder = Path(place)
        # After the docstring: the file's constants.
        docstring, rest = _DRAWN.split("\n\n", 1)
        (folder / "drawn.py").write_text(f"{docstring}\n\n{source}{rest}", encoding="utf-8")
        result = textclf_core.compare(
            [f"drawn:world={world},contender={one},scatter={scatter}" for one, scatter in enumerate(SCATTERS)],
            data=data,
            seeds=seeds,
            tune=f"choice={','.join(map(str, range(TRIALS)))}",
            trials=TRIALS,
            prune=False,
            baselines=False,
            metric="accuracy",
            plugin_files=[folder / "drawn.py"],
            output=folder / "runs",
            cache_dir=folder / "cache",
            quiet=True,
        )
        if result.failed:
            raise RuntimeError(f"a cell failed: {result.failed}")
        errors: dict[str, list[float]] = {}
        for run in result.runs:
            errors.setdefault(run.record.label, []).append((run.metrics["test"]["accuracy"] or 0.0) - ACCURACY)
        return tuple(float(np.mean(of_one)) for of_one in errors.values())
