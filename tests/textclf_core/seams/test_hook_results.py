"""What hooks return is checked: an error says hook, plugin, where it comes from, what came and what was wanted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

import pytest

from textclf_core import ComparisonResult, Run, RunError


@dataclass(frozen=True)
class Wrong:
    """A plugin whose hook gives what it shouldn't.

    ``came`` and ``wanted`` are patterns that the error must have; ``roles`` are those of the base that the run needs
    beside it.
    """

    hook: str
    body: str
    came: str
    wanted: str
    beside: str = "dataset model"
    plugins: tuple[str, ...] = ()
    extra: str = ""


CLASSIFIER = """
import numpy

class Scored:
    def __init__(self, give):
        self.give = give

    def scores(self, data):
        return self.give(len(data))

    def save(self, directory):
        pass

def even(rows):
    return numpy.full((rows, 2), 0.5, dtype=numpy.float32)

def broken(rows):
    scores = even(rows)
    if rows > 1:
        scores[:3] = numpy.nan
    return scores
"""
SCORES = "@hookimpl\ndef textclf_load_classifier(self, directory):\n    return Scored(even)\n"
FIT = "@hookimpl\ndef textclf_train(self, data):\n    return Scored(even)\n"
KEEP = """
@hookimpl
def textclf_postprocess(self, scores):
    return Keep()
"""
KEPT = """
class Keep:
    abstains = False

    def __str__(self):
        return "a step"

    def rescore(self, scores):
        return scores

    def decide(self, scores):
        return None

    def save(self, directory):
        pass
"""
TWO_EPOCHS = ("finetune:epochs=2",)

WRONG = {
    "a dict of lists": Wrong("textclf_load_data(self)", "return {'train': ['dull']}", "dict", "DatasetDict", "model"),
    "no data": Wrong("textclf_load_data(self)", "return None", "None", "DatasetDict", "model"),
    "a bare model": Wrong(
        "textclf_build_model(self, task)",
        "from textclf_core.testing import tiny_encoder\nreturn tiny_encoder(labels=task.label_names).model",
        "BertForSequenceClassification",
        "Encoder",
        "dataset",
    ),
    "a reason that is none": Wrong("textclf_check_task(self, task)", "return True", "True|bool", "str", extra=FIT),
    "facts in a list": Wrong("textclf_adapt(self)", "return ['rank', 8]", "list", "dict"),
    "a fact that is a list": Wrong("textclf_adapt(self)", "return {'ranks': [8, 4]}", r"ranks.*list", r"str.*float"),
    "words as phases": Wrong("textclf_plan(self)", "return ['head', 'all']", "str", "Phase"),
    "a dict as group": Wrong(
        "textclf_parameter_groups(self)", "return [{'names': (), 'factor': 2.0}]", "dict", "ParameterGroup"
    ),
    "one name for names": Wrong(
        "textclf_interval_finished(self)", "return 'classifier.weight'", "str", "names|Sequence", plugins=TWO_EPOCHS
    ),
    "a word as change": Wrong("textclf_epoch_finished(self)", "return 'stop'", "str", "Change", plugins=TWO_EPOCHS),
    "something without scores": Wrong("textclf_train(self)", "return {'a': 1}", "dict", "Classifier", "dataset"),
    "a number as metrics": Wrong("textclf_compute_metrics(self)", "return 0.5", "float", "dict"),
    "a word as metric": Wrong("textclf_compute_metrics(self)", "return {'good': 'very'}", r"good.*str", "float|number"),
    "no metrics": Wrong("textclf_compute_metrics(self)", "return None", "None", "dict"),
    "a word as postprocessing": Wrong("textclf_postprocess(self)", "return 'calibrated'", "str", "Postprocessing"),
    "no classifier to load": Wrong(
        "textclf_load_classifier(self)", "return None", "None", "Classifier", "dataset", extra=FIT
    ),
    "no postprocessing to load": Wrong(
        "textclf_load_postprocessing(self)", "return 'kept'", "str", "Postprocessing", extra=KEPT + KEEP
    ),
}
SHAPES = {
    "one number per row": ("lambda rows: even(rows)[:, 0]", r"\(24,\)", r"\(24, 2\)"),
    "a row too few": ("lambda rows: even(rows - 1)", r"\(23, 2\)", r"\(24, 2\)"),
    "lists": ("lambda rows: even(rows).tolist()", "list", "float32"),
    "words": ("lambda rows: even(rows).astype(str)", "<U|str", "float32"),
    "whole numbers": ("lambda rows: even(rows).astype(int)", "int64", "float32"),
}


def source_of(wrong: Wrong) -> str:
    classes, methods = wrong.extra.split("@hookimpl", 1) if "@hookimpl" in wrong.extra else ("", "")
    methods = f"@hookimpl{methods}" if methods else ""
    hook = f"@hookimpl\ndef {wrong.hook}:\n{indent(wrong.body, '    ')}\n"
    return (
        f"{CLASSIFIER}{classes}\n@dataclass(frozen=True)\nclass Mistaken:\n    '''Give what it shouldn't.'''\n\n"
        + indent(f"{dedent(methods)}\n{hook}", "    ")
    )


@pytest.fixture
def beside(base: list[str]) -> Callable[[str], list[str]]:
    by_role = dict(zip(("dataset", "model"), base, strict=True))
    return lambda roles: [by_role[role] for role in roles.split()]


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_result_is_reported_with_hook_plugin_and_expected_type(
    wrong: Wrong, run: Callable[..., Run], plugin_file: Callable[..., Path], beside: Callable[[str], list[str]]
) -> None:
    """The error names the file too: of two plugins of one name, one knows which."""
    file = plugin_file(source_of(wrong))
    roles = "dataset" if FIT in wrong.extra else wrong.beside
    with pytest.raises(RunError) as error:
        run("mistaken", *wrong.plugins, file=file, beside=beside(roles))
    hook = wrong.hook.partition("(")[0]
    assert_says(error.value, hook, "mistaken", re.escape(str(file)), wrong.came, wrong.wanted)


def assert_says(error: BaseException, *patterns: str) -> None:
    for pattern in patterns:
        assert re.search(pattern, str(error), re.DOTALL), f"{pattern!r} isn't in: {error}"


@pytest.mark.parametrize(("give", "came", "wanted"), SHAPES.values(), ids=SHAPES)
def test_scores_of_another_shape_or_type_are_refused(
    give: str, came: str, wanted: str, run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """The error says which split they are for, and which trainer's classifier gave them."""
    wrong = Wrong("textclf_train(self, data)", f"return Scored({give})", came, wanted, extra=SCORES)
    file = plugin_file(source_of(wrong))
    with pytest.raises(RunError) as error:
        run("mistaken", file=file, beside=[f"files:path={reviews}"])
    assert_says(error.value, "mistaken", re.escape(str(file)), "scores", "validation", came, wanted)


