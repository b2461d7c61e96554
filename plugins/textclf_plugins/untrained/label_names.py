"""Matching the labels of a trained model with those of the data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textclf_core.errors import UsageError, did_you_mean


def match_labels(
    of_model: Sequence[str], of_data: Sequence[str], given: Sequence[str], checkpoint: str
) -> tuple[int, ...]:
    """Return the model's label id for each label of the data.

    Args:
        of_model: the model's label names.
        of_data: the data's label names.
        given: pairs from the option ``labels``, ``LABEL_0=neg``, which take precedence over equal names.
        checkpoint: the model, for the errors.

    Raises:
        UsageError: the numbers of labels differ, a pair has an unknown label, or a label can't be matched.
    """
    sides = f"{checkpoint} has {', '.join(of_model)}; the data have {', '.join(of_data)}"
    if len(of_model) != len(of_data):
        raise UsageError(
            f"task-specific: the model has {len(of_model)} labels and the data {len(of_data)}, so they can't be "
            f"matched: {sides}."
        )
    pairs = dict(_pair(text, of_model, of_data) for text in given)
    if len(pairs) < len(given) or len(set(pairs.values())) < len(given):
        raise UsageError(f"task-specific: labels={','.join(given)} gives a label twice: {sides}.")
    free = [name for name in of_data if name not in pairs.values()]
    for name in of_model:
        same = [one for one in free if one.casefold() == name.casefold()]
        if name not in pairs and not re.fullmatch(r"LABEL_\d+", name):
            exact = [one for one in same if one == name]
            if len(exact or same) == 1:
                pairs[name] = (exact or same)[0]
    by_data = {label: name for name, label in pairs.items()}
    if len(by_data) < len(of_data):
        left = [name for name in of_model if name not in pairs] or list(of_model)
        free = [name for name in of_data if name not in by_data] or list(of_data)
        example = ",".join(f"{name}={label}" for name, label in zip(left, free, strict=False))
        raise UsageError(
            f"task-specific: the labels can't be matched by their names: {sides}. Give the pairs, such as "
            f"task-specific:labels={example} (an example; check which labels belong together)."
        )
    return tuple(of_model.index(by_data[name]) for name in of_data)


def _pair(text: str, of_model: Sequence[str], of_data: Sequence[str]) -> tuple[str, str]:
    """Return the two names in ``MODEL=DATA``; either may contain a ``=`` itself."""
    candidates = [(text[: at.start()], text[at.end() :]) for at in re.finditer("=", text)]
    for pair in candidates:
        if pair[0] in of_model and pair[1] in of_data:
            return pair
    if not candidates:
        raise UsageError(f"task-specific: labels={text}: expected a label of the model, =, and one of the data.")
    name, label = candidates[0]
    if name not in of_model:
        raise UsageError(
            f"task-specific: labels={text}: the model has no label {name!r}.{did_you_mean(name, of_model)} "
            f"It has {', '.join(of_model)}."
        )
    raise UsageError(
        f"task-specific: labels={text}: the data have no label {label!r}.{did_you_mean(label, of_data)} "
        f"They have {', '.join(of_data)}."
    )
