"""The fenced blocks of a Markdown page, and how they are run: in order, in one folder.

- ``sh`` runs in bash and must succeed; after a comment ``<!-- fails -->`` it must not.
- ``python`` runs in the test's process; the blocks of a page share their names.
- A file's name after the language (``toml experiment.toml``) means that the block is that file's content.
- ``text`` is what the command before it prints, on the standard output if that has anything; ``...`` stands for any
  characters. After ``<!-- numbers vary -->`` numbers, durations and dates are not compared.
- After ``<!-- not run: REASON -->`` a block is left alone.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = tuple(sorted((ROOT / "docs").glob("*.md")))
LANGUAGES = ("sh", "python", "toml", "text")


@dataclass(frozen=True)
class Block:
    """One fenced block, and what the comment right above it says."""

    where: str
    language: str
    file: str
    code: str
    comment: str


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, without MyST's directives."""
    blocks = []
    comment = ""
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type == "fence" and not token.info.startswith("{"):
            language, _, file = token.info.partition(" ")
            line = token.map[0] + 1 if token.map else 0
            blocks.append(Block(f"{page.name}:{line}", language, file.strip(), token.content, comment))
        comment = token.content.strip().removeprefix("<!--").removesuffix("-->").strip()
        comment = comment if token.type == "html_block" else ""
    return blocks


@dataclass
class Runner:
    """Runs the blocks of one page in ``folder``."""

    folder: Path
    environment: dict[str, str]
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    printed: str = ""

    def run(self, block: Block) -> None:
        """Run a block, or compare what the one before it printed."""
        assert block.language in LANGUAGES, f"{block.where}: a block of {block.language!r} isn't run by any test"
        if block.comment.startswith("not run:"):
            self.printed = ""
        elif block.file:
            (self.folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / block.file).write_text(block.code, encoding="utf-8")
        elif block.language == "sh":
            self.printed = self._bash(block)
        elif block.language == "python":
            self.printed = self._python(block)
        elif block.language == "text":
            self._compare(block)
        else:
            raise AssertionError(f"{block.where}: a block of {block.language} needs the name of its file")

    def _bash(self, block: Block) -> str:
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.code],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        fails = block.comment == "fails"
        assert bool(result.returncode) == fails, f"{block.where}: exit code {result.returncode}\n{result.stderr}"
        return result.stdout or result.stderr

    def _python(self, block: Block) -> str:
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.chdir(self.folder):
            exec(compile(block.code, block.where, "exec"), self.names)
        return output.getvalue()

    def _compare(self, block: Block) -> None:
        if not self.printed:
            return  # the command above wasn't run
        shown, printed = block.code, self.printed
        if block.comment == "numbers vary":
            shown, printed = without_numbers(shown), without_numbers(printed)
        same = OutputChecker().check_output(shown, printed, ELLIPSIS | NORMALIZE_WHITESPACE)
        assert same, f"{block.where}: the page shows\n{block.code}\nthe command prints\n{self.printed}"


def without_numbers(text: str) -> str:
    """Return text with a sign for each duration, date and number, and no padding around them."""
    text = re.sub(r"(\d+ h )?(\d+ min )?\d[\d.,]* (ms|s|min)\b", "TIME", text)
    text = re.sub(r"\b\d{8}-\d{6}-", "WHEN-", text)
    text = re.sub(r"\d[\d.,]*(e-\d+)?", "N", text)
    return re.sub(r"[ -]{2,}", " ", text)


def hubless_environment(folder: Path) -> dict[str, str]:
    """Return this process's environment for a newcomer without a model hub, with nothing in any cache."""
    scripts = str(Path(sys.executable).parent)
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    return inherited | {
        "PATH": os.pathsep.join([scripts, inherited["PATH"]]),
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "120",
    }
