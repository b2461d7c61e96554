"""``embedding-logreg``: frozen embeddings, a head of its own, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import textclf_core
from textclf_core import Run, UsageError
from textclf_core.plugins import Catalogue, activate
from textclf_core.testing import tiny_data, tiny_encoder, tiny_tokenizer

WIDTH = 32
DATA = tiny_data(160)


@pytest.fixture
def run(tiny_checkpoint: Path, tmp_path: Path) -> Callable[..., Run]:
    def start(options: str = "", seed: int = 0) -> Run:
        return textclf_core.run(
            [f"embedding-logreg{options and ':'}{options}", f"hf-model:checkpoint={tiny_checkpoint}"],
            data=tiny_data(160),
            seed=seed,
            output=tmp_path / "runs",
            cache_dir=tmp_path / "cache",
            quiet=True,
        )

    return start


def test_only_the_head_trains_according_to_the_record(run: Callable[..., Run]) -> None:
    done = run("c=10")
    record = done.record
    assert record.label == "embedding-logreg:c=10.0"
    assert record.encoder is not None
    assert record.encoder.frozen == ("embeddings", "block 0", "block 1", "pooler")
    assert (record.encoder.updated, record.encoder.trainable) == (0, 0)
    assert record.cost.trainable_parameters == 2 * WIDTH + 2
    assert record.cost.train_examples == 160
    assert record.data.splits[0].truncated == 0
    assert done.metrics["test"]["accuracy"] > 0.8  # random word vectors are distinguished by their mean


def test_other_seeds_find_the_embeddings_in_the_cache(run: Callable[..., Run]) -> None:
    first, second = run("c=1"), run("c=100", seed=1)
    assert first.record.cost.prefix_rows_computed == 240
    assert second.record.cost.prefix_rows_computed == 0
    # One row is computed anew, to check the store.
    assert 0 < second.record.cost.prefix_flops < first.record.cost.prefix_flops / 100
    assert 0 < second.record.cost.train_flops < first.record.cost.train_flops


def test_it_takes_the_embeddings_of_a_model_that_was_adapted(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    encoder.model.save_pretrained(tmp_path / "model")
    tiny_tokenizer().save_pretrained(tmp_path / "model")  # with a mask

    def run(*specs: str) -> Run:
        return textclf_core.run(
            [f"hf-model:checkpoint={tmp_path / 'model'}", "embedding-logreg:c=1", *specs],
            data=DATA,
            output=tmp_path / "runs",
            cache_dir=tmp_path / "cache",
            quiet=True,
        )

    plain, adapted = run(), run("continued-pretraining:steps=4,learning_rate=1e-2")
    [adaptation] = adapted.record.adaptations
    assert adaptation.plugin == "continued-pretraining"
    before, after = (load_file(one.directory / "model" / "model.safetensors") for one in (plain, adapted))
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    assert adapted.record.cost.prefix_rows_computed == plain.record.cost.prefix_rows_computed > 0
    stored = adapted.predictions()
    texts = DATA["test"]["text"][:]
    scores = [max(row["scores"]) for row in stored.to_pylist() if row["split"] == "test"]
    assert [row["score"] for row in adapted.predict(texts)] == pytest.approx(scores, abs=1e-5)


def test_what_trains_in_the_model_is_refused_beside_it() -> None:
    with pytest.raises(
        UsageError, match="'lora' is a strategy, but the trainer 'embedding-logreg' decides itself what"
    ):
        activate(["lora", "embedding-logreg"], Catalogue.discover())


def test_c_is_chosen_on_validation_unless_given(run: Callable[..., Run]) -> None:
    chosen = run()
    [note] = [note for note in chosen.record.notes if "highest accuracy on validation" in note]
    c = note.partition("c=")[2].partition(" ")[0]
    given = run(f"c={c}")
    assert not [note for note in given.record.notes if "validation" in note]
    assert given.metrics == chosen.metrics


@pytest.mark.parametrize("options", ["c=10", "c=10,pooling=first-token,normalize=false,max_length=8"])
def test_what_is_saved_scores_as_before_without_pickle(run: Callable[..., Run], options: str) -> None:
    done = run(options)
    files = {path.name for path in (done.directory / "model").iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "head.safetensors", "embedding.json"} <= files
    assert load_file(done.directory / "model" / "head.safetensors")["weights"].shape == (2, WIDTH)
    stored = [row for row in done.predictions().to_pylist() if row["split"] == "test"]
    again = done.predict([row["text"] for row in stored])
    assert [row["prediction"] for row in again] == [row["prediction"] for row in stored]
    np.testing.assert_allclose([row["score"] for row in again], [max(row["scores"]) for row in stored], atol=2e-6)


def test_the_engine_onnx_is_refused_in_words(run: Callable[..., Run]) -> None:
    with pytest.raises(UsageError, match="needs a model with an encoder"):
        run("c=1").predict(["fine"], engine="onnx")


def test_its_vectors_are_those_that_sentence_transformers_gives_for_minilm() -> None:
    from sentence_transformers import SentenceTransformer

    from textclf_core.types.task import Task
    from textclf_core.types.tokenization import Tokenization
    from textclf_plugins.embeddings.classifier import Embedder
    from textclf_plugins.models.minilm import MiniLM, packaged_folder

    folder = packaged_folder()
    if folder is None:
        pytest.skip('needs the package of MiniLM: pip install "textclf-core[offline]"')
    task = Task(("negative", "positive"))
    rows = tiny_data(12)["train"]
    body = MiniLM().textclf_build_model(task=task).without_head()
    embedder = Embedder(body, "mean", normalize=True, tokenization=Tokenization())
    theirs = SentenceTransformer(str(folder), device="cpu").encode(rows["text"][:], normalize_embeddings=True)
    np.testing.assert_allclose(embedder.vectors(embedder.tokenize(rows, task)), theirs, atol=1e-6)
