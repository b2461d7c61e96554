"""What a kind of task decides stands in its module: nothing else asks which kind a task is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from datasets import Dataset

import textclf_core
import textclf_plugins
from textclf_core.errors import UsageError
from textclf_core.tasks import check_kind, kind_of
from textclf_core.types.task import Kind, Task

KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_PLACES = 6  # most of them tell the lists of arrays of a task of words from arrays
TASKS = {kind: Task(("a", "b", "c"), ("tokens",) if kind == "tokens" else ("text",), kind) for kind in KINDS}


# Nothing asks for the kind


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in (textclf_core, textclf_plugins):
        folder = Path(package.__path__[0])
        for path in sorted(folder.rglob("*.py")):
            name = f"{folder.name}/{path.relative_to(folder)}"
            # The checks of plugins know what each kind promises, and a new plugin begins with one kind.
            if not name.startswith(("textclf_core/tasks/", "textclf_core/testing/", "textclf_core/cli/templates/")):
                yield name, ast.parse(path.read_text(encoding="utf-8"))


def asks(node: ast.AST) -> bool:
    """Return whether a piece of code asks for the kind of a task, or takes something for a sign of it."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        # Asking what a kind decides (kind.loss) is what is wanted; reading which one it is isn't.
        owner = ast.unparse(node.value)
        of_task = node.attr == "kind" and re.search(r"(^|[._])task$|^Task\(", owner) is not None
        return of_task or node.attr in ("task_kind", "is_token_task", "is_multilabel")
    if isinstance(node, ast.Compare | ast.Dict | ast.MatchValue | ast.Subscript):
        parts: list[ast.AST | None]
        match node:
            case ast.Compare():
                parts = [node.left, *node.comparators]
            case ast.Dict():
                parts = list(node.keys)
            case ast.MatchValue():
                parts = [node.value]
            case ast.Subscript():
                parts = [node.slice] if isinstance(node.value, ast.Dict) else []
        # "tokens" is the name of a column too, so a comparison with it counts where a kind is compared.
        strings = {part.value for part in parts if isinstance(part, ast.Constant)}
        return bool(strings & {"single-label", "multi-label"}) or (
            "tokens" in strings and "kind" in ast.unparse(node).lower()
        )
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance" and len(node.args) == 2:
        # Scores, predictions and references are lists of arrays in a task of tokens alone.
        kinds = ast.unparse(node.args[1])
        return re.search(r"\blist\b", kinds) is not None and (
            re.search(r"(scores|predictions|references|labels|decisions)$", ast.unparse(node.args[0])) is not None
        )
    return False


def places(of: ast.AST) -> list[int]:
    return sorted({node.lineno for node in ast.walk(of) if asks(node)})  # type: ignore[attr-defined]


def test_nothing_outside_of_tasks_asks_for_the_kind() -> None:
    found = [f"{name}:{line}" for name, tree in sources() for line in places(tree)]
    assert len(found) <= MOST_PLACES, (
        f"{len(found)} places outside textclf_core/tasks ask for the kind of a task: {', '.join(found)}. Give each "
        "kind a method that decides it (tasks/kind.py) and call that on kind_of(task); a plugin that is made for some "
        "kinds alone says so by check_kind(task, ...)."
    )


@pytest.mark.parametrize(
    "code",
    [
        "task.kind == 'tokens'",
        "self.task.kind != 'single-label'",
        "kind = data.task.kind",
        "record.data.task_kind == 'multi-label'",
        "{'single-label': 1, 'multi-label': 2}[task_kind]",
        "kind == 'tokens'",
        "kind in ('tokens', 'x') or kind == 'tokens'",
        "isinstance(scores, list)",
        "isinstance(self.predictions, list)",
        "run.is_token_task",
        "match kind:\n    case 'multi-label': pass",
    ],
)
def test_the_search_finds_whoever_asks(code: str) -> None:
    assert places(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    ["kind_of(task).loss(logits, labels)", "run.kind.pipeline", "isinstance(value, list)", "features['tokens']"],
)
def test_the_search_lets_others_be(code: str) -> None:
    assert not places(ast.parse(code))


