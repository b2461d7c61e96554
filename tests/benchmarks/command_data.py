"""The models and texts that the commands of ``thirty_commands.py`` name."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclf_core.testing import TAGS, TOPICS, tiny_data, tiny_encoder, tiny_topics, tiny_words

if TYPE_CHECKING:
    from datasets import DatasetDict

ROWS = 128
"""The number of rows in the training split."""


def prepare(folder: Path) -> None:
    """Write the models and texts; they are the same every time."""
    _save(folder / "tiny", blocks=4)
    _save(folder / "classifier", labels=["Positive", "NEGATIVE"], seed=1)
    _save(folder / "inference", labels=["CONTRADICTION", "NEUTRAL", "ENTAILMENT"], seed=2)
    for name, split in _rows(tiny_data(ROWS)).items():
        _write_csv(folder / "reviews" / f"{name}.csv", split)
        _write_csv(folder / "verdicts" / f"{name}.csv", _verdicts(split))
        _write_csv(folder / "columns" / f"{name}.csv", [_in_columns(row) for row in split])
    for name, split in tiny_topics(ROWS).items():
        rows = [{"text": row["text"], "labels": [TOPICS[label] for label in row["label"]]} for row in split]
        _write_jsonl(folder / "topics" / f"{name}.jsonl", rows)
    for name, split in tiny_words(ROWS).items():
        sequences = [zip(row["tokens"], row["label"], strict=True) for row in split]
        lines = ["".join(f"{word}\t{TAGS[tag]}\n" for word, tag in sequence) for sequence in sequences]
        _write(folder / "opinions" / f"{name}.conll", "\n".join(lines))
    _write_jsonl(folder / "opinions" / "texts.jsonl", [{"text": " ".join(row["tokens"])} for row in split])


def _save(folder: Path, **settings: Any) -> None:
    # With transformers' own small random weights, every score is nearly a half.
    encoder = tiny_encoder(config={"initializer_range": 0.1}, **settings)
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)


def _rows(data: DatasetDict) -> dict[str, list[dict[str, str]]]:
    return {
        name: [{"text": row["text"], "label": split.features["label"].int2str(row["label"])} for row in split]
        for name, split in data.items()
    }


def _verdicts(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Return rows with three labels of different frequency, texts of different lengths, and an empty text."""
    verdicts = [{"review": row["text"], "verdict": row["label"]} for row in rows]
    for place in range(0, len(rows) - 1, 5):
        both = " ".join(row["text"] for row in rows[place : place + 2])
        verdicts[place] = {"review": both, "verdict": "mixed"}
    verdicts[1] = {**verdicts[1], "review": ""}
    return verdicts


def _in_columns(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row with its text in three columns, a third of the words each."""
    words = row["text"].split()
    third = len(words) // 3
    parts = {"title": words[:third], "body": words[third : 2 * third], "closing": words[2 * third :]}
    return {**{name: " ".join(part) for name, part in parts.items()}, "label": row["label"]}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    _write(path, "".join(f"{json.dumps(row)}\n" for row in rows))


def _write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
