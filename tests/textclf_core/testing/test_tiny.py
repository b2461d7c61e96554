"""The tiny models and data that authors of plugins test with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from textclf_core.testing import LABELS, tiny_data, tiny_encoder
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task

TASK = Task(LABELS)


def test_the_seed_decides_the_weights_and_the_callers_random_state_stays() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, again, other = (tiny_encoder(seed=seed).model.get_parameter("classifier.weight") for seed in (0, 0, 1))
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_model_has_the_labels_blocks_and_width_that_were_asked_for() -> None:
    encoder = tiny_encoder(blocks=3, hidden=16, labels=("a", "b", "c"))
    assert encoder.model.config.id2label == {0: "a", 1: "b", 2: "c"}
    assert encoder.model.config.label2id == {"a": 0, "b": 1, "c": 2}
    assert (encoder.num_blocks, encoder.model.get_parameter("classifier.weight").shape) == (3, (3, 16))


@pytest.mark.parametrize("family", ["bert", "distilbert", "albert", "deberta-v2", "modernbert"])
def test_no_dropout_means_none(family: str) -> None:
    encoder = tiny_encoder(family, dropout=0.0)
    batch = encoder.collate(list(encoder.tokenize(tiny_data(rows=4)["train"], TASK, Recipe())))
    encoder.model.train()
    assert torch.equal(encoder.logits(batch), encoder.logits(batch))


@pytest.mark.parametrize("family", ["bert", "distilbert", "mpnet", "modernbert"])
def test_the_tokenizer_gives_just_what_the_model_takes(family: str) -> None:
    encoder = tiny_encoder(family)
    with torch.no_grad():
        encoder.model(**encoder.tokenizer("the plot", return_tensors="pt"))
    has_token_types = family == "bert"
    assert ("token_type_ids" in encoder.tokenizer("the plot")) == has_token_types


def test_a_saved_encoder_loads_as_it_was(tmp_path: Path) -> None:
    encoder = tiny_encoder("distilbert")
    encoder.model.save_pretrained(tmp_path)
    encoder.tokenizer.save_pretrained(tmp_path)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    inputs = AutoTokenizer.from_pretrained(tmp_path)("the plot was unheard of", return_tensors="pt")
    with torch.no_grad():
        torch.testing.assert_close(model(**inputs).logits, encoder.logits(inputs))


def test_the_data_are_the_same_each_time_and_differ_with_the_seed() -> None:
    first, again, other = (tiny_data(rows=16, seed=seed)["train"][:] for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_no_sentence_occurs_twice() -> None:
    sentences = [text for split in tiny_data(rows=4000).values() for text in split["text"]]
    assert len(sentences) == len(set(sentences)) == 6000


def test_a_tiny_encoder_learns_the_labels() -> None:
    encoder, data = tiny_encoder(dropout=0.0), tiny_data(rows=64)
    train, test = (encoder.collate(list(encoder.tokenize(data[split], TASK, Recipe()))) for split in ("train", "test"))
    optimizer = torch.optim.AdamW(encoder.model.parameters(), lr=3e-3)
    for _ in range(20):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(encoder.logits(train), train["labels"]).backward()
        optimizer.step()
    assert (encoder.logits(test).argmax(1) == test["labels"]).float().mean() >= 0.9
