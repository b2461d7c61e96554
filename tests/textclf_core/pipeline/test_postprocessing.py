"""Postprocessors through the hooks: the order of their steps, what is saved and loaded, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

import textclf_core
from textclf_core import RunError, UsageError
from textclf_core.inference.store import load_classifier
from textclf_core.plugins import Catalogue
from textclf_core.tasks.decisions import decisions_of


def test_what_a_postprocessor_refuses_shows_before_training(
    plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path
) -> None:
    path = plugin_file(
        """
        from textclf_core.errors import UsageError

        @dataclass(frozen=True)
        class Picky:
            @hookimpl
            def textclf_postprocess(self, scores, validation, task):
                raise UsageError(f"picky: not {task.num_labels} labels")

        @dataclass(frozen=True)
        class NeverTrains:
            @hookimpl
            def textclf_train(self, data):
                raise AssertionError("it trained")
        """
    )
    with pytest.raises(UsageError, match="picky: not 2 labels"):
        textclf_core.run(
            [f"files:path={reviews}", "picky", "never-trains"], output=tmp_path, quiet=True, plugin_files=[path]
        )


CHAIN = """
    import json
    from typing import ClassVar
    import numpy as np

    class Step:
        abstains = False

        def __init__(self, power, flip):
            self.power, self.flip = power, flip

        def __str__(self):
            return f"power {self.power}"

        def rescore(self, scores):
            raised = scores**self.power
            return raised / raised.sum(axis=1, keepdims=True)

        def decide(self, scores):
            return scores.argmin(axis=1) if self.flip else None

        def save(self, directory):
            (directory / "step.json").write_text(json.dumps([self.power, self.flip]))

    @dataclass(frozen=True)
    class _Chained:
        @hookimpl
        def textclf_postprocess(self, scores, validation, task):
            assert len(scores) == len(validation["label"])
            return Step(*self.numbers)

        @hookimpl
        def textclf_load_postprocessing(self, directory):
            return Step(*json.loads((directory / "step.json").read_text()))

    class Square(_Chained):
        numbers: ClassVar = (2, False)

    class Contrary(_Chained):
        numbers: ClassVar = (1, True)
"""


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (["contrary", "square"], "'square' changes the scores by which 'contrary' has chosen .* put 'square' before"),
        (["contrary", "threshold"], "'contrary' and 'threshold' both choose the labels; leave one out"),
    ],
)
def test_steps_that_cannot_stand_in_that_order_are_refused_before_training(
    plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path, order: list[str], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        textclf_core.run(
            [f"files:path={reviews}", "majority", *order],
            output=tmp_path,
            quiet=True,
            plugin_files=[plugin_file(CHAIN)],
        )


def test_a_step_whose_description_would_be_a_memory_address_is_refused(
    plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path
) -> None:
    path = plugin_file(CHAIN.replace("def __str__", "def described"))
    with pytest.raises(RunError, match=r"textclf_postprocess of the plugin 'square' .* a Step without __str__"):
        textclf_core.run(
            [f"files:path={reviews}", "majority", "square"], output=tmp_path, quiet=True, plugin_files=[path]
        )


def test_steps_are_applied_in_order(plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path) -> None:
    order = ["square", "contrary"]
    path = plugin_file(CHAIN)
    base = [f"files:path={reviews}", "tfidf-logreg:c=1"]
    plain = textclf_core.run(base, output=tmp_path, quiet=True)
    run = textclf_core.run([*base, *order], output=tmp_path, quiet=True, plugin_files=[path])
    expected = np.array(plain.predictions()["scores"].to_pylist()) ** 2
    expected /= expected.sum(axis=1, keepdims=True)
    rows = run.predictions().to_pylist()
    assert np.array([row["scores"] for row in rows]) == pytest.approx(expected, abs=1e-6)
    assert [row["prediction"] for row in rows] == [("negative", "positive")[at] for at in expected.argmin(axis=1)]
    assert [step.plugin for step in run.record.postprocessing] == order
    classifier, task = load_classifier(run.directory, Catalogue.discover([path]))
    test = [row for row in rows if row["split"] == "test"]
    loaded = decisions_of(classifier, Dataset.from_dict({"text": [row["text"] for row in test]}), task)
    assert loaded.scores == pytest.approx(np.array([row["scores"] for row in test]), abs=1e-6)
    assert [("negative", "positive")[label] for label in loaded.labels] == [row["prediction"] for row in test]


def test_a_missing_loader_is_reported_at_loading(run_of_square: textclf_core.Run, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"'square', which loads this model, comes from a file: add --plugin-file .*mine\.py"
    ):
        run_of_square.predict(["the plot is dull"])


@pytest.fixture
def run_of_square(plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path) -> textclf_core.Run:
    plugins = [f"files:path={reviews}", "majority", "square"]
    return textclf_core.run(plugins, output=tmp_path / "runs", quiet=True, plugin_files=[plugin_file(CHAIN)])


def test_what_is_no_postprocessing_is_refused_by_name(
    plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path
) -> None:
    path = plugin_file(
        """
        @dataclass(frozen=True)
        class Odd:
            @hookimpl
            def textclf_postprocess(self, scores):
                return scores
        """
    )
    with pytest.raises(RunError, match=r"textclf_postprocess of the plugin 'odd' .* must return a Postprocessing"):
        textclf_core.run([f"files:path={reviews}", "majority", "odd"], output=tmp_path, quiet=True, plugin_files=[path])
