"""The keys of what is kept and found again: a hash of everything that could change it.

Four things are kept by a key: rows of a frozen prefix, products of ``Workspace.reuse``, exports to ONNX, the cells of a
comparison. Whoever keeps one collects the facts; this page says which each must have.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What every key has beside its own facts: under which conditions something was computed.

    Attributes:
        versions: of the distributions that compute, by name.
        device: what of the device decides bits.
        code: names of code that isn't theirs, each by a version or a hash (:mod:`textclf_core.system.code`).
    """

    versions: Mapping[str, str]
    device: Sequence[str]
    code: Sequence[str]


def prefix_key(
    conditions: Conditions,
    *,
    weights: Sequence[str],
    computation: Sequence[str],
    config: Mapping[str, object],
    boundary: int,
    first_token: bool,
    pooling: str | None,
    dtype: str,
    attention: str,
) -> str:
    """Return the key of the rows of a frozen prefix: the name of their store.

    Args:
        conditions: their ``code`` is the plugins' that built and adapted the model.
        weights: hashes of the weights that the rows depend on, by part.
        computation: hashes of what computes beside the weights (classes, settings), by part.
        config: the model's configuration.
        boundary: where the rows are taken.
        first_token: whether they hold the first token alone.
        pooling: how they are pooled to one vector, if they are.
        dtype: the model's.
        attention: the implementation's name.
    """
    facts = {
        "weights": weights,
        "computation": computation,
        "config": config,
        "boundary": boundary,
        "first token": first_token,
        "pooling": pooling,
        "dtype": dtype,
        "attention": attention,
    }
    return _digest("rows of a frozen prefix", conditions, facts)[:32]


def product_key(conditions: Conditions, made_from: Mapping[str, object]) -> str:
    """Return the key of a product of ``Workspace.reuse``: the name of its folder.

    Args:
        conditions: their ``code`` is that of the function that makes it.
        made_from: everything that whoever makes it knows: weights by a hash, data, options.
    """
    return _digest("a product", conditions, made_from)[:32]


def export_key(conditions: Conditions, *, model_sha256: str, engine: str, layout: int) -> str:
    """Return the key of an export, which says in the export whether it is that of the model beside it.

    Args:
        conditions: their ``code`` is that of the classifier, their device that of the export.
        model_sha256: over the files of the model.
        engine: for which engine it is.
        layout: the number of the export's format.
    """
    return _digest("an export", conditions, {"model": model_sha256, "engine": engine, "layout": layout})


def cell_key(
    conditions: Conditions, *, plugins: Sequence[Mapping[str, object]], data: str, data_seed: int, seed: int
) -> str:
    """Return the key of a comparison's cell, which its run directory is named by.

    Args:
        conditions: their ``code`` is that of the plugins' distributions and of what they depend on.
        plugins: what each plugin is, in the order in which they are called.
        data: the data's fingerprint.
        data_seed: the seed of splits and samples.
        seed: the run's.
    """
    return _digest("a cell", conditions, {"plugins": plugins, "data": data, "data_seed": data_seed, "seed": seed})


def _digest(what: str, conditions: Conditions, facts: Mapping[str, object]) -> str:
    """Return the hash of facts that JSON can hold.

    Raises:
        TypeError: a fact is something else, which might look the same and be another.
    """

    def plain(value: object) -> object:
        if isinstance(value, Path):
            return str(value)
        raise TypeError(
            f"the key of {what} takes what JSON has (text, numbers, lists, mappings) and paths, not {value!r} of the "
            f"type {type(value).__name__}; give what decides about it as text or as a hash"
        )

    text = json.dumps([what, asdict(conditions), facts], sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()
