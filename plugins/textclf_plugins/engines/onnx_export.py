"""Export of an encoder to ONNX with torch's exporter, and its quantisation with onnxruntime."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch
from datasets import Dataset
from torch import Tensor

from textclf_core.errors import RunError, UsageError
from textclf_core.system.hub import quiet
from textclf_core.tasks import kind_of
from textclf_core.training.encoder_classifier import EncoderClassifier
from textclf_core.types.recipe import Recipe
from textclf_plugins.engines.onnx_session import MODEL_FILE, onnx_logits

if TYPE_CHECKING:
    from textclf_core.types.classifier import Classifier

# The texts for tracing the model, and texts of other shapes for testing the graph: one row, no padding, much padding.
_TRACED_TEXTS = ("a b c", "a b c d e f g")
_OTHER_TEXTS = (("a",), ("a b", "a b"), ("a b c d", "a", "a " * 30))
_LARGEST_DIFFERENCE = 1e-4


def with_encoder(classifier: Classifier) -> EncoderClassifier:
    """Return a classifier that has an encoder.

    Raises:
        UsageError: it has none.
    """
    if not isinstance(classifier, EncoderClassifier):
        raise UsageError(f"it needs a model with an encoder, but this one is a {type(classifier).__name__}.")
    return classifier


def export_float32(classifier: EncoderClassifier, directory: Path, opset: int | None = None) -> None:
    """Write the classifier's model into ``directory`` as an ONNX graph for batches of any size and length.

    The inputs of the graph are those of ``input_ids``, ``attention_mask`` and ``token_type_ids`` that the model uses,
    int64, shape (rows, tokens); its output is ``logits``, float32, shape (rows, labels). If the head reads only the
    first token, the last block is computed for that token only.

    Args:
        classifier: the classifier.
        directory: the folder to write into.
        opset: the version of ONNX's operators; that of torch's exporter if ``None``.

    Raises:
        RunError: torch can't export a model of this family, or the graph's logits differ from the model's.
    """
    encoder = classifier.encoder
    encoder.model.train(False)
    batch = _batch(classifier, _TRACED_TEXTS)
    try:
        with encoder.computing_what_the_head_reads(), _exporter_quiet():
            program = torch.onnx.export(
                encoder.model,
                kwargs=batch,
                dynamo=True,
                dynamic_shapes={name: {0: "rows", 1: "tokens"} for name in batch},
                output_names=["logits"],
                opset_version=opset,
                verbose=False,
            )
            assert program is not None, "torch.onnx.export returns the program where dynamo=True"
            # The exporter adds each node's place in the source code, with paths of this machine.
            for node in program.model.graph.all_nodes():
                node.metadata_props.clear()
            program.save(directory / MODEL_FILE, external_data=True)
    except torch.onnx.OnnxExporterError as error:
        raise RunError(
            f"torch can't export a model of the family {encoder.family!r} to ONNX: {_cause(error)}. Use the engine "
            "torch."
        ) from error
    _check(classifier, directory / MODEL_FILE)


def export_int8(classifier: EncoderClassifier, directory: Path) -> None:
    """Write the classifier's model into ``directory`` with 8-bit weights and dynamically quantised activations.

    Raises:
        RunError: see :func:`export_float32`.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with TemporaryDirectory() as place, _quantiser_quiet():
        export_float32(classifier, Path(place))
        quantize_dynamic(
            onnx.load(Path(place) / MODEL_FILE),
            directory / MODEL_FILE,
            # A scale per output channel: with one per layer, three times as many labels change.
            per_channel=True,
            # 7 bits: without VNNI, a processor adds two products of 8-bit numbers in 16 bits, which may saturate.
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )


def _batch(classifier: EncoderClassifier, texts: Sequence[str]) -> dict[str, Tensor]:
    """Return texts as a batch of the model; if the task has several text columns, each has the same texts."""
    rows = [kind_of(classifier.task).as_row(text) for text in texts]
    data = Dataset.from_dict(dict.fromkeys(classifier.task.text_columns, rows))
    encoder = classifier.encoder
    return encoder.collate(list(encoder.tokenize(data, classifier.task, Recipe())))


def _check(classifier: EncoderClassifier, model: Path) -> None:
    """Compare the graph with the model on other shapes, since tracing may have fixed a dimension that should vary."""
    compute = onnx_logits(model)
    for texts in _OTHER_TEXTS:
        batch = _batch(classifier, texts)
        with torch.inference_mode():
            wanted = classifier.encoder.logits(batch).float()
        difference = float((compute(batch) - wanted).abs().max())
        if not difference <= _LARGEST_DIFFERENCE * max(1.0, float(wanted.abs().max())):
            raise RunError(
                f"the ONNX export of this model of the family {classifier.encoder.family!r} computes other logits than "
                f"the model: on a batch of shape {tuple(batch['input_ids'].shape)} they differ by {difference:.2g}. "
                "Use the engine torch."
            )


def _cause(error: BaseException) -> str:
    """Return the first line of the root cause of an error."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0].rstrip('.')}"


@contextmanager
def _exporter_quiet() -> Iterator[None]:
    """Silence the exporter's irrelevant messages: that torchvision isn't installed, that two inputs share an axis."""
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for name in ("torch.onnx._internal.exporter._registration", "onnxscript.optimizer._constant_folding"):
            stack.enter_context(quiet(name))
        yield


@contextmanager
def _quantiser_quiet() -> Iterator[None]:
    """Silence the quantiser's advice, which the exporter has followed, and keep it from configuring the root logger."""
    handler = logging.NullHandler()  # without any handler, `logging.warning` would add one permanently
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with quiet("root"):
            yield
    finally:
        root.removeHandler(handler)
