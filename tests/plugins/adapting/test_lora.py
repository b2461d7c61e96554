"""Low-rank adapters: where they sit, what trains, what is saved, what they go with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import write_checkpoint
from peft import PeftModel
from transformers import AutoModelForSequenceClassification, pipeline

import textclf_core
from textclf_core import UsageError
from textclf_core.encoder import Encoder
from textclf_core.encoder.dropout import KeyedDropout
from textclf_core.plugins import Catalogue, activate
from textclf_core.testing import tiny_data, tiny_encoder

FAST = "finetune:learning_rate=1e-2,epochs=2"
ROWS = 32
# The slow ones call their layers by other names, which the test of what trains sees without a run.
FAMILIES = (
    "bert",
    "deberta-v2",
    "modernbert",
    *(
        pytest.param(family, marks=pytest.mark.slow)
        for family in ("albert", "distilbert", "electra", "mpnet", "roberta")
    ),
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Writes a random model of a family and its tokenizer, and returns the folder."""
    return lambda family: write_checkpoint(tmp_path_factory.mktemp("models") / family, family)


@pytest.fixture(scope="module")
def adapted_run(
    checkpoint: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Path, textclf_core.Run]]:
    """Trains adapters of a family's model, once; returns the folder of the model, and the run. Neither is changed."""

    @cache
    def train(family: str) -> tuple[Path, textclf_core.Run]:
        folder = checkpoint(family)
        return folder, run(folder, tmp_path_factory.mktemp(family), "lora:dropout=0.1", FAST)

    return train


def adapted(*specs: str, family: str = "bert", blocks: int = 3) -> Encoder:
    """Return an encoder as a run has it when training begins."""
    encoder = tiny_encoder(family, blocks=blocks)
    plugins = activate(specs, Catalogue.discover())
    plugins.hook.textclf_adapt(encoder=encoder, data=None, task=None, seed=0, workspace=None, progress=None)
    plugins.hook.textclf_freeze(encoder=encoder)
    return encoder


def parts(names: tuple[str, ...], encoder: Encoder) -> set[str]:
    return {encoder.part_of(name) for name in names}


def run(folder: Path, tmp_path: Path, *specs: str, seed: int = 0, rows: int = ROWS) -> textclf_core.Run:
    return textclf_core.run(
        [f"hf-model:checkpoint={folder}", *specs],
        data=tiny_data(rows),
        output=tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        seed=seed,
        quiet=True,
    )


@pytest.mark.parametrize(
    ("family", "layers", "numbers"),
    [
        # An adapter of rank 8 in a layer of 32 by 32 has 512 numbers, the head 66, the pooler or what is like it 1056.
        ("bert", {"attention.self.query", "attention.self.value"}, 6 * 512 + 66 + 1056),
        ("distilbert", {"attention.q_lin", "attention.v_lin"}, 6 * 512 + 66 + 1056),
        ("mpnet", {"attention.attn.q", "attention.attn.v"}, 6 * 512 + 66 + 1056),
        ("electra", {"attention.self.query", "attention.self.value"}, 6 * 512 + 66 + 1056),
    ],
)
def test_adapters_head_and_pooler_train_and_nothing_else(family: str, layers: set[str], numbers: int) -> None:
    encoder = adapted("lora", family=family)
    in_blocks = [name for name in encoder.trainable_names() if encoder.part_of(name).startswith("block")]
    assert all(".lora_" in name for name in in_blocks)
    assert {name.partition("layer.")[2].partition(".lora_")[0].partition(".")[2] for name in in_blocks} == layers
    assert len(in_blocks) == 3 * 2 * 2
    assert parts(encoder.trainable_names(), encoder) - {"pooler"} == {"block 0", "block 1", "block 2", "head"}
    assert encoder.num_parameters(trainable=True) == numbers
    assert encoder.frozen_prefix == 1


def test_a_seed_drops_the_same_where_the_first_token_alone_is_computed() -> None:
    encoder = adapted("lora:dropout=0.5,targets=all")
    batch = encoder.tokenizer(["a fine film", "dull"], padding=True, return_tensors="pt")
    encoder.model.train()
    # An untrained adapter adds nothing, whatever is dropped.
    for name, parameter in encoder.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    logits = []
    for context in (encoder.computing_what_the_head_reads(), nullcontext()):
        with context, KeyedDropout(encoder.model, seed=0).drawing(1):
            logits.append(encoder.logits(batch))
    torch.testing.assert_close(*logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "family", ["bert", *(pytest.param(family, marks=pytest.mark.slow) for family in ("distilbert", "mpnet"))]
)
def test_what_trains_moves_and_what_is_frozen_stays(
    family: str, adapted_run: Callable[[str], tuple[Path, textclf_core.Run]]
) -> None:
    folder, done = adapted_run(family)
    encoder = done.record.encoder
    assert encoder is not None
    assert encoder.updated == encoder.trainable == 2 * 2 * 2 + 4
    assert encoder.frozen == ("embeddings",)
    assert done.record.cost.trainable_parameters == 4 * 512 + 66 + 1056
    before = AutoModelForSequenceClassification.from_pretrained(folder).state_dict()
    after = AutoModelForSequenceClassification.from_pretrained(done.directory / "model").state_dict()
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[-2] for name in moved if ".layer." in name} in (
        {"query", "value"},
        {"q_lin", "v_lin"},
        {"q", "v"},
    )
    assert not any("embeddings" in name for name in moved)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_saved_model_is_a_plain_one_with_the_runs_scores(
    family: str, adapted_run: Callable[[str], tuple[Path, textclf_core.Run]]
) -> None:
    _, done = adapted_run(family)
    data = tiny_data(ROWS)["test"]
    written = done.predictions()
    of_test = [row["scores"] for row in written.to_pylist() if row["split"] == "test"]
    predicted = done.predict(data["text"])
    best = [max(scores) for scores in of_test]
    assert [row["score"] for row in predicted] == pytest.approx(best, abs=1e-5)
    classify = pipeline("text-classification", model=str(done.directory / "model"), top_k=None)
    first = {one["label"]: one["score"] for one in classify(data["text"][:1])[0]}
    assert [first["negative"], first["positive"]] == pytest.approx(of_test[0], abs=1e-5)


