"""A run that several processes share: the result is that of one process, and one that dies ends it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import torch.distributed as dist
from shared_runs import Case, SharedRun, gradient_difference, parameter_differences, save_checkpoints

from textclf_core import UsageError, compare
from textclf_core.system.world import World

SUPPORT = Path(__file__).parents[2] / "support"
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")


@dataclass(frozen=True)
class Launch:
    """What processes that were launched together left."""

    code: int
    printed: str


def launch(processes: int, *command: object, launcher: tuple[str, ...] = TORCHRUN, **variables: str) -> Launch:
    """Run a command in several processes."""
    done = subprocess.run(
        [sys.executable, *launcher, str(processes), *map(str, command)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "TEXTCLF_CACHE_LIMIT": "1G", **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Launch(done.returncode, done.stdout + done.stderr)


def of_launch(rank: int, size: int, port: int = 1) -> dict[str, str]:
    """Return the variables by which torchrun tells a process of its place."""
    return {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}


# What is refused, and printed once


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes this process believe that it is one of two, with the store of a launcher."""
    store = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=5))

    def place_at(rank: int) -> None:
        for name, value in of_launch(rank, 2, store.port).items():
            monkeypatch.setenv(name, value)

    return place_at


def test_a_process_without_the_launchers_variables_is_alone() -> None:
    assert World.launched({}) == World.launched({"WORLD_SIZE": "2", "RANK": "1"}) == World()
    assert World.launched(of_launch(0, 1)) == World()
    assert World.launched({**of_launch(5, 8), "LOCAL_RANK": "1"}) == World(5, 8, 1)


def test_every_row_is_in_one_share() -> None:
    for count in (0, 1, 2, 7, 163):
        shares = [World(rank, 3).share(count) for rank in range(3)]
        assert [row for share in shares for row in share] == list(range(count))


