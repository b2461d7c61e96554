from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from textclf_imdb.mean_and_max import MeanAndMax

import textclf_core
from textclf_core.testing import plugin_checks, tiny_data, tiny_encoder

NAMES = [check.name for check in plugin_checks(MeanAndMax, checkpoint="")]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    encoder = tiny_encoder()
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_it_does_what_its_hooks_promise(name: str, checkpoint: Path) -> None:
    [check] = [one for one in plugin_checks(MeanAndMax, checkpoint=str(checkpoint)) if one.name == name]
    check()


def test_it_is_trained_saved_loaded_and_exported(checkpoint: Path, tmp_path: Path) -> None:
    """With the cache of the frozen prefix, and without it."""
    data = tiny_data(32)
    cached, plain = (
        textclf_core.run(
            [f"mean-and-max:checkpoint={checkpoint}", "freeze-first-n:n=1", f"finetune:epochs=2,prefix_cache={on}"],
            data=data,
            output=tmp_path / on,
            cache_dir=tmp_path / "cache",
            quiet=True,
        )
        for on in ("true", "false")
    )
    scores = [np.array(run.predictions()["scores"].to_pylist()) for run in (cached, plain)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)
    wanted = [max(row["scores"]) for row in cached.predictions().to_pylist() if row["split"] == "test"]
    for engine in ("torch", "onnx") if find_spec("onnxscript") else ("torch",):
        found = textclf_core.open_run(cached.directory).predict(data["test"]["text"][:], engine=engine)
        assert [row["score"] for row in found] == pytest.approx(wanted, abs=1e-4)
