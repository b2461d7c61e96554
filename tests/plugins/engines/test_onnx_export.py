"""Exports of each family compute what torch computes, on batches of any shape; what can't be exported says so."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from encoder_cases import CASES, Case
from onnx import numpy_helper
from torch import Tensor, nn

import textclf_core
from textclf_core.encoder import Encoder
from textclf_core.errors import RunError
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task
from textclf_plugins.engines import onnx_export as module
from textclf_plugins.engines.onnx_export import export_float32, export_int8
from textclf_plugins.engines.onnx_session import MODEL_FILE, onnx_logits


def classifier_of(encoder: Encoder) -> EncoderClassifier:
    return EncoderClassifier(encoder, Task(("negative", "positive")), Recipe())


# An export takes torch seconds, however small the model. These differ most from BERT.
USUAL = ("modernbert", "deberta-v2")


PAIRS = Task(("negative", "positive"), ("text", "other"))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> tuple[EncoderClassifier, Path]:
    """A classifier of pairs of texts, and the folder of its export.

    It is wide enough for weights to make up its files. Weights of this size make scores that differ from row to row.
    """
    encoder = tiny_encoder(hidden=128, config={"initializer_range": 0.1})
    classifier = EncoderClassifier(encoder, PAIRS, Recipe())
    exported = tmp_path_factory.mktemp("float32")
    export_float32(classifier, exported, opset=18)
    return classifier, exported


def assert_same_scores(classifier: EncoderClassifier, export: Path) -> None:
    exported = replace(classifier, compute=onnx_logits(export / MODEL_FILE))
    data = tiny_data(rows=160)["train"]  # five batches, each of another length
    for rows in (data, data.select([0]), data.select(range(3))):
        wanted = classifier.scores(rows)
        assert exported.scores(rows) == pytest.approx(wanted, abs=1e-5)
    assert classifier.scores(data).std(axis=0).min() > 0.01


def test_an_export_gives_the_scores_of_torch_for_batches_of_any_shape(bert: tuple[EncoderClassifier, Path]) -> None:
    of_pairs, export = bert
    assert_same_scores(classifier_of(of_pairs.encoder), export)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=[] if name in USUAL else pytest.mark.slow)
        for name, case in CASES.items()
        if name != "bert"
    ],
)
def test_an_export_of_another_family_gives_the_scores_of_torch(case: Case, tmp_path: Path) -> None:
    # What is DeBERTa's own is in its first block, and it takes longest; ModernBERT's window slides in the second.
    blocks = 1 if case.family == "deberta-v2" else 2
    classifier = classifier_of(tiny_encoder(case.family, blocks, config={"initializer_range": 0.4, **case.config}))
    export_float32(classifier, tmp_path)
    assert_same_scores(classifier, tmp_path)


def test_pairs_of_texts_are_exported_with_their_types(bert: tuple[EncoderClassifier, Path]) -> None:
    classifier, export = bert
    exported = replace(classifier, compute=onnx_logits(export / MODEL_FILE))
    data = tiny_data(rows=40)["train"]
    data = data.add_column("other", data["text"][::-1])
    wanted = classifier.scores(data)
    assert exported.scores(data) == pytest.approx(wanted, abs=1e-5)
    untyped = tiny_encoder(hidden=128, config={"initializer_range": 0.1})
    untyped.model.bert.embeddings.token_type_embeddings.weight.data[1] = 0
    assert replace(classifier, encoder=untyped).scores(data) != pytest.approx(wanted, abs=1e-3)


def test_an_export_of_8_bits_is_smaller_and_near(
    bert: tuple[EncoderClassifier, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_pairs, float32 = bert
    classifier = classifier_of(of_pairs.encoder)
    # What is quantised is made already.
    monkeypatch.setattr(
        module, "export_float32", lambda _, directory: shutil.copytree(float32, directory, dirs_exist_ok=True)
    )
    export_int8(classifier, tmp_path)
    sizes = [sum(path.stat().st_size for path in folder.iterdir()) for folder in (tmp_path, float32)]
    assert sizes[0] < sizes[1] / 2
    weights = [numpy_helper.to_array(one) for one in onnx.load(tmp_path / MODEL_FILE).graph.initializer]
    # With more than 7 bits, a processor without VNNI cuts sums off.
    assert max(np.abs(values.astype(int)).max() for values in weights if values.dtype == np.int8 and values.size) == 64
    exported = replace(classifier, compute=onnx_logits(tmp_path / MODEL_FILE))
    data = tiny_data(rows=64)["train"]
    wanted = classifier.scores(data)
    assert exported.scores(data) == pytest.approx(wanted, abs=0.05)
    assert exported.scores(data) != pytest.approx(wanted, abs=1e-6)


def test_an_export_has_the_operators_of_the_version_that_is_asked_for(bert: tuple[EncoderClassifier, Path]) -> None:
    assert [one.version for one in onnx.load(bert[1] / MODEL_FILE).opset_import if not one.domain] == [18]


def test_an_export_has_no_facts_of_the_machine_that_made_it(bert: tuple[EncoderClassifier, Path]) -> None:
    [folder] = {str(Path(package.__file__ or "").parents[1]) for package in (torch, onnx)}
    written = b"".join(path.read_bytes() for path in bert[1].iterdir())
    for path in (folder, str(Path(textclf_core.__file__).parent), ".py"):
        assert path.encode() not in written


def test_a_model_that_torch_cant_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"torch can't export a model of the family 'longformer' to ONNX: .+ Use the"):
        export_float32(classifier_of(tiny_encoder("longformer", blocks=1)), tmp_path)


def test_an_export_that_computes_something_else_is_refused(tmp_path: Path) -> None:
    """A head that reads what tracing fixes: how often it was called."""

    class Counting(nn.Linear):
        calls: list[int] = []

        def forward(self, input: Tensor) -> Tensor:
            self.calls.append(1)
            return super().forward(input) * len(self.calls)

    encoder = tiny_encoder(blocks=1, config={"initializer_range": 0.4})
    encoder.model.classifier = Counting(32, 2)
    message = r"family 'bert' computes other logits than the model: on a batch of shape \(1, 3\) they differ"
    with pytest.raises(RunError, match=message):
        export_float32(classifier_of(encoder), tmp_path)
