"""The experiment files of ``examples/book`` run, here on a random model of twelve blocks and made-up rows."""

from __future__ import annotations

from pathlib import Path

import pytest

import textclf_core
from textclf_core.testing import tiny_data, tiny_encoder

FOLDER = Path(__file__).parents[2] / "examples" / "book"
WORDS = "Ada B-person\nwrote O\n\nParis B-place\nis O\nold O\n\n"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random BERT of as many blocks as bert-base-cased."""
    folder = tmp_path_factory.mktemp("checkpoint")
    encoder = tiny_encoder(blocks=12)
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


def test_reviews(checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("setfit", reason="needs the extra setfit")
    file = tmp_path / "reviews.toml"
    written = (FOLDER / "reviews.toml").read_text(encoding="utf-8")
    every = "[12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]"
    assert every in written
    few = written.replace(every, "[12, 1]").replace("sentence-transformers/all-mpnet-base-v2", str(checkpoint))
    file.write_text(few, encoding="utf-8")
    reviews = tmp_path / "reviews"
    reviews.mkdir()
    for name, split in tiny_data(32).items():
        split.to_csv(reviews / f"{name}.csv", index=False)
    result = textclf_core.compare(
        [],
        experiment=file,
        plugins=[f"hf-model:checkpoint={checkpoint}", f"files:path={reviews}"],
        seeds=1,
        baselines=False,
        output=tmp_path / "runs",
        quiet=True,
    )
    assert not result.failed
    labels = [run.record.label for run in result.runs]
    assert len(labels) == 8
    assert [label for label in labels if "embeddings" in label] == [
        f"freeze-first-n:n={n},embeddings=false" for n in (12, 1)
    ]


def test_entities(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    for name in ("train", "dev", "test"):
        (folder / f"{name}.conll").write_text(8 * WORDS, encoding="utf-8")
    result = textclf_core.compare(
        [],
        experiment=FOLDER / "entities.toml",
        plugins=[f"hf-model:checkpoint={checkpoint}", f"conll:path={folder}"],
        seeds=1,
        baselines=False,
        output=tmp_path / "runs",
        quiet=True,
    )
    assert not result.failed
    assert [run.record.label for run in result.runs] == ["full", "freeze-first-n:n=10", "head-only"]
