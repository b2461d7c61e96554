"""``hf-model:head=keep``: training goes on from a classifier, whose labels are those of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import write_checkpoint
from datasets import ClassLabel, DatasetDict
from families import save_family

import textclf_core
from textclf_core.errors import UsageError
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task
from textclf_plugins.models.hf_model import HfModel


def build(folder: Path, labels: tuple[str, ...], **task: Any) -> Any:
    plugin = HfModel(checkpoint=str(folder), head="keep")
    plugin.textclf_check_options("whole")
    return plugin.textclf_build_model(Task(label_names=labels, **task))


@pytest.mark.parametrize("family", ["bert", "xlnet", "t5", "roformer", "eurobert"])
def test_the_logits_are_the_checkpoints_own_in_the_order_of_the_data(tmp_path: Path, family: str) -> None:
    if family == "bert":
        encoder = tiny_encoder(labels=("bad", "fair", "good"))
        encoder.model.save_pretrained(tmp_path)
        encoder.tokenizer.save_pretrained(tmp_path)
    else:
        save_family(tmp_path, family, ("bad", "fair", "good"))
    logits = {}
    for labels in (("bad", "fair", "good"), ("Good", "bad", "fair")):
        encoder = build(tmp_path, labels)
        task = Task(label_names=labels)
        rows = list(encoder.tokenize(tiny_data()["test"], task, Recipe()))
        with torch.no_grad():
            logits[labels] = encoder.logits(encoder.collate(rows))
        assert encoder.model.config.id2label == dict(enumerate(labels))
        assert not encoder.fresh_head
    first, second = logits.values()
    assert torch.allclose(first[:, [2, 0, 1]], second, atol=1e-6)
    assert first.std(1).min() > 0


def reversed_labels(data: DatasetDict) -> DatasetDict:
    """Return the same rows, with the labels numbered the other way."""
    names = data["train"].features["label"].names[::-1]
    flipped = data.map(lambda row: {"label": 1 - row["label"]})
    return flipped.cast_column("label", ClassLabel(names=names))


def test_training_goes_on_from_the_predictions_of_a_run(tmp_path: Path) -> None:
    first = textclf_core.run(
        [f"hf-model:checkpoint={write_checkpoint(tmp_path / 'tiny')}", "finetune:learning_rate=1e-3,epochs=1"],
        data=tiny_data(),
        output=tmp_path / "runs",
        quiet=True,
    )
    # Adam's first steps are about as large as the learning rate.
    again = textclf_core.run(
        [f"hf-model:checkpoint={first.directory},head=keep", "finetune:learning_rate=1e-7,epochs=1"],
        data=reversed_labels(tiny_data()),
        output=tmp_path / "more",
        quiet=True,
    )
    before, after = (torch.tensor(run.predictions()["scores"].to_pylist()) for run in (first, again))
    assert torch.allclose(before.flip(1), after, atol=1e-3)
    assert before.std(0).min() > 1e-2
    assert first.metrics["test"]["accuracy"] == again.metrics["test"]["accuracy"]


def test_a_kept_head_may_be_frozen(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    encoder.model.save_pretrained(tmp_path / "tiny")
    encoder.tokenizer.save_pretrained(tmp_path / "tiny")
    run = textclf_core.run(
        [f"hf-model:checkpoint={tmp_path / 'tiny'},head=keep", "freeze-pattern:pattern=^classifier"],
        data=tiny_data(16),
        output=tmp_path / "runs",
        quiet=True,
    )
    assert run.record.encoder is not None
    assert run.record.encoder.frozen == ("head",)


@pytest.mark.parametrize(
    ("labels", "has"),
    [(("negative", "neutral", "positive"), "negative, positive"), (("no", "yes"), "negative, positive")],
)
def test_other_labels_are_refused_with_both_lists(tmp_path: Path, labels: tuple[str, ...], has: str) -> None:
    save_family(tmp_path, "ernie")
    with pytest.raises(UsageError, match=f"it has {has}; the data have {', '.join(labels)}") as error:
        build(tmp_path, labels)
    assert len(str(error.value).splitlines()) == 1


def test_a_head_for_several_labels_is_not_kept_for_one(tmp_path: Path) -> None:
    save_family(tmp_path, "ernie", problem_type="multi_label_classification")
    with pytest.raises(UsageError, match="was trained for multi_label_classification, but the data are for single"):
        build(tmp_path, ("negative", "positive"))
    assert build(tmp_path, ("positive", "negative"), kind="multi-label")


def test_a_body_without_a_head_is_refused(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    encoder.model.base_model.save_pretrained(tmp_path)
    encoder.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UsageError, match=r"isn't trained to classify: it lacks the weights classifier\.bias"):
        build(tmp_path, ("negative", "positive"))


def test_the_head_of_an_adapter_is_refused_with_what_to_do(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    base = save_family(tmp_path / "base", "ernie")
    model = AutoModelForSequenceClassification.from_pretrained(base)
    config = LoraConfig(target_modules=["query"], task_type="SEQ_CLS")
    get_peft_model(model, config).save_pretrained(tmp_path / "adapter")
    with pytest.raises(UsageError, match=f"is an adapter to the model {base}.* Merge it first"):
        build(tmp_path / "adapter", ("negative", "positive"))


@pytest.mark.parametrize("trainer", ["embedding-logreg", "zero-shot-embeddings"])
def test_a_trainer_with_its_own_head_keeps_none(tmp_path: Path, trainer: str) -> None:
    model = f"hf-model:checkpoint={write_checkpoint(tmp_path / 'tiny')},head=keep"
    with pytest.raises(UsageError, match=r"^hf-model: head=keep would have no effect, since the trainer brings"):
        textclf_core.run([model, trainer], data=tiny_data(16), output=tmp_path / "runs", quiet=True)
