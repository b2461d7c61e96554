"""Texts that UTF-8 can't hold."""

from __future__ import annotations


def valid_text(text: str) -> str:
    """Return a text that is valid in UTF-8: a lone surrogate, as truncated emojis leave, becomes U+FFFD."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
