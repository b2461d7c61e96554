"""The check that authors of plugins make a test of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import pytest

from textclf_core import DataError, Encoder, Option, Phase, PluginError, Recipe, UsageError, hookimpl
from textclf_core.plugins import Catalogue
from textclf_core.testing import check_plugin, tiny_data

if TYPE_CHECKING:
    from datasets import DatasetDict


@dataclass(frozen=True, kw_only=True)
class Reviews:
    """Invented reviews."""

    rows: Annotated[int, Option("Reviews in train.", ge=8)] = 16

    @hookimpl
    def textclf_load_data(self, data_seed: int) -> DatasetDict:
        return tiny_data(self.rows, seed=data_seed)


def test_a_plugin_as_it_should_be_passes() -> None:
    check_plugin(Reviews, rows=32)


def test_options_are_checked_as_in_a_run() -> None:
    with pytest.raises(UsageError, match="option 'rows' takes int, at least 8, not 4"):
        check_plugin(Reviews, rows=4)


def test_an_unknown_argument_of_a_hook_is_reported() -> None:
    @dataclass(frozen=True)
    class Plugin:
        """A strategy."""

        @hookimpl
        def textclf_freeze(self, model: object) -> None: ...

    with pytest.raises(PluginError, match="takes the argument 'model'"):
        check_plugin(Plugin)


def test_all_faults_of_a_class_are_reported_at_once() -> None:
    @dataclass(frozen=True)
    class Plugin:
        blocks: int = 2
        first: Annotated[int, Option("")] = 0

        @hookimpl
        def textclf_freeze(self) -> None: ...

    with pytest.raises(PluginError) as error:
        check_plugin(Plugin)
    assert "it has no docstring" in str(error.value)
    assert "option 'blocks' has no help" in str(error.value)
    assert "option 'first' has no help" in str(error.value)


def test_fields_of_a_class_that_isnt_a_dataclass_are_reported() -> None:
    class Plugin:
        """A strategy."""

        blocks: int = 2

        @hookimpl
        def textclf_freeze(self) -> None: ...

    with pytest.raises(PluginError, match=r"Plugin must be a frozen dataclass: mark it with @dataclass"):
        check_plugin(Plugin)


def test_a_strategy_that_freezes_the_head_is_reported() -> None:
    @dataclass(frozen=True)
    class Plugin:
        """Freeze everything."""

        @hookimpl
        def textclf_freeze(self, encoder: Encoder) -> None:
            encoder.freeze(names=encoder.trainable_names())

    with pytest.raises(PluginError, match="it froze the head"):
        check_plugin(Plugin)


def test_a_plan_that_freezes_the_head_is_reported() -> None:
    @dataclass(frozen=True)
    class Plugin:
        """Train all, then nothing."""

        @hookimpl
        def textclf_plan(self, encoder: Encoder, recipe: Recipe) -> list[Phase]:
            return [Phase(epochs=recipe.epochs), Phase(epochs=1, freeze=encoder.trainable_names())]

    with pytest.raises(PluginError, match="phase 2 of its plan freezes the head"):
        check_plugin(Plugin)


def test_unusable_data_are_reported() -> None:
    @dataclass(frozen=True)
    class Plugin:
        """Reviews without labels."""

        @hookimpl
        def textclf_load_data(self) -> DatasetDict:
            return tiny_data(16).remove_columns("label")

    with pytest.raises(DataError, match="needs a column 'label' of type ClassLabel"):
        check_plugin(Plugin)


def test_data_without_a_description_are_reported() -> None:
    @dataclass(frozen=True)
    class Plugin:
        """Reviews of unknown origin."""

        @hookimpl
        def textclf_load_data(self) -> DatasetDict:
            data = tiny_data(16)
            data["test"].info.description = ""
            return data

    with pytest.raises(PluginError, match="the split 'test' doesn't describe the source of its rows"):
        check_plugin(Plugin)


def test_data_that_differ_at_the_same_data_seed_are_reported() -> None:
    @dataclass(frozen=True)
    class Plugin:
        """Other reviews each time."""

        loads: ClassVar[list[int]] = []

        @hookimpl
        def textclf_load_data(self) -> DatasetDict:
            self.loads.append(0)
            return tiny_data(16, seed=len(self.loads))

    with pytest.raises(PluginError, match="the split 'train' had other rows when it was loaded again"):
        check_plugin(Plugin)


CATALOGUE = Catalogue.discover()
BUILT_IN = [entry.name for entry in CATALOGUE.entries if entry.distribution == "textclf-core"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_plugins_are_as_they_should_be(name: str, tmp_path: Path) -> None:
    tiny_data(16).save_to_disk(tmp_path / "saved")
    tiny_data(16)["train"].to_csv(tmp_path / "reviews.csv")
    sentences = "".join(f"Ada{number} B-PER\nslept O\n\n" for number in range(24))
    (tmp_path / "train.conll").write_text(sentences, encoding="utf-8")
    options = {
        "conll": {"train": str(tmp_path / "train.conll")},
        "files": {"path": str(tmp_path / "reviews.csv")},
        "freeze-pattern": {"pattern": "attention"},
        "hf-dataset": {"id": str(tmp_path / "saved")},
        "hf-model": {"checkpoint": "owner/name"},
        "rotten-tomatoes": {"source": "package"},
        "task-specific": {"checkpoint": "owner/name"},
        "zero-shot": {"checkpoint": "owner/name"},
    }
    check_plugin(CATALOGUE.get(name).cls, **options.get(name, {}))
