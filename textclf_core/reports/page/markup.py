"""HTML and SVG written so that a text can't become markup: whatever isn't :class:`Html` is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape

_VOID = {"br", "input", "link", "meta"}


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(element: str, /, *children: str, **attributes: str | float | bool | None) -> Html:
    """Return an element.

    Args:
        element: its name.
        children: what it holds, in order; a child that isn't :class:`Html` is escaped.
        attributes: by name, with ``_`` for ``-`` and one at the end dropped (``class_``). ``True`` writes the name
            alone, ``False`` and ``None`` leave it out.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if element in _VOID:
        return Html(f"<{element}{written}>")
    return Html(f"<{element}{written}>{joined(children)}</{element}>")


def joined(parts: Iterable[str]) -> Html:
    """Return the parts in a row; one that isn't :class:`Html` is escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def counted(count: int, thing: str) -> str:
    """Return how many there are of a thing: ``1 run``, ``1,066 runs``."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def json_data(value: object, id: str) -> Html:
    """Return a block of data for the page's script. No text in it can end the block or start another element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Html(f'<script type="application/json" id="{escape(id)}">{text}</script>')


def _attribute(key: str, value: str | float | bool | None) -> str:
    name = key.removesuffix("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {name}="{escape(text)}"'
