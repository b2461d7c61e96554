"""The metrics that plugins compute and describe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textclf_core.errors import PluginError, UsageError, did_you_mean
from textclf_core.plugins.activation import build_active
from textclf_core.plugins.active import ActivePlugin
from textclf_core.plugins.calling import call_one, errors_of
from textclf_core.plugins.discovery import Catalogue
from textclf_core.plugins.hooks import hooks_of
from textclf_core.plugins.specs import PluginSpec

if TYPE_CHECKING:
    from textclf_core.types.metric import MetricInfo, ScoredRows
    from textclf_core.types.task import Task

_COMPUTE, _DESCRIBE, _CHECK = "textclf_compute_metrics", "textclf_describe_metrics", "textclf_check_task"


@dataclass(frozen=True)
class DescribedMetric:
    """A metric that a comparison can decide by, with the plugin that computes it."""

    info: MetricInfo
    plugin: ActivePlugin
    task: Task

    @property
    def by_labels(self) -> bool:
        """Whether it surely depends on labels and predictions alone."""
        return self.info.function is None and not {"scores", "data"} & {*_arguments(self.plugin)}

    def compute(self, rows: ScoredRows) -> float:
        """Return its value for some rows, which aren't sums.

        Raises:
            RunError: the plugin failed.
        """
        if self.info.function is None:
            return float(compute_metrics(self.plugin, rows, self.task)[self.info.name])
        with errors_of(self.plugin, f"the function of {self.info.name}"):
            return float(self.info.function(rows))


def compute_metrics(plugin: ActivePlugin, rows: ScoredRows, task: Task) -> dict[str, float]:
    """Return a plugin's numbers for some rows.

    Raises:
        RunError: the plugin failed, or returned something else.
    """
    # Only what it takes, since the other columns may have to be read.
    given: dict[str, Any] = {name: task if name == "task" else getattr(rows, name) for name in _arguments(plugin)}
    numbers: dict[str, float] = call_one(plugin, _COMPUTE, **given)
    return numbers


def find_metric(name: str | None, plugins: Iterable[ActivePlugin], catalogue: Catalogue, task: Task) -> DescribedMetric:
    """Return the metric with a name that a plugin describes: one of a run's, a default one or any other.

    Args:
        name: the name; the first metric of the default plugins if ``None``.
        plugins: the plugins of a run, with their options.
        catalogue: the available plugins.
        task: the task.

    Raises:
        UsageError: no plugin describes such a metric for this task.
    """
    own = {plugin.name: plugin for plugin in plugins if "metric" in plugin.roles}
    defaults = catalogue.defaults.get("metric", ())
    first = [*defaults] if name is None else [*own, *defaults]
    known: dict[str, DescribedMetric] = {}
    for names in (first, [] if name is None else [entry.name for entry in catalogue.entries]):
        for described in described_metrics(names, own, catalogue, task):
            known.setdefault(described.info.name, described)
        if name is None and known:
            return next(iter(known.values()))
        if name in known:
            return known[name]
    raise UsageError(
        f"--metric {name}: no plugin describes such a metric for this task.{did_you_mean(name or '', known)} Described "
        f"are {', '.join(known)}. A plugin describes what it computes with the hook {_DESCRIBE}."
    )


def described_metrics(
    names: Iterable[str], own: Mapping[str, ActivePlugin], catalogue: Catalogue, task: Task
) -> Iterator[DescribedMetric]:
    """Yield the metrics that plugins describe for a task; those that can't be loaded are skipped.

    Args:
        names: the names of the plugins.
        own: the plugins of a run, by name, with their options; others are built with their defaults.
        catalogue: the available plugins.
        task: the task.
    """
    for name in dict.fromkeys(names):
        try:
            if name not in own and _DESCRIBE not in catalogue.get(name).hooks:
                continue
            plugin = own.get(name) or build_active(PluginSpec(name, set_by="default"), catalogue)
        except (UsageError, PluginError):
            continue
        cls: type = type(plugin.instance)
        hooks = hooks_of(cls)
        if _DESCRIBE not in hooks or (_CHECK in hooks and call_one(plugin, _CHECK, task=task) is not None):
            continue
        for info in call_one(plugin, _DESCRIBE, task=task):
            yield DescribedMetric(info, plugin, task)


def _arguments(plugin: ActivePlugin) -> tuple[str, ...]:
    cls: type = type(plugin.instance)
    return hooks_of(cls)[_COMPUTE]
