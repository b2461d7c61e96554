"""``textclf doctor``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


def test_what_a_bug_report_needs_is_shown_without_secrets(
    textclf: Callable[..., int],
    install: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install("acme-broken", "import no_such_library\n", {"broken": "Broken"})
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert textclf("doctor") == 0
    printed = capsys.readouterr().out
    for title in ("versions", "devices", "hub", "caches", "environment variables", "plugins"):
        assert f"{title}\n  " in printed
    assert "  textclf-core: 0.1.0\n" in printed
    assert "  HF_TOKEN: (set)\n" in printed
    assert "hf_secret" not in printed
    assert "can't be used: broken: The plugin 'broken' of acme-broken 1.2 can't be imported" in printed
