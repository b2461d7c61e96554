"""How fast training and prediction are, beside ``transformers.Trainer`` on the same rows, seeds and steps.

    python tests/benchmarks/speed.py [--rows 1066|all] [--repeats 3] [--only full,head-only,...] [--json FILE]

prints a table. Each figure is the median of the repeats; each run is a process of its own, ours and Trainer's in turn.
The seconds are those of the training stage (batches, forward, backward, optimizer, frozen prefix; not imports, tokens,
evaluation); "rest" is what else ours spends on training, "whole process" all of it. README.md says more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from measure import HERE, Job, Measured, ask, fastest, measure, median_of, one_after_another
from tabulate import tabulate
from works import OVERHEAD, OVERHEAD_GOAL, WORKS, Work

NAMES = (*(work.name for work in WORKS), OVERHEAD)
HEADERS = (
    "work",
    "ours s",
    "Trainer s",
    "times faster",
    "goal",
    "ours rest s",
    "ours F1",
    "Trainer F1",
    "ours whole process s",
    "Trainer whole process s",
    "ours peak MiB",
    "Trainer peak MiB",
)
OVERHEAD_HEADERS = ("work", "finetune ms a step", "bare loop ms a step", "overhead", "goal")


@dataclass(frozen=True)
class Both:
    """The runs of a line's two sides; the peer is a bare loop where the overhead is measured."""

    ours: list[Measured] = field(default_factory=list)
    peer: list[Measured] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    """Where the runs find their data and models, as ``rows.py`` wrote them.

    Attributes:
        folder: holds them.
        model: the spec of ours.
    """

    folder: Path
    model: str

    def job(self, job: Job, **more: Any) -> dict[str, Any]:
        """Return a job with the places that every one of its side needs."""
        places = {"data": str(self.folder / "data"), "model": self.model, "checkpoint": str(self.folder / "model")}
        return {**places, **job, **more}

    def run(self, work: Work, repeats: int) -> Both:
        """Run a line's two sides in turn."""
        settings, peer_settings = self._beforehand(work)
        both = Both()
        for repeat in range(repeats):
            both.ours.append(reported(f"{work.name} ours", "ours.py", self.job(work.ours, seed=repeat, **settings)))
            if work.peers_are == "parts":
                if repeat == 0:
                    parts = [self._peer(work, job, peer_settings, repeat) for job in work.peers]
                    both.peer.append(one_after_another(parts, work.each_part))
            else:
                both.peer.append(fastest(self._peer(work, job, peer_settings, repeat) for job in work.peers))
        return both

    def run_overhead(self, repeats: int) -> Both:
        """Run finetune and a bare loop in turn, on a model of two blocks."""
        both = Both()
        for repeat in range(repeats):
            job = self.job({"do": "steps", "plugins": ["full"]}, seed=repeat)
            job["model"] = f"hf-model:checkpoint={self.folder / 'two-blocks'}"
            both.ours.append(reported("overhead finetune", "ours.py", job))
            both.peer.append(reported("overhead bare loop", "bare.py", job))
        return both

    def _peer(self, work: Work, job: Job, settings: Job, repeat: int) -> Measured:
        return reported(f"{work.name} Trainer", "peer.py", self.job(job, seed=repeat, **settings))

    def _beforehand(self, work: Work) -> tuple[dict[str, str], dict[str, str]]:
        """Do what isn't timed, and return the settings of the two sides that tell where it is."""
        if work.cache == "warm":
            cache = {"cache": str(self.folder / "cache")}
            reported(f"{work.name} filling the cache", "ours.py", self.job(work.ours, seed=0, **cache))
            return cache, {}
        if work.trained:
            trained = self.folder / "trained"
            if not trained.is_dir():
                job = {"do": "train", "plugins": ["full"], "seed": 0, "keep": str(trained)}
                reported(f"{work.name} training the model", "ours.py", self.job(job))
            if "engine" in work.ours:
                reported(f"{work.name} exporting the model", "ours.py", self.job(work.ours, trained=str(trained)))
            return {"trained": str(trained)}, {"checkpoint": str(trained / "model")}
        return {}, {}


def reported(what: str, script: str, job: Job) -> Measured:
    """Measure a job, and print its times to the standard error."""
    measured = measure(script, job)
    print(
        f"{what}: {measured.seconds:.3f} s, whole process {measured.process_seconds:.1f} s", file=sys.stderr, flush=True
    )
    return measured


def speeds(results: dict[str, Both]) -> str:
    """Return the table of speeds, and the notes that its lines need."""
    notes = [work.note for work in WORKS if work.name in results and work.note]
    numbers = {note: number for number, note in enumerate(dict.fromkeys(notes), 1)}
    lines = [
        line(work, results[work.name], f"{work.title} ({numbers[work.note]})" if work.note else work.title)
        for work in WORKS
        if work.name in results
    ]
    return "\n\n".join([table(lines, HEADERS), *(f"({number}) {note}" for note, number in numbers.items())])


