"""What ``textclf`` shows of hooks: the list, one hook, where a plugin implements its own, and a trace of the calls."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from textclf_core import hookspecs

Textclf = Callable[..., int]

STRATEGY = """
@dataclass(frozen=True)
class FreezeFirst:
    '''Freeze the first block.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        encoder.freeze(blocks=[0])
"""


def test_every_hook_is_listed_in_the_order_of_a_run(textclf: Textclf, capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf("plugins", "hooks") == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [name for name in vars(hookspecs) if name.startswith("textclf_")]
    [freeze] = [line.split() for line in lines if line.startswith("textclf_freeze ")]
    assert freeze[1:6] == ["strategy", "each", "in", "order", "0.1"]


@pytest.mark.parametrize("name", ["textclf_freeze", "freeze"])
def test_a_hook_is_shown_with_its_signature_its_help_and_its_plugins(
    textclf: Textclf, plugin_file: Callable[..., Path], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert textclf("plugins", "hooks", name, "--plugin-file", str(plugin_file(STRATEGY))) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("textclf_freeze(encoder: Encoder) -> None\n\nFreeze parameters. Role: strategy.")
    assert re.search(r"Since 0\.1\. Implemented by .*freeze-first, freeze-first-n", printed)


def test_an_unknown_hook_is_refused_with_the_nearest(textclf: Textclf, capsys: pytest.CaptureFixture[str]) -> None:
    assert textclf("plugins", "hooks", "textclf_freez") == 2
    assert "Did you mean 'textclf_freeze'?" in capsys.readouterr().err


def test_a_plugin_is_shown_with_file_and_line_of_its_hooks(
    textclf: Textclf, plugin_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = plugin_file(STRATEGY)
    line = path.read_text().splitlines().index("    @hookimpl") + 1
    assert textclf("plugins", "show", "freeze-first", "--plugin-file", str(path)) == 0
    assert re.search(rf"textclf_freeze +{re.escape(str(path))}:{line}$", capsys.readouterr().out, flags=re.MULTILINE)


def test_a_trace_shows_the_plugins_calls_in_order_with_times_and_leaves_the_record_alone(
    textclf: Textclf, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--plugin", f"files:path={reviews}", "--plugin", "majority", "--output", str(tmp_path))
    assert textclf("run", *words, "--trace-hooks") == 0
    calls = re.findall(
        r"^hook: (\w+) of the plugin '([\w-]+)' .* returned .* in [\d.]+ ms$", capsys.readouterr().err, re.MULTILINE
    )
    assert calls[0] == ("textclf_load_data", "files")
    train = calls.index(("textclf_train", "majority"))
    assert ("textclf_check_task", "f1") in calls[:train]
    assert ("textclf_compute_metrics", "f1") in calls[train:]
    [record] = tmp_path.glob("*/record.json")
    assert "hook:" not in record.read_text()
