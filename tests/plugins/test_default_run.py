"""The literal ``textclf run --plugin freeze-first-n``, with the hub's caches filled by the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_caches import COMMIT, fill_datasets_cache, fill_models_cache
from safetensors.torch import load_file

from textclf_core.testing import tiny_encoder
from textclf_plugins.datasets.rotten_tomatoes import RottenTomatoes


@pytest.mark.slow
def test_the_default_run_freezes_ten_blocks_and_the_embeddings(shared_data: Path, tmp_path: Path) -> None:
    """bert-base-cased is a random BERT of 12 narrow blocks; Rotten Tomatoes is the real one."""
    home = tmp_path / "hf"
    rows = RottenTomatoes(path=shared_data / "rt-polaritydata").textclf_load_data()
    fill_datasets_cache(home, "cornell-movie-review-data/rotten_tomatoes", rows)
    encoder = tiny_encoder(blocks=12)
    fill_models_cache(home, "bert-base-cased", encoder.model, encoder.tokenizer)

    done = subprocess.run(
        [sys.executable, "-m", "textclf_core", "run", "--plugin", "freeze-first-n"],
        env=os.environ | {"HF_HOME": str(home), "HF_ENDPOINT": "http://127.0.0.1:9"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    assert "embeddings, blocks 0-9 (verified unchanged)" in done.stdout
    assert "held out" not in done.stdout
    [run] = (tmp_path / "runs").iterdir()
    record = json.loads((run / "record.json").read_text())
    assert [split["rows"] for split in record["data"]["splits"]] == [8530, 1066, 1066]
    assert record["encoder"]["checkpoint"] == "bert-base-cased"
    assert record["encoder"]["revision"] == COMMIT
    assert record["encoder"]["frozen_prefix"] == 11
    before = load_file(home / "hub" / "models--bert-base-cased" / "snapshots" / COMMIT / "model.safetensors")
    after = load_file(run / "model" / "model.safetensors")
    head = {name for name in before if name.startswith("classifier.")}
    frozen = {
        name for name in before if "embeddings" in name or any(f"encoder.layer.{block}." in name for block in range(10))
    }
    still = {name for name in before if name not in head and before[name].equal(after[name])}
    assert still == frozen
    assert record["encoder"]["updated"] == record["encoder"]["trainable"] == len(before) - len(frozen)
