"""Check by hashes of thirty commands' results that a change of the code leaves all predictions the same, to the bit.

    python tests/benchmarks/thirty_commands.py --output FILE.json [--against OTHER.json] [--only full,...] [--jobs 1]

runs the commands of ``command_list.py`` on tiny models and invented texts, each in its own process. It writes the exit
code of each, the metrics of its runs and a hash of each column of their predictions, and hashes of the files of
``predict`` and ``export``. With ``--against`` it prints where results differ from those in OTHER, and ends with 1 if
any does. The bits are the same only on one machine with the same packages: write OTHER there, before the change. Runs
are matched by label, seed and size of train, since the names of folders may change.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from command_data import prepare
from command_list import BY_NAME, Command, chains
from speed import some_of

ABOUT_THE_RUN = ("README.md", "classifier.json")
"""The files of an exported folder that describe the run and versions, not the model; they aren't hashed."""

Found = dict[str, Any]
"""The results of a command, as JSON."""


def run_command(command: Command, folder: Path) -> Found:
    """Run a command in a folder that :func:`prepare` filled; return its results."""
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
            if path.is_file() and path.name not in ABOUT_THE_RUN
        }
    counts = ", ".join(f"{len(left)} {what}" for what, left in found.items() if what != "exit_code")
    trouble = f"\n{child.stderr[-4000:]}" if child.returncode else ""
    print(f"{command.name}: exit code {child.returncode}, {counts}{trouble}", file=sys.stderr, flush=True)
    return found


def _only_run(folder: Path, name: str) -> str:
    """Return the run of a command, relative to ``folder``; without one, the command after it will fail."""
    records = [*(folder / name / "runs").glob("*/record.json")]
    return str(records[0].parent.relative_to(folder)) if records else f"{name}/runs/none"


def runs_in(folder: Path) -> Found:
    """Return the results of the runs in a folder and below it, trials of a search included."""
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
    """Return a hash of a column's values: of lists and structures with their bounds, of numbers bit for bit."""
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
    """Yield each place where two results, as JSON, differ."""
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the commands, write their results, and return 1 if any differs from those given."""
    parser = argparse.ArgumentParser(description="Thirty commands, and hashes of their results.")
    names = tuple(BY_NAME)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the results, as JSON")
    parser.add_argument("--against", type=Path, metavar="OTHER", help="the results to compare with")
    parser.add_argument("--only", type=some_of(names), default=names, help=f"some of {', '.join(names)}")
    parser.add_argument("--jobs", type=int, default=1, help="the number of commands to run at once, one thread each")
    options = parser.parse_args(arguments)
    other = json.loads(options.against.read_text(encoding="utf-8")) if options.against else {}

    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(options.jobs) as pool:
        folder = Path(temporary)
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
