"""The benchmark of continued pretraining runs, on a tiny model and tiny data."""

from __future__ import annotations

from pathlib import Path

import pretraining
import pytest

pytestmark = pytest.mark.slow


def test_it_prints_perplexity_and_the_comparison(
    tiny_checkpoint: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pretraining.main(
        [
            *("--data", f"files:path={reviews}", "--model", f"hf-model:checkpoint={tiny_checkpoint}"),
            *("--steps", "3", "--learning-rates", "1e-3,1e-2", "--finetune", "finetune", "--seeds", "1"),
            *("--output", str(tmp_path / "out")),
        ]
    )
    printed = capsys.readouterr().out
    first, *_ = printed.split("\n\n")
    assert [line.split()[:2] for line in first.splitlines()[2:]] == [
        ["all", "1e-3"],
        ["all", "1e-2"],
        ["head", "1e-3"],
        ["head", "1e-2"],
    ]
    assert "continued-pretraining:steps=3,learning_rate=1e-" in printed
    assert "full" in printed