def line(work: Work, both: Both, title: str) -> list[object]:
    """Return a work's line of the table."""
    ours, peer = median_of(both.ours), median_of(both.peer)
    return [
        title,
        f"{ours.seconds:.2f}",
        f"{peer.seconds:.2f}",
        f"{peer.seconds / ours.seconds:.1f}x",
        f"{work.goal:g}x" if work.goal else "",
        "" if ours.rest_seconds is None else f"{ours.rest_seconds:.2f}",
        *(f"{side.f1:.3f}" for side in (ours, peer)),
        *(f"{side.process_seconds:.1f}" for side in (ours, peer)),
        *(f"{side.peak_mib:.0f}" for side in (ours, peer)),
    ]


def overhead_line(both: Both) -> list[object]:
    """Return the line of the overhead."""
    ours, bare = median_of(both.ours).seconds, median_of(both.peer).seconds
    return [
        "full, two blocks",
        f"{1000 * ours:.2f}",
        f"{1000 * bare:.2f}",
        f"{ours / bare - 1:+.1%}",
        f"at most {OVERHEAD_GOAL:.0%}",
    ]


def report(results: dict[str, Both], about: dict[str, Any], repeats: int) -> str:
    """Return the tables, with what they were measured on."""
    rows, environment = about["rows"], about["environment"]
    facts = (
        f"Rows: train {rows['train']}, validation {rows['validation']}, test {rows['test']}. Repeats: {repeats}. "
        f"Python {environment['python']}, torch {environment['torch']}, transformers {environment['transformers']}, "
        f"{environment['threads']} threads on {environment['cpu_count']} cores, {environment['platform']}."
    )
    parts = [facts]
    if results.keys() - {OVERHEAD}:
        parts.append(speeds(results))
    if OVERHEAD in results:
        parts.append(table([overhead_line(results[OVERHEAD])], OVERHEAD_HEADERS))
    return "\n\n".join(parts)


def table(lines: Sequence[Sequence[object]], headers: Sequence[str]) -> str:
    """Return a table for Markdown; figures stay as they were rounded."""
    aligned = ["left", *["right"] * (len(headers) - 1)]
    return tabulate(lines, headers, "github", disable_numparse=True, colalign=aligned)


def default_data() -> str:
    """Return the spec of Rotten Tomatoes: the official splits where they are, else where the plugin finds them."""
    shared = Path(os.environ.get("TEXTCLF_SHARED_DATA", HERE.parents[2] / "shared" / "data"))
    folder = shared / "rt-polaritydata"
    return f"rotten-tomatoes:path={folder}" if folder.is_dir() else "rotten-tomatoes"


def row_count(text: str) -> int | None:
    """Return how many rows ``--rows`` asks for; ``None`` is all."""
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of rows, 2 at least, nor all")
    return int(text)


def some_of(known: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    """Return what reads ``--only``, the names of some of those that there are, apart by commas."""

    def names(text: str) -> tuple[str, ...]:
        wanted = tuple(text.split(","))
        if unknown := [name for name in wanted if name not in known]:
            raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
        return wanted

    return names


def data_options(description: str) -> argparse.ArgumentParser:
    """Return a parser of the options that say what to run on."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rows", type=row_count, default=1066, help="training rows, or all (default: an eighth, 1066)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side, in turn (default: 3)")
    parser.add_argument("--model", default="minilm", help="the model plugin (default: minilm)")
    parser.add_argument("--data", default=default_data(), help="the dataset plugin (default: rotten-tomatoes)")
    return parser


def prepared(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Write the data and the models into ``folder``, and return what is known of them."""
    job = {"data": options.data, "model": options.model, "rows": options.rows, "folder": str(folder)}
    about: dict[str, Any] = ask("rows.py", job)[0]
    return about


def write_json(file: Path, results: dict[str, Both], about: dict[str, Any]) -> None:
    """Write every run, not the medians alone."""
    runs = {name: asdict(both) for name, both in results.items()}
    file.write_text(json.dumps({**about, "runs": runs}, indent=2) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the tables when all is done."""
    parser = data_options("Speed, memory and F1 beside transformers.Trainer.")
    parser.add_argument("--only", type=some_of(NAMES), default=NAMES, help=f"some of {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    options = parser.parse_args(arguments)
    results: dict[str, Both] = {}
    with tempfile.TemporaryDirectory() as room:
        about = prepared(options, Path(room))
        bench = Bench(Path(room), options.model)
        for name in (name for name in NAMES if name in options.only):
            work = next((work for work in WORKS if work.name == name), None)
            results[name] = bench.run(work, options.repeats) if work else bench.run_overhead(options.repeats)
            if options.json:
                write_json(options.json, results, about)
    print(report(results, about, options.repeats))


if __name__ == "__main__":
    main()
