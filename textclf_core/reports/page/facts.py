"""The facts of the data, and how to make the runs again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np

from textclf_core.records.schema import DataRecord, PluginRecord, Record
from textclf_core.reports.analysis import Analysis
from textclf_core.reports.page.drawing import chart, polyline, telling, x_scale, y_scale
from textclf_core.reports.page.markup import Html, counted, joined, tag
from textclf_core.reports.page.tables import number, sortable, table
from textclf_core.reports.rounding import write_number, write_p
from textclf_core.reports.slices import count_words
from textclf_core.reports.summary import held_out_sentence
from textclf_core.tasks import kind_of

_MOST_CLASSES = 30
_BAR = 160.0


def data_facts(analysis: Analysis) -> Html:
    """Return the splits, the balance of the classes and the lengths of the test texts."""
    data = analysis.data
    splits = [
        tag(
            "tr",
            tag("th", split.name, scope="row"),
            number(f"{split.rows:,}"),
            number(f"{split.empty_texts:,}"),
            tag("td", split.origin),
            tag("td", tag("code", split.sha256[:8], title=split.sha256)),
        )
        for split in data.splits
    ]
    counts = ("rows", "empty texts")
    held_out = held_out_sentence(data)
    sentence = held_out[0].upper() + held_out[1:] if held_out else None
    return tag(
        "div",
        tag(
            "div",
            tag("p", "Source: ", tag("span", data.source, class_="break")),
            *([tag("p", sentence, class_="warning")] if sentence else []),
            table("The splits", ("split", *counts, "origin", "sha256"), splits, numbers=counts),
            _balance(data),
            class_="part",
        ),
        tag("div", _lengths(analysis), class_="part"),
        class_="grid2",
    )


def pairs_table(analysis: Analysis, prefix: str) -> Html:
    """Return the paired tests between all contenders, folded away; nothing for one contender."""
    if not analysis.pairs:
        return Html("")
    rows = [
        tag(
            "tr",
            tag("th", one, scope="row", data_key=one),
            tag("td", other, data_key=other),
            number(write_number(difference, 4), key=difference),
            number(write_p(p_value), key=p_value),
        )
        for (one, other), (p_value, difference) in analysis.pairs.items()
    ]
    headings = [("first", "left", False), ("second", "left", False)]
    numbers = [("first less second", "right", True), ("p", "right", False)]
    caption = f"The difference in {analysis.metric} of each two, and its p-value, Holm-corrected over all pairs"
    return tag(
        "details",
        tag("summary", "The test of every pair"),
        sortable(f"{prefix}-pairs", caption, headings + numbers, rows),
    )


def reproduction(analysis: Analysis, command: str | None) -> Html:
    """Return what was typed, and with what options, versions and machines the runs were made.

    Args:
        analysis: the comparison.
        command: the command line that writes the page; ``None`` from Python.
    """
    records = [run.record for row in analysis.rows for run in row.line.runs]
    commands = _different(record.command for record in records if record.command)
    described = [tag("p", "The runs were asked for by"), *map(_code, commands)] if commands else [
        tag("p", "The runs were asked for from Python.")
    ]  # fmt: skip
    if command:
        described += [tag("p", "This page was written by"), _code(command)]
    return joined((*described, *_contenders(analysis), *_versions(records), *_machines(records), *_notes(analysis)))


def _contenders(analysis: Analysis) -> Iterator[Html]:
    rows = [
        tag(
            "tr",
            tag("th", row.line.label, scope="row"),
            tag("td", _plugins(row.line.runs[0].record.plugins), class_="wide"),
            number(", ".join(map(str, row.line.seeds))),
            tag("td", ", ".join(run.directory.name for run in row.line.runs), class_="wide"),
        )
        for row in analysis.rows
    ]
    data_seeds = ", ".join(_different(str(run.record.data_seed) for row in analysis.rows for run in row.line.runs))
    caption = f"What each contender was; data seed {data_seeds}. Options left at their defaults are in the records"
    yield table(caption, ("contender", "plugins", "seeds", "runs"), rows, numbers=("seeds",))


def _plugins(plugins: Sequence[PluginRecord]) -> Html:
    return joined(tag("code", _spec(plugin), class_="plugin", title="/".join(plugin.roles)) for plugin in plugins)


def _spec(plugin: PluginRecord) -> str:
    chosen = [f"{key}={plugin.options[key]}" for key, by in plugin.set_by.items() if by != "default"]
    return f"{plugin.name}:{','.join(chosen)}" if chosen else plugin.name


def _versions(records: Sequence[Record]) -> Iterator[Html]:
    brought: dict[tuple[str, str], dict[str, None]] = {}
    for record in records:
        for plugin in record.plugins:
            brought.setdefault((plugin.distribution, plugin.version or "-"), {})[plugin.name] = None
    rows = [
        tag("tr", tag("th", name, scope="row"), tag("td", version), tag("td", ", ".join(plugins)))
        for (name, version), plugins in brought.items()
    ]
    yield table("What brought the plugins", ("distribution", "version", "plugins"), rows)


def _machines(records: Sequence[Record]) -> Iterator[Html]:
    machines = [json.loads(text) for text in _different(json.dumps(record.environment) for record in records)]
    names = _different(name for machine in machines for name in machine)
    rows = [
        tag("tr", tag("th", name, scope="row"), *(tag("td", machine.get(name, "-")) for machine in machines))
        for name in names
    ]
    headings = ("environment",) if len(machines) == 1 else tuple(f"environment {i + 1}" for i in range(len(machines)))
    caption = "Where the runs were computed"
    if len(machines) > 1:
        caption += ": not all in one environment, so their costs are not quite comparable"
    yield table(caption, ("", *headings), rows)


def _notes(analysis: Analysis) -> Iterator[Html]:
    notes: dict[str, dict[str, None]] = {}
    for row in analysis.rows:
        for run in row.line.runs:
            for note in run.record.notes:
                notes.setdefault(note, {})[row.line.label] = None
    if notes:
        yield tag("h4", "Notes of the runs")
        yield tag("ul", *(tag("li", f"{note} ({_whose(labels, analysis)})") for note, labels in notes.items()))


def _whose(labels: Sequence[str] | dict[str, None], analysis: Analysis) -> str:
    return "all contenders" if len(labels) == len(analysis.rows) else ", ".join(labels)


def _balance(data: DataRecord) -> Html:
    """Return the share of each class in each split, the largest classes of train first where there are many."""
    splits, labels = data.splits, data.label_names
    counts = {name: [split.label_counts.get(name, 0) for split in splits] for name in labels}
    kind = kind_of(data.task)
    totals = [kind.labels_of_split(split.rows, split.label_counts) for split in splits]
    shown = list(labels) if len(labels) <= _MOST_CLASSES else sorted(labels, key=lambda name: -counts[name][0])
    rows = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            *(
                number(f"{count:,} ({count / total:.1%})" if total else "0")
                for total, count in zip(totals, counts[name], strict=True)
            ),
            tag("td", _bar(counts[name][0] / max(1, totals[0])), class_="bars"),
        )
        for name in shown[:_MOST_CLASSES]
    ]
    names = [split.name for split in splits]
    caption = "Classes" if len(labels) <= _MOST_CLASSES else f"The {_MOST_CLASSES} largest of {len(labels)} classes"
    return table(f"{caption}, and their share of each split", ("class", *names, ""), rows, numbers=names)


def _bar(share: float) -> Html:
    bar = tag("rect", x=0.0, y=2.0, width=max(1.0, _BAR * share), height=10.0, class_="bar")
    return tag("svg", bar, viewBox=f"0 0 {_BAR:.0f} 14", class_="strip", aria_hidden="true")


def _lengths(analysis: Analysis) -> Html:
    run = analysis.rows[0].line.runs[0]
    texts = zip(*(run.test[name].to_pylist() for name in analysis.data.text_columns), strict=True)
    words = np.array([sum(count_words(text) for text in row) for row in texts])
    middle, most, longest = (int(value) for value in np.quantile(words, [0.5, 0.95, 1.0], method="inverted_cdf"))
    # The few longest texts would leave the others a sliver.
    width = max(1, -(-(most * 13 // 10 + 1) // 24))
    counts = np.bincount(np.minimum(words // width, most * 13 // 10 // width + 1))
    x, y = x_scale(0, len(counts) * width), y_scale(0, int(counts.max()))
    bars = [
        telling(
            f"{_range(index * width, width, last=index == len(counts) - 1)}: {counted(int(count), 'text')}",
            tag(
                "rect",
                x=x(index * width) + 0.5,
                width=max(1.0, x((index + 1) * width) - x(index * width) - 1),
                y=y(int(count)),
                height=y(0) - y(int(count)),
                class_="bar",
            ),
        )
        for index, count in enumerate(counts)
    ]
    drawing = chart(
        "test texts by length",
        [*bars, polyline([(x(middle), y(0)), (x(middle), y(int(counts.max())))], "reference")],
        x=x,
        y=y,
        x_label="words in a text",
        y_label="test texts",
        write_x=lambda value: f"{value:,.0f}",
    )
    caption = (
        f"Words in a test text: half have at most {middle:,} (dashed), 95% at most {most:,}, the longest {longest:,}."
    )
    return tag("figure", drawing, tag("figcaption", caption))


def _range(start: int, width: int, *, last: bool) -> str:
    if last:
        return f"{start} words or more"
    return f"{start} words" if width == 1 else f"{start} to {start + width - 1} words"


def _code(text: str) -> Html:
    return tag("pre", tag("code", text), tabindex="0")


def _different(values: Iterator[str] | Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))