def test_scores_that_are_nan_are_called_nan(
    run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """With how many rows of which split, and whose classifier gave them."""
    wrong = Wrong("textclf_train(self, data)", "return Scored(broken)", "", "", extra=SCORES)
    with pytest.raises(RunError) as error:
        run("mistaken", file=plugin_file(source_of(wrong)), beside=[f"files:path={reviews}"])
    assert_says(error.value, "mistaken", "NaN", "3 of 24", "validation")


JOINT = """
from textclf_plugins.training.finetune import Finetune

@dataclass(frozen=True, kw_only=True)
class Hasty(Finetune):
    '''Train the first of several cells alone.'''

    @hookimpl
    def textclf_train(self, encoder, data, task, seed, workspace, progress, plan):
        raise NotImplementedError

    @hookimpl
    def textclf_train_many(self, encoder, data, task, cells, progress):
        return super().textclf_train_many(encoder, data, task, cells, progress)[:1]
"""


def test_too_few_results_of_joint_cells_fail_those_cells_alone(
    compare: Callable[..., ComparisonResult], plugin_file: Callable[..., Path]
) -> None:
    """textclf_train_many gives one result a cell; another contender goes on."""
    file = plugin_file(JOINT)
    result = compare("head-only + hasty", "majority", seeds=2, file=file)
    assert {run.record.label for run in result.runs} == {"majority"}
    assert len(result.failed) == 2
    for error in result.failed.values():
        assert_says(error, "textclf_train_many", "hasty", re.escape(str(file)), r"\b1\b.*\b2\b|\b2\b.*\b1\b")


RAISING = """
@dataclass(frozen=True)
class Careless:
    '''Freeze a parameter that there isn't.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        {}["pooler"]  # here

@dataclass(frozen=True)
class Careful:
    '''Freeze nothing.'''

    @hookimpl
    def textclf_freeze(self, encoder):
        pass

@dataclass(frozen=True)
class Quitter:
    '''End the process, as a script would.'''

    @hookimpl
    def textclf_compute_metrics(self, references):
        raise SystemExit(0)
"""


def test_of_two_strategies_the_one_that_failed_is_named_alone(
    run: Callable[..., Run], plugin_file: Callable[..., Path]
) -> None:
    """The other did nothing wrong."""
    with pytest.raises(RunError, match="careless") as error:
        run("careful", "careless", file=plugin_file(RAISING))
    assert "careful" not in str(error.value)


def test_an_exception_is_reported_with_the_last_line_of_the_plugin(
    run: Callable[..., Run], plugin_file: Callable[..., Path]
) -> None:
    """File and line, as an editor opens them."""
    file = plugin_file(RAISING)
    [line] = [number for number, text in enumerate(file.read_text().splitlines(), 1) if text.endswith("# here")]
    with pytest.raises(RunError, match=r"(?s)textclf_freeze.*careless") as error:
        run("careless", file=file)
    assert f"{file}:{line}" in str(error.value)


def test_a_hook_that_exits_is_an_error_of_that_hook(
    run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """It isn't the end of the process that called the run."""
    with pytest.raises(RunError, match=r"(?s)textclf_compute_metrics.*quitter"):
        run("majority", "quitter", file=plugin_file(RAISING), beside=[f"files:path={reviews}"])


def test_a_hook_that_exits_with_0_does_not_end_the_command_well(
    textclf: Callable[..., int],
    plugin_file: Callable[..., Path],
    reviews: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command ends in exit code 1 and names the hook."""
    words = ["--plugin", f"files:path={reviews}", "--plugin", "majority", "--plugin", "quitter"]
    words += ["--plugin-file", str(plugin_file(RAISING)), "--output", str(tmp_path / "runs")]
    assert textclf("run", *words) == RunError.exit_code
    assert "textclf_compute_metrics" in capsys.readouterr().err


def test_a_hook_that_exits_fails_its_cell_alone(
    compare: Callable[..., ComparisonResult], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """The other contenders run."""
    file = plugin_file(RAISING)
    result = compare("majority + quitter", "tfidf-logreg", file=file, plugins=[f"files:path={reviews}"])
    assert [label for label, _ in result.failed] == ["majority + quitter"]
    assert [run.record.label for run in result.runs] == ["tfidf-logreg"]


LEARNERS = """
import numpy

class Even:
    def scores(self, data):
        return numpy.full((len(data), 2), 0.5, dtype=numpy.float32)

    def save(self, directory):
        pass

@dataclass(frozen=True)
class Coin:
    '''Say that both labels are as likely.'''

    @hookimpl
    def textclf_train(self, data):
        return Even()

    @hookimpl
    def textclf_load_classifier(self, directory):
        return Even()

class Keep:
    abstains = False

    def __str__(self):
        return "a step"

    def rescore(self, scores):
        return scores

    def decide(self, scores):
        return None

    def save(self, directory):
        pass

@dataclass(frozen=True)
class Keeper:
    '''Leave the scores as they are.'''

    @hookimpl
    def textclf_postprocess(self, scores):
        return Keep()

    @hookimpl
    def textclf_load_postprocessing(self, directory):
        return Keep()
"""


@pytest.mark.parametrize("plugins", [("coin",), ("majority", "keeper")], ids=["trainer", "postprocessor"])
def test_predict_without_the_plugin_file_names_the_missing_option(
    plugins: tuple[str, ...],
    run: Callable[..., Run],
    textclf: Callable[..., int],
    plugin_file: Callable[..., Path],
    reviews: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A model from a plugin file is loaded by that file: the error has the option and the path to copy."""
    file = plugin_file(LEARNERS)
    done = run(*plugins, file=file, beside=[f"files:path={reviews}"])
    words = ["predict", str(done.directory), "--input", str(reviews / "test.csv"), "--text", "text"]
    assert textclf(*words) == 2
    assert f"--plugin-file {file}" in capsys.readouterr().err
    assert textclf(*words, "--plugin-file", str(file)) == 0
