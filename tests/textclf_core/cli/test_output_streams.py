"""What plugins print past Python's standard output, and a standard output that nobody reads any more."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LOUD = """
import ctypes
import os
import subprocess
import sys

os.write(1, b"by the descriptor\\n")
subprocess.run([sys.executable, "-c", "print('by a child')"], check=True)
ctypes.CDLL(None).printf(b"by C, and not written out\\n")
sys.__stdout__.write("by Python's own, and not written out\\n")

@dataclass(frozen=True)
class Loud:
    @hookimpl
    def textclf_freeze(self, encoder):
        pass
"""


@pytest.fixture
def command(plugin_file: Callable[..., Path]) -> list[str]:
    return [sys.executable, "-m", "textclf_core", "plugins", "--json", "--plugin-file", str(plugin_file(LOUD))]


@pytest.mark.skipif(sys.platform == "win32", reason="calls the C library by its POSIX name")
def test_what_is_printed_past_python_is_no_part_of_the_result(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "loud" in {plugin["name"] for plugin in json.loads(done.stdout)}
    for way in ("the descriptor", "a child", "C, and not written out", "Python's own, and not written out"):
        assert f"by {way}\n" in done.stderr


def test_a_closed_pipe_is_no_traceback(command: list[str]) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


def test_the_standard_output_is_given_back(textclf: Callable[..., int], capfd: pytest.CaptureFixture[str]) -> None:
    assert textclf("plugins", "--role", "metric") == 0
    assert "accuracy" in capfd.readouterr().out
    print("after")
    subprocess.run([sys.executable, "-c", "print('after, by a child')"], check=True)
    assert capfd.readouterr().out == "after\nafter, by a child\n"
