"""``task-specific``: a trained checkpoint as it is, its labels matched with the data's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

import textclf_core
from textclf_core import Run, UsageError
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_plugins.untrained.label_names import match_labels


def checkpoint(folder: Path, labels: Sequence[str], family: str = "bert") -> Path:
    encoder = tiny_encoder(family, labels=labels)
    with torch.no_grad():  # of small random weights, every score is nearly a half
        for name, parameter in encoder.model.named_parameters():
            if encoder.part_of(name) == "head":
                parameter.mul_(20)
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


def run(folder: Path, tmp_path: Path, options: str = "") -> Run:
    return textclf_core.run(
        [f"task-specific:checkpoint={folder}{options}"], data=tiny_data(64), output=tmp_path / "runs", quiet=True
    )


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert"])
def test_it_scores_as_the_checkpoint_does_in_the_order_of_the_datas_labels(family: str, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", ["Positive", "NEGATIVE"], family)  # the data have negative first
    done = run(folder, tmp_path)
    rows = done.predictions().to_pylist()
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    inputs = AutoTokenizer.from_pretrained(folder)([row["text"] for row in rows], padding=True, return_tensors="pt")
    with torch.no_grad():
        theirs = torch.softmax(model(**inputs).logits, -1).numpy()[:, ::-1]
    np.testing.assert_allclose([row["scores"] for row in rows], theirs, atol=1e-5)
    assert np.abs(theirs - 0.5).max() > 0.05  # else either order would do


def test_what_is_saved_has_the_datas_labels_wherever_it_is_loaded(tmp_path: Path) -> None:
    done = run(
        checkpoint(tmp_path / "model", ["LABEL_0", "LABEL_1"]), tmp_path, ",labels=LABEL_0=positive,LABEL_1=negative"
    )
    rows = done.predictions().to_pylist()
    texts = [row["text"] for row in rows]
    expected = [row["prediction"] for row in rows]
    assert [row["prediction"] for row in done.predict(texts)] == expected
    labels = pipeline("text-classification", model=str(done.directory / "model"))(texts)
    assert [row["label"] for row in labels] == expected


@pytest.mark.slow
def test_it_is_exported_with_the_datas_labels(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", ["LABEL_0", "LABEL_1"])
    done = run(folder, tmp_path, ",labels=LABEL_0=positive,LABEL_1=negative")
    rows = done.predictions().to_pylist()[:4]
    again = done.predict([row["text"] for row in rows], engine="onnx")
    assert [row["prediction"] for row in again] == [row["prediction"] for row in rows]


def test_no_model_is_built_for_it_nothing_trains_and_what_prediction_takes_is_counted(tmp_path: Path) -> None:
    record = run(checkpoint(tmp_path / "model", ["negative", "positive"]), tmp_path).record
    assert record.plugin("model") is None
    assert record.encoder is None
    cost = record.cost
    assert (cost.trainable_parameters, cost.train_flops, cost.train_examples) == (0, 0, 0)
    assert cost.total_parameters == tiny_encoder().num_parameters()
    assert cost.predict_flops > 0


def test_truncated_texts_are_counted(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", ["negative", "positive"])
    length = len(tiny_encoder().tokenizer(tiny_data(64)["test"][0]["text"])["input_ids"]) - 1
    record = run(folder, tmp_path, f",max_length={length},truncation=tail").record
    assert record.tokenization is not None
    assert (record.tokenization.max_length, record.tokenization.truncation) == (length, "tail")
    texts = tiny_data(64)["test"]["text"]
    longer = [len(ids) > length for ids in tiny_encoder().tokenizer(list(texts))["input_ids"]]
    assert {split.name: split.truncated for split in record.data.splits}["test"] == sum(longer) > 0


def test_names_are_matched_whatever_their_case_and_options_go_first() -> None:
    assert match_labels(["POS", "Neg"], ["neg", "pos"], [], "m") == (1, 0)
    assert match_labels(["a", "A"], ["A", "a"], [], "m") == (1, 0)
    assert match_labels(["LABEL_0", "neg", "x=y"], ["neg", "b=c", "pos"], ["LABEL_0=pos", "x=y=b=c"], "m") == (1, 2, 0)


@pytest.mark.parametrize(
    ("of_model", "of_data", "given", "message"),
    [
        (["NEGATIVE", "POSITIVE"], ["neg", "pos"], [], "m has NEGATIVE, POSITIVE; the data have neg, pos. Give the"),
        (["LABEL_0", "LABEL_1"], ["LABEL_0", "LABEL_1"], [], "labels=LABEL_0=LABEL_0,LABEL_1=LABEL_1"),
        (["neg", "neutral", "pos"], ["neg", "pos"], [], "the model has 3 labels and the data 2"),
        (["Pos", "POS"], ["pos", "neg"], [], "the labels can't be matched by their names"),
        (["a", "b"], ["neg", "pos"], ["a=pos", "b=pos"], "gives a label twice"),
        (["a", "b"], ["neg", "pos"], ["c=pos"], "the model has no label 'c'"),
        (["a", "b"], ["neg", "pos"], ["a=post"], "the data have no label 'post'. Did you mean 'pos'"),
        (["a", "b"], ["neg", "pos"], ["a"], "expected a label of the model, =, and one of the data"),
    ],
)
def test_labels_that_cant_be_matched_are_refused_naming_both_sides(
    of_model: list[str], of_data: list[str], given: list[str], message: str
) -> None:
    with pytest.raises(UsageError) as error:
        match_labels(of_model, of_data, given, "m")
    assert message in str(error.value)


def test_a_checkpoint_without_a_trained_head_is_refused(tmp_path: Path) -> None:
    encoder = tiny_encoder()
    encoder.without_head().model.save_pretrained(tmp_path / "body")
    encoder.tokenizer.save_pretrained(tmp_path / "body")
    with pytest.raises(UsageError, match=r"isn't trained to classify: it lacks the weights classifier\.bias"):
        run(tmp_path / "body", tmp_path)


def test_a_model_beside_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'minilm' is a model, but the trainer 'task-specific' trains without"):
        textclf_core.run(["task-specific:checkpoint=x", "minilm"], data=tiny_data(8), output=tmp_path)
