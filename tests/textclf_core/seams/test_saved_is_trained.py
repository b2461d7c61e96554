"""What is saved is what was trained: a run ends well only if its artifact scores as the model in memory did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from textclf_core import ComparisonResult, Run, RunError, TextclfError, UsageError
from textclf_core.testing import tiny_data, tiny_encoder

OWN_HEAD = """
from textclf_core.testing import tiny_encoder

@dataclass(frozen=True)
class OwnHead:
    '''The tiny model with a head of two layers, which no class of transformers has.'''

    @hookimpl
    def textclf_build_model(self, task):
        import torch
        encoder = tiny_encoder(labels=task.label_names)
        head = torch.nn.Sequential(torch.nn.Linear(32, 32), torch.nn.Tanh(), torch.nn.Linear(32, task.num_labels))
        encoder.model.classifier = head
        return encoder
"""
FORGETFUL = """
import json, numpy

class Scored:
    def __init__(self, likely):
        self.likely = likely

    def scores(self, data):
        return numpy.tile(numpy.array([1 - self.likely, self.likely], dtype=numpy.float32), (len(data), 1))

    def save(self, directory):
        (directory / "likely.json").write_text("0.5")  # not the number that it found

@dataclass(frozen=True)
class Forgetful:
    '''Find a number, and save another.'''

    @hookimpl
    def textclf_train(self, data):
        return Scored(0.75)

    @hookimpl
    def textclf_load_classifier(self, directory):
        return Scored(json.loads((directory / "likely.json").read_text()))
"""
HALF_FROZEN = """
from textclf_core.testing import tiny_encoder

@dataclass(frozen=True)
class HalfFrozen:
    '''A model that comes with a frozen block.'''

    @hookimpl
    def textclf_build_model(self, task):
        encoder = tiny_encoder(labels=task.label_names)
        encoder.model.base_model.encoder.layer[0].requires_grad_(False)
        return encoder
"""

SHARPENER = """
class Power:
    abstains = False

    def __init__(self, power):
        self.power = power

    def __str__(self):
        return "a step"

    def rescore(self, scores):
        raised = scores**self.power
        return raised / raised.sum(axis=1, keepdims=True)

    def decide(self, scores):
        return None

    def save(self, directory):
        pass

@dataclass(frozen=True)
class Sharpener:
    '''Square the scores, and forget the exponent.'''

    @hookimpl
    def textclf_postprocess(self, scores):
        return Power(2)

    @hookimpl
    def textclf_load_postprocessing(self, directory):
        return Power(1)
"""
OPTIONAL = """
import numpy

class Scored:
    def __init__(self, likely):
        self.likely = likely

    def scores(self, data):
        return numpy.tile(numpy.array([1 - self.likely, self.likely], dtype=numpy.float32), (len(data), 1))

    def save(self, directory):
        pass

@dataclass(frozen=True)
class Optional:
    '''Load by an option what was trained by it.'''

    likely: float = 0.5

    @hookimpl
    def textclf_train(self, data):
        return Scored(self.likely)

    @hookimpl
    def textclf_load_classifier(self, directory):
        return Scored(self.likely)
"""
RESTLESS = """
import logging, random, weakref
import numpy, torch

ALIVE = []

class Even:
    def scores(self, data):
        return numpy.full((len(data), 2), 0.5, dtype=numpy.float32)

    def save(self, directory):
        pass

@dataclass(frozen=True)
class Restless:
    '''Change the process while loading.'''

    power: int = 1

    @hookimpl
    def textclf_train(self, data):
        random.seed(1), numpy.random.seed(1), torch.manual_seed(1)
        torch.set_num_threads(1)
        return Even()

    @hookimpl
    def textclf_load_classifier(self, directory):
        note("loaded")
        random.seed(2), numpy.random.seed(2), torch.manual_seed(2)
        torch.set_num_threads(2)
        logging.getLogger("textclf").info("a note of loading")
        loaded = Even()
        ALIVE.append(weakref.ref(loaded))
        return loaded

