"""The summary table of a run: data, metrics, frozen parts, cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from html import escape

from tabulate import tabulate, tabulate_formats

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.records.schema import EncoderRecord, Record
from textclf_core.reports.added import added_to_runs, write_fact
from textclf_core.reports.costs import COSTS
from textclf_core.reports.data_read import data_rows, data_table
from textclf_core.reports.postprocessed import step_sentences
from textclf_core.types.data import DataRecord
from textclf_core.types.phases import PhaseRecord
from textclf_core.types.progress import format_seconds


def metric_rows(record: Record) -> list[dict[str, object]]:
    """Return one row per metric: its name, and its value on each evaluated split."""
    names = dict.fromkeys(name for values in record.metrics.values() for name in values)
    return [{"metric": name, **{split: values.get(name) for split, values in record.metrics.items()}} for name in names]


def cost_rows(record: Record) -> list[tuple[str, str]]:
    """Return the frozen parts, the postprocessing and the costs of a run, as pairs of name and value."""
    return list(_cost_rows(record))


def _cost_rows(record: Record) -> Iterator[tuple[str, str]]:
    cost, encoder = record.cost, record.encoder
    if cost.trainable_parameters is not None and cost.total_parameters:
        share = cost.trainable_parameters / cost.total_parameters
        yield (
            "trainable parameters",
            f"{_millions(cost.trainable_parameters)} of {_millions(cost.total_parameters)} ({share:.1%})",
        )
    if encoder is not None:
        yield "frozen", _frozen(encoder)
    if longest := _longest_input(record):
        yield "longest input", longest
    yield from step_sentences(record)
    if "adapt" in cost.seconds:
        yield "adapting", format_seconds(cost.seconds["adapt"])
    if record.phases:
        yield "phases", ", ".join(map(_phase, record.phases))
    rates = []
    if cost.examples_per_second is not None and cost.tokens_per_second is not None:
        rates = [f"{cost.examples_per_second:,.0f} examples/s", f"{cost.tokens_per_second:,.0f} tokens/s"]
    yield "training", ", ".join([format_seconds(cost.seconds["train"]), *rates])
    yield "whole run", format_seconds(cost.seconds["total"])
    if cost.train_flops is not None:
        yield "training FLOPs", COSTS["flops"].write(cost.train_flops)
    of_several = f" in the largest of {record.processes} processes" if record.processes > 1 else ""
    yield "peak memory", f"{cost.peak_memory_bytes / 2**20:,.0f} MiB{of_several}"
    yield "saved model", f"{cost.artifact_bytes / 2**20:,.1f} MiB"
    yield "scoring one text", f"{1000 * cost.latency_seconds:.1f} ms"
    for name, fact in record.facts.items():
        yield name, write_fact(fact)
    for added in added_to_runs([record]).costs.values():
        if (value := added.read(record)) is not None:
            yield added.heading, added.write(value)


def check_summary_format(name: str) -> None:
    """Check a format of a run's summary table.

    Raises:
        UsageError: the format doesn't exist.
    """
    formats = ("json", *tabulate_formats)
    if name not in formats:
        raise UsageError(
            f"--format {name}: no such format.{did_you_mean(name, formats)} The formats are {', '.join(formats)}."
        )


def summary(record: Record, where: str, table_format: str = "simple") -> str:
    """Return the summary table of a run, or its record as JSON.

    Args:
        record: the record of the run.
        where: the run directory, as the user would type it.
        table_format: ``json`` or a format of tabulate.

    Raises:
        UsageError: the format doesn't exist.
    """
    check_summary_format(table_format)
    if table_format == "json":
        return json.dumps(asdict(record), indent=2, ensure_ascii=False)
    metrics = tabulate(metric_rows(record), headers="keys", floatfmt=".4f", missingval="-", tablefmt=table_format)
    cost = tabulate(cost_rows(record), tablefmt="plain" if table_format == "simple" else table_format)
    read = data_table(data_rows([record.data]), table_format)
    parts = [_subject(record), "", read, "", metrics, "", cost]
    if sentence := held_out_sentence(record.data):
        parts += ["", sentence]
    return "\n".join([*parts, "", f"run: {where}"])


def summary_html(record: Record, where: str) -> str:
    """Return the summary table of a run as HTML, for a notebook, with all texts escaped."""
    metrics = tabulate(metric_rows(record), headers="keys", floatfmt=".4f", missingval="-", tablefmt="html")
    read = data_table(data_rows([record.data]), "html")
    cost = tabulate(cost_rows(record), tablefmt="html")
    sentence = held_out_sentence(record.data)
    held_out = f"<p>{escape(sentence)}</p>" if sentence else ""
    return f"<p>{escape(_subject(record))}</p>{read}{metrics}{cost}{held_out}<p>run: <code>{escape(where)}</code></p>"


def held_out_sentence(data: DataRecord) -> str | None:
    """Return a sentence on splits that were held out from train, or on a test drawn anew; ``None`` if none was."""
    if data.own_tests:
        return "test is drawn anew for each seed: not comparable with published scores."
    held_out = [split.name for split in data.splits if split.origin.startswith("held out")]
    if not held_out:
        return None
    by = f" by group={data.group_column}" if data.group_column else ""
    by = f" by time={data.time_column}, the latest rows" if data.time_column else by
    verb = "are" if len(held_out) > 1 else "is"
    # Published scores are test scores, so a held-out validation split doesn't affect the comparison.
    warning = ": not comparable with published scores" if "test" in held_out else ""
    return f"{' and '.join(held_out)} {verb} held out from train{by}{warning}."


def tokenization_sentences(record: Record) -> str | None:
    """Return the maximum length and the number of truncated texts in sentences; ``None`` if unknown."""
    if record.tokenization is None:
        return None
    counts = _truncated(record)
    sentence = f"Truncated texts {counts}." if counts else "No text was truncated."
    return f"The longest input is {record.tokenization.max_length:,} tokens, special ones included. {sentence}"


def _longest_input(record: Record) -> str | None:
    """Return the maximum length, if it was set or texts were truncated."""
    trainer, counts = record.plugin("trainer"), _truncated(record)
    chosen = trainer is not None and trainer.set_by.get("max_length", "default") != "default"
    if record.tokenization is None or not (chosen or counts):
        return None
    truncation = f"longer texts truncated (truncation={record.tokenization.truncation})"
    truncated = truncation if counts else "no text was truncated"
    return f"{record.tokenization.max_length:,} tokens; {truncated}"


def _truncated(record: Record) -> str:
    """Return how texts were truncated, and how many in each split; empty if none were."""
    splits = [split for split in record.data.splits if split.truncated]
    counts = [f"{split.truncated:,} of {split.rows:,} in {split.name}" for split in splits]
    return (
        f"(truncation={record.tokenization.truncation}): {', '.join(counts)}" if counts and record.tokenization else ""
    )


def _subject(record: Record) -> str:
    # A trainer that decides itself what trains has both roles.
    names = " + ".join(dict.fromkeys(_spec(record, role) for role in ("strategy", "trainer") if record.plugin(role)))
    model = record.plugin("model")
    return " · ".join([names, *([model.name] if model else []), record.data.source, f"seed {record.seed}"])


def _spec(record: Record, role: str) -> str:
    """Return the plugins of a role with the options that were set."""
    specs = []
    for plugin in record.plugins:
        if role in plugin.roles:
            chosen = [f"{key}={plugin.options[key]}" for key, by in plugin.set_by.items() if by != "default"]
            specs.append(f"{plugin.name}:{','.join(chosen)}" if chosen else plugin.name)
    return " + ".join(specs)


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 1e5 else f"{count:,}"


def _phase(phase: PhaseRecord) -> str:
    epochs = "1 epoch" if phase.epochs == 1 else f"{phase.epochs:.3g} epochs"
    return f"{epochs} at {phase.learning_rate:g} ({_millions(phase.trainable_parameters)} parameters)"


def _frozen(encoder: EncoderRecord) -> str:
    """Return the frozen parts of the encoder: completely frozen parts, then partly frozen ones."""
    if encoder.frozen_sha256 is None:
        return "nothing"
    partly = f"partly {', '.join(_ranges(encoder.partly_frozen))}" if encoder.partly_frozen else ""
    parts = "; ".join(filter(None, [", ".join(_ranges(encoder.frozen)), partly]))
    return f"{parts} (verified unchanged)"


def _ranges(parts: tuple[str, ...]) -> list[str]:
    """Join adjacent blocks: ``block 0``, ``block 1`` become ``blocks 0-1``."""
    joined: list[str] = []
    run: list[int] = []
    for part in (*parts, ""):
        number = part.removeprefix("block ")
        block = int(number) if part.startswith("block ") and number.isdigit() else None
        if run and block != run[-1] + 1:
            joined.append(f"block {run[0]}" if len(run) == 1 else f"blocks {run[0]}-{run[-1]}")
            run = []
        if block is not None:
            run.append(block)
        elif part:
            joined.append(part)
    return joined
