"""``hf-model:pooling=...``: a head of our own on the pooled tokens, through training, saving, predicting, export."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import textclf_core
from textclf_core.errors import UsageError
from textclf_core.testing import tiny_encoder
from textclf_core.types.task import Task
from textclf_plugins.models.pooled import load_pooled, with_pooling

LABELS = Task(("negative", "positive"))
POOLINGS = ["mean", "first", "max", "attention"]


@pytest.fixture
def train(reviews: Path, tiny_checkpoint: Path, tmp_path: Path) -> Callable[..., textclf_core.Run]:
    def run(*plugins: str, model: str = "pooling=mean") -> textclf_core.Run:
        specs = [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint},{model}", *plugins]
        return textclf_core.run(specs, output=tmp_path / "runs", cache_dir=tmp_path / "cache", quiet=True)

    return run


def texts(reviews: Path, split: str = "test") -> list[str]:
    lines = (reviews / f"{split}.csv").read_text().splitlines()[1:]
    return [line.rpartition(",")[0].strip('"') for line in lines]


def expected(hidden: torch.Tensor, mask: torch.Tensor, pooling: str, score: torch.Tensor | None) -> torch.Tensor:
    """Pool each row by hand, without its padding."""
    rows = []
    for states, kept in zip(hidden, mask, strict=True):
        own = states[kept.bool()]
        if pooling == "attention":
            assert score is not None
            rows.append((own @ score).softmax(0) @ own)
        else:
            rows.append({"mean": own.mean(0), "first": own[0], "max": own.max(0).values}[pooling])
    return torch.stack(rows)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_vector_is_pooled_from_the_tokens_without_padding(pooling: Any) -> None:
    torch.manual_seed(0)
    encoder = with_pooling(tiny_encoder(), LABELS, pooling, "linear")
    model: Any = encoder.model
    rows = [
        {"input_ids": [2, 5, 6, 7, 8, 3], "attention_mask": [1] * 6},
        {"input_ids": [2, 9, 3], "attention_mask": [1] * 3},
    ]
    batch = encoder.collate(rows)
    with torch.no_grad():
        hidden = model.body(**batch).last_hidden_state
        score = model.pooling.score.weight[0] if pooling == "attention" else None
        vectors = expected(hidden, batch["attention_mask"], pooling, score)
        wanted = model.head(vectors)
        assert encoder.logits(batch) == pytest.approx(wanted, abs=1e-5)
        assert encoder.run_from(hidden, batch, encoder.num_blocks) == pytest.approx(wanted, abs=1e-5)
    assert encoder.reads_first_token == (pooling == "first")


@pytest.mark.parametrize(("pooling", "head"), [*((pooling, "linear") for pooling in POOLINGS), ("attention", "mlp")])
def test_what_was_trained_is_what_predicts(
    pooling: str, head: str, train: Callable[..., textclf_core.Run], reviews: Path
) -> None:
    run = train("full", "finetune:epochs=1,learning_rate=1e-3", model=f"pooling={pooling},head={head}")
    config = json.loads((run.directory / "model" / "config.json").read_text())
    assert (config["textclf_pooling"], config["textclf_head"]) == (pooling, head)
    found = [row["score"] for row in textclf_core.open_run(run.directory).predict(texts(reviews))]
    stored = [max(row["scores"]) for row in run.predictions().to_pylist() if row["split"] == "test"]
    assert found == pytest.approx(stored, abs=1e-5)


@pytest.mark.parametrize("strategy", ["head-only", "freeze-first-n:n=1", "bitfit", "gradual-unfreeze"])
def test_a_strategy_finds_the_parts(strategy: str, train: Callable[..., textclf_core.Run]) -> None:
    """And the cache of the frozen prefix gives the numbers that training without it gives."""
    cached = train(strategy, "finetune:epochs=2,learning_rate=1e-2")
    plain = train(strategy, "finetune:epochs=2,learning_rate=1e-2,prefix_cache=false")
    scores = [np.array(run.predictions()["scores"].to_pylist()) for run in (cached, plain)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)
    assert cached.record.encoder is not None
    assert cached.record.encoder.blocks == 2
    if strategy == "head-only":
        assert cached.record.encoder.frozen == ("embeddings", "block 0", "block 1")


@pytest.mark.parametrize("trainer", ["hf-trainer:epochs=1", "finetune:epochs=1"])
@pytest.mark.parametrize("strategy", ["lora", "continued-pretraining:epochs=1"])
def test_an_adapted_body_has_the_head_too(strategy: str, trainer: str, train: Callable[..., textclf_core.Run]) -> None:
    if strategy == "lora" and find_spec("peft") is None:
        pytest.skip("needs the extra lora")
    run = train(strategy, trainer, model="pooling=attention,head=mlp")
    assert set(run.metrics) == {"validation", "test"}


def test_heads_of_a_comparison_train_alone_or_together_alike(
    reviews: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    def compare(pooling: str) -> dict[tuple[str, int], float | None]:
        result = textclf_core.compare(
            ["head-only + finetune:learning_rate=1e-2,3e-2"],
            plugins=[
                f"files:path={reviews}",
                f"hf-model:checkpoint={tiny_checkpoint},pooling={pooling}",
                "finetune:epochs=1",
            ],
            seeds=2,
            baselines=False,
            output=tmp_path / pooling,
            cache_dir=tmp_path / "cache",
            quiet=True,
        )
        assert not result.failed
        return {(run.record.label, run.record.seed): run.metrics["validation"]["f1"] for run in result.runs}

    for pooling in ("mean", "first"):
        assert len(compare(pooling)) == 4


@pytest.mark.skipif(find_spec("onnxscript") is None, reason="needs the extra onnx")
def test_onnx_computes_the_same(train: Callable[..., textclf_core.Run], reviews: Path) -> None:
    run = train("full", "finetune:epochs=1", model="pooling=attention,head=mlp")
    scores = [[row["score"] for row in run.predict(texts(reviews), engine=engine)] for engine in ("torch", "onnx")]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)


def test_the_model_card_does_not_promise_a_plain_model(train: Callable[..., textclf_core.Run], tmp_path: Path) -> None:
    for model, promised in (("pooling=mean", False), ("head=new", True)):
        run = train("head-only", "finetune:epochs=1", model=model)
        run.export(tmp_path / model)
        assert ("import pipeline" in (tmp_path / model / "README.md").read_text()) is promised


def test_changed_weights_are_refused(train: Callable[..., textclf_core.Run]) -> None:
    from safetensors.torch import load_file, save_file

    path = train("head-only", "finetune:epochs=1").directory / "model" / "model.safetensors"
    weights = load_file(path)
    del weights["head.1.weight"]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(UsageError, match=r"missing: head\.1\.weight"):
        load_pooled(path.parent, LABELS)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("head=mlp", "head=mlp needs pooling=mean, first, max or attention"),
        ("pooling=mean,head=keep", "head=keep keeps the checkpoint's own head and its pooling"),
    ],
)
def test_options_that_contradict_are_refused(model: str, message: str, train: Callable[..., textclf_core.Run]) -> None:
    with pytest.raises(UsageError, match=message):
        train("full", model=model)


def test_words_are_not_pooled(tiny_checkpoint: Path, tmp_path: Path) -> None:
    words = [{"tokens": ["a", f"b{row}"], "label": ["O", "X"]} for row in range(30)]
    with pytest.raises(UsageError, match="here each word has a label"):
        textclf_core.run(
            [f"hf-model:checkpoint={tiny_checkpoint},pooling=max"], data=words, output=tmp_path, quiet=True
        )
