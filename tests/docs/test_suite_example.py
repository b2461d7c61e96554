"""The experiment file of ``examples/suite`` runs, here on a random model of six blocks and made-up rows."""

from __future__ import annotations

from pathlib import Path

import pytest

import textclf_core
from textclf_core.testing import tiny_data, tiny_encoder

FILE = Path(__file__).parents[2] / "examples" / "suite" / "suite.toml"

pytestmark = pytest.mark.slow


def test_the_suite_runs_on_both_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    encoder = tiny_encoder(blocks=6)
    encoder.model.save_pretrained("model")
    encoder.tokenizer.save_pretrained("model")
    Path("reviews").mkdir()
    for name, split in tiny_data(32).items():
        split.to_csv(f"reviews/{name}.csv", index=False)
    teams = ("billing", "orders")
    rows = [f"ticket {n},about {teams[n % 2]} number {n},{teams[n % 2]}" for n in range(100)]
    Path("tickets.csv").write_text("\n".join(["subject,body,team", *rows]), encoding="utf-8")
    result = textclf_core.compare(experiment=FILE, plugins=["hf-model:checkpoint=model"], seeds=1, quiet=True)
    assert not result.failed
    assert [len(analysis.rows) for analysis in result.report.analyses] == [5, 5]
    assert "Over 2 data sets: reviews, tickets.csv" in result.text()
