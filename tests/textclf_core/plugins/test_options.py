"""Options: read from a class, and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pytest
from annotated_types import Ge, Interval, Len, Predicate
from pydantic import TypeAdapter, ValidationError

from textclf_core.errors import PluginError, UsageError
from textclf_core.plugins.options import OptionInfo, build_plugin, options_of
from textclf_core.types.option import Option
from textclf_core.types.recipe import Recipe

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Example:
    n: Annotated[int | float, Option("How many.", ge=0)] = 10
    flag: bool = True
    name: str = "x"
    limit: Annotated[int | None, Option("The limit.", ge=3, lt=100)] = None
    column: str | None = None
    average: Annotated[Literal["auto", "macro"], Option("How to average.")] = "auto"
    targets: tuple[str, ...] = ()
    rate: Annotated[float, Option("The rate.", gt=0)] = 0.1
    rank: int | Literal["full"] = 8
    folder: Path = Path("here")


@dataclass(frozen=True, kw_only=True)
class Required:
    path: Annotated[str, Option("The file.")]
    n: int = 1


@dataclass(frozen=True, kw_only=True)
class Trainer(Recipe):
    clip: float = 1.0


def build(**values: object) -> Example:
    plugin = build_plugin("example", Example, values)
    assert isinstance(plugin, Example)
    return plugin


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("n", "4", 4),
        ("n", "0.5", 0.5),
        ("n", 0.5, 0.5),
        ("flag", "false", False),
        ("flag", True, True),
        ("limit", "none", None),
        ("limit", "", None),
        ("limit", "3", 3),
        ("column", "", None),
        ("average", "macro", "macro"),
        ("targets", "query,value", ("query", "value")),
        ("targets", ["query"], ("query",)),
        ("rate", "1e-4", 1e-4),
        ("rank", "4", 4),
        ("rank", "full", "full"),
        ("folder", "a/b", Path("a/b")),
    ],
)
def test_a_value_becomes_the_type_of_its_option(option: str, value: object, expected: object) -> None:
    got = getattr(build(**{option: value}), option)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize("text", ["NA", "null", "4", "true", " padded ", "none"])
def test_text_stays_as_it_is(text: str) -> None:
    plugin = build(name=text, column=text)
    assert (plugin.name, plugin.column) == (text, text)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n": "ten"}, r"example: option 'n' takes int or float, at least 0, not 'ten'\. How many\."),
        ({"n": "-1"}, r"option 'n' takes int or float, at least 0, not '-1'"),
        ({"n": True}, r"option 'n' takes int or float, at least 0, not True"),
        ({"limit": "2"}, r"option 'limit' takes int or none, at least 3 and less than 100, not '2'"),
        ({"limit": 100}, r"at least 3 and less than 100, not 100"),
        ({"rate": 0}, r"option 'rate' takes float, more than 0, not 0"),
        ({"rate": "nan"}, r"option 'rate' takes float, more than 0, not 'nan'"),
        ({"rate": "inf"}, r"option 'rate' takes float, more than 0, not 'inf'"),
        ({"flag": "maybe"}, r"option 'flag' takes true or false, not 'maybe'"),
        ({"average": "makro"}, r"option 'average' takes auto or macro, not 'makro'"),
        ({"name": 4}, r"option 'name' takes str, not 4"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_the_option_takes(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(**values)


def test_a_wrong_name_is_refused_with_the_nearest_and_all_names() -> None:
    with pytest.raises(
        UsageError, match=r"example: there is no option 'avrage'\. Did you mean 'average'\? It takes n, flag, name"
    ):
        build(avrage="macro")


def test_a_misspelt_key_that_became_part_of_a_value_is_pointed_out() -> None:
    with pytest.raises(UsageError, match=r"not '4,flagg=false'.* 'flagg' is none of its options .*Did you mean 'flag'"):
        build(n="4,flagg=false")


def test_a_blank_before_a_key_is_pointed_out() -> None:
    with pytest.raises(UsageError, match=r"Write no blanks around ',flag='\."):
        build(n="4, flag=false")


def test_all_faults_are_listed_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        build(n="ten", flag="maybe", nam="x")
    lines = str(caught.value).splitlines()
    assert lines[0] == "example: 3 of its options can't be used."
    assert ["'n'" in lines[1], "'flag'" in lines[2], "'nam'" in lines[3]] == [True] * 3


def test_a_missing_option_is_asked_for() -> None:
    with pytest.raises(UsageError, match=r"required: option 'path' must be given: str\. The file\."):
        build_plugin("required", Required, {"n": 2})


def test_a_plugins_own_check_is_shown_as_its_error() -> None:
    @dataclass(frozen=True)
    class Picky:
        low: int = 0

        def __post_init__(self) -> None:
            if self.low > 5:
                raise ValueError(f"low={self.low} is above 5.")

    with pytest.raises(UsageError, match=r"^picky: low=6 is above 5\.$"):
        build_plugin("picky", Picky, {"low": "6"})


def test_a_class_that_is_no_dataclass_takes_no_options() -> None:
    class Plain: ...

    assert options_of(Plain) == ()
    with pytest.raises(UsageError, match=r"plain: there is no option 'n'\. It takes no options"):
        build_plugin("plain", Plain, {"n": 1})


def test_options_of_a_base_class_count() -> None:
    assert {"max_length", "epochs", "clip"} <= {option.name for option in options_of(Trainer)}
    plugin = build_plugin("trainer", Trainer, {"epochs": "3", "clip": "0.5"})
    assert (plugin.epochs, plugin.clip) == (3, 0.5)


@dataclass(frozen=True)
class Constrained:
    n: Annotated[int | Literal["all"] | None, Ge(0), Option("How many.")] = 1
    share: Annotated[int | float, Option("The share."), Interval(gt=0, le=0.5)] = 0.1
    names: Annotated[tuple[str, ...] | None, Len(1, 2), Option("Their names.")] = None
    folder: Annotated[Path, Predicate(Path.is_absolute), Option("An absolute path.")] = Path("/")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("n", "-1", r"option 'n' takes int, all or none, at least 0, not '-1'\. How many\."),
        ("share", "0.6", r"option 'share' takes int or float, more than 0 and at most 0\.5, not '0\.6'\. The share\."),
        (
            "names",
            "a,b,c",
            r"option 'names' takes list of str or none, at least 1 long and at most 2 long, not 'a,b,c'",
        ),
        ("folder", "here", r"option 'folder' takes path, not 'here'\. An absolute path\."),
    ],
)
def test_constraints_of_annotated_types_hold_as_those_of_an_option(option: str, value: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_plugin("constrained", Constrained, {option: value})


def test_what_is_no_number_is_in_every_range() -> None:
    given = {"n": "all", "share": "0.5", "names": "a,b", "folder": "/a"}
    assert build_plugin("constrained", Constrained, given) == Constrained("all", 0.5, ("a", "b"), Path("/a"))
    assert build_plugin("constrained", Constrained, {"n": "none"}).n is None


def test_pydantic_reads_an_options_range() -> None:
    adapter = TypeAdapter(Annotated[int, Option("How many.", ge=0)])
    assert adapter.validate_python(0) == 0
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        adapter.validate_python(-1)


def test_an_option_is_listed_with_type_range_choices_default_and_help() -> None:
    options = {option.name: option for option in options_of(Example)}
    assert options["limit"] == OptionInfo(
        "limit", "int or none", None, False, "The limit.", "at least 3 and less than 100", ()
    )
    assert options["average"].choices == ("auto", "macro")
    assert options["targets"].type == "list of str"
    assert options["name"].help == ""
    assert options_of(Required)[0].required


def test_a_default_that_is_made_anew_is_shown() -> None:
    @dataclass(frozen=True)
    class Listing:
        names: list[str] = field(default_factory=lambda: ["a"])

    assert options_of(Listing)[0].default == ["a"]


def test_a_field_that_is_not_given_is_no_option() -> None:
    @dataclass
    class Cached:
        n: int = 1
        seen: int = field(default=0, init=False)

    assert [option.name for option in options_of(Cached)] == ["n"]


@dataclass(frozen=True)
class Hidden:
    n: Decimal | int = 1


def test_a_type_imported_only_for_type_checking_is_refused() -> None:
    with pytest.raises(
        PluginError, match=r"Hidden's fields can't be read: name 'Decimal' is not defined.*TYPE_CHECKING"
    ):
        options_of(Hidden)
