"""``hf-trainer``: what Trainer is kept from, beside the faults in ``test_trainer_faults.py``."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from trained import largest_difference, same_bits, train

from textclf_core.errors import UsageError
from textclf_core.testing import LABELS, tiny_data, tiny_encoder
from textclf_core.training.plan import TrainingPlan
from textclf_core.types.progress import Progress
from textclf_core.types.task import Task
from textclf_core.types.workspace import Workspace
from textclf_plugins.training.hf_trainer import HfTrainer


def test_it_prints_nothing_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    train(HfTrainer(epochs=2), tmp_path, data=tiny_data(16))
    assert capfd.readouterr() == ("", "")


def test_its_steps_show_in_our_bar(tmp_path: Path) -> None:
    terminal = Console(file=StringIO(), force_terminal=True, color_system=None, width=120)
    train(HfTrainer(epochs=2), tmp_path, progress=Progress(terminal))
    [*_, bar] = [line for line in terminal.file.getvalue().split("\r") if "train " in line]
    assert " 8/8 " in bar
    assert "loss 0." in bar


def test_it_leaves_history_and_checkpoints_and_nothing_else(tmp_path: Path) -> None:
    run = train(HfTrainer(epochs=3, checkpoints=2), tmp_path, data=tiny_data(16))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "history.jsonl"]
    assert run.checkpoints == ["epoch-2", "epoch-3"]


def test_no_checkpoints_are_written_where_none_are_wanted(tmp_path: Path) -> None:
    train(HfTrainer(checkpoints=0), tmp_path, data=tiny_data(16))
    assert [path.name for path in tmp_path.iterdir()] == ["history.jsonl"]


def test_nothing_is_pickled(tmp_path: Path) -> None:
    run = train(HfTrainer(), tmp_path / "run", data=tiny_data(16))
    run.classifier.save(tmp_path)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".json", ".jsonl", ".safetensors"}


def test_keep_best_keeps_the_best_epoch(tmp_path: Path) -> None:
    data = tiny_data(rows=32)
    data["train"] = data["train"].map(lambda row: {"label": 1 - row["label"]})
    options = {"epochs": 4, "learning_rate": 3e-3, "batch_size": 8}
    best = train(HfTrainer(keep="best", **options), tmp_path / "best", data=data)
    last = train(HfTrainer(keep="last", **options), tmp_path / "last", data=data)
    losses = [row["validation_loss"] for row in best.epochs]
    assert min(losses) < losses[-1]
    assert largest_difference(best.parameters, last.parameters) > 1e-3


def test_the_same_seed_gives_the_same_bits_and_another_does_not(tmp_path: Path) -> None:
    first, again, other = (
        train(HfTrainer(), tmp_path / name, data=tiny_data(32), seed=seed)
        for name, seed in [("first", 7), ("again", 7), ("other", 8)]
    )
    assert same_bits(first.parameters, again.parameters)
    assert largest_difference(first.parameters, other.parameters) > 1e-5


def test_a_second_gpu_is_refused_with_the_way_to_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, device="cuda:1")
    with pytest.raises(UsageError, match=r"^hf-trainer: .* can't train on 'cuda:1'\. .*CUDA_VISIBLE_DEVICES=1"):
        HfTrainer().textclf_train(
            tiny_encoder(),
            tiny_data(),
            Task(LABELS),
            0,
            workspace,
            Progress(quiet=True),
            TrainingPlan.plain(HfTrainer()),
        )
