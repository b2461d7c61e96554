"""Texts in, padded batches out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value

from textclf_core.encoder import Encoder
from textclf_core.errors import UsageError
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task

TASK = Task(("negative", "positive"))


@pytest.fixture(scope="module")
def bert() -> Encoder:
    return tiny_encoder("bert")


def texts(*rows: str) -> Dataset:
    return Dataset.from_dict({"text": list(rows)})


def decoded(encoder: Encoder, data: Dataset) -> list[str]:
    return [encoder.tokenizer.decode(row) for row in data["input_ids"]]


def test_a_text_becomes_token_ids_between_special_tokens(bert: Encoder) -> None:
    tokens = bert.tokenize(texts("The plot was Fine"), TASK, Recipe())
    assert decoded(bert, tokens) == ["[CLS] the plot was fine [SEP]"]
    assert tokens["attention_mask"][0] == [1] * 6


def test_the_label_is_kept_with_its_names_and_other_columns_go(bert: Encoder) -> None:
    data = Dataset.from_dict(
        {"text": ["dull", "lovely"], "label": [0, 1], "stars": [1, 5]},
        features=Features(
            {"text": Value("string"), "label": ClassLabel(names=["bad", "good"]), "stars": Value("int8")}
        ),
    )
    tokens = bert.tokenize(data, Task(("bad", "good")), Recipe())
    assert set(tokens.column_names) == {"input_ids", "token_type_ids", "attention_mask", "truncated", "label"}
    assert tokens["label"][:] == [0, 1]
    assert tokens.features["label"].names == ["bad", "good"]


def test_texts_without_labels_can_be_tokenized(bert: Encoder) -> None:
    assert "label" not in bert.tokenize(texts("dull"), TASK, Recipe()).column_names


def test_many_rows_keep_their_order(bert: Encoder) -> None:
    rows = [f"plot {number}" for number in range(2345)]
    tokens = bert.tokenize(texts(*rows), TASK, Recipe())
    assert len(tokens) == 2345
    spelled = [text.replace(" ##", "").removeprefix("[CLS] ").removesuffix(" [SEP]") for text in decoded(bert, tokens)]
    assert spelled == rows


def test_formatted_data_are_read_as_they_are(bert: Encoder) -> None:
    data = tiny_data(rows=4)["train"]
    as_arrow = bert.tokenize(data.with_format("arrow"), TASK, Recipe())
    assert as_arrow[:] == bert.tokenize(data, TASK, Recipe())[:]


def test_a_long_text_is_truncated_and_counted(bert: Encoder) -> None:
    tokens = bert.tokenize(texts("the plot was really very fine", "the plot", "dull"), TASK, Recipe(max_length=4))
    assert decoded(bert, tokens) == ["[CLS] the plot [SEP]", "[CLS] the plot [SEP]", "[CLS] dull [SEP]"]
    assert tokens["truncated"][:] == [True, False, False]


@pytest.mark.parametrize("family", ["bert", "roberta", "mpnet", "modernbert"])
def test_without_max_length_the_longest_input_is_one_that_the_model_takes(family: str) -> None:
    # 40 positions; RoBERTa and MPNet can't use the first two (padding has id 1).
    encoder = tiny_encoder(family, config={"max_position_embeddings": 40})
    tokens = encoder.tokenize(texts("plot " * 100), TASK, Recipe())
    expected = 38 if family in ("roberta", "mpnet") else 40
    assert len(tokens["input_ids"][0]) == expected
    assert torch.isfinite(encoder.logits(encoder.collate(list(tokens)))).all()


def test_the_tokenizers_own_limit_counts_where_it_is_smaller() -> None:
    encoder = tiny_encoder("bert", config={"max_position_embeddings": 500})
    assert len(encoder.tokenize(texts("plot " * 100), TASK, Recipe())["input_ids"][0]) == 64


def test_a_max_length_beyond_the_model_is_refused(bert: Encoder) -> None:
    with pytest.raises(UsageError, match="max_length=65 is more than this model's limit of 64 tokens"):
        bert.tokenize(texts("dull"), TASK, Recipe(max_length=65))


def test_two_text_columns_go_in_as_a_pair(bert: Encoder) -> None:
    data = Dataset.from_dict({"question": ["the plot"], "answer": ["dull again"]})
    tokens = bert.tokenize(data, Task(TASK.label_names, text_columns=("question", "answer")), Recipe())
    assert decoded(bert, tokens) == ["[CLS] the plot [SEP] dull again [SEP]"]
    assert tokens["token_type_ids"][0] == [0, 0, 0, 0, 1, 1, 1]


def test_of_a_pair_that_is_too_long_the_longer_text_is_truncated(bert: Encoder) -> None:
    data = Dataset.from_dict({"a": ["dull"], "b": ["the plot was really very fine"]})
    tokens = bert.tokenize(data, Task(TASK.label_names, text_columns=("a", "b")), Recipe(max_length=6))
    assert decoded(bert, tokens) == ["[CLS] dull [SEP] the plot [SEP]"]


def test_three_text_columns_are_joined_by_the_separator(bert: Encoder) -> None:
    data = Dataset.from_dict({"a": ["the plot"], "b": ["the cast"], "c": ["dull"]})
    tokens = bert.tokenize(data, Task(TASK.label_names, text_columns=("a", "b", "c")), Recipe())
    assert decoded(bert, tokens) == ["[CLS] the plot [SEP] the cast [SEP] dull [SEP]"]


def test_a_model_without_token_types_gets_none() -> None:
    encoder = tiny_encoder("distilbert")
    encoder.tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    assert "token_type_ids" not in encoder.tokenize(texts("dull"), TASK, Recipe()).column_names


def test_an_empty_data_set_gives_no_rows(bert: Encoder) -> None:
    data = Dataset.from_dict({"text": []}, features=Features({"text": Value("string")}))
    assert len(bert.tokenize(data, TASK, Recipe())) == 0


def test_tokenizing_writes_nothing_to_disk(bert: Encoder, tmp_path: Path) -> None:
    tiny_data(rows=8).save_to_disk(tmp_path / "data")
    before = sorted(tmp_path.rglob("*"))
    tokens = bert.tokenize(Dataset.load_from_disk(str(tmp_path / "data" / "train")), TASK, Recipe())
    assert tokens.cache_files == []
    assert sorted(tmp_path.rglob("*")) == before


def test_a_batch_is_padded_to_its_longest_row(bert: Encoder) -> None:
    tokens = bert.tokenize(texts("the plot was dull", "dull", "the cast"), TASK, Recipe())
    batch = bert.collate([tokens[1], tokens[2]])
    assert bert.tokenizer.batch_decode(batch["input_ids"]) == ["[CLS] dull [SEP] [PAD]", "[CLS] the cast [SEP]"]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert batch["token_type_ids"].tolist() == [[0, 0, 0, 0], [0, 0, 0, 0]]
    assert {value.dtype for value in batch.values()} == {torch.int64}


def test_a_batch_has_labels_if_its_rows_have(bert: Encoder) -> None:
    tokens = bert.tokenize(tiny_data(rows=4)["train"], TASK, Recipe())
    labels = bert.collate(list(tokens))["labels"]
    assert (labels.dtype, labels.tolist()) == (torch.int64, [0, 1, 0, 1])
    assert "labels" not in bert.collate(list(bert.tokenize(texts("dull"), TASK, Recipe())))


def test_padding_does_not_change_the_logits(bert: Encoder) -> None:
    tokens = bert.tokenize(texts("dull", "the plot was really very fine"), TASK, Recipe())
    with torch.no_grad():
        alone, beside = bert.logits(bert.collate([tokens[0]])), bert.logits(bert.collate(list(tokens)))
    torch.testing.assert_close(alone[0], beside[0], atol=1e-6, rtol=0)
