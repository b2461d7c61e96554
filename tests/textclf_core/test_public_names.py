"""The names that users and authors import from textclf_core."""

from __future__ import annotations

import subprocess
import sys

import pytest

import textclf_core


@pytest.mark.parametrize("name", textclf_core.__all__)
def test_each_name_can_be_imported(name: str) -> None:
    assert getattr(textclf_core, name) is not None


def test_another_name_is_an_error() -> None:
    with pytest.raises(ImportError, match="cannot import name 'NoSuchThing'"):
        exec("from textclf_core import NoSuchThing")


@pytest.mark.slow
def test_another_name_is_an_error_for_a_type_checker() -> None:
    pytest.importorskip("mypy")
    code = "from textclf_core import Encoder, NoSuchThing"
    command = [sys.executable, "-m", "mypy", "--config-file=", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 'Module "textclf_core" has no attribute "NoSuchThing"' in done.stdout
    assert "Encoder" not in done.stdout
