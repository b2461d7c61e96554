"""Whether a change of the code leaves every prediction as it was, to the bit: thirty commands, and hashes of what came.

    python tests/benchmarks/thirty_commands.py --output FILE.json [--against OTHER.json] [--only full,...] [--jobs 1]

runs ``textclf`` on tiny models and invented texts, each command in a process of its own, and writes for each its exit
code, and of every run that it left the metrics and a hash of each column of the predictions; of ``predict`` and
``export``, hashes of the files. With ``--against`` it prints the commands whose results differ from those in OTHER, and
ends with 1 if any does. Results are the same bits on one machine with one set of packages: write OTHER there, before
the change. A run is known by label, seed and size of train, since the names of folders may change.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from speed import some_of

from textclf_core.testing import TAGS, TOPICS, tiny_data, tiny_encoder, tiny_topics, tiny_words

if TYPE_CHECKING:
    from datasets import DatasetDict

ROWS = 128
"""How many the training split of the invented texts has."""

TELL_OF_THE_RUN = ("README.md", "classifier.json")
"""The files of an exported folder that describe the run and versions, not the model; they aren't hashed."""

Found = dict[str, Any]
"""What a command left, as JSON."""

TINY = "hf-model:checkpoint=tiny"
REVIEWS = (TINY, "files:path=reviews")
TOPIC = (TINY, "files:path=topics")
OPINIONS = (TINY, "conll:path=opinions")
MINILM = ("minilm", "files:path=reviews")
FINETUNE = "finetune:batch_size=8,learning_rate=3e-3"
_PLACES = ("--output", "{own}/runs", "--device", "cpu")


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: what ``--only`` calls it.
        arguments: of ``textclf``. ``{own}`` is its folder, in which ``runs`` gets the runs and ``output`` other files.
        after: the command that goes before it, whose run is ``{run}``.
        warm: whether it goes on with that command's cache; each has one of its own otherwise.
    """

    name: str
    arguments: tuple[str, ...]
    after: str | None = None
    warm: bool = False


def _run(name: str, *plugins: str, more: Sequence[str] = (), after: str | None = None, warm: bool = False) -> Command:
    return Command(name, ("run", *_each("--plugin", plugins), *more, *_PLACES), after, warm)


def _compare(name: str, plugins: Sequence[str], tries: Sequence[str], *more: str) -> Command:
    return Command(name, ("compare", *_each("--plugin", plugins), *_each("--try", tries), *more, *_PLACES))


def _predict(name: str, after: str, texts: str, answers: str = "answers.csv", engine: str = "torch") -> Command:
    where = ("--input", texts, "--text", "text", "--output", f"{{own}}/output/{answers}")
    return Command(name, ("predict", "{run}", *where, "--engine", engine, "--device", "cpu"), after)


def _each(option: str, values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from (option, value)


COMMANDS = (
    _run("full", *REVIEWS, "full", f"{FINETUNE},epochs=3,warmup=0.1,keep=best"),
    _predict("predict", "full", "reviews/test.csv"),
    _predict("predict-onnx", "full", "reviews/test.csv", engine="onnx"),
    _predict("predict-onnx-int8", "full", "reviews/test.csv", engine="onnx-int8"),
    Command("export", ("export", "{run}", "{own}/output/model"), after="full"),
    _run(
        "resumed",
        *REVIEWS,
        "full",
        f"{FINETUNE},epochs=3,warmup=0.1,keep=best,resume={{run}}/checkpoints/epoch-2",
        after="full",
    ),
    _run("head-only", *REVIEWS, "head-only", f"{FINETUNE},epochs=4"),
    _run("freeze-first-n", *REVIEWS, "freeze-first-n:n=2", f"{FINETUNE},epochs=3"),
    _run(
        "deeper-prefix",
        *REVIEWS,
        "freeze-first-n:n=3",
        f"{FINETUNE},epochs=2",
        more=("--seed", "1"),
        after="freeze-first-n",
        warm=True,
    ),
    _compare(
        "frozen-parts",
        (*REVIEWS, f"{FINETUNE},epochs=2"),
        (
            "freeze-last-n:n=2",
            "freeze-embeddings",
            "freeze-pattern:pattern=attention",
            "bitfit",
            "layernorm-only",
            "discriminative-lr:groups=2",
            "layerwise-lr-decay + freeze-first-n:n=1",
            f"early-stopping:patience=1 + {FINETUNE},epochs=6,keep=best",
        ),
        *("--seeds", "1", "--no-baselines"),
    ),
    _run("gradual-unfreeze", *REVIEWS, "gradual-unfreeze:blocks=2", f"{FINETUNE},epochs=4"),
    _run(
        "linear-probe-then-finetune",
        *REVIEWS,
        "linear-probe-then-finetune:probe_epochs=2",
        "freeze-first-n:n=1",
        f"{FINETUNE},epochs=2",
    ),
    _run("freeze-auto", *REVIEWS, "freeze-auto:intervals=3", f"{FINETUNE},epochs=3"),
    _run("lora", *REVIEWS, "lora:r=4,dropout=0.1", "freeze-first-n:n=1", f"{FINETUNE},epochs=2"),
    _compare(
        "continued-pretraining",
        (*REVIEWS, "continued-pretraining:epochs=2,masking=whole-word"),
        (f"head-only + {FINETUNE},epochs=2", "embedding-logreg"),
        *("--seeds", "2", "--no-baselines"),
    ),
    _compare(
        "trainers",
        REVIEWS,
        (
            "freeze-first-n:n=1 + hf-trainer:batch_size=8,learning_rate=3e-3,epochs=2",
            "embedding-logreg",
            "embedding-logreg:pooling=first-token,normalize=false",
            "setfit:shots=8,iterations=2,learning_rate=1e-3",
            "zero-shot-embeddings:template=a {} picture",
            "zero-shot:checkpoint=inference,template=a {} picture",
            "task-specific:checkpoint=classifier",
        ),
        *("--seeds", "1"),
    ),
    _run(
        "weighted",
        TINY,
        "files:path=verdicts,text=review,label=verdict",
        "full",
        f"{FINETUNE},epochs=2,micro_batch_size=3,class_weights=balanced,focal_gamma=2,label_smoothing=0.1",
        "mcc",
        "precision-recall",
    ),
    _run(
        "two-columns",
        TINY,
        "files:path=columns,text=title,body,label=label",
        "full",
        f"{FINETUNE},epochs=2,max_length=9,truncation=tail",
    ),
    _run(
        "three-columns",
        TINY,
        "files:path=columns,text=title,body,closing,label=label",
        "freeze-first-n:n=2",
        f"{FINETUNE},epochs=2,max_length=p50,truncation=head+tail,micro_batch_size=3",
    ),
    _run(
        "held-out",
        TINY,
        "files:path=reviews/train.csv",
        "freeze-first-n:n=1",
        f"{FINETUNE},epochs=2",
        "calibration",
        "threshold:abstain_below=0.6",
        more=("--seed", "3", "--data-seed", "1"),
    ),
    _run("several-labels", *TOPIC, "full", f"{FINETUNE},epochs=3,class_weights=balanced", "threshold"),
    _compare(
        "several-labels-compared",
        TOPIC,
        (
            f"head-only + {FINETUNE},epochs=3 + calibration",
            "embedding-logreg + threshold:recall=0.9",
            "tfidf-logreg + threshold",
        ),
        *("--seeds", "2"),
    ),
    _run("words", *OPINIONS, "full", f"{FINETUNE},epochs=3"),
    _predict("predict-words", "words", "opinions/texts.jsonl", "answers.jsonl"),
    _compare(
        "words-compared",
        (*OPINIONS, f"{FINETUNE},epochs=2,max_length=12"),
        ("head-only", "freeze-first-n:n=2"),
        *("--seeds", "2"),
    ),
    _compare(
        "joint-heads",
        (*REVIEWS, "threshold"),
        (f"head-only + {FINETUNE},3e-2,epochs=3,keep=best", "freeze-first-n:n=4"),
        *("--seeds", "3", "--no-baselines"),
    ),
    _compare(
        "train-sizes",
        (*REVIEWS, f"{FINETUNE},epochs=2"),
        ("head-only", "freeze-first-n:n=3"),
        *("--seeds", "2", "--train-size", "8/class,50%,100%", "--no-baselines"),
    ),
    _compare(
        "tuned",
        (*REVIEWS, f"{FINETUNE},epochs=2"),
        ("head-only", "freeze-first-n:n=3"),
        *("--seeds", "2", "--tune", "learning_rate=1e-4..1e-1", "--trials", "3", "--no-baselines"),
    ),
    _run("minilm", *MINILM, "full", "finetune:batch_size=16,learning_rate=1e-4,checkpoints=0"),
    _compare(
        "minilm-compared",
        (*MINILM, "finetune:batch_size=16,checkpoints=0"),
        (
            "head-only + finetune:epochs=3,learning_rate=1e-3,1e-2",
            "freeze-first-n:n=4 + finetune:learning_rate=1e-4,epochs=2",
            "zero-shot-embeddings:template=This is a {} review.",
        ),
        *("--seeds", "2", "--no-baselines"),
    ),
)
BY_NAME = {command.name: command for command in COMMANDS}


def chains(names: Sequence[str]) -> list[list[Command]]:
    """Return the wanted commands and those that have to go before, each with what goes after it in one list."""
    wanted = {*names, *(first for name in names if (first := BY_NAME[name].after))}
    starts = [command for command in COMMANDS if command.name in wanted and command.after is None]
    return [
        [start, *(command for command in COMMANDS if command.name in wanted and command.after == start.name)]
        for start in starts
    ]


def run_command(command: Command, folder: Path) -> Found:
    """Run a command in a folder that :func:`prepare` filled; return what it left."""
    own = folder / command.name
    (own / "output").mkdir(parents=True)
    run = _only_run(folder, command.after) if command.after else ""
    # Not str.format: options of plugins have braces too.
    arguments = [one.replace("{own}", command.name).replace("{run}", run) for one in command.arguments]
    cache = folder / ((command.warm and command.after) or command.name) / "cache"
    environment = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TEXTCLF_CACHE_DIR": str(cache)}
    child = subprocess.run(
        [sys.executable, "-m", "textclf_core", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    found: Found = {"exit_code": child.returncode}
    if command.arguments[0] in ("run", "compare"):
        found["runs"] = runs_in(own / "runs")
    else:
        found["files"] = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((own / "output").rglob("*"))
            if path.is_file() and path.name not in TELL_OF_THE_RUN
        }
    told = ", ".join(f"{len(left)} {what}" for what, left in found.items() if what != "exit_code")
    trouble = f"\n{child.stderr[-4000:]}" if child.returncode else ""
    print(f"{command.name}: exit code {child.returncode}, {told}{trouble}", file=sys.stderr, flush=True)
    return found


def _only_run(folder: Path, name: str) -> str:
    """Return the run of a command, seen from ``folder``; that it has none shows in what comes after it."""
    records = [*(folder / name / "runs").glob("*/record.json")]
    return str(records[0].parent.relative_to(folder)) if records else f"{name}/runs/none"


def runs_in(folder: Path) -> Found:
    """Return what is to stay the same of the runs in a folder and below it, trials of a search among them."""
    found: Found = {}
    for path in folder.rglob("record.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        size = record["data"]["train_size"]
        name = f"{record['label']}{f' at {size}' if size else ''} seed {record['seed']}"
        if name in found:
            raise ValueError(f"{folder}: two runs are {name}")
        table = pq.read_table(path.parent / "predictions.parquet")
        hashes = {column: content_sha256(table[column]) for column in table.column_names}
        found[name] = {"metrics": record["metrics"], "predictions": hashes}
    return dict(sorted(found.items()))


def content_sha256(column: pa.ChunkedArray) -> str:
    """Return a hash of a column's values, lists and structures with their bounds, numbers bit for bit."""
    digest = hashlib.sha256()
    for part in _parts(column.combine_chunks()):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _parts(values: pa.Array) -> Iterator[bytes]:
    yield values.is_null().to_numpy(zero_copy_only=False).tobytes()
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        yield values.value_lengths().fill_null(0).cast(pa.int64()).to_numpy(zero_copy_only=False).tobytes()
        yield from _parts(values.flatten())
    elif pa.types.is_struct(values.type):
        for field, under in zip(values.type, values.flatten(), strict=True):
            yield field.name.encode()
            yield from _parts(under)
    elif pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        numbers = values.drop_null().to_numpy(zero_copy_only=False)
        yield numbers.dtype.str.encode()
        yield numbers.tobytes()
    else:
        yield json.dumps(values.to_pylist()).encode()


