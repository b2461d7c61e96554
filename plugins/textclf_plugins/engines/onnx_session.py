"""Computing the logits of a batch with onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

MODEL_FILE = "model.onnx"
"""The file of the graph. The exporter writes the weights of a large model into further files, so an export is a
folder."""


def onnx_logits(model: Path) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """Return a function from a batch of ``Encoder.collate``, on the CPU, to logits, float32, shape (rows, labels).

    It uses as many threads as torch would.

    Args:
        model: an ONNX file that :mod:`textclf_plugins.engines.onnx_export` wrote.
    """
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # onnxruntime would keep a memory plan for each shape; batches grouped by length have many shapes.
    options.enable_mem_pattern = False
    session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def logits(batch: Mapping[str, Tensor]) -> Tensor:
        [values] = session.run(["logits"], {name: batch[name].numpy() for name in names})
        return torch.from_numpy(values)

    return logits
