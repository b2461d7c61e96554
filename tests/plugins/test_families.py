"""Families whose blocks may be unknown: trained as a whole or by the head, with costs that are right or unknown."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from families import SETTINGS, save_family
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

import textclf_core
from textclf_core.encoder import Encoder
from textclf_core.errors import RunError, TextclfError, UsageError
from textclf_core.testing import tiny_data
from textclf_core.training.flops import count_embedding_flops, count_flops
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task
from textclf_plugins.models.hf_model import HfModel

TASK = Task(label_names=("negative", "positive"))
NAMED = ("xlnet", "roformer", "convbert", "rembert", "eurobert", "t5", "bart")
UNKNOWN_BLOCKS = ("xlnet", "t5", "bart", "deberta", "gpt2")
MIX_PADDING = ("convbert", "fnet")


def build(folder: Path) -> Encoder:
    torch.manual_seed(0)
    return HfModel(checkpoint=str(folder)).textclf_build_model(TASK)


@pytest.mark.parametrize("family", NAMED)
def test_a_family_trains_as_a_whole_and_by_its_head(tmp_path: Path, family: str) -> None:
    model = f"hf-model:checkpoint={save_family(tmp_path / 'tiny', family)}"
    for strategy in ("full", "head-only"):
        run = textclf_core.run(
            [model, strategy, "finetune:learning_rate=1e-2,epochs=1"],
            data=tiny_data(32),
            output=tmp_path / strategy,
            quiet=True,
        )
        record = run.record
        assert record.encoder is not None
        assert record.encoder.blocks == (None if family in UNKNOWN_BLOCKS else 2)
        assert record.encoder.frozen_prefix == (0 if strategy == "full" or family in UNKNOWN_BLOCKS else 3)
        assert bool(record.encoder.frozen) == (strategy == "head-only")
        assert (record.cost.train_flops or 0) > 0
        stored = [row["prediction"] for row in run.predictions().to_pylist() if row["split"] == "test"]
        assert [row["prediction"] for row in run.predict(list(tiny_data(32)["test"]["text"]))] == stored


@pytest.mark.parametrize("family", [name for name in SETTINGS if name not in MIX_PADDING])
def test_the_logits_of_a_text_are_those_of_transformers_whatever_stands_beside_it(tmp_path: Path, family: str) -> None:
    encoder = build(save_family(tmp_path, family))
    rows = list(encoder.tokenize(tiny_data(32)["test"], TASK, Recipe()))
    with torch.no_grad():
        together = encoder.logits(encoder.collate(rows))
        for row, logits in zip(rows, together, strict=True):
            ids = torch.tensor([row["input_ids"]])
            types = {"token_type_ids": torch.tensor([row["token_type_ids"]])} if "token_type_ids" in row else {}
            alone = encoder.model(input_ids=ids, attention_mask=torch.ones_like(ids), **types).logits[0]
            assert torch.allclose(logits, alone, atol=1e-4)
    assert together.std(0).min() > 1e-3


@pytest.mark.parametrize("family", MIX_PADDING)
def test_a_family_that_does_not_ignore_padding_is_warned_of(
    tmp_path: Path, family: str, caplog: pytest.LogCaptureFixture
) -> None:
    build(save_family(tmp_path, family))
    [message] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert f"family '{family}' don't ignore padding" in message


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("family", [name for name in SETTINGS if name not in ("fnet", "longformer")])
def test_flops_are_those_that_torch_counts(tmp_path: Path, family: str, frozen: bool) -> None:
    encoder = build(save_family(tmp_path, family))
    encoder.freeze(body=frozen)
    flops = count_flops(encoder)
    row = {"input_ids": [0, *range(60, 79), 2], "attention_mask": [1] * 21}
    if "token_type_ids" in encoder.tokenizer.model_input_names:
        row["token_type_ids"] = [0] * 21
    batch = encoder.collate([row, row])
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as forward:
        logits = encoder.logits(batch)
    with FlopCounterMode(display=False) as backward:
        cross_entropy(logits, torch.zeros(2, dtype=torch.long)).backward()
    assert flops.forward(2, 21) == pytest.approx(forward.get_total_flops(), rel=0.01)
    assert flops.backward(2, 21) == pytest.approx(backward.get_total_flops(), rel=0.01)


def test_flops_that_can_not_be_counted_are_unknown_and_never_cheapest(tmp_path: Path) -> None:
    models = {name: save_family(tmp_path / name, name) for name in ("fnet", "ernie")}
    comparison = textclf_core.compare(
        [f"hf-model:checkpoint={folder} + head-only" for folder in models.values()],
        plugins=["finetune:epochs=1"],
        data=tiny_data(32),
        output=tmp_path / "runs",
        baselines=False,
        cost="flops",
        quiet=True,
    )
    costs = {run.record.encoder.family: run.record.cost for run in comparison.runs if run.record.encoder}
    assert (costs["fnet"].train_flops, costs["fnet"].predict_flops) == (None, None)
    assert costs["ernie"].train_flops
    assert comparison.recommended is not None
    assert "fnet" not in comparison.recommended


@pytest.mark.parametrize("strategy", ["freeze-first-n:n=1", "freeze-last-n:n=1", "freeze-embeddings", "lora"])
@pytest.mark.parametrize("family", ["xlnet", "t5"])
def test_a_strategy_by_blocks_says_what_it_lacks_before_training(tmp_path: Path, family: str, strategy: str) -> None:
    folder = save_family(tmp_path / "tiny", family)
    with pytest.raises(TextclfError, match=f"can't identify the blocks of a model of the family '{family}'") as error:
        textclf_core.run(
            [f"hf-model:checkpoint={folder}", strategy], data=tiny_data(32), output=tmp_path / "runs", quiet=True
        )
    assert len(str(error.value).splitlines()) == 1
    assert not list(tmp_path.glob("runs/*/record.json"))


@pytest.mark.parametrize("strategy", ["gradual-unfreeze", "layerwise-lr-decay", "discriminative-lr", "freeze-auto"])
def test_a_strategy_by_depth_says_what_it_lacks_too(tmp_path: Path, strategy: str) -> None:
    folder = save_family(tmp_path / "tiny", "xlnet")
    with pytest.raises(TextclfError, match="can't identify the blocks"):
        textclf_core.run(
            [f"hf-model:checkpoint={folder}", strategy], data=tiny_data(32), output=tmp_path / "runs", quiet=True
        )


@pytest.mark.parametrize("family", ["xlnet", "t5", "bart", "roformer", "gpt2"])
def test_a_text_is_embedded_without_its_padding(tmp_path: Path, family: str) -> None:
    """By the encoder alone, if there is a decoder too."""
    body = build(save_family(tmp_path, family)).without_head()
    rows = list(body.tokenize(tiny_data(32)["test"], TASK, Recipe()))
    with torch.no_grad():
        for pooling in ("mean", "first-token"):
            together = body.embed(body.collate(rows), pooling)
            alone = torch.cat([body.embed(body.collate([row]), pooling) for row in rows])
            assert torch.allclose(together, alone, atol=1e-4)
    flops = count_embedding_flops(body, "mean").forward(2, 21)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counted:
        body.embed(body.collate([{"input_ids": [5] * 21, "attention_mask": [1] * 21}] * 2), "mean")
    assert flops == pytest.approx(counted.get_total_flops(), rel=0.02)


def test_a_body_with_a_decoder_gives_the_vectors_of_its_encoder(tmp_path: Path) -> None:
    body = build(save_family(tmp_path, "t5")).without_head()
    batch = body.collate([{"input_ids": [0, 60, 61, 2], "attention_mask": [1] * 4}])
    with torch.no_grad():
        expected = body.model.get_encoder()(**batch).last_hidden_state.mean(1)
        assert torch.allclose(body.embed(batch, "mean"), expected)


def test_a_text_with_the_end_token_is_refused_by_its_row_where_the_head_reads_that_token(tmp_path: Path) -> None:
    data = tiny_data(32)
    train = (
        data["train"].select([0, 1]).map(lambda row, place: {"text": row["text"] + " [SEP]" * place}, with_indices=True)
    )
    encoder = build(save_family(tmp_path / "bart", "bart"))
    with pytest.raises(UsageError, match=r"row 1: the text has the token '\[SEP\]' in it"):
        encoder.tokenize(train, TASK, Recipe())
    assert len(build(save_family(tmp_path / "ernie", "ernie")).tokenize(train, TASK, Recipe())) == 2


@pytest.mark.parametrize("family", ["clip", "whisper"])
def test_a_family_without_a_classifier_of_texts_is_refused(tmp_path: Path, family: str) -> None:
    folder = save_family(tmp_path, "ernie")
    (folder / "config.json").write_text(f'{{"model_type": "{family}"}}')
    with pytest.raises(UsageError, match=f"no ModelForSequenceClassification of the family '{family}'") as error:
        build(folder)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("family", "can"), [("xlnet", False), ("t5", False), ("roformer", True), ("eurobert", True)])
def test_an_export_gives_the_same_labels_or_is_refused(tmp_path: Path, family: str, can: bool) -> None:
    run = textclf_core.run(
        [f"hf-model:checkpoint={save_family(tmp_path / 'tiny', family)}", "full", "finetune:epochs=1"],
        data=tiny_data(32),
        output=tmp_path / "runs",
        quiet=True,
    )
    texts = list(tiny_data(32)["test"]["text"])
    if can:
        exported = run.predict(texts, engine="onnx")
        assert [row["prediction"] for row in exported] == [row["prediction"] for row in run.predict(texts)]
        return
    with pytest.raises(RunError, match=f"can't export a model of the family '{family}' .* Use the engine torch"):
        run.predict(texts, engine="onnx")
