"""A stale hit is a wrong result: whatever changes a frozen prefix's output is a miss, and nothing else is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch import Tensor

from textclf_core.cache import CacheFolder
from textclf_core.encoder import Encoder
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.training.frozen_prefix import FrozenPrefix
from textclf_core.types.meter import Meter
from textclf_core.types.progress import Progress
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task

TASK = Task(("negative", "positive"))
TEXTS = ["a dull plot", "the music is lovely and the cast is splendid", "grim"]
Change = Callable[[Encoder], None]


def encoder_of(blocks_frozen: int = 2, **config: Any) -> Encoder:
    encoder = tiny_encoder(blocks=3, config={"initializer_range": 0.4, **config})
    encoder.freeze(embeddings=True, blocks=range(blocks_frozen))
    return encoder


def tokenized(encoder: Encoder, texts: list[str] = TEXTS, max_length: int | None = None) -> Dataset:
    return encoder.tokenize(Dataset.from_dict({"text": texts}), TASK, Recipe(max_length=max_length))


def direct(encoder: Encoder, rows: Dataset) -> list[Tensor]:
    """Compute the prefix of each row without the cache."""
    with torch.no_grad():
        return [encoder.run_prefix(encoder.collate([row]), encoder.frozen_prefix - 1)[0] for row in rows]


def through_cache(encoder: Encoder, rows: Dataset, cache: Path) -> tuple[list[Tensor], Meter]:
    meter = Meter()
    known = FrozenPrefix(encoder, CacheFolder(cache), meter, Progress(quiet=True)).rows(rows)
    assert known is not None
    lengths = [len(ids) for ids in rows["input_ids"]]
    return [known.hidden([row])[0, : lengths[row]] for row in range(len(rows))], meter


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the unchanged encoder filled; not to be changed."""
    folder, encoder = tmp_path_factory.mktemp("filled"), encoder_of()
    _, meter = through_cache(encoder, tokenized(encoder), folder)
    assert meter.prefix_rows_computed == len(TEXTS)
    return folder


@pytest.fixture
def cache(filled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(filled, tmp_path, dirs_exist_ok=True))


def add_to(name: str) -> Change:
    def change(encoder: Encoder) -> None:
        with torch.no_grad():
            # Of different size in each place: a norm that follows takes a shift of all numbers back out.
            values = encoder.model.get_parameter(name)
            values += torch.linspace(0.1, 0.5, values.numel()).view_as(values)

    return change


def shift_positions(encoder: Encoder) -> None:
    encoder.model.bert.embeddings.position_ids += 1


WEIGHTS = {
    "a word": add_to("bert.embeddings.word_embeddings.weight"),
    "a position": add_to("bert.embeddings.position_embeddings.weight"),
    "a token type": add_to("bert.embeddings.token_type_embeddings.weight"),
    "the embeddings' norm": add_to("bert.embeddings.LayerNorm.weight"),
    "a query's weight": add_to("bert.encoder.layer.0.attention.self.query.weight"),
    "a value's bias": add_to("bert.encoder.layer.0.attention.self.value.bias"),
    "a norm of the first block": add_to("bert.encoder.layer.0.attention.output.LayerNorm.bias"),
    "the feed-forward of the last frozen block": add_to("bert.encoder.layer.1.output.dense.weight"),
    "the norm of the last frozen block": add_to("bert.encoder.layer.1.output.LayerNorm.weight"),
    "a buffer": shift_positions,
}
CONFIGURATIONS = {
    "the norms' epsilon": {"layer_norm_eps": 0.5},
    "the activation": {"hidden_act": "relu"},
    "the number of heads": {"num_attention_heads": 4},
}


@pytest.mark.parametrize("change", WEIGHTS.values(), ids=WEIGHTS)
def test_changed_weights_are_missed(change: Change, cache: Path) -> None:
    before, encoder = encoder_of(), encoder_of()
    change(encoder)
    assert_no_stale_hit(before, tokenized(before), encoder, tokenized(encoder), cache, stale=len(TEXTS))


