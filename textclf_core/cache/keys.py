"""The keys of what is cached: each is a hash of everything that could change the cached result.

Four things have a key: rows of a frozen prefix, products of ``Workspace.reuse``, exports, and the cells of a
comparison. The caller collects the facts; the functions here say which facts each key needs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The conditions of a computation, which are part of every key.

    Attributes:
        versions: the versions of the distributions that compute, by name.
        device: the properties of the device that can change the bits of a result.
        code: the other code involved, each piece by its name and its version or hash (:mod:`textclf_core.system.code`).
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
    """Return the key of the rows of a frozen prefix, which is the name of their store.

    Args:
        conditions: their ``code`` is that of the plugins that built and adapted the model.
        weights: hashes of the weights that the rows depend on, one per part of the model.
        computation: hashes of the modules' classes and settings, one per part of the model.
        config: the model's configuration.
        boundary: where the prefix ends: 1 after the embeddings, 1+k after the first k blocks.
        first_token: whether the rows hold the first token only.
        pooling: how the rows are pooled to one vector; ``None`` if they aren't.
        dtype: the model's dtype.
        attention: the name of the attention implementation.
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
    """Return the key of a product of ``Workspace.reuse``, which is the name of its folder.

    Args:
        conditions: their ``code`` is that of the function that makes the product.
        made_from: everything that the product depends on: weights (by a hash), data, options.
    """
    return _digest("a product", conditions, made_from)[:32]


def export_key(conditions: Conditions, *, model_sha256: str, plugin: Mapping[str, object], layout: int) -> str:
    """Return the key of an export; it is stored in the export and shows which model the export was made from.

    Args:
        conditions: their ``code`` is that of what the plugin depends on, their ``device`` that of the export.
        model_sha256: the hash of the model's files.
        plugin: the facts of the plugin that writes it.
        layout: the version of the format of what the core adds to it.
    """
    return _digest("an export", conditions, {"model": model_sha256, "plugin": plugin, "layout": layout})


def cell_key(
    conditions: Conditions, *, plugins: Sequence[Mapping[str, object]], data: str, data_seed: int, seed: int
) -> str:
    """Return the key of a comparison's cell, after which its run directory is named.

    Args:
        conditions: their ``code`` is that of the plugins' distributions and of their dependencies.
        plugins: the facts of each plugin, in the order in which the plugins are called.
        data: the data's fingerprint.
        data_seed: the seed of splits and samples.
        seed: the run's seed.
    """
    return _digest("a cell", conditions, {"plugins": plugins, "data": data, "data_seed": data_seed, "seed": seed})


def _digest(what: str, conditions: Conditions, facts: Mapping[str, object]) -> str:
    """Return the hash of facts that JSON can hold.

    Raises:
        TypeError: JSON can't hold a fact. Its text isn't used instead, since different objects may print alike.
    """

    def plain(value: object) -> object:
        if isinstance(value, Path):
            return str(value)
        raise TypeError(
            f"the key of {what} can hold JSON values (text, numbers, lists, mappings) and paths, but got {value!r} of "
            f"type {type(value).__name__}; give it as text or as a hash"
        )

    text = json.dumps([what, asdict(conditions), facts], sort_keys=True, default=plain)
    return hashlib.sha256(text.encode()).hexdigest()
