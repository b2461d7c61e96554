"""The examples that replace a part of the training steps: each runs, and changes the result."""

from __future__ import annotations

from pathlib import Path

import pytest

import textclf_core
from textclf_core.plugins import Catalogue
from textclf_core.testing import plugin_checks, tiny_data

FOLDER = Path(__file__).parents[3] / "examples" / "training-steps"
FILES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_trains_and_changes_the_result(file: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    [plugin] = [entry.name for entry in Catalogue.discover([file]).entries if entry.distribution.startswith("file")]
    for check in plugin_checks(Catalogue.discover([file]).get(plugin).cls):
        check()
    mine, plain = (
        textclf_core.run(
            [f"hf-model:checkpoint={tiny_checkpoint}", strategy, "finetune:epochs=2,learning_rate=1e-3"],
            plugin_files=[file],
            data=tiny_data(32),
            output=tmp_path / strategy,
            cache_dir=tmp_path / "cache",
            quiet=True,
        )
        for strategy in (plugin, "full")
    )
    assert mine.record.phases == plain.record.phases
    assert mine.predictions()["scores"].to_pylist() != plain.predictions()["scores"].to_pylist()
    if file.stem not in ("short_first", "letter_swaps"):  # their rows have other lengths
        passes = {"r_drop": 3, "sharpness_aware": 2}.get(file.stem, 1)
        assert mine.record.cost.train_flops == passes * plain.record.cost.train_flops


def test_there_is_an_example_for_each_hook() -> None:
    written = "".join(file.read_text(encoding="utf-8") for file in FILES)
    from textclf_core.hookspecs import SEAM_HOOKS

    assert all(f"def {hook}(" in written for hook in SEAM_HOOKS)
