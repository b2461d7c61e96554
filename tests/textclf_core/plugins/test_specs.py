"""The grammar of a spec, on the design's own examples."""

from __future__ import annotations

import pytest

from textclf_core.errors import UsageError
from textclf_core.plugins.specs import PluginSpec, format_spec, parse_options, split_name

FILES = ("path", "text", "label")


@pytest.mark.parametrize(
    ("spec", "names", "options"),
    [
        ("full", (), {}),
        ("freeze-first-n:n=4", ("n", "embeddings"), {"n": "4"}),
        ("freeze-first-n:n=4,embeddings=false", ("n", "embeddings"), {"n": "4", "embeddings": "false"}),
        ("files:path=a,b.csv,text=review", FILES, {"path": "a,b.csv", "text": "review"}),
        ("files:path=s3://b/k=v,x.csv", FILES, {"path": "s3://b/k=v,x.csv"}),
        (r"files:path=C:\data\a.csv", FILES, {"path": r"C:\data\a.csv"}),
        ("hf-model:checkpoint=org/name@main", ("checkpoint",), {"checkpoint": "org/name@main"}),
        (r"freeze-pattern:pattern=layer\.(0|1)+\.,b=$", ("pattern",), {"pattern": r"layer\.(0|1)+\.,b=$"}),
        ("rotten-tomatoes:path=../data/rt-polarity", ("path",), {"path": "../data/rt-polarity"}),
    ],
)
def test_a_spec_is_a_name_and_options(spec: str, names: tuple[str, ...], options: dict[str, str]) -> None:
    name, text = split_name(spec)
    assert name == spec.partition(":")[0]
    assert parse_options(text, names, plugin=name) == options


def test_a_comma_ends_a_value_only_before_one_of_the_plugins_options() -> None:
    assert parse_options("path=a,texts=b,text=c", FILES, plugin="files") == {"path": "a,texts=b", "text": "c"}


def test_a_name_that_begins_like_an_option_does_not_end_a_value() -> None:
    names = ("text", "text_column")
    assert parse_options("text_column=a,text=b", names, plugin="x") == {"text_column": "a", "text": "b"}


def test_a_value_may_be_empty() -> None:
    assert parse_options("path=,text=b", FILES, plugin="files") == {"path": "", "text": "b"}


def test_a_first_key_that_is_no_option_is_handed_on() -> None:
    assert parse_options("pth=a.csv", FILES, plugin="files") == {"pth": "a.csv"}


def test_a_value_without_a_key_is_refused_with_the_options() -> None:
    with pytest.raises(UsageError, match=r"freeze-first-n:4: '4' is not key=value; it takes n, embeddings\."):
        parse_options("4", ("n", "embeddings"), plugin="freeze-first-n")


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="option 'path' is given twice"):
        parse_options("path=a,path=b", FILES, plugin="files")


@pytest.mark.parametrize("spec", ["", ":n=4", " "])
def test_a_spec_without_a_name_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="has no plugin name"):
        split_name(spec)


def test_a_colon_without_options_is_refused() -> None:
    with pytest.raises(UsageError, match="no option follows the colon"):
        split_name("full:")


def test_a_spec_is_written_as_it_would_be_typed() -> None:
    options = {"n": 4, "embeddings": False, "rate": None, "targets": ("query", "value")}
    assert format_spec("x", options) == "x:n=4,embeddings=false,rate=none,targets=query,value"
    assert str(PluginSpec("full")) == "full"
