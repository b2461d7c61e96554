"""ONNX, by torch's exporter and onnxruntime on the CPU: with the original weights, and with 8-bit weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from textclf_core.hookspecs import hookimpl
from textclf_core.types.needs import Needs
from textclf_core.types.option import Option

if TYPE_CHECKING:
    from textclf_core.types.classifier import Classifier

_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


@dataclass(frozen=True, kw_only=True)
class Onnx:
    """Write a model as ONNX, and predict with onnxruntime on the CPU.

    The extra ``onnx`` installs what it needs. Of a model with an encoder, the graph is written, with its original
    weights. If the head reads only the first token, the last block is computed for that token only.
    """

    opset: Annotated[int | None, Option("The version of ONNX's operators; none: that of torch's exporter.", ge=18)] = (
        None
    )

    needs: ClassVar[Needs] = Needs(devices=("cpu",), packages=_PACKAGES)
    depends_on: ClassVar[tuple[str, ...]] = _PACKAGES

    @hookimpl
    def textclf_export(self, classifier: Classifier, directory: Path) -> None:
        """Trace the model on texts, and write its graph."""
        from textclf_plugins.engines.onnx_export import export_float32, with_encoder

        export_float32(with_encoder(classifier), directory, self.opset)

    @hookimpl
    def textclf_engine(self, classifier: Classifier, directory: Path) -> Classifier:
        """Compute the logits of each batch with onnxruntime."""
        from textclf_plugins.engines.onnx_export import with_encoder
        from textclf_plugins.engines.onnx_session import MODEL_FILE, onnx_logits

        return replace(with_encoder(classifier), compute=onnx_logits(directory / MODEL_FILE))


@dataclass(frozen=True, kw_only=True)
class OnnxInt8:
    """Write a model as ONNX with 8-bit weights, a quarter as large, and predict with onnxruntime on the CPU.

    The extra ``onnx`` installs what it needs. The scores differ from those of the original weights; how far depends on
    the model and the data. Texts are scored one at a time.
    """

    needs: ClassVar[Needs] = Needs(devices=("cpu",), packages=_PACKAGES, approximate=True)
    depends_on: ClassVar[tuple[str, ...]] = _PACKAGES

    @hookimpl
    def textclf_export(self, classifier: Classifier, directory: Path) -> None:
        """Write the graph as ``onnx`` does, and quantise it."""
        from textclf_plugins.engines.onnx_export import export_int8, with_encoder

        export_int8(with_encoder(classifier), directory)

    @hookimpl
    def textclf_engine(self, classifier: Classifier, directory: Path) -> Classifier:
        """Compute the logits of each text with onnxruntime."""
        from textclf_plugins.engines.onnx_export import with_encoder
        from textclf_plugins.engines.onnx_session import MODEL_FILE, onnx_logits

        # Activations are scaled by their range in the whole batch. In batches of 32, 2% of the labels on Rotten
        # Tomatoes depended on the other texts in the batch.
        return replace(with_encoder(classifier), compute=onnx_logits(directory / MODEL_FILE), batch_tokens=1)
