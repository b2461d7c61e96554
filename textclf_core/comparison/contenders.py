"""The contenders of a comparison, in the notation of ``--try``.

``head-only`` is one contender; ``lora + finetune:learning_rate=1e-4`` is one with two plugins;
``freeze-first-n:n=0..6`` and ``n=0,4,6`` are one contender per value, for any option that takes a number.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from textclf_core.comparison.data_sets import DataSet, check_data_sets
from textclf_core.errors import UsageError
from textclf_core.plugins import ActivePlugins, Catalogue, activate, override
from textclf_core.plugins.options import option_names, options_of
from textclf_core.plugins.refusals import inert_roles
from textclf_core.plugins.specs import PluginSpec, parse_options, split_name
from textclf_core.records.schema import Tuning

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_LIST = re.compile(rf"{_NUMBER}(?:,{_NUMBER})+")
_LONGEST_RANGE = 1000


@dataclass(frozen=True)
class Sweep:
    """A value of an option that was given as a range or list: ``freeze-first-n``, ``n``, 4."""

    plugin: str
    option: str
    value: float


@dataclass(frozen=True)
class Contender:
    """One contender of a comparison, which is run once per seed; one on each data set, if there are several.

    Attributes:
        label: its specs as the user wrote them, with one value for each swept option.
        plugins: all plugins of its runs, including those of the base.
        left_out: base plugins that it doesn't need, such as the model for TF-IDF.
        sweep: the swept option, if there is exactly one.
        tuning: the tuning of options, with its cost.
        baseline: whether it was added as a baseline, which is dropped if it doesn't support the task.
        data_set: the name of its data set, if the comparison has several.
    """

    label: str
    plugins: ActivePlugins
    left_out: tuple[str, ...] = ()
    sweep: Sweep | None = None
    tuning: Tuning | None = None
    baseline: bool = False
    data_set: str | None = None

    @property
    def name(self) -> str:
        """Its name in messages: the label, and the data set if the comparison has several."""
        return f"{self.label} on {self.data_set}" if self.data_set else self.label


def named_contenders(
    tries: Sequence[str | Sequence[PluginSpec]],
    base: Sequence[PluginSpec],
    catalogue: Catalogue,
    *,
    data_sets: Sequence[DataSet] = (),
    baselines: bool = True,
    without: Sequence[str] = (),
    set_by: str = "command line",
) -> tuple[Contender, ...]:
    """Return the contenders of a comparison, data set by data set.

    Args:
        tries: the contenders, in the notation of ``--try`` or as plugins.
        base: the plugins of every contender.
        catalogue: the available plugins.
        data_sets: the data sets on each of which the contenders run; if none are given, the base has the data set.
        baselines: whether to add the baselines that aren't among them.
        without: roles that need no plugin.
        set_by: the origin of the contenders, for the records.

    Raises:
        UsageError: there is no contender, a data set is given twice or beside another one, or as for
            :func:`contenders`.
    """
    if not tries:
        raise UsageError("nothing to compare: add contenders with --try, such as --try full --try head-only.")
    wanted = with_baselines(tries, catalogue) if baselines else tries
    if not data_sets:
        return contenders(wanted, base, catalogue, without=without, set_by=set_by)
    check_data_sets(data_sets, base, [_specs(one, catalogue, set_by) for one in wanted], catalogue)
    found: list[Contender] = []
    for one in data_sets:
        specs, in_plugins = ([*base, one.spec], without) if one.spec else (base, (*without, "dataset"))
        of_one = contenders(wanted, specs, catalogue, without=in_plugins, set_by=set_by)
        found += (replace(contender, data_set=one.name if len(data_sets) > 1 else None) for contender in of_one)
    return tuple(found)


def contenders(
    tries: Sequence[str | Sequence[PluginSpec]],
    base: Sequence[PluginSpec],
    catalogue: Catalogue,
    *,
    without: Sequence[str] = (),
    set_by: str = "command line",
) -> tuple[Contender, ...]:
    """Return the contenders in ``tries``, in order, each added to the base plugins.

    A contender's plugin replaces the base's plugin with the same name or exclusive role. Base plugins that a contender
    doesn't need are omitted.

    Raises:
        UsageError: a plugin or an option is wrong, or two contenders are the same. All names are checked before
            anything runs.
    """
    found = [contender for text in tries for contender in _contenders(text, base, catalogue, without, set_by)]
    labels = [contender.label for contender in found]
    for label in labels:
        if labels.count(label) > 1:
            raise UsageError(f"--try {label}: this contender is given twice.")
    return tuple(found)


def with_baselines(
    tries: Sequence[str | Sequence[PluginSpec]], catalogue: Catalogue
) -> list[str | Sequence[PluginSpec]]:
    """Return the contenders, followed by the baselines that aren't among them."""
    given = {one if isinstance(one, str) else " + ".join(map(str, one)) for one in tries}
    added = [name for name in catalogue.baselines if name not in given]
    return [*tries, *((PluginSpec(name, set_by="default"),) for name in added)]


