"""A finished cell is found again only if nothing changed that its result depends on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from textclf_core.comparison.cells import DataKey, cells, data_set_of
from textclf_core.comparison.contenders import contenders
from textclf_core.plugins import Catalogue
from textclf_core.plugins.specs import PluginSpec

PLUGIN = """
    from pathlib import Path
    from typing import ClassVar
    from beside_mine import VALUE

    @dataclass(frozen=True, kw_only=True)
    class Mine:
        weights: Path = Path("nowhere")
        words: str = ""
        several: tuple[str, ...] = ()
        depends_on: ClassVar[tuple[str, ...]] = DEPENDS

        @hookimpl
        def textclf_freeze(self, encoder):
            encoder.freeze(blocks=[0])
"""


@pytest.fixture
def key(
    tmp_path: Path, plugin_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., str]]:
    """The key of one cell of a plugin in a file, with these options."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "beside_mine.py").write_text("VALUE = 1\n")

    def of(depends: str = "()", **options: object) -> str:
        path = plugin_file(PLUGIN.replace("DEPENDS", depends))
        catalogue = Catalogue.discover([path])
        base = [PluginSpec("minilm")]
        [contender] = contenders([[PluginSpec("mine", options)]], base, catalogue, without=["dataset"])
        [cell] = cells(
            [contender],
            [None],
            [0],
            fingerprints={DataKey(data_set_of(contender), None, None): "data"},
            own_samples=False,
            data_seed=0,
            device="cpu",
        )
        return cell.key

    yield of
    sys.modules.pop("beside_mine", None)


def test_the_same_cell_is_found(key: Callable[..., str]) -> None:
    assert key() == key()


@pytest.mark.parametrize("option", ["weights", "words", "several"])
def test_what_an_option_names_is_read(option: str, key: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"one")
    value = (str(folder), "plain text") if option == "several" else str(folder)
    first = key(**{option: value})
    assert key(**{option: value}) == first
    (folder / "model.safetensors").write_bytes(b"other")
    assert key(**{option: value}) != first


def test_a_helper_beside_a_plugin_file_counts(key: Callable[..., str], tmp_path: Path) -> None:
    first = key()
    (tmp_path / "beside_mine.py").write_text("VALUE = 22\n")
    assert key() != first


def test_a_plugin_declares_its_other_dependencies(key: Callable[..., str], tmp_path: Path) -> None:
    keys = {key(depends) for depends in ("()", "('peft',)", "('a lexicon of 2019',)")}
    assert len(keys) == 3
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("one")
    first = key(f"({str(lexicon)!r},)")
    lexicon.write_text("other")
    assert key(f"({str(lexicon)!r},)") != first


def test_another_version_of_what_computes_is_another_cell(
    key: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from textclf_core.comparison import cells as module

    first, real = key(), module.distribution_code
    monkeypatch.setattr(
        module, "distribution_code", lambda name: "tokenizers 99" if name == "tokenizers" else real(name)
    )
    assert key() != first