@pytest.mark.parametrize("config", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_a_changed_configuration_is_missed(config: dict[str, Any], cache: Path) -> None:
    before, encoder = encoder_of(), encoder_of(**config)
    encoder.model.load_state_dict(before.model.state_dict())
    assert_no_stale_hit(before, tokenized(before), encoder, tokenized(encoder), cache, stale=len(TEXTS))


def other_text(encoder: Encoder) -> Dataset:
    return tokenized(encoder, [*TEXTS[:2], "bright"])


def other_case(encoder: Encoder) -> Dataset:
    encoder.tokenizer.backend_tokenizer.normalizer = None
    return tokenized(encoder, [*TEXTS[:2], "GRIM"])


def other_vocabulary(encoder: Encoder) -> Dataset:
    rows = tokenized(encoder)
    swapped = [
        [{5: 6, 6: 5}.get(token, token + (row == 2)) for token in ids] for row, ids in enumerate(rows["input_ids"])
    ]
    return rows.remove_columns("input_ids").add_column("input_ids", swapped)


def other_length(encoder: Encoder) -> Dataset:
    return tokenized(encoder, TEXTS[1:2], max_length=5)


def other_token_types(encoder: Encoder) -> Dataset:
    rows = tokenized(encoder)
    types = [[int(row == 2)] * len(ids) for row, ids in enumerate(rows["input_ids"])]
    return rows.remove_columns("token_type_ids").add_column("token_type_ids", types)


def other_mask(encoder: Encoder) -> Dataset:
    rows = tokenized(encoder)
    masks = [[1, *[int(row != 2)] * (len(ids) - 1)] for row, ids in enumerate(rows["input_ids"])]
    return rows.remove_columns("attention_mask").add_column("attention_mask", masks)


INPUTS = [other_text, other_case, other_vocabulary, other_length, other_token_types, other_mask]


@pytest.mark.parametrize("change", INPUTS)
def test_a_changed_input_is_missed(change: Callable[[Encoder], Dataset], cache: Path) -> None:
    before, encoder = encoder_of(), encoder_of()
    assert_no_stale_hit(before, tokenized(before), encoder, change(encoder), cache, stale=1)


def test_another_boundary_is_missed(cache: Path) -> None:
    before, deeper = encoder_of(2), encoder_of(1)
    assert_no_stale_hit(before, tokenized(before), deeper, tokenized(deeper), cache, stale=len(TEXTS))


def assert_no_stale_hit(
    before: Encoder, rows_before: Dataset, after: Encoder, rows_after: Dataset, cache: Path, stale: int
) -> None:
    """The output differs; the cache gives the changed one, and computes at least what changed."""
    expected = direct(after, rows_after)
    was = direct(before, rows_before)
    assert any(
        old.shape != new.shape or not torch.allclose(old.double(), new.double(), atol=1e-3)
        for old, new in zip(was[-len(expected) :], expected, strict=True)
    ), "the change changes nothing: it tests nothing"
    given, meter = through_cache(after, rows_after, cache)
    assert meter.prefix_rows_computed >= stale
    for one, wanted in zip(given, expected, strict=True):
        torch.testing.assert_close(one, wanted.float(), atol=1e-5, rtol=1e-5)


# What may change bits, or may not, from one machine or version to another: a miss all the same.


@pytest.fixture
def one_thread_more() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    yield
    torch.set_num_threads(threads)


def test_another_number_of_threads_is_missed(cache: Path, one_thread_more: None) -> None:
    assert computed(encoder_of(), cache) == len(TEXTS)


def test_another_dtype_is_missed(cache: Path) -> None:
    encoder = encoder_of()
    encoder.model.double()
    assert computed(encoder, cache) == len(TEXTS)


def test_another_attention_implementation_is_missed(cache: Path) -> None:
    encoder = encoder_of()
    encoder.model.set_attn_implementation("eager")
    assert computed(encoder, cache) == len(TEXTS)


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_another_version_is_missed(package: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from textclf_core.training import prefix_computer

    real = prefix_computer.version
    monkeypatch.setattr(prefix_computer, "version", lambda name: "99.0" if name == package else real(name))
    assert computed(encoder_of(), cache) == len(TEXTS)


def computed(encoder: Encoder, cache: Path) -> int:
    return through_cache(encoder, tokenized(encoder), cache)[1].prefix_rows_computed


# Where nothing changed that the prefix depends on, nothing is computed.


def same(encoder: Encoder) -> None:
    """Build it anew."""


def other_head(encoder: Encoder) -> None:
    add_to("classifier.weight")(encoder)
    add_to("bert.encoder.layer.2.output.dense.weight")(encoder)
    encoder.model.config.id2label = {0: "bad", 1: "good"}


@pytest.mark.parametrize("change", [same, other_head])
def test_what_lies_behind_the_boundary_makes_no_miss(change: Change, cache: Path) -> None:
    encoder = encoder_of()
    change(encoder)
    assert computed(encoder, cache) == 0


def test_rows_in_another_order_and_with_others_are_found(cache: Path) -> None:
    encoder = encoder_of()
    rows = tokenized(encoder, [*reversed(TEXTS), "the pace is awful"])
    given, meter = through_cache(encoder, rows, cache)
    assert (meter.prefix_rows_computed, meter.prefix_rows_read) == (1, 3)
    for one, wanted in zip(given, direct(encoder, rows), strict=True):
        torch.testing.assert_close(one, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_another_process_finds_them(cache: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from test_stale_hits import computed, encoder_of\n"
        f"import torch; torch.set_num_threads({torch.get_num_threads()})\n"
        f"print(computed(encoder_of(), Path({str(cache)!r})))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "0"


def test_a_sample_pays_for_itself_alone(tmp_path: Path) -> None:
    encoder = encoder_of()
    whole = encoder.tokenize(tiny_data(64)["train"], TASK, Recipe())
    _, meter = through_cache(encoder, whole.select(range(5)), tmp_path)
    assert meter.prefix_rows_computed == 5


def test_another_truncation_is_a_miss_for_the_texts_that_it_changes(tmp_path: Path) -> None:
    encoder = encoder_of()
    data = Dataset.from_dict({"text": TEXTS})
    computed = []
    for truncation in ("head", "tail", "head+tail", "head"):
        rows = encoder.tokenize(data, TASK, Recipe(max_length=8, truncation=truncation))
        found, meter = through_cache(encoder, rows, tmp_path)
        computed.append(meter.prefix_rows_computed)
        for hidden, wanted in zip(found, direct(encoder, rows), strict=True):
            torch.testing.assert_close(hidden, wanted, atol=1e-5, rtol=0)
    assert computed == [3, 1, 1, 0]  # one text is longer than eight tokens