# The lookup


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_module(kind: Kind) -> None:
    found = kind_of(TASKS[kind])
    assert type(found).__module__ == f"textclf_core.tasks.{kind.replace('-', '_')}"
    assert found.task is TASKS[kind]


def test_a_kind_of_a_later_version_is_refused() -> None:
    later: Any = "regression"
    with pytest.raises(UsageError, match="supports the tasks single-label, multi-label, tokens, not 'regression'"):
        kind_of(Task(("a", "b"), kind=later))


def test_the_error_names_the_kind_that_a_plugin_supports() -> None:
    assert check_kind(TASKS["multi-label"], "single-label", "multi-label") is None
    assert check_kind(TASKS["multi-label"], "single-label") == (
        "it gives each text one label, and here a text may have several"
    )
    assert check_kind(TASKS["tokens"], "single-label", does="it embeds texts") == (
        "it embeds texts, and here each word has a label"
    )
    assert check_kind(TASKS["single-label"], "tokens", does="it scores entities") == (
        "it scores entities, and here each text has a label"
    )


# What the kinds give fits together

LABELS: dict[Kind, list[Any]] = {
    "single-label": [2, 0, 2],
    "multi-label": [[0, 2], [], [2]],
    "tokens": [[0, 2], [], [2]],
}


@pytest.mark.parametrize("kind", KINDS)
def test_labels_come_back_from_their_names(kind: Kind) -> None:
    given = kind_of(TASKS[kind])
    found = given.label_ids(given.names(LABELS[kind]))
    np.testing.assert_array_equal(found, given.flat(given.label_array(LABELS[kind])))


@pytest.mark.parametrize(
    ("kind", "counts", "shares"),
    [
        ("single-label", [1, 0, 2], [1 / 3, 0, 2 / 3]),
        ("multi-label", [1, 0, 2], [1 / 3, 0, 2 / 3]),
        ("tokens", [1, 0, 2], [1 / 3, 0, 2 / 3]),
    ],
)
def test_labels_are_counted_by_row_or_word(kind: Kind, counts: list[int], shares: list[float]) -> None:
    given = kind_of(TASKS[kind])
    assert given.label_counts(LABELS[kind]).tolist() == counts
    assert given.label_shares(LABELS[kind]).tolist() == shares


@pytest.mark.parametrize("kind", KINDS)
def test_generated_scores_are_correct_and_valid(kind: Kind) -> None:
    given = kind_of(TASKS[kind])
    column, scores, labels = given.invented(range(3), np.eye(3, dtype=np.float32))
    rows = Dataset.from_dict({"label": column, TASKS[kind].text_columns[0]: column})
    assert given.scores_fault(scores, rows) is None
    np.testing.assert_array_equal(given.flat(labels), given.flat(given.label_array(column)))
    np.testing.assert_array_equal(given.flat(given.decide(scores, ()).labels), given.flat(labels))


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_another_kind_are_refused(kind: Kind) -> None:
    column, scores, _ = kind_of(TASKS[kind]).invented(range(3), np.eye(3, dtype=np.float32))
    rows = Dataset.from_dict({"label": column, TASKS[kind].text_columns[0]: column})
    other: Any = np.concatenate(scores) if kind == "tokens" else list(np.asarray(scores))
    assert "a float32 array of shape" in str(kind_of(TASKS[kind]).scores_fault(other, rows))


@pytest.mark.parametrize("kind", KINDS)
def test_stored_predictions_give_labels_and_scores_back(kind: Kind) -> None:
    import pyarrow as pa

    given = kind_of(TASKS[kind])
    _, scores, labels = given.invented(range(3), np.eye(3, dtype=np.float32))
    table = pa.table(given.prediction_columns(labels, labels, scores))
    np.testing.assert_array_equal(given.stored_scores(table["scores"]), given.flat(scores))
    np.testing.assert_array_equal(given.label_ids(table["prediction"].to_pylist()), given.flat(labels))
