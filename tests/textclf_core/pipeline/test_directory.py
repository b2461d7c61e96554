"""A run's directory: reserved, whole or absent, and nothing removed that another run wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from textclf_core.errors import UsageError
from textclf_core.pipeline.directory import RunDirectory, finish_killed_runs


def write_run(directory: RunDirectory, text: str) -> None:
    (directory.partial / "record.json").write_text(text)


def published(output: Path, name: str, text: str, *, replace: bool = False) -> Path:
    directory = RunDirectory(output, name, replace=replace)
    write_run(directory, text)
    assert directory.publish()
    return directory.path


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    assert published(tmp_path, "run", "one").name == "run"
    assert published(tmp_path, "run", "two").name == "run-2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run-2"]


def test_a_name_that_another_run_has_reserved_is_taken(tmp_path: Path) -> None:
    first, second = RunDirectory(tmp_path, "run"), RunDirectory(tmp_path, "run")
    assert (first.id, second.id) == ("run", "run-2")


def test_a_run_takes_the_place_of_an_earlier_one_of_its_id_if_asked(tmp_path: Path) -> None:
    published(tmp_path, "cell", "old")
    assert published(tmp_path, "cell", "new", replace=True).joinpath("record.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["cell"]


def test_what_another_run_put_in_the_place_meanwhile_stays(tmp_path: Path) -> None:
    late = RunDirectory(tmp_path, "cell", replace=True)
    write_run(late, "late")
    published(tmp_path, "cell", "first", replace=True)
    assert not late.publish()
    assert (tmp_path / "cell" / "record.json").read_text() == "first"


def test_the_earlier_run_is_back_if_the_new_one_cant_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(tmp_path, "cell", "old")
    new = RunDirectory(tmp_path, "cell", replace=True)
    write_run(new, "new")
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path == new.partial and target == new.path:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="No space"):
        new.publish()
    kept = new.keep_incomplete()
    assert (tmp_path / "cell" / "record.json").read_text() == "old"
    assert kept is not None
    assert (kept / "record.json").read_text() == "new"


def abandon(directory: RunDirectory) -> None:
    """Make a reservation one of a process that no longer exists."""
    owner = directory.partial.parent / "owner.json"
    owner.write_text(json.dumps({**json.loads(owner.read_text()), "process": 2**22 + 1}))


def test_complete_runs_of_killed_processes_are_put_in_place(tmp_path: Path) -> None:
    """Killed before the run was renamed, or just after it."""
    complete = RunDirectory(tmp_path, "complete")
    write_run(complete, "new")
    renamed = RunDirectory(tmp_path, "renamed")
    write_run(renamed, "new")
    renamed.partial.rename(renamed.path)
    for one in (complete, renamed):
        abandon(one)
    finish_killed_runs(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["complete", "renamed"]
    assert (tmp_path / "complete" / "record.json").read_text() == "new"


def test_a_run_to_resume_from_and_one_that_is_running_stay(tmp_path: Path) -> None:
    killed, running = RunDirectory(tmp_path, "killed"), RunDirectory(tmp_path, "running")
    (killed.partial / "checkpoints").mkdir()
    write_run(running, "new")
    abandon(killed)
    finish_killed_runs(tmp_path)
    assert (killed.partial / "checkpoints").is_dir()
    assert (running.partial / "record.json").is_file()
    assert not running.path.exists()


def test_what_a_killed_process_left_is_kept(tmp_path: Path) -> None:
    """The next run of that name puts it aside; one that the process had moved away goes back to its place."""
    published(tmp_path, "cell", "old")
    killed = RunDirectory(tmp_path, "cell", replace=True)
    (killed.partial / "checkpoints").mkdir()
    (tmp_path / "cell").rename(killed.partial.parent / "replaced")
    abandon(killed)
    RunDirectory(tmp_path, "cell", replace=True).discard()
    assert (tmp_path / "cell" / "record.json").read_text() == "old"
    assert (tmp_path / "cell.incomplete" / "checkpoints").is_dir()


def test_a_reservation_of_another_host_is_left_alone(tmp_path: Path) -> None:
    other = RunDirectory(tmp_path, "cell", replace=True)
    owner = other.partial.parent / "owner.json"
    owner.write_text(json.dumps({"host": "elsewhere", "process": 2**22 + 1}))
    RunDirectory(tmp_path, "cell", replace=True).discard()
    assert other.partial.is_dir()


def test_a_folder_that_cant_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--output"):
        RunDirectory(tmp_path / "file" / "runs", "run")
