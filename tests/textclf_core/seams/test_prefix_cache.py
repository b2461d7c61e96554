"""The prefix cache knows the computation, not only the weights: nobody reads what another computation left."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

import textclf_core
from textclf_core import Run, RunError

# Each changes what the embeddings or the first block give, and no weight.
CHANGES = {
    "a hook on the embeddings": "body.embeddings.register_forward_hook(lambda module, given, output: output * 0)",
    "a hook on a block": "block.register_forward_hook(lambda module, given, output: output * 0)",
    "a module of another class": "body.embeddings.__class__ = blank(type(body.embeddings))",
    "a setting of a module": "body.embeddings.LayerNorm.eps = 50.0",
    "a method of one module": "body.embeddings.forward = lambda *given, inner=body.embeddings.forward, **named: "
    "inner(*given, **named) * 0",
}
STRATEGY = """
def blank(cls):
    class Blank(cls):
        def forward(self, *given, **named):
            return super().forward(*given, **named) * 0
    return Blank

@dataclass(frozen=True)
class Changed:
    '''Change what is computed, with the weights as they were.'''

    @hookimpl
    def textclf_adapt(self, encoder):
        body = encoder.model.base_model
        block = body.encoder.layer[0]
        CHANGE
"""
MODEL = """
from textclf_plugins.models.hf_model import HfModel

@dataclass(frozen=True, kw_only=True)
class Lopsided(HfModel):
    '''The checkpoint, with another setting of its first norm.'''

    @hookimpl
    def textclf_build_model(self, task):
        encoder = super().textclf_build_model(task)
        encoder.model.base_model.embeddings.LayerNorm.eps = 50.0
        return encoder
"""


@pytest.fixture(scope="module")
def untouched(tiny_checkpoint: Path, reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What built-in plugins alone predict where the cache was empty."""
    folder = tmp_path_factory.mktemp("untouched")
    base = [f"files:path={reviews}", f"hf-model:checkpoint={tiny_checkpoint}"]
    plugins = [*base, "freeze-first-n:n=2"]
    return textclf_core.run(plugins, output=folder, cache_dir=folder / "cache", quiet=True).predictions().to_pylist()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_computation_spoils_no_later_run(
    change: str, run: Callable[..., Run], plugin_file: Callable[..., Path], untouched: list[dict[str, Any]]
) -> None:
    """Run a strategy that changes what is computed, then built-in plugins alone: they score as with no cache."""
    file = plugin_file(STRATEGY.replace("CHANGE", indent(change, " " * 8).lstrip()))
    with suppress(RunError):  # what it saves isn't what it trained, which is for another test
        run("changed", "freeze-first-n:n=2", file=file)
    assert run("freeze-first-n:n=2").predictions().to_pylist() == untouched


def test_a_deeper_prefix_does_not_go_on_from_a_changed_one(
    run: Callable[..., Run], plugin_file: Callable[..., Path], untouched: list[dict[str, Any]]
) -> None:
    """The rows at block 1 are where those at block 2 would begin, had the same model computed them."""
    file = plugin_file(STRATEGY.replace("CHANGE", CHANGES["a hook on a block"]))
    with suppress(RunError):
        run("changed", "freeze-first-n:n=1", file=file)
    assert run("freeze-first-n:n=2").predictions().to_pylist() == untouched


def test_a_model_with_other_settings_spoils_no_later_run(
    run: Callable[..., Run],
    plugin_file: Callable[..., Path],
    tiny_checkpoint: Path,
    reviews: Path,
    untouched: list[dict[str, Any]],
) -> None:
    """Equal weights and an equal configuration, built by another plugin with another setting of one module."""
    model = f"lopsided:checkpoint={tiny_checkpoint}"
    with suppress(RunError):
        run(model, "freeze-first-n:n=2", file=plugin_file(MODEL), beside=[f"files:path={reviews}"])
    assert run("freeze-first-n:n=2").predictions().to_pylist() == untouched


def test_a_store_that_differs_is_set_aside_with_a_warning(
    run: Callable[..., Run], tmp_path: Path, caplog: pytest.LogCaptureFixture, untouched: list[dict[str, Any]]
) -> None:
    """A wanted row is computed anew whenever a store is opened: bytes that changed on disk are noticed."""
    run("freeze-first-n:n=2")
    stores = list((tmp_path / "cache").rglob("*.rows"))
    assert stores
    for rows in stores:
        rows.write_bytes(bytes(rows.stat().st_size))
    caplog.clear()
    again = run("freeze-first-n:n=2")
    assert again.predictions().to_pylist() == untouched
    [warning] = [entry for entry in caplog.records if entry.levelno == logging.WARNING and entry.name == "textclf"]
    assert "set aside" in warning.getMessage()
    assert warning.getMessage() in again.record.notes


def test_an_untouched_store_is_read_again(run: Callable[..., Run]) -> None:
    """The check of a row costs no more than that row: the others are read."""
    first, again = run("freeze-first-n:n=2"), run("freeze-first-n:n=2")
    assert again.predictions() == first.predictions()
    assert not [note for note in again.record.notes if "set aside" in note]
    assert first.record.cost.prefix_rows_computed
    assert again.record.cost.prefix_rows_computed in (0, 1, None)
