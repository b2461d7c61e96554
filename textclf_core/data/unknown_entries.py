"""Entries of several labels that don't tell whether a text has a label."""

from __future__ import annotations


def is_unknown(value: object) -> bool:
    """Return whether an entry is missing, NaN or -1."""
    return value is None or value == -1 or value != value
