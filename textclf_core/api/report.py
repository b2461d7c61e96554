"""Reports on finished runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textclf_core.api.arguments import as_path
from textclf_core.plugins import Catalogue
from textclf_core.plugins.specs import PluginSpec
from textclf_core.storage.places import local_folder

if TYPE_CHECKING:
    from textclf_core.reports.report import Report


def report(
    paths: str | Path | Iterable[str | Path] = "runs",
    *,
    format: str = "simple",
    columns: str | Sequence[str] | None = None,
    sort: str | None = None,
    metric: str | None = None,
    cost: str = "train-seconds",
    tolerance: float | None = None,
    pairs: bool = False,
    cluster: str | None = None,
    price: str | None = None,
    label_price: float = 0.0,
    predictions: str | None = None,
    months: float = 12.0,
    slices: Sequence[str] = (),
    classes: bool = False,
    plots: str | Path | None = None,
    output: str | Path | None = None,
    plugins: Sequence[str | PluginSpec] = (),
    plugin_files: Iterable[str | Path] = (),
) -> Report:
    """Compare finished runs by their stored records and predictions: tables, plots and an HTML page.

    >>> report("runs", metric="accuracy").recommended
    >>> report("runs", format="page", output="report.html").written

    Runs that differ only in the seed are one contender. Contenders on different data are compared separately.

    Args:
        paths: run directories, or folders that contain them; URLs too.
        format: ``simple``, ``github``, ``latex_booktabs``, ``html``, ``csv``, ``tsv``, ``json`` ... or ``page``, a
            single HTML page, which is written to a file.
        columns: the table's columns: ``["contender", "score", "interval", "risk", "latency"]`` ...
        sort: the column to sort by, the best first; ``-NAME`` reverses the order.
        metric: the metric by which contenders are ranked and recommended: any that a metric plugin describes; the first
            default metric for the task if ``None``.
        cost: the cost that the recommended contender should keep low: ``train-seconds``, ``flops``, ``memory``,
            ``trainable``, ``artifact``, ``latency``, one that a plugin adds or, with ``price``, ``money``.
        tolerance: the loss to accept, in the metric's units; 0.01, one point, if ``None`` and the metric ranges from 0
            to 1.
        pairs: whether to add the test of each pair of contenders.
        cluster: a column of the data, such as an author: test rows that share a value count as one draw. Rows that
            share a text always do.
        price: the price of the machine, such as ``0.40/h``, which adds the cost ``money``: labels, training and
            predictions.
        label_price: the price of labelling one text.
        predictions: how many texts the model will predict: ``1e6/month``.
        months: for how many months it will.
        slices: slices of the test set to score: ``length``, a column, or a condition such as
            ``"length > 30 and source == 'imdb'"``.
        classes: whether to add the scores of each class.
        plots: a folder to write the plots to, as PNG and SVG.
        output: the file to write; if not given, the page is written to ``report.html``, and other formats aren't
            written.
        plugins: plugins that add costs, columns, plots or sections, besides those of the runs.
        plugin_files: Python files with your own plugins.

    Raises:
        UsageError: there are no runs; a metric, cost, format, column or plugin doesn't exist; two plugins add parts of
            one name; or a slice can't be parsed.
    """
    from textclf_core.reports.added import named_reporters
    from textclf_core.reports.criteria import Criteria
    from textclf_core.reports.printed import ReportOptions
    from textclf_core.reports.report import make_report, split_names

    catalogue = Catalogue.discover(Path(path) for path in plugin_files)
    return make_report(
        [local_folder(path) for path in ([paths] if isinstance(paths, str | Path) else paths)],
        ReportOptions(
            format=format,
            columns=split_names(columns) if isinstance(columns, str) else columns,
            sort=sort,
            slices=slices,
            classes=classes,
        ),
        Criteria.parsed(
            metric=metric,
            cost=cost,
            tolerance=tolerance,
            pairs=pairs,
            cluster=cluster,
            price=price,
            label_price=label_price,
            predictions=predictions,
            months=months,
        ),
        plugins=named_reporters(plugins, catalogue, set_by="call"),
        plots=as_path(plots),
        output=as_path(output),
    )
