"""The data sets of a comparison over several, in the notation of ``--data``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from textclf_core.errors import UsageError
from textclf_core.plugins import Catalogue
from textclf_core.plugins.activation import read_spec
from textclf_core.plugins.specs import PluginSpec


@dataclass(frozen=True)
class DataSet:
    """One data set of a comparison.

    Attributes:
        name: its spec as the user wrote it, or the name that it was given in Python.
        spec: the dataset plugin; ``None`` for data in memory.
        rows: the data in memory, as :func:`textclf_core.data.from_memory` takes them; ``None`` with a plugin.
    """

    name: str
    spec: PluginSpec | None = None
    rows: Any = field(default=None, compare=False, repr=False)


def named_data_sets(
    wanted: Sequence[str | PluginSpec] | Mapping[str, Any], catalogue: Catalogue, *, set_by: str = "command line"
) -> tuple[DataSet, ...]:
    """Return the data sets, in order.

    Args:
        wanted: dataset plugins with their options; or, by a name for each, such a plugin or data in memory.
        catalogue: the available plugins.
        set_by: the origin of the data sets, for the records.

    Raises:
        UsageError: a plugin doesn't exist or is no dataset.
    """
    if isinstance(wanted, str):
        raise UsageError(f"data_sets={wanted!r}: give a list of data sets, or a dict of them by name.")
    if isinstance(wanted, Mapping):
        found = [_named(str(name), one, catalogue, set_by) for name, one in wanted.items()]
    else:
        found = [_named(None, one, catalogue, set_by) for one in wanted]
    return tuple(found)


def _named(name: str | None, one: Any, catalogue: Catalogue, set_by: str) -> DataSet:
    if name is not None and not isinstance(one, str | PluginSpec):
        return DataSet(name, rows=one)
    if not isinstance(one, str | PluginSpec):
        raise UsageError(
            f"data_sets: {type(one).__name__} isn't the spec of a dataset plugin; give data in memory with a name "
            "each: data_sets={'reviews': frame}."
        )
    spec = read_spec(one, catalogue, set_by)
    if "dataset" not in (roles := catalogue.get(spec.name).roles):
        raise UsageError(f"the data set {spec}: {spec.name!r} is a {' and '.join(roles)}, and no dataset.")
    return DataSet(name or str(spec), spec)


def check_data_sets(
    data_sets: Sequence[DataSet],
    base: Sequence[PluginSpec],
    tries: Sequence[Sequence[PluginSpec]],
    catalogue: Catalogue,
) -> None:
    """Check that data sets differ, and that neither the base nor a contender has a dataset plugin beside them.

    Raises:
        UsageError: a data set is given twice, or there is another dataset plugin.
    """
    names = [one.name for one in data_sets]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"the data set {twice} is given twice.")
    for spec in (spec for specs in (base, *tries) for spec in specs):
        if "dataset" in catalogue.get(spec.name).roles:
            raise UsageError(
                f"{spec}: data sets are given by [[data]] or --data, so neither [plugins], --plugin nor a contender "
                "may choose another dataset; leave it out, or add it to the data sets."
            )
