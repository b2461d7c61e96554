"""Balanced sampling of the training rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import DatasetDict
from trained import largest_difference, same_bits, train

import textclf_core
from textclf_core.errors import UsageError
from textclf_core.plugins.options import build_plugin
from textclf_core.testing import tiny_data, tiny_encoder, tiny_topics
from textclf_plugins.training.finetune import Finetune
from textclf_plugins.training.hf_trainer import HfTrainer


def with_rare_label(rows: int = 80) -> DatasetDict:
    """Return data in which one row of ten or more has the second label."""
    data = tiny_data(rows)
    kept = [row for row, label in enumerate(data["train"]["label"]) if label == 0 or row % 20 == 1]
    data["train"] = data["train"].select(kept)
    return data


def test_it_helps_a_rare_label_to_be_found(tmp_path: Path) -> None:
    data = with_rare_label(160)

    def predicted_positive(**options: Any) -> float:
        trainer = Finetune(learning_rate=1e-3, epochs=2, batch_size=8, **options)
        run = train(trainer, tmp_path / str(len(options)), data=data)
        return float(run.classifier.scores(data["test"])[:, 1].mean())

    assert predicted_positive(sampling="balanced") > predicted_positive() + 0.05


def test_an_epoch_costs_as_many_rows_and_the_tokens_that_were_computed(tmp_path: Path) -> None:
    data = with_rare_label()
    data["train"] = data["train"].map(lambda row: {"text": " ".join([row["text"]] * (4 if row["label"] else 1))})
    shuffled = train(Finetune(batch_size=8), tmp_path / "shuffled", data=data).meter
    balanced = train(Finetune(batch_size=8, sampling="balanced"), tmp_path / "balanced", data=data).meter
    assert balanced.examples == shuffled.examples == len(data["train"])
    assert balanced.non_padding_tokens > 1.5 * shuffled.non_padding_tokens
    assert balanced.flops > 1.5 * shuffled.flops


@pytest.mark.parametrize("freeze", [{}, {"embeddings": True, "blocks": [0]}], ids=["full", "frozen-prefix"])
def test_a_resumed_run_ends_in_the_bits_of_the_unbroken_one(freeze: dict[str, Any], tmp_path: Path) -> None:
    runs = []
    for name, resume in [("unbroken", None), ("resumed", tmp_path / "unbroken" / "checkpoints" / "epoch-1")]:
        encoder = tiny_encoder(dropout=0.2)
        encoder.freeze(**freeze)
        options = Finetune(epochs=2, batch_size=8, sampling="balanced", resume=resume)
        runs.append(train(options, tmp_path / name, encoder=encoder, data=with_rare_label()))
    assert same_bits(runs[0].parameters, runs[1].parameters)
    again = Finetune(epochs=2, batch_size=8, resume=tmp_path / "unbroken" / "checkpoints" / "epoch-1")
    with pytest.raises(UsageError, match="sampling was balanced, now shuffled"):
        train(again, tmp_path / "again", encoder=encoder, data=with_rare_label())


def test_both_trainers_draw_the_same_rows(tmp_path: Path) -> None:
    ours, theirs = (
        train(
            trainer(epochs=2, batch_size=8, sampling="balanced"),
            tmp_path / trainer.__name__,
            encoder=tiny_encoder(dropout=0.0),
            data=with_rare_label(),
        )
        for trainer in (Finetune, HfTrainer)
    )
    assert largest_difference(ours.parameters, theirs.parameters) < 1e-5


def test_heads_that_are_trained_jointly_draw_them_too(tiny_checkpoint: Path, tmp_path: Path) -> None:
    model, data = f"hf-model:checkpoint={tiny_checkpoint}", with_rare_label()
    trainer = "finetune:learning_rate=1e-3,batch_size=8,sampling=balanced"
    together = textclf_core.compare(
        [f"head-only + {trainer}"],
        plugins=[model],
        seeds=2,
        data=data,
        baselines=False,
        output=tmp_path / "together",
        quiet=True,
    )
    alone = textclf_core.run([model, "head-only", trainer], data=data, output=tmp_path / "alone", quiet=True)
    one, other = (np.array(run.predictions()["scores"].to_pylist()) for run in (together.runs[0], alone))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_texts_with_several_labels_are_drawn_by_their_rarest(tiny_checkpoint: Path, tmp_path: Path) -> None:
    plugins = [f"hf-model:checkpoint={tiny_checkpoint}", "finetune:batch_size=8,sampling=balanced"]
    run = textclf_core.run(plugins, data=tiny_topics(48), output=tmp_path, quiet=True)
    assert run.record.cost.train_examples == 48


def test_it_is_refused_beside_class_weights() -> None:
    with pytest.raises(UsageError, match=r"^finetune: .*balance the labels twice; choose one"):
        build_plugin("finetune", Finetune, {"sampling": "balanced", "class_weights": "balanced"})
