"""Exports of each family compute what torch computes, on batches of any shape; what can't be exported says so."""

from __future__ import annotations

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
from textclf_core.inference.onnx.export import MODEL_FILE, export_float32, export_int8
from textclf_core.inference.onnx.session import onnx_logits
from textclf_core.testing import tiny_data, tiny_encoder
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.types.recipe import Recipe
from textclf_core.types.task import Task


def classifier_of(encoder: Encoder) -> EncoderClassifier:
    return EncoderClassifier(encoder, Task(("negative", "positive")), Recipe())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_export_gives_the_scores_of_torch_for_batches_of_any_shape(case: Case, tmp_path: Path) -> None:
    # Weights of this size make scores that differ from row to row.
    encoder = tiny_encoder(case.family, config={"initializer_range": 0.4, **case.config})
    classifier = classifier_of(encoder)
    export_float32(classifier, tmp_path)
    exported = replace(classifier, compute=onnx_logits(tmp_path / MODEL_FILE))
    data = tiny_data(rows=160)["train"]  # five batches, each of another length
    for rows in (data, data.select([0]), data.select(range(3))):
        wanted = classifier.scores(rows)
        assert exported.scores(rows) == pytest.approx(wanted, abs=1e-5)
    assert classifier.scores(data).std(axis=0).min() > 0.01


def test_pairs_of_texts_are_exported_with_their_types(tmp_path: Path) -> None:
    encoder = tiny_encoder(config={"initializer_range": 0.4})
    classifier = EncoderClassifier(encoder, Task(("negative", "positive"), ("text", "other")), Recipe())
    export_float32(classifier, tmp_path)
    exported = replace(classifier, compute=onnx_logits(tmp_path / MODEL_FILE))
    data = tiny_data(rows=40)["train"]
    data = data.add_column("other", data["text"][::-1])
    assert exported.scores(data) == pytest.approx(classifier.scores(data), abs=1e-5)


def test_an_export_of_8_bits_is_smaller_and_near(tmp_path: Path) -> None:
    (tmp_path / "float32").mkdir()
    (tmp_path / "int8").mkdir()
    classifier = classifier_of(tiny_encoder(hidden=128, config={"initializer_range": 0.1}))
    export_float32(classifier, tmp_path / "float32")
    export_int8(classifier, tmp_path / "int8")
    sizes = {kind: sum(path.stat().st_size for path in (tmp_path / kind).iterdir()) for kind in ("float32", "int8")}
    assert sizes["int8"] < sizes["float32"] / 2
    weights = [numpy_helper.to_array(one) for one in onnx.load(tmp_path / "int8" / MODEL_FILE).graph.initializer]
    # With more than 7 bits, a processor without VNNI cuts sums off.
    assert max(np.abs(values.astype(int)).max() for values in weights if values.dtype == np.int8 and values.size) == 64
    exported = replace(classifier, compute=onnx_logits(tmp_path / "int8" / MODEL_FILE))
    data = tiny_data(rows=64)["train"]
    wanted = classifier.scores(data)
    assert exported.scores(data) == pytest.approx(wanted, abs=0.05)
    assert exported.scores(data) != pytest.approx(wanted, abs=1e-6)


def test_an_export_says_nothing_of_the_machine_that_made_it(tmp_path: Path) -> None:
    export_float32(classifier_of(tiny_encoder()), tmp_path)
    [folder] = {str(Path(module.__file__ or "").parents[1]) for module in (torch, onnx)}
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for path in (folder, str(Path(textclf_core.__file__).parent), ".py"):
        assert path.encode() not in written


def test_a_model_that_torch_cant_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"torch can't export a model of the family 'longformer' to ONNX: .+ Use the"):
        export_float32(classifier_of(tiny_encoder("longformer")), tmp_path)


def test_an_export_that_computes_something_else_is_refused(tmp_path: Path) -> None:
    """A head that reads what tracing fixes: how often it was called."""

    class Counting(nn.Linear):
        calls: list[int] = []

        def forward(self, input: Tensor) -> Tensor:
            self.calls.append(1)
            return super().forward(input) * len(self.calls)

    encoder = tiny_encoder(config={"initializer_range": 0.4})
    encoder.model.classifier = Counting(32, 2)
    message = r"family 'bert' doesn't compute what the model computes: on a batch of shape \(1, 3\) the logits differ"
    with pytest.raises(RunError, match=message):
        export_float32(classifier_of(encoder), tmp_path)
