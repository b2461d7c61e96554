"""The model card of a run: the model, its training, its scores and its limitations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tabulate import tabulate

from textclf_core.errors import UsageError
from textclf_core.records.schema import Record
from textclf_core.reports.outcomes import entity_mode, metric_of, model_of, scored_rows
from textclf_core.reports.postprocessed import step_sentences
from textclf_core.reports.quality import class_scores
from textclf_core.reports.rounding import places, write_interval, write_number
from textclf_core.reports.stored import StoredRun
from textclf_core.reports.summary import cost_rows, held_out_sentence, tokenization_sentences
from textclf_core.statistics import compare
from textclf_core.statistics.bootstrap import Interval
from textclf_core.tasks import kind_of


def model_card(run: StoredRun, name: str, exported: str = "") -> str:
    """Return the card as Markdown, with the metadata that the hub reads.

    Args:
        run: the run.
        name: the name of the model: ``owner/name`` on the hub, or a folder.
        exported: what is said of an export in the same folder.
    """
    from huggingface_hub import EvalResult, ModelCardData

    record = run.record
    checkpoint = _hub_name(record.encoder.checkpoint) if record.encoder else None
    test = {name: value for name, value in record.metrics["test"].items() if value is not None}
    results = [
        EvalResult(
            task_type=run.kind.pipeline,
            dataset_type=record.data.source,
            dataset_name=record.data.source,
            dataset_split="test",
            metric_type=metric,
            metric_value=round(value, 6),
        )
        for metric, value in test.items()
    ]
    metadata = ModelCardData(
        library_name="transformers" if record.encoder else "textclf",
        pipeline_tag=run.kind.pipeline,
        base_model=checkpoint,
        metrics=list(test),
        tags=["textclf", run.kind.pipeline],
        model_name=name.rpartition("/")[2],
        eval_results=results or None,
    )
    parts = [
        f"---\n{metadata.to_yaml()}\n---",
        f"# {name}",
        _what(record, checkpoint),
        "## How to use it",
        *_usage(record, name),
        *([exported] if exported else []),
        "## How good it is",
        *_quality(run),
        "## What it learned from",
        *_data(record),
        "## What it cost",
        _table(cost_rows(record), ("", "")),
        "## Limits",
        "\n".join(f"- {limit}" for limit in _limits(record)),
        "## How it was made",
        *_making(record),
    ]
    return "\n\n".join(parts) + "\n"


def _what(record: Record, checkpoint: str | None) -> str:
    labels = ", ".join(f"`{_inline(label)}`" for label in record.data.label_names)
    if record.encoder:
        of = f"`{checkpoint}`" if checkpoint else f"an encoder of the family {record.encoder.family}"
        made = f"{of}, fine-tuned under the strategy `{record.label}`"
    else:
        made = f"a classifier that `{record.label}` trained, without an encoder"
    return f"Labels {kind_of(record.data.task).labelled} {labels}. It is {made}, seed {record.seed}."


def _usage(record: Record, name: str) -> Iterator[str]:
    if record.encoder and record.encoder.plain:
        kind = kind_of(record.data.task)
        load = f'pipeline("{kind.pipeline}", "{name if "/" in name else "FOLDER"}"{kind.pipeline_options})'
        yield f"```python\nfrom transformers import pipeline\n\nclassify = {load}\n```"
        if several := _several_texts(record.data.task.text_columns):
            yield several
        if record.postprocessing:
            steps = " and ".join(f"`{step.plugin}`" for step in record.postprocessing)
            yield f"`transformers` doesn't know {steps}: it returns the scores and labels before postprocessing."
    packages = dict.fromkeys(plugin.distribution for plugin in record.plugins if "file " not in plugin.distribution)
    installed = ", ".join(f"`{package}`" for package in packages)
    yield f"With a copy of this folder and {installed} installed:"
    yield "```sh\ntextclf predict FOLDER --input texts.csv --output labelled.csv\n```"


def _several_texts(columns: Sequence[str]) -> str | None:
    """Return how a pipeline of transformers reads several texts; ``None`` for one."""
    if len(columns) == 1:
        return None
    named = ", ".join(f"`{_inline(name)}`" for name in columns)
    if len(columns) == 2:
        return f'It reads two texts in this order: {named}. Pass `{{"text": ..., "text_pair": ...}}`, never one text.'
    return (
        f"It reads {len(columns)} texts in this order, joined by the separator token: {named}. A pipeline of "
        "`transformers` doesn't join them; `textclf predict` does."
    )


def _quality(run: StoredRun) -> Iterator[str]:
    record = run.record
    true, predicted = run.decided_names("label"), run.decided_names("prediction")
    rows = []
    for metric, value in record.metrics["test"].items():
        interval = _interval(run, metric) if value is not None and true else None
        decimals = places((interval.high - interval.low) / 2) if interval else 4
        of_validation = record.metrics["validation"].get(metric)
        rows.append(
            (
                metric,
                "-" if value is None else write_number(value, decimals),
                write_interval(interval.low, interval.high) if interval else "-",
                "-" if of_validation is None else write_number(of_validation, decimals),
            )
        )
    yield _table(rows, ("metric", "test", "95% interval", "validation"))
    text = f"Of {run.test.num_rows:,} test rows, scored once. The intervals are for this trained model on new rows."
    if unanswered := run.test["prediction"].null_count:
        text += f" It leaves {unanswered:,} rows unanswered; the metrics are of the others."
    yield text
    if true:
        by_class = class_scores(run.kind.counts_by_class(true, predicted, entity_mode(record)))
        scored = [
            [_cell(one.label), *(write_number(value, 3) for value in (one.precision, one.recall, one.f1)), one.support]
            for one in by_class
        ]
        yield _table(scored, ("label", "precision", "recall", "F1", run.kind.class_rows_in_test))
    for plugin, sentence in step_sentences(record):
        yield f"- `{plugin}`: {sentence}."


def _interval(run: StoredRun, metric: str) -> Interval | None:
    """Return the interval of a metric on the rows with a decision; ``None`` if no plugin describes it."""
    try:
        measured = metric_of(metric, run)
    except UsageError:
        return None
    model = model_of(measured, scored_rows(run, decided=True))
    [one] = compare({run.record.label: [model]}, measured.info, tolerance=None).contenders
    return one.examples_interval


def _data(record: Record) -> Iterator[str]:
    data = record.data
    yield f"Source: {_inline(data.source)}."
    rows = [
        (
            split.name,
            f"{split.rows:,}",
            ", ".join(f"{_cell(label)} {count:,}" for label, count in split.label_counts.items()),
            split.origin,
            split.sha256[:12],
        )
        for split in data.splits
    ]
    yield _table(rows, ("split", "rows", "labels", "origin", "sha256"))
    if data.train_size:
        yield f"Of train, {data.train_size} was used."
    if read := tokenization_sentences(record):
        yield read


def _limits(record: Record) -> Iterator[str]:
    yield (
        "It was evaluated only on the test rows above. On texts from another source, time or language it may be much "
        "worse."
    )
    yield "It was not evaluated for bias between groups of people, or on texts made to mislead it."
    if held_out := held_out_sentence(record.data):
        yield held_out[0].upper() + held_out[1:]
    yield "It was trained with one seed; another seed would give a somewhat different model."
    if not record.postprocessing:
        yield "Its scores were not calibrated: of predictions with a score of 0.9, not always nine in ten are right."
    yield "The licences of the base model and of the data apply to it; it has no licence of its own."


def _making(record: Record) -> Iterator[str]:
    specs = [
        f"{plugin.name}:{','.join(f'{key}={plugin.options[key]}' for key in chosen)}" if chosen else plugin.name
        for plugin in record.plugins
        for chosen in [[key for key, by in plugin.set_by.items() if by != "default"]]
    ]
    if record.command:
        yield f"```sh\n{record.command}\n```"
    else:
        yield f"```python\ntextclf_core.run({specs!r}, seed={record.seed}, data_seed={record.data_seed})\n```"
    packages = {plugin.distribution: plugin.version for plugin in record.plugins if plugin.version}
    environment = {**packages, **record.environment}
    yield _table([(key, _cell(str(value))) for key, value in environment.items()], ("", "version"))


def _hub_name(checkpoint: str) -> str | None:
    """Return a checkpoint's name on the hub; ``None`` if it is a folder."""
    return checkpoint if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", checkpoint) and not Path(checkpoint).exists() else None


def _table(rows: Sequence[Sequence[object]], headers: Sequence[str]) -> str:
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def _cell(text: str) -> str:
    return _inline(text).replace("|", "\\|")


def _inline(text: str) -> str:
    """Return a user's text on one line, without characters that would end a code span or begin a tag."""
    return " ".join(text.split()).replace("`", "'").replace("<", "&lt;")
