"""The charts, by their files and by what is drawn in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from made_runs import comparison, plugin, reviews, write_run
from matplotlib.figure import Figure
from matplotlib.text import Text

from textclf_core.reports.analysis import Analysis, analyse
from textclf_core.reports.costs import COSTS
from textclf_core.reports.plots import write_joint_plots, write_plots
from textclf_core.reports.plots.distances import distance_chart
from textclf_core.reports.plots.labels import Label, place_labels
from textclf_core.reports.plots.lengths import length_chart
from textclf_core.reports.plots.models import confusion_chart, learning_chart, reliability_chart
from textclf_core.reports.plots.scores import cost_chart, sweep_chart
from textclf_core.reports.plots.style import Chart, short_labels, style
from textclf_core.reports.stored import find_runs
from textclf_core.reports.sweeps import sweeps_of

PNG = b"\x89PNG\r\n\x1a\n"


def history(steps: int = 20, epochs: int = 2) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = []
    for epoch in range(1, epochs + 1):
        for step in range((epoch - 1) * steps + 1, epoch * steps + 1):
            rows.append({"step": step, "loss": math.exp(-step / 30), "learning_rate": 1e-3})
        rows.append({"epoch": epoch, "step": epoch * steps, "train_loss": 0.5, "validation_loss": 0.8 - 0.1 * epoch})
    return rows


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """A sweep of frozen blocks, full fine-tuning and two baselines, at two seeds."""
    data, folder = reviews(300), tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        for n, accuracy in ((0, 0.85), (2, 0.84), (4, 0.82), (6, 0.7)):
            write_run(
                folder, f"freeze-first-n:n={n}", seed=seed, data=data, accuracy=accuracy, train_seconds=400 - 50 * n,
                strategy=plugin("freeze-first-n", "strategy", n=n), history=history(),
            )  # fmt: skip
        write_run(folder, "full", seed=seed, data=data, accuracy=0.86, train_seconds=420, history=history())
        write_run(folder, "majority", seed=seed, data=data, accuracy=0.5, train_seconds=0.01, flops=None,
                  trainer=plugin("majority", "trainer"))  # fmt: skip
    return comparison(folder)


def labels_in(figure: Figure) -> list[str]:
    """The texts in a figure, drawn as it would be saved."""
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_every_plot_is_written_as_png_and_svg_and_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    for n in (0, 2):
        strategy = plugin("freeze-first-n", "strategy", n=n)
        write_run(tmp_path / "runs", f"freeze-first-n:n={n}", strategy=strategy, history=history())
    analysis = comparison(tmp_path / "runs")
    first, second = (write_plots(analysis, tmp_path / name) for name in ("first", "second"))
    names = ["cost", "distances", "sweep-freeze-first-n-n", "learning-curves", "confusion", "reliability"]
    assert [path.name for path in first] == [f"{name}{end}" for name in names for end in (".png", ".svg")]
    for path in first:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(PNG)
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert b"<dc:date>" not in (tmp_path / "first/cost.svg").read_bytes()


def test_runs_without_a_history_have_no_learning_curves(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "tfidf-logreg")
    files = write_plots(comparison(tmp_path / "runs"), tmp_path / "plots")
    assert {path.stem for path in files} == {"cost", "confusion", "reliability"}


def test_the_sweep_is_drawn_by_value_with_its_intervals_and_the_others_beside(analysis: Analysis) -> None:
    [sweep] = sweeps_of(analysis.rows)
    with style():
        chart = sweep_chart(analysis, sweep)
    [axes] = chart.figure.axes
    assert list(axes.lines[0].get_xdata()) == [0, 2, 4, 6]
    scores = {row.line.label: row.score for row in analysis.rows}
    assert list(axes.lines[0].get_ydata()) == [scores[f"freeze-first-n:n={n}"] for n in (0, 2, 4, 6)]
    # Far below the rest, the majority class would flatten them.
    assert axes.get_ylim()[0] > scores["majority"]
    assert axes.get_xlabel() == "freeze-first-n: n"
    assert f"Not in the range: majority {scores['majority']:.3f}." in chart.caption
    assert "full" in labels_in(chart.figure)


def test_a_learning_rate_is_swept_on_a_logarithmic_axis(tmp_path: Path) -> None:
    for rate in (1e-5, 1e-4, 1e-3):
        write_run(tmp_path, f"finetune:learning_rate={rate}", trainer=plugin("finetune", "trainer", learning_rate=rate))
    analysis = comparison(tmp_path)
    with style():
        chart = sweep_chart(analysis, sweeps_of(analysis.rows)[0])
    assert chart.figure.axes[0].get_xscale() == "log"


def test_costs_that_differ_tenfold_are_drawn_on_a_logarithmic_axis(analysis: Analysis) -> None:
    with style():
        [axes] = cost_chart(analysis, COSTS["train-seconds"]).figure.axes
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "training time (s), log scale"


def test_a_contender_whose_cost_was_not_counted_is_named(analysis: Analysis) -> None:
    with style():
        chart = cost_chart(analysis, COSTS["flops"])
    assert chart.figure.axes[0].get_xlabel() == "training FLOPs (10¹²)"
    assert chart.caption.endswith("Not measured for majority.")


def test_labels_of_points_close_together_cover_nothing_and_stay_inside() -> None:
    figure = Figure()
    axes = figure.subplots()
    points = [(0.93 + 0.01 * index, 0.5 + 0.01 * index) for index in range(6)]
    axes.plot(*zip(*points, strict=True), "o")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    place_labels(axes, [Label(f"a contender {index}", *point) for index, point in enumerate(points)])
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(note) for note in axes.texts]
    assert len(boxes) == 6
    assert not [(i, j) for i, one in enumerate(boxes) for j, other in enumerate(boxes[:i]) if one.overlaps(other)]
    at = axes.transData.transform(points)
    assert not [1 for box in boxes for x, y in at if box.contains(x, y)]
    assert all(axes.get_window_extent().contains(*corner) for box in boxes for corner in box.corners())


def test_a_label_keeps_clear_of_a_line() -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    place_labels(axes, [Label("on the line", 0.5, 0.5)], [[(0, 0.5), (1, 0.5)]])
    [box] = [Text.get_window_extent(note) for note in axes.texts]
    line = axes.transData.transform([(0.5, 0.5)])[0][1]
    assert box.y0 > line or box.y1 < line


def test_the_cost_plot_names_every_contender(analysis: Analysis) -> None:
    with style():
        figure = cost_chart(analysis, COSTS["train-seconds"]).figure
    notes = [note.get_text() for note in figure.axes[0].texts]
    assert sorted(note.split(" ")[0] for note in notes) == sorted(row.line.label for row in analysis.rows)
    # Far below the others, it is drawn at the edge with its score.
    majority = next(row for row in analysis.rows if row.line.label == "majority")
    assert f"majority {majority.score:.3f} ↓" in notes


def test_a_contender_far_below_the_others_does_not_flatten_the_distances(analysis: Analysis) -> None:
    with style():
        chart = distance_chart(analysis)
        assert chart is not None
        [axes] = chart.figure.axes
    left, right = axes.get_xlim()
    majority = next(row for row in analysis.rows if row.line.label == "majority")
    assert left > majority.score - analysis.rows[0].score
    near = [row.distance for row in analysis.rows if row.distance is not None and row.verdict != "worse"]
    assert near
    assert all(left <= one.low <= one.high <= right for one in near)
    [line] = [one for one in axes.get_lines() if str(one.get_label()).startswith("majority")]
    assert line.get_marker() == "<"
    assert "drawn at the edge: " in chart.caption
    assert "majority -0." in chart.caption


def test_learning_curves_show_losses_by_step_and_epochs_above(analysis: Analysis) -> None:
    with style():
        chart = learning_chart(analysis.rows)
        assert chart is not None
        texts = labels_in(chart.figure)
    drawn = chart.figure.axes
    # The majority class learns nothing by steps.
    assert [axes.get_title(loc="left") for axes in drawn] == [
        row.line.label for row in analysis.rows if row.line.label != "majority"
    ]
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in drawn[0].lines]
    assert lines.count(([20, 40], pytest.approx([0.7, 0.6]))) == 2  # a line for each seed
    assert {"step", "loss (nats)", "epoch 1", "epoch 2"} <= set(texts)


@pytest.mark.parametrize(
    "draw",
    [
        lambda analysis: cost_chart(analysis, COSTS["train-seconds"]),
        lambda analysis: learning_chart(analysis.rows),
        confusion_chart,
        lambda analysis: reliability_chart(analysis.rows),
        length_chart,
    ],
    ids=["cost", "learning", "confusion", "reliability", "length"],
)
def test_nothing_leaves_a_figure_of_one_contender(tmp_path: Path, draw: Callable[[Analysis], Chart]) -> None:
    label = "lora:rank=8 + freeze-first-n:n=4 + finetune:learning_rate=1e-4,epochs=3"
    for seed in (0, 1):
        write_run(tmp_path, label, seed=seed, history=history())
    with style():
        figure = draw(comparison(tmp_path)).figure
        figure.draw_without_rendering()
        needed = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert needed.x0 > -0.02
    assert needed.y0 > -0.02
    assert needed.x1 < width + 0.02
    assert needed.y1 < height + 0.02


def test_confusion_matrices_have_shares_and_counts_over_all_seeds(analysis: Analysis) -> None:
    with style():
        figure = confusion_chart(analysis).figure
    cells = [text.get_text() for text in figure.axes[0].texts]
    assert len(cells) == 4
    assert sum(int(cell.split("\n")[1]) for cell in cells) == 2 * 300
    assert sum(int(cell.split("%")[0]) for cell in cells[:2]) == 100


def test_many_classes_are_coloured_without_numbers_and_with_a_key(tmp_path: Path) -> None:
    names = [f"class {index}" for index in range(50)]
    write_run(tmp_path, "full", data=reviews(400, labels=names), labels=names)
    with style():
        figure = confusion_chart(comparison(tmp_path)).figure
    assert len(figure.axes) == 2
    assert not figure.axes[0].texts
    assert figure.axes[0].get_xlabel() == "predicted (50 classes in the order of their ids)"


def test_reliability_names_the_calibration_error(analysis: Analysis) -> None:
    from textclf_core.reports.quality import line_reliability

    with style():
        figure = reliability_chart(analysis.rows).figure
    first = analysis.rows[0].line
    expected = line_reliability(first, first.seeds).ece
    assert figure.axes[0].get_title(loc="left") == f"{first.label}: ECE {expected:.2g}"


def test_a_dollar_sign_in_a_class_is_no_formula(tmp_path: Path) -> None:
    names = ["$x_{$", "over $5"]
    write_run(tmp_path / "runs", "full", data=reviews(60, labels=names), labels=names)
    assert write_plots(comparison(tmp_path / "runs"), tmp_path / "plots")


def test_scores_by_amount_of_training_data_are_drawn_where_there_are_several(tmp_path: Path) -> None:
    for rows, size, accuracy in ((32, "16/class", 0.6), (300, None, 0.85)):
        for seed in (0, 1):
            write_run(tmp_path / "runs", "full", seed=seed, accuracy=accuracy, train_rows=rows, train_size=size)
            write_run(tmp_path / "runs", "head-only", seed=seed, accuracy=0.7, train_rows=rows, train_size=size)
    analyses = analyse(find_runs([tmp_path / "runs"]))
    assert [path.name for path in write_joint_plots(analyses, tmp_path / "plots")] == [
        "train-size.png",
        "train-size.svg",
    ]
    assert write_joint_plots(analyses[:1], tmp_path / "one") == ()
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize(
    ("labels", "short"),
    [
        (["full", "head-only"], ["full", "head-only"]),
        (
            [
                "lora:rank=8 + finetune:learning_rate=1e-4,epochs=3",
                "lora:rank=16 + finetune:learning_rate=1e-4,epochs=3",
            ],
            ["lora:rank=8", "lora:rank=16"],
        ),
        (
            [
                "full + finetune:learning_rate=1e-4,epochs=3",
                "full + finetune:learning_rate=1e-5,epochs=3",
                "bitfit + finetune:learning_rate=1e-3,epochs=3",
                "gradual-unfreeze:order=last + finetune:epochs=3",
                "gradual-unfreeze + finetune:epochs=3,learning_rate=1e-4",
            ],
            [
                "full + finetun…ing_rate=1e-4",
                "full + finetun…ing_rate=1e-5",
                "bitfit",
                "gradual-unfreeze:order=last",
                "gradual-unfreeze",
            ],
        ),
        (
            ["linear-probe-then-finetune-the-rest:epochs=3", "zero-shot-embeddings:descriptions=bad=poor,good=fine"],
            ["linear-probe-t…tune-the-rest", "zero-shot-embeddings"],
        ),
        (["a" * 40 + "b" * 40, "a" * 41 + "b" * 40], ["a" * 14 + "…" + "b" * 13, "a" * 14 + "…" + "b" * 13 + " #2"]),
    ],
)
def test_long_labels_are_shortened_and_stay_different(labels: Sequence[str], short: Sequence[str]) -> None:
    assert list(short_labels(labels, 28).values()) == list(short)
