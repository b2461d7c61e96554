"""Conversion of records in earlier formats."""

from __future__ import annotations

from typing import Any

RECORD_FORMAT = 2
"""The current format. In format 1, ``updated`` was ``moved``, ``train_non_padding_tokens`` was
``train_real_tokens``, and the origin of a split that was held out was ``carved from train``."""


def upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """Return a record's content with the names and values of the current format; ``format`` is unchanged.

    Args:
        content: the content of ``record.json``, in the current or an earlier format.
    """
    if content["format"] == 1:
        content = {**content, "cost": _renamed(content["cost"], "train_real_tokens", "train_non_padding_tokens")}
        if content["encoder"] is not None:
            content["encoder"] = _renamed(content["encoder"], "moved", "updated")
        content["data"] = {**content["data"], "splits": list(map(_split_of_1, content["data"]["splits"]))}
    return content


def _split_of_1(split: dict[str, Any]) -> dict[str, Any]:
    return {**split, "origin": split["origin"].replace("carved", "held out")}


def _renamed(facts: dict[str, Any], was: str, now: str) -> dict[str, Any]:
    return {now if name == was else name: value for name, value in facts.items()}
