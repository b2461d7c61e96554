"""Conversion of records in earlier formats."""

from __future__ import annotations

from typing import Any

RECORD_FORMAT = 3
"""The current format. In format 1, ``updated`` was ``moved``, ``train_non_padding_tokens`` was
``train_real_tokens``, and the origin of a split that was held out was ``carved from train``. Up to format 2, one option
was tuned, in trials with the seed of the first run."""


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
    if content["format"] <= 2 and content["tuning"] is not None:
        content = {**content, "tuning": _tuning_of_2(content["tuning"])}
    return content


def _tuning_of_2(tuning: dict[str, Any]) -> dict[str, Any]:
    searched = f"{tuning['low']:g}..{tuning['high']:g}"
    return {
        "options": [{"option": tuning["option"], "value": tuning["value"], "searched": searched}],
        "trials": tuning["trials"],
        "ended_early": 0,
        "seed": 0,
        "train_seconds": 0.0,
        "train_flops": tuning["train_flops"],
        "validation_score": tuning["validation_score"],
    }


def _split_of_1(split: dict[str, Any]) -> dict[str, Any]:
    return {**split, "origin": split["origin"].replace("carved", "held out")}


def _renamed(facts: dict[str, Any], was: str, now: str) -> dict[str, Any]:
    return {now if name == was else name: value for name, value in facts.items()}
