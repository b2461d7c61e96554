"""``textclf plugins``."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from textclf_core.cli import main

HEAVY = {
    *("torch", "transformers", "datasets", "evaluate", "accelerate", "sklearn", "pandas", "numpy", "pyarrow"),
    *("rich", "tabulate", "jinja2", "scipy", "matplotlib", "huggingface_hub"),
}
NOT_FOR_HELP = {"pydantic", "annotated_types", "importlib.metadata", "textclf_core.plugins"}
"""What listing plugins needs; together it takes as long as all that ``textclf --help`` needs."""

BROKEN = "import no_such_library\n"

PRECISION_AT = """
@dataclass(frozen=True)
class PrecisionAt:
    '''Score at a threshold.'''
    at: float = 0.5

    @hookimpl
    def textclf_compute_metrics(self, scores):
        return {}
"""


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def textclf(*arguments: str) -> Done:
    """Run the command in this process."""
    code: str | int | None
    with redirect_stdout(io.StringIO()) as printed, redirect_stderr(io.StringIO()) as errors:
        try:
            code = main(arguments)
        except SystemExit as done:  # typer ends the process itself, even after success
            code = done.code
    return Done(int(code or 0), printed.getvalue(), errors.getvalue())


def test_help_and_listings_import_nothing_heavy() -> None:
    """In one process: what the one didn't import, the next might."""
    commands = ("--help", "plugins", "plugins --json", "plugins show finetune", "run --help")
    code = (
        "import sys; from textclf_core.cli import main\n"
        "for words in sys.argv[1:]:\n"
        "    try: main(words.split())\n"
        "    except SystemExit: pass\n"
        "    print('imported:', words, *sorted(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *commands], capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("imported: ")]
    assert len(lines) == len(commands)
    for words, line in zip(commands, lines, strict=True):
        imported = set(line.removeprefix(f"imported: {words} ").split())
        assert "textclf_core" in imported
        assert not imported & (HEAVY | NOT_FOR_HELP if words == "--help" else HEAVY), words


def test_the_listing_has_a_line_for_each_plugin() -> None:
    lines = textclf("plugins").stdout.splitlines()
    assert lines[0].split() == ["name", "role", "from", "what", "it", "does"]
    [line] = [line for line in lines if line.startswith("freeze-first-n ")]
    assert line.split(maxsplit=4) == [
        "freeze-first-n", "strategy", "textclf-core", "0.1.0", "Freeze the embeddings and the first N encoder blocks."
    ]  # fmt: skip


def test_the_listing_marks_the_defaults() -> None:
    lines = textclf("plugins").stdout.splitlines()
    assert [line.split()[0] for line in lines if " strategy (default) " in line] == ["full"]


def test_the_listing_can_be_of_one_role() -> None:
    listing = json.loads(textclf("plugins", "--role", "metric", "--json").stdout)
    assert [plugin["name"] for plugin in listing if not plugin["error"]] == [
        "accuracy",
        "auroc",
        "calibration-error",
        "entity-f1",
        "f1",
        "log-loss",
        "mcc",
        "precision-recall",
    ]


def test_an_unknown_role_is_refused_with_the_nearest() -> None:
    process = textclf("plugins", "--role", "stratgy")
    assert process.returncode == 2
    assert process.stderr.startswith("error: There is no role 'stratgy'. Did you mean 'strategy'?")


def test_a_broken_plugin_is_shown_with_its_error_and_the_others_are_listed(install: Callable[..., Path]) -> None:
    install("acme-broken", BROKEN, {"broken": "Broken"})
    process = textclf("plugins")
    assert process.returncode == 0
    assert "Can't be used:\n  The plugin 'broken' of acme-broken 1.2 can't be imported" in process.stdout
    assert "freeze-first-n" in process.stdout


def test_a_broken_plugin_leaves_help_alone(install: Callable[..., Path]) -> None:
    install("acme-broken", BROKEN, {"broken": "Broken"})
    process = textclf("--help")
    assert (process.returncode, process.stderr) == (0, "")


def test_a_slow_import_is_shown(install: Callable[..., Path]) -> None:
    source = """
        import time
        from dataclasses import dataclass
        from textclf_core.hookspecs import hookimpl

        time.sleep(0.15)

        @dataclass(frozen=True)
        class Slow:
            '''Sleep.'''

            @hookimpl
            def textclf_freeze(self): ...
    """
    install("acme-slow", source, {"slow": "Slow"})
    lines = textclf("plugins").stdout.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("s to import]")] == ["slow"]