@dataclass(frozen=True)
class Watch:
    '''Say how the process is when the metrics are computed.'''

    @hookimpl
    def textclf_compute_metrics(self, references):
        if not ALIVE:  # before training
            return {}
        same = [
            random.getstate() == random.Random(1).getstate(),
            (numpy.random.get_state()[1] == numpy.random.RandomState(1).get_state()[1]).all(),
            torch.initial_seed() == 1,
        ]
        note(*map(int, same), torch.get_num_threads() == 1, ALIVE[-1]() is not None)
        return {}
"""
LATE = """
import torch

@dataclass(frozen=True)
class Late:
    '''Change frozen weights when training is over.'''

    @hookimpl
    def textclf_freeze(self):
        pass

    @hookimpl
    def textclf_training_finished(self, encoder):
        with torch.no_grad():
            encoder.model.base_model.embeddings.word_embeddings.weight += 1
"""


def test_a_head_of_its_own_that_is_not_loaded_again_ends_the_run(
    run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """The error names the model's plugin: the built-in trainer loads what it knows, and a fresh head beside it."""
    with pytest.raises(RunError, match="own-head"):
        run("own-head", file=plugin_file(OWN_HEAD), beside=[f"files:path={reviews}"])


def test_a_classifier_that_saves_something_else_ends_the_run(
    run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """Loaded again it gives 0.5 where it gave 0.75: the error names the trainer and how far the scores are apart."""
    with pytest.raises(RunError, match=r"(?s)forgetful.*0\.25"):
        run("forgetful", file=plugin_file(FORGETFUL), beside=[f"files:path={reviews}"])


def test_in_a_comparison_such_a_contender_fails_and_the_others_go_on(
    compare: Callable[..., object], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """A contender whose artifact isn't what it trained is a failed cell."""
    result = compare("forgetful", "majority", file=plugin_file(FORGETFUL), plugins=[f"files:path={reviews}"])
    assert [label for label, _ in result.failed] == ["forgetful"]
    assert [run.record.label for run in result.runs] == ["majority"]


def test_postprocessing_that_loads_as_something_else_ends_the_run(
    run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """The error names the postprocessor: the trainer has nothing to do with it."""
    with pytest.raises(RunError, match=r"(?s)^sharpener:.*textclf predict"):
        run("tfidf-logreg:c=1", "sharpener", file=plugin_file(SHARPENER), beside=[f"files:path={reviews}"])


def test_an_option_that_loading_needs_and_nobody_saved_ends_the_run(
    run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """`textclf predict` gives a loader no options: what it needs of them has to be saved."""
    file = plugin_file(OPTIONAL)
    beside = [f"files:path={reviews}"]
    assert run("optional", file=file, beside=beside).directory.is_dir()
    with pytest.raises(RunError, match=r"(?s)optional.*0\.4"):
        run("optional:likely=0.9", file=file, beside=beside)


def test_loading_again_disturbs_nothing(
    run: Callable[..., Run],
    noting_file: Callable[[str], Path],
    log: Callable[[], list[str]],
    reviews: Path,
) -> None:
    """Generators, threads and notes are as they were, and what was loaded is gone."""
    done = run("restless", "watch", file=noting_file(RESTLESS), beside=[f"files:path={reviews}"])
    assert "loaded" in log()
    assert {line for line in log() if line != "loaded"} == {"1 1 1 True False"}
    assert not done.record.notes
    seconds = done.record.cost.seconds
    assert 0 < seconds["save/verify"] <= seconds["save"]


@pytest.mark.parametrize("tries", [("restless",), ("restless:power=1", "restless:power=2")])
def test_a_comparison_loads_again_once_a_contender(
    tries: tuple[str, ...],
    compare: Callable[..., object],
    noting_file: Callable[[str], Path],
    log: Callable[[], list[str]],
    reviews: Path,
) -> None:
    """Seeds of a contender are saved alike."""
    compare(*tries, file=noting_file(RESTLESS), plugins=[f"files:path={reviews}"], seeds=3)
    assert log() == ["loaded"] * len(tries)


def test_of_cells_that_train_jointly_one_is_loaded_again(
    compare: Callable[..., ComparisonResult],
) -> None:
    """They share what saves them."""
    result = compare("head-only", seeds=3)
    assert sorted("save/verify" in run.record.cost.seconds for run in result.runs) == [False, False, True]


def test_weights_that_change_between_training_and_saving_end_the_run(
    run: Callable[..., Run], plugin_file: Callable[..., Path]
) -> None:
    """What was proved to be frozen is what is saved."""
    with pytest.raises(RunError, match=r"(?s)frozen.*bert\.embeddings"):
        run("freeze-embeddings", "late", file=plugin_file(LATE))


@pytest.mark.parametrize("name", ["bert.encoder.layer.1.output.dense.weight", "classifier.weight"])
def test_an_artifact_that_lacks_a_parameter_is_refused(name: str, run: Callable[..., Run]) -> None:
    """A parameter that is missing would be predicted with at random."""
    done = run("head-only")
    path = done.directory / "model" / "model.safetensors"
    tensors = load_file(path)
    del tensors[name]
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(TextclfError, match=f"(?s)missing.*{name}|{name}.*missing"):
        done.predict(tiny_data()["test"]["text"][:2])


def test_an_artifact_with_a_parameter_too_many_is_refused(run: Callable[..., Run]) -> None:
    """A parameter that nobody takes was trained for something."""
    done = run("head-only")
    path = done.directory / "model" / "model.safetensors"
    tensors = load_file(path)
    save_file({**tensors, "gate.weight": tensors["classifier.weight"].clone()}, path, metadata={"format": "pt"})
    with pytest.raises(TextclfError, match=r"(?s)unexpected.*gate\.weight|gate\.weight.*unexpected"):
        done.predict(tiny_data()["test"]["text"][:2])


def test_the_folder_of_an_adapter_is_merged_or_refused(
    run: Callable[..., Run], tiny_checkpoint: Path, reviews: Path, tmp_path: Path
) -> None:
    """A checkpoint that PEFT wrote is its base with the adapter merged, or an error that says what it is."""
    peft = pytest.importorskip("peft")
    encoder = tiny_encoder()
    settings = peft.LoraConfig(target_modules=["query"], init_lora_weights=False, task_type="SEQ_CLS")
    adapted = peft.get_peft_model(type(encoder.model).from_pretrained(tiny_checkpoint), settings)
    adapted.save_pretrained(tmp_path / "adapter")
    encoder.tokenizer.save_pretrained(tmp_path / "adapter")
    name = "bert.encoder.layer.0.attention.self.query.weight"
    merged = adapted.merge_and_unload().state_dict()[name]
    model = f"hf-model:checkpoint={tmp_path / 'adapter'}"
    try:
        done = run(model, "head-only", beside=[f"files:path={reviews}"])
    except UsageError as error:
        assert "adapter" in str(error)  # noqa: PT017 - either answer is right
    else:
        saved = done.directory / "model" / "model.safetensors"
        assert saved.is_file(), "an adapter was saved, without the model that it adapts"
        assert load_file(saved)[name].allclose(merged)


def test_full_beside_a_model_with_a_frozen_block_is_an_error(
    run: Callable[..., Run], plugin_file: Callable[..., Path], reviews: Path
) -> None:
    """Who compares with `full` compares with everything trained."""
    with pytest.raises(TextclfError, match=r"(?s)full.*frozen.*half-frozen|half-frozen.*frozen.*full"):
        run("half-frozen", "full", file=plugin_file(HALF_FROZEN), beside=[f"files:path={reviews}"])


def test_full_beside_a_strategy_that_freezes_is_an_error(run: Callable[..., Run]) -> None:
    """Of two that contradict each other, one is to be left out."""
    with pytest.raises(TextclfError, match=r"(?s)full.*freeze-embeddings|freeze-embeddings.*full"):
        run("full", "freeze-embeddings")