def test_the_adapters_by_themselves_load_with_peft(
    adapted_run: Callable[[str], tuple[Path, textclf_core.Run]],
) -> None:
    folder, done = adapted_run("bert")
    assert {path.name for path in (done.directory / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    untrained = AutoModelForSequenceClassification.from_pretrained(folder)
    adapters = PeftModel.from_pretrained(untrained, done.directory / "adapter").eval()
    merged = AutoModelForSequenceClassification.from_pretrained(done.directory / "model").eval()
    ids = torch.arange(10, 20)[None]
    with torch.no_grad():
        assert torch.allclose(adapters(input_ids=ids).logits, merged(input_ids=ids).logits, atol=1e-5)


def test_blocks_that_another_strategy_freezes_have_no_adapters() -> None:
    for order in (("lora", "freeze-first-n:n=2"), ("freeze-first-n:n=2", "lora")):
        encoder = adapted(*order)
        assert encoder.frozen_prefix == 3
        adapters = [name for name, _ in encoder.model.named_parameters() if "lora_" in name]
        assert adapters
        assert parts(tuple(adapters), encoder) == {"block 2"}


def test_a_frozen_prefix_is_cached_and_other_seeds_find_it(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = checkpoint("bert")
    run(folder, tmp_path, "freeze-first-n:n=1", FAST)
    first = run(folder, tmp_path, "lora", "freeze-first-n:n=1", FAST)
    assert first.record.cost.prefix_rows_computed > 0  # what adapted the model is part of what its rows are found by
    done = run(folder, tmp_path, "lora", "freeze-first-n:n=1", FAST, seed=3)
    assert done.record.cost.prefix_rows_computed == 0
    assert done.record.cost.prefix_rows_read > 0
    without = run(folder, tmp_path, "lora", "freeze-first-n:n=1", f"{FAST},prefix_cache=false", seed=3)
    scores = [np.array(one.predictions()["scores"].to_pylist()) for one in (done, without)]
    np.testing.assert_allclose(*scores, atol=1e-5)


@pytest.mark.parametrize("other", ["head-only", "freeze-first-n:n=3"])
def test_there_must_be_something_to_adapt(other: str) -> None:
    with pytest.raises(UsageError, match="lora: the other strategies freeze every layer that would get an adapter"):
        adapted("lora", other)


@pytest.mark.parametrize(
    ("spec", "ends"),
    [
        ("lora:targets=key", {"key"}),
        ("lora:targets=attention.output.dense,query", {"dense", "query"}),
        ("lora:targets=all", {"query", "key", "value", "dense"}),
    ],
)
def test_targets_are_named_by_their_ends(spec: str, ends: set[str]) -> None:
    encoder = adapted(spec)
    names = {name.partition(".lora_")[0] for name in encoder.trainable_names() if ".lora_" in name}
    assert {name.rpartition(".")[2] for name in names} == ends
    assert not any("intermediate" in name for name in names) or "all" in spec


def test_an_unknown_target_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as caught:
        adapted("lora:targets=qery")
    assert str(caught.value) == (
        "lora: targets=qery: the name of no linear layer in the blocks of tiny-bert ends in qery. "
        "Did you mean 'query'? Expected one of: query, key, value, dense."
    )


def test_without_peft_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textclf_plugins.adapting.lora.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r'lora: needs the library peft: pip install "textclf-core\[lora\]"'):
        activate(["lora"], Catalogue.discover())


def test_a_run_goes_on_from_a_checkpoint_of_the_same_adapters_alone(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = checkpoint("bert")
    whole = run(folder, tmp_path, "lora", "finetune:learning_rate=1e-2,epochs=2,checkpoints=2")
    resume = f"finetune:learning_rate=1e-2,epochs=2,resume={whole.directory / 'checkpoints' / 'epoch-1'}"
    again = run(folder, tmp_path, "lora", resume)
    assert whole.predictions()["scores"].to_pylist() == again.predictions()["scores"].to_pylist()
    with pytest.raises(UsageError, match=r"the model was adapted by lora, now by lora:r=4"):
        run(folder, tmp_path, "lora:r=4", resume)


def test_hf_trainer_trains_them_too(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = checkpoint("bert")
    ours = run(folder, tmp_path, "lora", "finetune:learning_rate=1e-2")
    theirs = run(folder, tmp_path, "lora", "hf-trainer:learning_rate=1e-2")
    scores = [np.array(one.predictions()["scores"].to_pylist()) for one in (ours, theirs)]
    np.testing.assert_allclose(*scores, atol=1e-4)


def test_a_comparison_counts_the_adapters_of_each_contender(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    result = textclf_core.compare(
        ["lora:r=1,2", "lora + freeze-first-n:n=1", "head-only"],
        plugins=[f"hf-model:checkpoint={checkpoint('bert')}", FAST],
        data=tiny_data(16),
        seeds=1,
        baselines=False,
        output=tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        quiet=True,
    )
    counts = {run.record.label: run.record.cost.trainable_parameters for run in result.runs}
    rest = 66 + 1056
    assert counts == {
        "lora:r=1": 4 * 64 + rest,
        "lora:r=2": 4 * 128 + rest,
        "lora + freeze-first-n:n=1": 2 * 512 + rest,
        "head-only": 66,
    }
