"""The core knows no plugin by name, and what a trainer needs it says in its class."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import textclf_core
from textclf_core import PluginError, Run

OLD_TRAINER = """
@dataclass(frozen=True)
class Old:
    '''A trainer of an earlier textclf.'''

    epochs: int = 1

    @hookimpl
    def textclf_train(self, data, ARGUMENT):
        note("trained")
"""


@pytest.mark.xfail(strict=True, reason="both arguments are given")
@pytest.mark.parametrize("argument", ["recipe", "body"])
def test_an_argument_that_left_is_refused_with_what_to_write_instead(
    argument: str,
    run: Callable[..., Run],
    noting_file: Callable[[str], Path],
    log: Callable[[], list[str]],
) -> None:
    """A trainer reads its recipe from itself, and says in its class that it wants the model without its head."""
    instead = {"recipe": r"self\b", "body": r"needs: ClassVar\[Needs\]"}
    with pytest.raises(PluginError, match=rf"(?s)old.*textclf_train.*'{argument}'.*{instead[argument]}"):
        run("old", file=noting_file(OLD_TRAINER.replace("ARGUMENT", argument)))
    assert log() == []


# Words that name a plugin and mean something else in the core, each with the files that may say them.
ALLOWED: dict[str, str] = {
    "accuracy": r"statistics/|report/|comparison/|cli/",  # a metric that the analysis knows
    "f1": r"statistics/|report/|comparison/|cli/|api\.py",  # the same
}


@pytest.mark.xfail(strict=True, reason="finetune:resume, entity-f1 and others are named")
def test_no_built_in_plugin_is_named_in_the_core() -> None:
    """A string of the core's code, which isn't a docstring, is no plugin's name or spec."""
    names = {point.name for point in entry_points(group="textclf") if point.dist and point.dist.name == "textclf-core"}
    core = Path(textclf_core.__file__).parent
    found = [
        f"{path.relative_to(core)}:{line}: {text!r}"
        for path in sorted(core.rglob("*.py"))
        if not path.relative_to(core).as_posix().startswith("testing")
        for line, text in strings_of(ast.parse(path.read_text(encoding="utf-8")))
        for name in names
        if says(text, name) and not re.search(ALLOWED.get(name, "$^"), path.relative_to(core).as_posix())
    ]
    assert found == []


def says(text: str, name: str) -> bool:
    """Whether a string is a plugin's name, or has its spec, or a name that is no word of English."""
    if "-" in name and re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w.-])", text):
        return True
    return text == name or re.search(rf"(?<![\w/.-]){re.escape(name)}:[a-z_]+=", text) is not None


def strings_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and text of every string, those of f-strings included, that isn't a docstring."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        bare = {id(child.value) for child in ast.iter_child_nodes(node) if isinstance(child, ast.Expr)}
        docstrings |= bare  # the description of an attribute stands below it
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value
