"""``textclf cache``, as its user sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest


def run_head_only(textclf: Callable[..., int], checkpoint: Path, reviews: Path, cache: Path) -> None:
    words = ["--plugin", f"hf-model:checkpoint={checkpoint}", "--plugin", f"files:path={reviews}"]
    assert textclf("run", *words, "--plugin", "head-only", "--cache-dir", str(cache)) == 0


def test_it_lists_and_clears(
    textclf: Callable[..., int],
    tiny_checkpoint: Path,
    reviews: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    run_head_only(textclf, tiny_checkpoint, reviews, tmp_path / "cache")
    capsys.readouterr()

    assert textclf("cache", "--cache-dir", str(tmp_path / "cache")) == 0
    listed = capsys.readouterr().out
    assert "after 2 blocks, the first token" in listed
    assert f"of at most 10.00 GB in {tmp_path / 'cache'}" in listed or "of at most" in listed

    assert textclf("cache", "--cache-dir", str(tmp_path / "cache"), "--json") == 0
    content = json.loads(capsys.readouterr().out)
    [store] = content["stores"]
    assert textclf("cache", "--cache-dir", str(tmp_path / "cache"), "size") == 0
    assert int(capsys.readouterr().out) == store["bytes"] > 0

    assert textclf("cache", "--cache-dir", str(tmp_path / "cache"), "clear") == 0
    assert textclf("cache", "--cache-dir", str(tmp_path / "cache"), "size") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0"


def test_a_wrong_bound_is_a_usage_error(
    textclf: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEXTCLF_CACHE_LIMIT", "lots")
    assert textclf("cache") == 2
    assert "TEXTCLF_CACHE_LIMIT=lots" in capsys.readouterr().err
