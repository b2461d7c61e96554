"""Heads that are trained jointly get what each gets alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import textclf_core
from textclf_core import ComparisonResult, Run
from textclf_core.testing import tiny_data, tiny_encoder

ROWS = 36  # two batches of 16 and one of 4
HEADS = ["head-only + finetune:learning_rate=1e-3,1e-2,epochs=2,warmup=0.2"]


def checkpoint_of(family: str, folder: Path) -> str:
    encoder = tiny_encoder(family, dropout=0.2)
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return f"hf-model:checkpoint={folder}"


def scores(run: Run) -> np.ndarray:
    return np.array(run.predictions()["scores"].to_pylist())


def history(run: Run) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run.directory / "history.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[str, ComparisonResult]]:
    """Trains the heads of a family's model, once, with a new cache; returns how the model is written, and the runs."""

    @cache
    def compare(family: str) -> tuple[str, ComparisonResult]:
        folder = tmp_path_factory.mktemp(family)
        model = checkpoint_of(family, folder / "model")
        comparison = textclf_core.compare(
            HEADS,
            plugins=[model],
            seeds=2,
            data=tiny_data(ROWS),
            baselines=False,
            output=folder / "runs",
            cache_dir=folder / "cache",
            quiet=True,
        )
        return model, comparison

    return compare


# Heads of one layer and of two, with and without a pooler, a norm, and what the whole batch shares. The slow ones are
# like one of the others.
@pytest.mark.parametrize(
    "family",
    [
        "bert",
        "deberta-v2",
        "modernbert",
        *(
            pytest.param(family, marks=pytest.mark.slow)
            for family in ("albert", "distilbert", "electra", "mpnet", "roberta")
        ),
    ],
)
def test_together_is_as_alone(
    family: str, together: Callable[[str], tuple[str, ComparisonResult]], tmp_path: Path
) -> None:
    model, comparison = together(family)
    assert [run.record.seed for run in comparison.runs] == [0, 1, 0, 1]
    for run in [comparison.runs[0], comparison.runs[3]] if family == "bert" else [comparison.runs[3]]:
        rate = run.record.plugin("trainer").options["learning_rate"]  # type: ignore[union-attr]
        alone = textclf_core.run(
            [model, "head-only", f"finetune:learning_rate={rate},epochs=2,warmup=0.2"],
            data=tiny_data(ROWS),
            seed=run.record.seed,
            output=tmp_path / "alone",
            quiet=True,
        )
        np.testing.assert_allclose(scores(run), scores(alone), atol=1e-6)
        for row, alone_row in zip(history(run), history(alone), strict=True):
            assert row == pytest.approx(alone_row, abs=1e-5)
        assert run.record.encoder == alone.record.encoder
        assert run.record.cost.train_non_padding_tokens == alone.record.cost.train_non_padding_tokens


def test_together_is_as_alone_in_micro_batches(tmp_path: Path) -> None:
    """Each micro-batch has a dropout of its own; 5 of 16 rows leave one over."""
    plugins = [checkpoint_of("bert", tmp_path / "model"), "head-only", "finetune:learning_rate=1e-2,micro_batch_size=5"]
    arguments = {"plugins": plugins[:1], "seeds": 2, "data": tiny_data(ROWS), "baselines": False, "quiet": True}
    comparison = textclf_core.compare([" + ".join(plugins[1:])], output=tmp_path / "runs", **arguments)
    alone = textclf_core.run(plugins, data=tiny_data(ROWS), seed=1, output=tmp_path / "alone", quiet=True)
    assert comparison.runs[1].record.seed == 1
    np.testing.assert_allclose(scores(comparison.runs[1]), scores(alone), atol=1e-6)


def test_the_encoder_runs_once_for_all(together: Callable[[str], tuple[str, ComparisonResult]]) -> None:
    _, comparison = together("bert")
    first, *others = (run.record.cost for run in comparison.runs)
    assert first.prefix_rows_computed == sum(split.rows for split in comparison.runs[0].record.data.splits)
    assert (first.cache_bytes > 0, [cost.cache_bytes for cost in others]) == (True, [0, 0, 0])
    assert [cost.prefix_rows_computed for cost in others] == [0, 0, 0]
    assert len({cost.seconds["train/prefix"] for cost in (first, *others)}) == 1, "its time is shared out evenly"
    assert len({cost.start_memory_bytes for cost in (first, *others)}) == 1, "the encoder is none's alone"


def test_a_rate_that_is_too_high_fails_alone(tiny_checkpoint: Path, tmp_path: Path) -> None:
    comparison = textclf_core.compare(
        ["head-only + finetune:learning_rate=1e-3,1e38,epochs=3"],
        plugins=[f"hf-model:checkpoint={tiny_checkpoint}"],
        seeds=1,
        data=tiny_data(24),
        baselines=False,
        output=tmp_path / "runs",
        quiet=True,
    )
    assert len(comparison.runs) == 1
    [failed] = comparison.failed.values()
    assert "learning_rate (now 1e+38)" in str(failed)


def test_recipes_that_dont_stack_are_trained_one_by_one(tiny_checkpoint: Path, tmp_path: Path) -> None:
    comparison = textclf_core.compare(
        ["head-only + finetune:epochs=1,2"],
        plugins=[f"hf-model:checkpoint={tiny_checkpoint}"],
        seeds=1,
        data=tiny_data(16),
        baselines=False,
        output=tmp_path / "runs",
        quiet=True,
    )
    assert [len([row for row in history(run) if "epoch" in row]) for run in comparison.runs] == [1, 2]


def test_cells_trained_jointly_share_no_weights_that_one_could_change(tmp_path: Path) -> None:
    """A plugin that changes one cell's model when it is trained leaves the others' scores as they were."""
    plain, spoilt = (
        textclf_core.compare(
            ["head-only + finetune:learning_rate=1e-2"],
            plugins=[checkpoint_of("bert", tmp_path / "model"), *more],
            plugin_files=[file],
            seeds=2,
            data=tiny_data(16),
            baselines=False,
            output=tmp_path / name,
            quiet=True,
        )
        for file in [spoiler(tmp_path)]
        for name, more in (("plain", []), ("spoilt", ["spoil-first"]))
    )
    assert not np.array_equal(scores(plain.runs[0]), scores(spoilt.runs[0]))
    np.testing.assert_array_equal(scores(plain.runs[1]), scores(spoilt.runs[1]))


def spoiler(folder: Path) -> Path:
    file = folder / "spoiler.py"
    file.write_text(
        """
from dataclasses import dataclass

import torch
from textclf_core import hookimpl

DONE = []

@dataclass(frozen=True)
class SpoilFirst:
    '''Turn the head of the first cell that is trained.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        pass

    @hookimpl
    def textclf_training_finished(self, encoder):
        if not DONE:
            DONE.append(True)
            with torch.no_grad():
                encoder.model.get_parameter("classifier.weight").neg_()
"""
    )
    return file
