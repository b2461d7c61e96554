"""Sweeps among contenders."""

from __future__ import annotations

from pathlib import Path

from made_runs import comparison, plugin, write_run

from textclf_core.reports.sweeps import sweeps_of


def found(folder: Path) -> list[tuple[str, str, list[float]]]:
    return [
        (sweep.plugin, sweep.option, [value for value, _ in sweep.points])
        for sweep in sweeps_of(comparison(folder).rows)
    ]


def frozen(folder: Path, n: float, *, embeddings: bool = True, epochs: int = 1, accuracy: float = 0.8) -> None:
    write_run(
        folder,
        f"freeze-first-n:n={n},{embeddings},{epochs}",
        strategy=plugin("freeze-first-n", "strategy", n=n, embeddings=embeddings),
        trainer=plugin("finetune", "trainer", epochs=epochs),
        accuracy=accuracy,
    )


def test_contenders_that_differ_in_one_number_are_a_sweep_by_its_value(tmp_path: Path) -> None:
    for n, accuracy in ((4, 0.7), (0, 0.8), (12, 0.6)):
        frozen(tmp_path, n, accuracy=accuracy)
    write_run(tmp_path, "full")
    assert found(tmp_path) == [("freeze-first-n", "n", [0, 4, 12])]


def test_one_value_is_no_sweep(tmp_path: Path) -> None:
    frozen(tmp_path, 4)
    write_run(tmp_path, "full")
    assert found(tmp_path) == []


def test_contenders_that_differ_in_something_else_too_are_none(tmp_path: Path) -> None:
    frozen(tmp_path, 2, epochs=1)
    frozen(tmp_path, 4, epochs=3)
    assert found(tmp_path) == []


def test_a_switch_is_no_number(tmp_path: Path) -> None:
    frozen(tmp_path, 2, embeddings=True)
    frozen(tmp_path, 2, embeddings=False)
    assert found(tmp_path) == []


def test_a_grid_of_two_options_is_a_sweep_of_each_at_each_value_of_the_other(tmp_path: Path) -> None:
    for n in (1, 2):
        for epochs in (1, 3):
            frozen(tmp_path, n, epochs=epochs)
    assert sorted(found(tmp_path)) == [
        ("finetune", "epochs", [1, 3]),
        ("finetune", "epochs", [1, 3]),
        ("freeze-first-n", "n", [1, 2]),
        ("freeze-first-n", "n", [1, 2]),
    ]