def test_an_error_of_all_processes_is_printed_by_the_first(
    place: Callable[[int], None], textclf: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    place(0)
    assert textclf("run", "--plugin", "majorty") == 2
    assert "Did you mean 'majority'?" in capfd.readouterr().err
    place(1)
    assert textclf("run", "--plugin", "majorty") == 2
    assert textclf("run", "--pluggin", "majority") == 2  # typer's own error
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("run", "--plugin", "majority"), "the trainer 'majority' trains in one process, but 2 were launched; start"),
        (("compare", "--try", "full"), "only `textclf run` can be shared among processes, of which 2 were launched"),
    ],
)
def test_what_can_not_be_shared_is_refused(
    command: tuple[str, ...],
    message: str,
    place: Callable[[int], None],
    textclf: Callable[..., int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    place(0)
    assert textclf(*command) == 2
    assert message in capfd.readouterr().err


def test_a_comparison_from_python_is_refused_too(place: Callable[[int], None]) -> None:
    place(0)
    with pytest.raises(UsageError, match="a comparison runs each cell in one process, but 2 were launched"):
        compare(["full"])


# The result is that of one process

ONE_STEP = ("full-words-4-one", "lora-topics-1-one")
WHOLE = ("frozen-words-4", "lora-topics-4", "adversarial-reviews-1")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of all cases by three processes."""
    folder = tmp_path_factory.mktemp("shared")
    save_checkpoints(folder)
    done = launch(3, SUPPORT / "shared_runs.py", folder, *ONE_STEP, *WHOLE)
    assert done.code == 0, done.printed
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    save_checkpoints(folder)
    return folder


@pytest.mark.slow
def test_the_first_gradient_is_that_of_one_process(shared: Path, alone: Path) -> None:
    for name in ONE_STEP:
        assert gradient_difference(Case.named(name).run(alone), SharedRun.found(shared / name)) < 1e-5, name


@pytest.mark.slow
def test_parameters_scores_and_costs_are_those_of_one_process(shared: Path, alone: Path) -> None:
    for name in WHOLE:
        one, three = Case.named(name).run(alone), SharedRun.found(shared / name)
        of_keys, of_others = parameter_differences(one, three)
        assert of_keys < 1e-3, name
        assert of_others < 1e-5, name
        assert (one.scores - three.scores).abs().max() < 1e-4, name
        assert (one.record.processes, three.record.processes) == (1, 3)
        ours, theirs = one.record.cost, three.record.cost
        assert (ours.peak_memory_bytes_by_process, len(theirs.peak_memory_bytes_by_process)) == ((), 3)
        assert theirs.peak_memory_bytes == max(theirs.peak_memory_bytes_by_process)
        for count in ("train_examples", "train_non_padding_tokens", "prefix_rows_computed", "prefix_rows_read"):
            assert getattr(ours, count) == getattr(theirs, count), (name, count)
        # Smaller micro-batches of grouped lengths have other padding.
        assert theirs.train_flops == pytest.approx(ours.train_flops, rel=0.1)
        assert one.record.metrics["test"] == pytest.approx(three.record.metrics["test"])


# A process that dies


@pytest.fixture(scope="module")
def training(alone: Path, reviews: Path) -> Callable[..., tuple[str, ...]]:
    """Returns the arguments of ``textclf run`` for two epochs of 12 steps."""

    def arguments(output: Path, resume: Path | None = None) -> tuple[str, ...]:
        resumed = f",resume={resume}" if resume else ""
        plugins = (
            f"files:path={reviews}",
            f"hf-model:checkpoint={alone / 'checkpoint-reviews'}",
            f"finetune:epochs=2,batch_size=8,learning_rate=1e-3{resumed}",
            "dying",
        )
        given = [word for plugin in plugins for word in ("--plugin", plugin)]
        return ("run", *given, "--plugin-file", str(SUPPORT / "dying.py"), "--output", str(output), "--device", "cpu")

    return arguments


@pytest.fixture(scope="module")
def whole(training: Callable[..., tuple[str, ...]], textclf: Callable[..., int], alone: Path) -> SharedRun:
    """The run of one process that nothing interrupts."""
    assert textclf(*training(alone / "whole")) == 0
    return SharedRun.found(alone / "whole")


@pytest.mark.slow
def test_a_killed_run_is_resumed_by_any_number_of_processes(
    training: Callable[..., tuple[str, ...]], textclf: Callable[..., int], whole: SharedRun, tmp_path: Path
) -> None:
    killed = launch(2, "-m", "textclf_core", *training(tmp_path / "killed"), DIES="killed 1 18")
    assert killed.code != 0
    # The launcher may be faster, and end the other process before that notices.
    assert killed.printed.count("another process of this run ended") + killed.printed.count("interrupted. ") == 1
    assert killed.printed.count("To resume after its last epoch: textclf run") == 1
    [left] = (tmp_path / "killed").glob("*.incomplete")
    assert str(left / "checkpoints" / "epoch-1") in killed.printed
    resumed = launch(3, "-m", "textclf_core", *training(tmp_path / "3", left / "checkpoints" / "epoch-1"))
    assert resumed.code == 0, resumed.printed
    assert textclf(*training(tmp_path / "1", left / "checkpoints" / "epoch-1")) == 0
    for processes in (1, 3):
        run = SharedRun.found(tmp_path / str(processes))
        of_keys, of_others = parameter_differences(whole, run)
        assert of_keys < 1e-3, processes
        assert of_others < 1e-5, processes
        assert (whole.scores - run.scores).abs().max() < 1e-4


@pytest.mark.slow
def test_an_error_of_one_process_ends_all_and_is_printed_once(
    training: Callable[..., tuple[str, ...]], tmp_path: Path
) -> None:
    accelerate = ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1", "--num_processes")
    failed = launch(2, "-m", "textclf_core", *training(tmp_path), launcher=accelerate, DIES="fails 1 14")
    assert failed.code != 0
    assert failed.printed.count("no more ink") == 1
    assert failed.printed.count("To resume after its last epoch: ") == 1
    assert "another process" not in failed.printed
    assert not list(tmp_path.glob(".*"))
