"""The promise to plugin authors: hooks, arguments and public members are only added."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from doc_blocks import ROOT


@pytest.fixture(scope="module")
def api() -> ModuleType:
    spec = importlib.util.spec_from_file_location("plugin_api", ROOT / "docs" / "plugin_api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_what_is_public(api: ModuleType) -> None:
    page = api.PAGE.read_text(encoding="utf-8")
    assert page == api.page_of(api.recorded(page)), "run `python docs/plugin_api.py`"


@pytest.mark.parametrize(
    ("line", "is_breaking"),
    [
        ("textclf_loss, temperature: float", True),
        ("Encoder.freeze(), heads: bool = ...", True),
        ("class Decoder", True),
        ("Phase.warmup: float = ...", True),
    ],
)
def test_what_is_removed_breaks_plugins(line: str, is_breaking: bool, api: ModuleType) -> None:
    known = api.recorded(api.PAGE.read_text(encoding="utf-8"))
    assert api.breaking(known) == []
    assert (api.breaking(known | {line: 1}) == [line]) is is_breaking


def test_what_is_added_breaks_plugins_only_if_it_must_be_given(
    api: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = api.recorded(api.PAGE.read_text(encoding="utf-8"))
    now = api.signatures()
    for added, is_breaking in (
        ("textclf_loss, temperature: float", False),
        ("textclf_tea -> None", False),
        ("Encoder.freeze(), heads: bool = ...", False),
        ("Encoder.freeze(), heads: bool", True),
    ):
        monkeypatch.setattr(api, "signatures", lambda added=added: [*now, added])
        assert (api.breaking(known) == [added]) is is_breaking


def test_a_removal_is_written_only_with_a_new_number(
    api: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "plugin-api.md"
    page.write_text(api.page_of({}).replace("```text\n", "```text\ntextclf_gone -> None  # 1\n"), encoding="utf-8")
    monkeypatch.setattr(api, "PAGE", page)
    with pytest.raises(SystemExit, match="textclf_gone -> None"):
        api.main()
    monkeypatch.setattr(api, "API", 2)
    api.main()
    assert "API number is 2" in page.read_text(encoding="utf-8")
    assert "textclf_gone" not in page.read_text(encoding="utf-8")
    assert set(api.recorded(page.read_text(encoding="utf-8")).values()) == {1}
