"""The frozen prefix of phases, in the cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import textclf_core
from textclf_core import Run
from textclf_core.testing import tiny_data, tiny_encoder


def run_of(strategy: str, checkpoint: Path, folder: Path, **options: object) -> Run:
    written = ",".join(f"{name}={value}" for name, value in options.items())
    return textclf_core.run(
        [f"hf-model:checkpoint={checkpoint}", *strategy.split(" + "), f"finetune:{written}"],
        data=tiny_data(32),
        output=folder / "runs",
        cache_dir=folder / "cache",
        quiet=True,
    )


@pytest.fixture(scope="module")
def four_blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("four-blocks")
    encoder = tiny_encoder(blocks=4)
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def nothing_frozen(four_blocks: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of("full", four_blocks, tmp_path_factory.mktemp("full"), epochs=3, learning_rate=1e-3)


# At percentile 100 the block whose gradients change the most goes on, and all before it are frozen.
@pytest.mark.parametrize("strategy", ["freeze-auto:percentile=100", "gradual-unfreeze"])
def test_what_is_frozen_is_read_from_the_cache_and_saves_operations(
    strategy: str, four_blocks: Path, nothing_frozen: Run, tmp_path: Path
) -> None:
    cached = run_of(strategy, four_blocks, tmp_path, epochs=3, learning_rate=1e-3)
    plain = run_of(strategy, four_blocks, tmp_path, epochs=3, learning_rate=1e-3, prefix_cache="false")
    prefixes = [phase.frozen_prefix for phase in cached.record.phases]
    assert max(prefixes) > 1
    assert cached.record.cost.prefix_rows_computed > 0
    assert plain.record.cost.prefix_rows_computed == 0
    flops = [run.record.cost.train_flops or 0 for run in (cached, plain, nothing_frozen)]
    assert flops == sorted(set(flops))
    scores = [np.array(run.predictions()["scores"].to_pylist()) for run in (cached, plain)]
    np.testing.assert_allclose(*scores, atol=1e-4)


def test_a_deeper_prefix_goes_on_from_the_shallower_one_and_what_no_other_run_has_goes(tmp_path: Path) -> None:
    encoder = tiny_encoder(blocks=4)
    freezing = tmp_path / "deeper.py"
    freezing.write_text(
        "from dataclasses import dataclass\n"
        "from textclf_core import Change, hookimpl\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Deeper:\n"
        "    '''Freeze one block more after each epoch.'''\n"
        "    @hookimpl\n"
        "    def textclf_epoch_finished(self, encoder, epochs):\n"
        "        names = encoder.trainable_names()\n"
        "        return Change(freeze=tuple(n for n in names if encoder.depth_of(n) <= len(epochs)))\n"
    )
    encoder.model.save_pretrained(tmp_path / "model")
    encoder.tokenizer.save_pretrained(tmp_path / "model")
    run = textclf_core.run(
        [f"hf-model:checkpoint={tmp_path / 'model'}", "deeper", "finetune:epochs=4,learning_rate=1e-3"],
        data=tiny_data(32),
        output=tmp_path,
        cache_dir=tmp_path / "cache",
        plugin_files=[freezing],
        quiet=True,
    )
    assert [phase.frozen_prefix for phase in run.record.phases] == [0, 2, 3, 4]
    stores = [path for path in (tmp_path / "cache" / "prefix").iterdir() if path.is_dir()]
    assert len(stores) == 1, "each went when the next was written"
    # 32 rows of train and 8 of validation at three boundaries, and 8 of test at the last.
    assert run.record.cost.prefix_rows_computed == 3 * 40 + 8


def test_cells_with_a_plan_are_not_trained_jointly(tiny_checkpoint: Path, tmp_path: Path) -> None:
    comparison = textclf_core.compare(
        ["head-only + early-stopping:patience=1 + finetune:epochs=2,learning_rate=1e-3", "head-only"],
        plugins=[f"hf-model:checkpoint={tiny_checkpoint}"],
        seeds=2,
        data=tiny_data(16),
        baselines=False,
        output=tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        quiet=True,
    )
    assert [len(run.record.phases) for run in comparison.runs] == [1, 1, 0, 0]
    # The rows are computed once for all four.
    computed = [run.record.cost.prefix_rows_computed for run in comparison.runs]
    assert sorted(computed) == [0, 0, 0, 24]
