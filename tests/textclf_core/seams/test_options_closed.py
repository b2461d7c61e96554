"""Options fail closed: what can't be an option is refused by name when the plugin is loaded, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from textclf_core import PluginError, Run, UsageError

HEAD = """
from collections.abc import Callable
from typing import Annotated, Any
from textclf_core import Option

class Colour:
    pass

"""
OBSERVER = """
class Painter:
    '''Watch.'''

    FIELD

    @hookimpl
    def textclf_run_finished(self, record):
        note("finished")
"""
# None of these can be written on a command line or in an experiment file.
TYPES = {
    "anything": "object",
    "any type": "Any",
    "a class of one's own": "Colour | None",
    "a dictionary": "dict[str, Any]",
    "a function": "Callable[[int], int] | None",
    "a list of classes": "tuple[Colour, ...]",
}


@pytest.fixture
def refused(
    run: Callable[..., Run], noting_file: Callable[[str], Path], reviews: Path, log: Callable[[], list[str]]
) -> Callable[[str, str], None]:
    """Checks that a plugin is refused before anything runs, in a message with its name and these words."""

    def check(source: str, words: str) -> None:
        file = noting_file(HEAD + source)
        with pytest.raises(PluginError, match=f"(?s)(painter|Painter).*{words}"):
            run("majority", "painter", file=file, beside=[f"files:path={reviews}"])
        assert log() == []

    return check


@pytest.mark.parametrize("annotation", TYPES.values(), ids=TYPES)
def test_a_type_that_cannot_be_set_is_refused(annotation: str, refused: Callable[[str, str], None]) -> None:
    """The message names the field."""
    field = f"colour: Annotated[{annotation}, Option('What to paint with.')] = None"
    refused("@dataclass(frozen=True)" + OBSERVER.replace("FIELD", field), "colour")


def test_a_bound_of_whole_numbers_that_is_none_is_refused(refused: Callable[[str, str], None]) -> None:
    """No value could be checked against it."""
    field = "coats: Annotated[int, Option('How often to paint.', ge=0.5)] = 1"
    refused("@dataclass(frozen=True)" + OBSERVER.replace("FIELD", field), r"coats takes whole numbers.* bound 0\.5")


def test_a_field_without_annotation_is_refused(refused: Callable[[str, str], None]) -> None:
    """`strength = 3` looks like an option and can't be set."""
    refused("@dataclass(frozen=True)" + OBSERVER.replace("FIELD", "strength = 3"), "strength")


@pytest.mark.parametrize("decorator", ["", "@dataclass"], ids=["no dataclass", "not frozen"])
@pytest.mark.parametrize("field", ["", "strength: int = 3"], ids=["no field", "a field"])
def test_a_class_that_is_no_frozen_dataclass_is_refused(
    decorator: str, field: str, refused: Callable[[str, str], None]
) -> None:
    """The message says how a plugin's class is marked."""
    refused(decorator + OBSERVER.replace("FIELD", field), r"@dataclass\(frozen=True")


def test_a_listing_shows_why_a_plugin_cannot_be_used(
    textclf: Callable[..., int], noting_file: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """`textclf plugins` lists it among those that can't be used, and `show` ends in exit code 2."""
    file = str(noting_file(HEAD + "@dataclass(frozen=True)" + OBSERVER.replace("FIELD", "strength = 3")))
    assert textclf("plugins", "--plugin-file", file) == 0
    assert "strength" in capsys.readouterr().out.partition("Can't be used")[2]
    assert textclf("plugins", "--plugin-file", file, "show", "painter") == UsageError.exit_code
    assert "strength" in capsys.readouterr().err


def test_private_names_class_variables_and_methods_are_no_options(
    run: Callable[..., Run], noting_file: Callable[[str], Path], reviews: Path, log: Callable[[], list[str]]
) -> None:
    """A constant that is marked as one is allowed: `ClassVar`, or a name with an underscore."""
    field = "limit: ClassVar[int] = 3\n    _names = ('a', 'b')\n\n    def help(self):\n        return self.limit"
    source = "from typing import ClassVar\n\n@dataclass(frozen=True)" + OBSERVER.replace("FIELD", field)
    run("majority", "painter", file=noting_file(source), beside=[f"files:path={reviews}"])
    assert log() == ["finished"]
