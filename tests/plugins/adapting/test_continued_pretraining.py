"""Masked language modelling before training: what it learns, what it reads, who shares its product."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import write_checkpoint
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM

import textclf_core
from textclf_core import DataError, UsageError
from textclf_core.cache import CacheFolder, StoreInfo
from textclf_core.comparison.contenders import contenders
from textclf_core.comparison.estimate import estimate_costs
from textclf_core.comparison.runner import plan
from textclf_core.data import prepare
from textclf_core.encoder import Encoder
from textclf_core.plugins import Catalogue, override
from textclf_core.testing import LABELS, tiny_data, tiny_encoder, tiny_tokenizer
from textclf_core.types.progress import Progress
from textclf_core.types.record import Fact
from textclf_core.types.task import Task
from textclf_core.types.workspace import Workspace
from textclf_plugins.adapting.continued_pretraining import ContinuedPretraining

PRETRAIN = "continued-pretraining:steps=20,learning_rate=1e-2"
FAST = "finetune:learning_rate=1e-2"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("model"), initializer_range=0.02)


def run(
    checkpoint: Path, tmp_path: Path, *specs: str, rows: int = 64, seed: int = 0, cache: str = "cache"
) -> textclf_core.Run:
    return textclf_core.run(
        [f"hf-model:checkpoint={checkpoint}", FAST, *specs],
        data=tiny_data(rows),
        output=tmp_path / "runs",
        cache_dir=tmp_path / cache,
        seed=seed,
        quiet=True,
    )


def facts(run: textclf_core.Run) -> Mapping[str, Fact]:
    [adaptation] = run.record.adaptations
    assert adaptation.plugin == "continued-pretraining"
    return adaptation.facts


def body(run: textclf_core.Run) -> dict[str, torch.Tensor]:
    weights = load_file(run.directory / "model" / "model.safetensors")
    return {name: values for name, values in weights.items() if name.startswith("bert.")}


@dataclass(frozen=True)
class Pretrained:
    """Runs that several tests look at; none changes them, or adds to their cache.

    Attributes:
        whole: head and body were pretrained.
        control: the head alone was.
        stores: what was in the cache after the first.
        cache: of both.
    """

    whole: textclf_core.Run
    control: textclf_core.Run
    stores: list[StoreInfo]
    cache: Path


@pytest.fixture(scope="module")
def pretrained(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    folder = tmp_path_factory.mktemp("pretrained")
    whole = run(checkpoint, folder, PRETRAIN, "head-only")
    stores = [store for store in CacheFolder(folder / "cache").list() if not store.rows]
    control = run(checkpoint, folder, f"{PRETRAIN},train=head", "head-only")
    return Pretrained(whole, control, stores, folder / "cache")


def test_perplexity_falls_below_that_of_the_head_alone(pretrained: Pretrained) -> None:
    whole, control = facts(pretrained.whole), facts(pretrained.control)
    assert not control["from_cache"]
    assert whole["perplexity_before"] == control["perplexity_before"]
    assert whole["steps"] == control["steps"] == 20
    assert whole["perplexity_after"] < control["perplexity_after"] < whole["perplexity_before"]  # type: ignore[operator]
    assert (whole["texts"], whole["held_out_texts"], whole["head"]) == (58, 6, "untrained")
    assert (whole["trained"], control["trained"]) == ("head and body", "head")


def test_the_body_moves_and_the_head_alone_moves_none_of_it(checkpoint: Path, pretrained: Pretrained) -> None:
    before = load_file(checkpoint / "model.safetensors")
    moved, control = body(pretrained.whole), body(pretrained.control)
    assert not any(
        torch.equal(before[name], moved[name]) for name in before if ".layer." in name and ".bias" not in name
    )
    assert all(torch.equal(before[name], control[name]) for name in control)


def test_seeds_and_contenders_share_one_adapted_model(checkpoint: Path, pretrained: Pretrained, tmp_path: Path) -> None:
    first = pretrained.whole
    shutil.copytree(pretrained.cache, tmp_path / "cache")
    again = run(checkpoint, tmp_path, PRETRAIN, "head-only", seed=1)
    other = run(checkpoint, tmp_path, PRETRAIN, "freeze-first-n:n=1", seed=2)
    assert [facts(one)["from_cache"] for one in (first, again, other)] == [False, True, True]
    assert first.record.cost.adapt_flops > 0
    assert again.record.cost.adapt_flops == 0
    for name, values in body(first).items():
        assert torch.equal(values, body(again)[name]), name
    assert first.record.encoder is not None
    assert again.record.encoder is not None
    assert first.record.encoder.frozen_sha256 == again.record.encoder.frozen_sha256


def test_whether_it_was_made_or_taken_changes_nothing(checkpoint: Path, tmp_path: Path) -> None:
    made, taken = (run(checkpoint, tmp_path, PRETRAIN, "lora") for _ in range(2))
    assert not facts_of_first(made)["from_cache"]
    assert facts_of_first(taken)["from_cache"]
    assert made.predictions()["scores"].to_pylist() == taken.predictions()["scores"].to_pylist()


def facts_of_first(run: textclf_core.Run) -> Mapping[str, Fact]:
    return run.record.adaptations[0].facts


def is_found(folder: Path, *, encoder: Encoder | None = None, rows: int = 24, **options: Any) -> bool:
    """Adapt by two steps, as a run does, and return whether the cache had it."""
    return bool(
        ContinuedPretraining(**{"steps": 2, "learning_rate": 1e-2, **options}).textclf_adapt(
            encoder or tiny_encoder(),
            tiny_data(rows),
            Task(LABELS),
            Workspace(folder, cache=CacheFolder(folder / "cache")),
            Progress(quiet=True),
        )["from_cache"]
    )


def test_what_could_change_the_model_makes_another(tmp_path: Path) -> None:
    assert [is_found(tmp_path) for _ in range(2)] == [False, True]
    others: list[dict[str, Any]] = [
        {"seed": 1},
        {"probability": 0.3},
        {"masking": "whole-word"},
        {"batch_size": 8},
        {"steps": 3},
    ]
    for other in others:
        assert not is_found(tmp_path, **other), other


def test_other_texts_or_other_weights_make_another(tmp_path: Path) -> None:
    changed = tiny_encoder()
    with torch.no_grad():
        changed.model.get_parameter("bert.encoder.layer.0.output.dense.bias").add_(1e-3)
    assert [is_found(tmp_path) for _ in range(2)] == [False, True]
    assert not is_found(tmp_path, rows=20)
    assert not is_found(tmp_path, encoder=changed)


def test_the_head_of_a_checkpoint_that_has_one_is_used(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", initializer_range=0.02)
    model = AutoModelForMaskedLM.from_config(tiny_encoder().model.config)
    with torch.no_grad():
        model.cls.predictions.bias[40] = 9.0  # it would say one word everywhere
    model.save_pretrained(folder)
    done = run(folder, tmp_path, "continued-pretraining:steps=1,learning_rate=1e-9")
    assert facts(done)["head"] == "of the checkpoint"
    assert facts(done)["perplexity_before"] > 500  # type: ignore[operator]
    assert not any("untrained one" in note for note in done.record.notes)


def test_a_checkpoint_without_a_head_is_logged(pretrained: Pretrained) -> None:
    assert any("has no head for masked language modelling" in note for note in pretrained.whole.record.notes)


def test_more_texts_come_from_a_file(checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "more.txt"
    file.write_text("".join(f"the plot was quite fine and the cast {word} \n\n" for word in ("bright", "dull", "grim")))
    done = facts(run(checkpoint, tmp_path, f"continued-pretraining:steps=2,extra={file}", "head-only"))
    assert (done["extra_texts"], done["texts"], done["held_out_texts"]) == (3, 60, 7)


def test_a_file_without_texts_is_refused_with_its_columns(checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("review,stars\nfine,5\n")
    with pytest.raises(DataError, match=r"more.csv, row 1: expected the column 'text' or .*, found 'review', 'stars'"):
        run(checkpoint, tmp_path, f"{PRETRAIN},extra={file}")


def test_epochs_pass_over_what_is_not_held_out(checkpoint: Path, tmp_path: Path) -> None:
    done = run(checkpoint, tmp_path, "continued-pretraining:epochs=3,batch_size=8", "head-only")
    assert facts(done)["steps"] == 3 * 8


def test_a_product_too_large_for_the_cache_is_made_again(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTCLF_CACHE_LIMIT", "50K")
    for _ in range(2):
        done = run(checkpoint, tmp_path, "continued-pretraining:steps=2", rows=24)
        assert not facts(done)["from_cache"]
        assert any("the cache is too small" in note for note in done.record.notes)
    assert CacheFolder(tmp_path / "cache").list() == []


def test_the_cache_lists_it(checkpoint: Path, pretrained: Pretrained) -> None:
    [store] = pretrained.stores
    assert store.about == f"{checkpoint} after 20 steps of masked language modelling on 58 texts"
    assert store.bytes > 50_000


def test_a_bill_takes_a_few_steps_and_counts_them_all(checkpoint: Path, tmp_path: Path) -> None:
    catalogue = Catalogue.discover()
    base = override([], [f"hf-model:checkpoint={checkpoint}"], catalogue)
    tries = ["continued-pretraining:steps=400", "full"]
    found = contenders(tries, base, catalogue, without=("dataset",))
    data = prepare(tiny_data(64), 0)
    laid_out = plan(found, [0], output=tmp_path, data={None: data}, cache=CacheFolder(tmp_path / "cache"))
    pretrained, full = estimate_costs(laid_out, Progress(quiet=True))
    assert pretrained.expected is not None
    assert full.expected is not None
    # 400 steps of some milliseconds, of which each pilot run takes four.
    assert pretrained.expected.seconds > full.expected.seconds + 400 * 0.002
    assert 50_000 < pretrained.expected.cache_bytes < 200_000
    assert CacheFolder(tmp_path / "cache").list() == []


def test_a_tokenizer_without_a_mask_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["mask_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(UsageError, match="continued-pretraining: the tokenizer has no mask token"):
        run(folder, tmp_path, PRETRAIN)


def test_the_order_of_contenders_is_found_without_pretraining(checkpoint: Path, tmp_path: Path) -> None:
    result = textclf_core.compare(
        [f"{PRETRAIN} + freeze-first-n:n=1", f"{PRETRAIN} + head-only"],
        plugins=[f"hf-model:checkpoint={checkpoint}", FAST],
        data=tiny_data(24),
        seeds=1,
        baselines=False,
        output=tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        quiet=True,
    )
    assert len(result.runs) == 2
    assert [facts(run)["from_cache"] for run in result.runs].count(False) == 1
    products = [store for store in CacheFolder(tmp_path / "cache").list() if not store.rows]
    assert len(products) == 1


@pytest.mark.parametrize("unit", ["token", "whole-word"])
def test_masks_are_80_10_10_and_spare_what_is_special(unit: str) -> None:
    from textclf_plugins.adapting.masking import IGNORED, Masking

    tokenizer = tiny_tokenizer()
    text = "splendid unheard music plot cast "  # "unheard" is spelled in characters
    ids = torch.tensor([tokenizer(text * 8)["input_ids"][:60]] * 400)
    ids[:, -1] = tokenizer.sep_token_id
    masking = Masking(tokenizer, unit, 0.3)  # type: ignore[arg-type]
    batch, labels = masking({"input_ids": ids}, torch.Generator().manual_seed(0))
    chosen = labels != IGNORED
    assert not chosen[:, [0, -1]].any()
    assert torch.equal(labels[chosen], ids[chosen])
    assert torch.equal(batch["input_ids"][~chosen], ids[~chosen])
    assert chosen[:, 1:-1].float().mean().item() == pytest.approx(0.3, abs=0.02)
    seen, hidden = batch["input_ids"][chosen], ids[chosen]
    masked = (seen == tokenizer.mask_token_id).float().mean().item()
    assert masked == pytest.approx(0.8, abs=0.02)
    assert (seen == hidden).float().mean().item() == pytest.approx(0.1, abs=0.02)
    assert not set(seen[seen != tokenizer.mask_token_id].tolist()) & set(tokenizer.all_special_ids)
    word = slice(2, 2 + len("unheard"))  # after [CLS] and "splendid"
    assert tokenizer.convert_ids_to_tokens(ids[0, word].tolist()) == ["u", *(f"##{letter}" for letter in "nheard")]
    alike = (chosen[:, word].all(1) | ~chosen[:, word].any(1)).float().mean().item()
    assert alike == 1.0 if unit == "whole-word" else alike < 0.2
