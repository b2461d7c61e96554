"""The README: a newcomer pastes its commands."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.metadata import distribution

import pytest
from doc_blocks import README, ROOT, Block, Runner, blocks_of, hubless_environment

BLOCKS = blocks_of(README)
FIRST, SECOND, *_ = (block for block in BLOCKS if block.language == "sh")


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Runs blocks in one folder; the first run has been made there."""
    place = tmp_path_factory.mktemp("newcomer")
    folder = place / "clone"
    folder.mkdir()
    runner = Runner(folder, hubless_environment(place))
    install, _, command = FIRST.code.partition(" && ")
    assert install == 'pip install -c constraints.txt ".[offline]"'  # done: the test extra brings all of it
    runner.run(replace(FIRST, code=command))
    return runner


@pytest.mark.parametrize("block", [FIRST, SECOND], ids=["run", "tests"])
def test_each_of_the_two_commands_is_one_line_to_paste(block: Block) -> None:
    assert len(block.code.splitlines()) == 1
    assert not block.comment


def test_every_built_in_plugin_stands_in_the_table() -> None:
    built_in = {point.name for point in distribution("textclf-core").entry_points if point.group == "textclf"}
    assert built_in
    assert {name for name in built_in if f"`{name}`" not in README.read_text(encoding="utf-8")} == set()


@pytest.mark.slow
def test_the_first_command_ends_in_a_table_with_f1_on_rows_held_out_from_train(newcomer: Runner) -> None:
    f1 = re.search(r"^f1 +\S+ +(\S+)$", newcomer.printed, flags=re.MULTILINE)
    assert f1 is not None
    assert float(f1[1]) >= 0.70
    assert "validation and test are held out from train" in newcomer.printed


def test_the_second_command_is_what_ci_runs() -> None:
    assert SECOND.code.strip() in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.slow
def test_the_blocks_run_in_order(newcomer: Runner) -> None:
    for block in BLOCKS:
        if block not in (FIRST, SECOND):
            newcomer.run(block)