def differences(mine: Any, other: Any, at: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield each place where two results, as JSON, aren't the same."""
    if isinstance(mine, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*mine, *other)):
            place = (*at, str(name))
            if name not in mine or name not in other:
                yield f"{' / '.join(place)}: {'gone' if name in other else 'new'}"
            else:
                yield from differences(mine[name], other[name], place)
    elif mine != other:
        short = [f"{value}"[:12] for value in (other, mine)] if isinstance(mine, str) else [other, mine]
        yield f"{' / '.join(at)}: {short[0]} before, {short[1]} now"


def prepare(folder: Path) -> None:
    """Write the models and the texts that the commands name, each the same every time."""
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
        sentences = [zip(row["tokens"], row["label"], strict=True) for row in split]
        lines = ["".join(f"{word}\t{TAGS[tag]}\n" for word, tag in sentence) for sentence in sentences]
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
    """Return three labels of unlike numbers, texts of unlike lengths, and one that is empty."""
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the commands, write what they left, and return 1 if any of it differs from what is given."""
    parser = argparse.ArgumentParser(description="Thirty commands, and hashes of what they left.")
    names = tuple(BY_NAME)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the results, as JSON")
    parser.add_argument("--against", type=Path, metavar="OTHER", help="results that these are to equal")
    parser.add_argument("--only", type=some_of(names), default=names, help=f"some of {', '.join(names)}")
    parser.add_argument("--jobs", type=int, default=1, help="how many commands run at once, one thread each")
    options = parser.parse_args(arguments)
    other = json.loads(options.against.read_text(encoding="utf-8")) if options.against else {}

    with tempfile.TemporaryDirectory() as room, ThreadPoolExecutor(options.jobs) as pool:
        folder = Path(room)
        prepare(folder)

        def run_chain(chain: Sequence[Command]) -> Found:
            return {command.name: run_command(command, folder) for command in chain}

        left: Found = {}
        for found in pool.map(run_chain, chains(options.only)):
            left |= found
    results = {name: left[name] for name in names if name in left}
    options.output.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if not options.against:
        return 0

    expected = {name: found for name, found in other.items() if options.only == names or name in results}
    differing = 0
    for name in dict.fromkeys((*results, *expected)):
        mine, theirs = ({name: side[name]} if name in side else {} for side in (results, expected))
        if places := [*differences(mine, theirs)]:
            differing += 1
            print(*places, sep="\n")
    print(f"commands that differ: {differing} of {len(results)}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
