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
import numpy

class Even:
    def scores(self, data):
        return numpy.full((len(data), 2), 0.5, dtype=numpy.float32)

    def save(self, directory):
        pass

@dataclass(frozen=True)
class Old:
    '''A trainer of an earlier textclf.'''

    epochs: int = 1

    @hookimpl
    def textclf_train(self, ARGUMENT):
        for parameter in getattr(getattr(ARGUMENT, "model", None), "parameters", list)():
            parameter.data += 1
        return Even()

    @hookimpl
    def textclf_load_classifier(self, directory):
        return Even()
"""


@pytest.mark.parametrize(
    ("argument", "instead"), [("recipe", r"self\b"), ("body", r"needs: ClassVar\[Needs\]")], ids=["recipe", "body"]
)
def test_an_argument_that_left_is_refused_with_what_to_write_instead(
    argument: str, instead: str, run: Callable[..., Run], plugin_file: Callable[..., Path], base: list[str]
) -> None:
    """A trainer reads its recipe from itself, and says in its class that it wants the model without its head."""
    file = plugin_file(OLD_TRAINER.replace("ARGUMENT", argument))
    with pytest.raises(PluginError, match=rf"(?s)old.*textclf_train.*'{argument}'.*{instead}"):
        run("old", file=file, beside=base if argument == "body" else base[:1])


# Names that the core may say, in these files.
ALLOWED = {
    "accuracy": r"reports/plots/",  # of a bin of confidence
    "f1": r"reports/printed",  # the heading of a class's scores
    "calibration": r"reports/",  # a section of a report
    "freeze-first-n": r"cli/",  # the example in the help
    "setfit": r"cli/doctor",  # the package
    "files": r"cli/plugin_list|storage/whole",  # a key
}


def test_no_built_in_plugin_is_named_in_the_core() -> None:
    """No string of the core's code is a plugin's name or spec; docstrings are looked at where they are help texts."""
    names = {point.name for point in entry_points(group="textclf") if point.dist and point.dist.name == "textclf-core"}
    found = [
        f"{path}:{line}: {name}"
        for path, line, text in core_strings()
        for name in sorted(names)
        if says(text, name) and not re.search(ALLOWED.get(name, "$^"), path)
    ]
    assert found == []


def test_no_option_is_named_where_options_are_searched() -> None:
    """Which range of an option is usual, its plugin says."""
    assert [
        path for path, _, text in core_strings() if path.startswith("comparison/") and text == "learning_rate"
    ] == []


def core_strings() -> Iterator[tuple[str, int, str]]:
    """Yield file, line and text of every string of the core's code but the helpers for tests."""
    core = Path(textclf_core.__file__).parent
    for file in sorted(core.rglob("*.py")):
        path = file.relative_to(core).as_posix()
        if not path.startswith("testing"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            yield from ((path, line, text) for line, text in strings_of(tree, docstrings=path.startswith("cli/")))


def says(text: str, name: str) -> bool:
    """Whether a string is a plugin's name, or has its spec, or a name that is no word of English."""
    if "-" in name and re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w.-])", text):
        return True
    return text == name or re.search(rf"(?<![\w/.-]){re.escape(name)}:[a-z_]+=", text) is not None


def strings_of(tree: ast.AST, *, docstrings: bool) -> Iterator[tuple[int, str]]:
    """Yield line and text of every string, those of f-strings included; docstrings only if they are asked for."""
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (docstrings or id(node) not in bare):
            yield node.lineno, node.value