def _contenders(
    text: str | Sequence[PluginSpec],
    base: Sequence[PluginSpec],
    catalogue: Catalogue,
    without: Sequence[str],
    set_by: str,
) -> Iterator[Contender]:
    specs = _specs(text, catalogue, set_by)
    for chosen, sweeps in _expand(specs, catalogue):
        combined = override(base, chosen, catalogue)
        needed, left_out = _without_unneeded(combined, chosen, catalogue)
        label = " + ".join(str(spec) for spec in chosen)
        plugins = activate(needed, catalogue, without=without)
        baseline = all(spec.set_by == "default" for spec in chosen)
        yield Contender(label, plugins, left_out, sweeps[0] if len(sweeps) == 1 else None, baseline=baseline)


def _specs(text: str | Sequence[PluginSpec], catalogue: Catalogue, set_by: str) -> tuple[PluginSpec, ...]:
    if not isinstance(text, str):
        return tuple(text)
    specs = []
    for part in re.split(r"\s+\+\s+", text.strip()):
        name, options = split_name(part)
        names = option_names(catalogue.get(name).cls)
        specs.append(PluginSpec(name, parse_options(options, names, plugin=name), set_by))
    return tuple(specs)


def _expand(
    specs: Sequence[PluginSpec], catalogue: Catalogue
) -> Iterator[tuple[tuple[PluginSpec, ...], tuple[Sweep, ...]]]:
    """Yield the specs with each combination of the swept options' values."""
    swept: list[tuple[int, str, tuple[str, ...]]] = []
    for index, spec in enumerate(specs):
        numeric = {
            option.name
            for option in options_of(catalogue.get(spec.name).cls)
            if re.search(r"\b(int|float)\b", option.type) and "list" not in option.type
        }
        for key, value in spec.options.items():
            values = _values(value) if key in numeric else None
            if values:
                swept.append((index, key, values))
    for combination in itertools.product(*(values for _, _, values in swept)):
        options = [dict(spec.options) for spec in specs]
        for (index, key, _), value in zip(swept, combination, strict=True):
            options[index][key] = value
        chosen = tuple(
            PluginSpec(spec.name, mapping, spec.set_by) for spec, mapping in zip(specs, options, strict=True)
        )
        sweeps = tuple(
            Sweep(specs[index].name, key, float(value))
            for (index, key, _), value in zip(swept, combination, strict=True)
        )
        yield chosen, sweeps


def _values(value: object) -> tuple[str, ...] | None:
    """Return the values of a range or list, as text; ``None`` if the value is neither."""
    if isinstance(value, list | tuple):
        return tuple(str(item) for item in value)
    text = str(value).replace(" ", "")
    if match := _RANGE.fullmatch(text):
        first, last = int(match[1]), int(match[2])
        if not first <= last < first + _LONGEST_RANGE:
            raise UsageError(
                f"{text}: a range must be ascending, such as 0..6, and have at most {_LONGEST_RANGE} values."
            )
        return tuple(str(number) for number in range(first, last + 1))
    return tuple(text.split(",")) if _LIST.fullmatch(text) else None


def _without_unneeded(
    combined: Sequence[PluginSpec], chosen: Sequence[PluginSpec], catalogue: Catalogue
) -> tuple[list[PluginSpec], tuple[str, ...]]:
    """Omit base plugins that the contender doesn't need, such as a model for a trainer without an encoder."""
    plugins = [catalogue.get(spec.name) for spec in combined]
    trainer = next((plugin for plugin in plugins if "trainer" in plugin.roles), None)
    if trainer is None:
        return list(combined), ()
    mine = {spec.name for spec in chosen}
    unneeded = [
        plugin.name
        for plugin in plugins
        if plugin.name not in mine and set(plugin.roles) <= set(inert_roles(plugin, trainer))
    ]
    return [spec for spec in combined if spec.name not in unneeded], tuple(unneeded)
