"""A saved model that isn't whole, or whose scores aren't numbers, predicts nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from checkpoints import write_checkpoint
from safetensors.torch import load_file, save_file

import textclf_core
from textclf_core.testing import tiny_words


@pytest.fixture(scope="module")
def saved(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkpoint = write_checkpoint(tmp_path_factory.mktemp("checkpoint"), num_hidden_layers=1)
    plugins = [f"files:path={reviews}", f"hf-model:checkpoint={checkpoint}", "head-only"]
    return textclf_core.run(plugins, output=tmp_path_factory.mktemp("runs"), quiet=True).directory


@pytest.fixture(scope="module")
def saved_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    checkpoint = write_checkpoint(tmp_path_factory.mktemp("checkpoint"), num_hidden_layers=1)
    output = tmp_path_factory.mktemp("runs")
    return textclf_core.run(
        [f"hf-model:checkpoint={checkpoint}", "head-only"], data=tiny_words(24), output=output, quiet=True
    ).directory


def cut_short(model: Path) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])


def without(name: str) -> Callable[[Path], None]:
    return lambda model: (model / name).unlink()


def with_content(name: str, content: str) -> Callable[[Path], object]:
    return lambda model: (model / name).write_text(content)


def with_nan(model: Path) -> None:
    weights = load_file(model / "model.safetensors")
    weights["classifier.weight"][:] = torch.nan
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_short, r"model\.safetensors is cut short or damaged"),
        (with_content("model.safetensors", ""), r"model\.safetensors is cut short or damaged"),
        (with_content("model.safetensors", "version https://git-lfs.github.com/spec/v1\n"), "a pointer of Git LFS"),
        (with_content("classifier.json", "{"), r"classifier\.json isn't JSON"),
        (without("tokenizer.json"), "the tokenizer can't be loaded: "),
        (without("config.json"), r"config\.json is missing\. Copy the model again"),
        (without("tokenization.json"), r"tokenization\.json is missing\. Copy the model again"),
    ],
)
def test_a_model_that_is_not_whole_is_refused(
    damage: Callable[[Path], object], message: str, saved: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(saved, folder)
    damage(folder / "model")
    with pytest.raises(textclf_core.UsageError, match=message):
        textclf_core.open_run(folder).predict(["dull"])


def test_a_model_that_is_not_whole_is_not_exported(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "run")
    cut_short(tmp_path / "run" / "model")
    with pytest.raises(textclf_core.UsageError, match="is cut short or damaged"):
        textclf_core.open_run(tmp_path / "run").export(tmp_path / "exported")
    assert not (tmp_path / "exported").exists()


@pytest.mark.parametrize("of", ["saved", "saved_words"])
def test_scores_that_are_not_numbers_are_no_predictions(
    of: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shutil.copytree(request.getfixturevalue(of), tmp_path / "run")
    with_nan(tmp_path / "run" / "model")
    with pytest.raises(textclf_core.TextclfError, match="row 1: the model's scores are no numbers"):
        textclf_core.open_run(tmp_path / "run").predict(["dull"])


def test_texts_longer_than_the_model_reads_are_counted(
    saved: Path, saved_words: Path, caplog: pytest.LogCaptureFixture
) -> None:
    long = "the plot is dull " * 200
    for run in map(textclf_core.open_run, (saved, saved_words)):
        caplog.clear()
        assert len(run.predict(["dull", long, "a bright plot"])) == 3
        assert "1 of 3 texts are longer, and it neither reads nor labels the rest of them (truncation=head)" in (
            caplog.text
        )
        caplog.clear()
        run.predict(["dull", "a bright plot"])
        assert "longer" not in caplog.text


def test_words_that_are_given_as_texts_are_reported(saved_words: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = textclf_core.open_run(saved_words)
    assert len(run.predict(["Ann", "went", "home"])) == 3
    assert "3 items of one word each are read as 3 texts; for the words of one text" in caplog.text
    caplog.clear()
    assert len(run.predict([["Ann", "went", "home"]])) == 1
    assert not caplog.text
