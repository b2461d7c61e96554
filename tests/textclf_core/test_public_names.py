"""The names that users and authors import from textclf_core."""

from __future__ import annotations

import pytest

import textclf_core


@pytest.mark.parametrize("name", textclf_core.__all__)
def test_each_name_can_be_imported(name: str) -> None:
    assert getattr(textclf_core, name) is not None


def test_another_name_is_an_error() -> None:
    with pytest.raises(ImportError, match="cannot import name 'NoSuchThing'"):
        # It is one for mypy too, which refuses a comment that ignores nothing.
        from textclf_core import NoSuchThing  # type: ignore[attr-defined]  # noqa: F401
