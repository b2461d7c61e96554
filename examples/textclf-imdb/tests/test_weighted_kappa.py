from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from textclf_imdb.weighted_kappa import WeightedKappa

import textclf_core
from textclf_core import Task, UsageError
from textclf_core.testing import Check, plugin_checks

STARS = ("one", "two", "three")


def rated(rows: int) -> Dataset:
    """Return texts whose first word tells the number of stars in nine of ten rows."""
    stars = [row % 3 for row in range(rows)]
    texts = [f"{('bad', 'fair', 'good')[(star + (row % 10 == 0)) % 3]} {row}" for row, star in enumerate(stars)]
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(STARS))})
    return Dataset.from_dict({"text": texts, "label": stars}, features=features)


@pytest.mark.parametrize("check", plugin_checks(WeightedKappa, weights="linear"))
def test_it_does_what_its_hooks_promise(check: Check) -> None:
    check()


def test_a_near_miss_is_less_wrong_than_a_far_one() -> None:
    truth = np.array([0, 0, 1, 1, 2, 2])
    near, far = (
        WeightedKappa().textclf_compute_metrics(truth, np.array([miss, 0, 1, 1, 2, 2]), Task(STARS))["weighted_kappa"]
        for miss in (1, 2)
    )
    assert far < near < 1


def test_it_decides_a_comparison(tmp_path: Path) -> None:
    """It needs a tolerance, since it doesn't range from 0 to 1."""
    data = DatasetDict({"train": rated(120), "validation": rated(60), "test": rated(90)})
    tries, plugins = ["tfidf-logreg", "majority"], ["weighted-kappa"]
    with pytest.raises(UsageError, match="--tolerance"):
        textclf_core.compare(tries, plugins=plugins, data=data, output=tmp_path, metric="weighted_kappa", quiet=True)
    result = textclf_core.compare(
        tries, plugins=plugins, data=data, output=tmp_path, metric="weighted_kappa", tolerance=0.05, quiet=True
    )
    assert result.report.recommended == "tfidf-logreg"
    best, other = result.report.analysis.rows
    assert (best.verdict, other.verdict, other.score) == ("best", "worse", 0)
