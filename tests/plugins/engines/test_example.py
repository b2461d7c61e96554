"""The example of an exporter and engine: it is used by its commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core
from textclf_core.plugins import Catalogue
from textclf_core.testing import Check, plugin_checks, tiny_data

FILE = Path(__file__).parents[3] / "examples" / "exporting" / "half_weights.py"
PLUGIN = Catalogue.discover([FILE]).get("half-weights").cls
TEXTS = tiny_data(160)["test"]["text"][:]


@pytest.mark.slow
@pytest.mark.parametrize("check", plugin_checks(PLUGIN, dtype="bfloat16"))
def test_it_does_what_its_hooks_promise(check: Check) -> None:
    check()


def test_a_model_is_exported_and_predicts_from_half_the_bytes(
    textclf: Callable[..., int], tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugins = [f"hf-model:checkpoint={tiny_checkpoint}", "finetune:epochs=1,learning_rate=1e-3", "calibration"]
    run = textclf_core.run(plugins, data=tiny_data(32), output=tmp_path / "runs", quiet=True)
    given = ["--plugin-file", str(FILE)]
    folder = tmp_path / "handed-over"
    assert textclf("export", str(run.directory), str(folder), "--format", "half-weights:dtype=bfloat16", *given) == 0
    noted = capsys.readouterr().err
    assert "half-weights agrees with torch on 8 of 8 labels of validation; scores differ by at most" in noted
    export = folder / "exports" / "half-weights"
    assert sorted(path.name for path in export.iterdir()) == ["export.json", "weights.safetensors"]
    size, whole = (path.stat().st_size for path in (export / "weights.safetensors", folder / "model.safetensors"))
    assert size < 0.6 * whole
    card = " ".join((folder / "README.md").read_text(encoding="utf-8").split())
    assert "`exports/half-weights` has the model as the exporter `half-weights:dtype=bfloat16` writes it" in card
    assert "textclf predict FOLDER --engine half-weights:dtype=bfloat16" in card

    # The export that came along is used, also after the card was edited.
    (folder / "README.md").write_text("mine")
    made = (export / "export.json").read_bytes()
    by_half, by_torch = (
        textclf_core.Run(folder, run.record).predict(TEXTS, engine=engine, plugin_files=[FILE])
        for engine in ("half-weights:dtype=bfloat16", "torch")
    )
    assert (export / "export.json").read_bytes() == made
    assert [row["score"] for row in by_half] == pytest.approx([row["score"] for row in by_torch], abs=0.02)
    assert [row["score"] for row in by_half] != [row["score"] for row in by_torch]
    # With other options it is made anew.
    textclf_core.Run(folder, run.record).predict(TEXTS[:1], engine="half-weights", plugin_files=[FILE])
    assert json.loads(made)["key"] != json.loads((export / "export.json").read_text())["key"]