def test_the_listing_as_json() -> None:
    listing = {plugin["name"]: plugin for plugin in json.loads(textclf("plugins", "--json").stdout)}
    plugin = listing["f1"]
    assert plugin["import_seconds"] < 5
    assert {key: plugin[key] for key in ("roles", "distribution", "version", "default", "error")} == {
        "roles": ["metric"],
        "distribution": "textclf-core",
        "version": "0.1.0",
        "default": True,
        "error": None,
    }


def test_a_broken_plugin_as_json(install: Callable[..., Path]) -> None:
    install("acme-broken", BROKEN, {"broken": "Broken"})
    process = textclf("plugins", "--json")
    [plugin] = [plugin for plugin in json.loads(process.stdout) if plugin["name"] == "broken"]
    assert "no_such_library" in plugin["error"]


def test_a_plugin_is_shown_with_its_options() -> None:
    page = textclf("plugins", "show", "freeze-first-n").stdout
    assert page.startswith("freeze-first-n · strategy · textclf-core 0.1.0\n\nFreeze the embeddings")
    [row] = [line for line in page.splitlines() if line.startswith("n ")]
    assert row.startswith("n           int or float, at least 0  10         Number of encoder blocks")


def test_a_required_option_is_shown_as_such() -> None:
    assert "pattern   str      required" in textclf("plugins", "show", "freeze-pattern").stdout


def test_a_plugin_without_options_is_described_so() -> None:
    assert "\n\nIt takes no options.\n\nhook " in textclf("plugins", "show", "full").stdout


def test_a_plugin_as_json() -> None:
    shown = json.loads(textclf("plugins", "show", "precision-recall", "--json").stdout)
    assert shown["hooks"] == ["textclf_check_task", "textclf_compute_metrics", "textclf_describe_metrics"]
    [option] = shown["options"]
    assert option["choices"] == ["auto", "binary", "macro", "micro", "weighted", "samples"]
    assert (option["default"], option["required"]) == ("auto", False)


@pytest.mark.parametrize("before", [True, False])
def test_a_plugin_file_is_listed_and_shown(plugin_file: Callable[..., Path], before: bool) -> None:
    path = plugin_file(PRECISION_AT)
    lines = textclf("plugins", "--plugin-file", str(path)).stdout.splitlines()
    [line] = [line for line in lines if line.startswith("precision-at")]
    assert line.split() == ["precision-at", "metric", "file", str(path), "Score", "at", "a", "threshold."]
    words = ["plugins", "show", "precision-at"]
    words[1 if before else 3 : 1 if before else 3] = ["--plugin-file", str(path)]
    assert "at        float    0.5" in textclf(*words).stdout


def test_an_unknown_plugin_ends_in_one_line_and_exit_code_2() -> None:
    process = textclf("plugins", "show", "fulll")
    assert process.returncode == 2
    assert (
        process.stderr
        == "error: There is no plugin 'fulll'. Did you mean 'full'? `textclf plugins` lists all of them.\n"
    )


@pytest.mark.parametrize("words", [("--debug", "plugins", "show", "fulll"), ("plugins", "show", "fulll", "--debug")])
def test_debug_shows_the_traceback_wherever_it_stands(words: tuple[str, ...]) -> None:
    process = textclf(*words)
    assert process.returncode == 2
    assert process.stderr.startswith("Traceback")
    assert "There is no plugin 'fulll'" in process.stderr.splitlines()[-1]


def test_the_version_is_shown() -> None:
    assert textclf("--version").stdout == "textclf 0.1.0\n"


def test_a_wrong_command_line_ends_with_exit_code_2() -> None:
    process = textclf("plugins", "--rol", "metric")
    assert process.returncode == 2
    assert "--role" in process.stderr


def test_ctrl_c_ends_with_exit_code_130(install: Callable[..., Path]) -> None:
    install("acme-interrupted", "raise KeyboardInterrupt\n", {"interrupted": "Interrupted"})
    process = textclf("plugins")
    assert process.returncode == 130
    assert "Traceback" not in process.stderr


def test_main_returns_the_exit_code_of_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "show", "fulll"]) == 2
    assert capsys.readouterr().err.startswith("error: ")
