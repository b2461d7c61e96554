"""Floating-point operations of an encoder's forward and backward pass, freezing counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder

# Four (rows, length) shapes determine the four coefficients of a pass.
_SHAPES = ((1, 8), (1, 16), (1, 24), (2, 8))


@dataclass(frozen=True)
class PassFlops:
    """FLOPs of one pass over ``rows`` sequences padded to ``length`` tokens: rows·(a·L² + b·L + c) + d.

    ``a`` is attention, ``b`` the matrix products of every token, ``c`` pooler and head, ``d`` what is done once a
    batch (DeBERTa's relative positions). One multiply-add is two FLOPs; element-wise work is left out, as in
    ``torch.utils.flop_counter``.
    """

    a: float
    b: float
    c: float
    d: float

    def __call__(self, rows: int, length: int) -> float:
        """Return the FLOPs of one batch of ``rows`` sequences, each padded to ``length`` tokens."""
        return rows * (self.a * length**2 + self.b * length + self.c) + self.d


@dataclass(frozen=True)
class EncoderFlops:
    """The FLOPs of an encoder as it is frozen now."""

    forward: PassFlops
    backward: PassFlops

    def train_step(self, rows: int, length: int) -> float:
        """Return the FLOPs of a forward and a backward pass over one batch."""
        return self.forward(rows, length) + self.backward(rows, length)


def count_flops(encoder: Encoder) -> EncoderFlops:
    """Count what one batch costs, on four tiny batches, with torch's own counter.

    Any architecture and any freezing is counted as it runs: backward stops where autograd stops. The model's
    gradients and the random state are left as they were.
    """
    trainable = [parameter for parameter in encoder.model.parameters() if parameter.requires_grad]
    counted = [_count(encoder, trainable, rows, length) for rows, length in _SHAPES]
    return EncoderFlops(
        forward=_solve([forward for forward, _ in counted]), backward=_solve([backward for _, backward in counted])
    )


def _count(encoder: Encoder, trainable: list[torch.nn.Parameter], rows: int, length: int) -> tuple[int, int]:
    device = next(encoder.model.parameters()).device
    token = encoder.tokenizer.cls_token_id or 0
    batch = {
        "input_ids": torch.full((rows, length), token, device=device),
        "attention_mask": torch.ones((rows, length), dtype=torch.long, device=device),
    }
    # As plain matrix products, attention is counted on every device; torch's counter doesn't know the CPU's kernel.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), sdpa_kernel(SDPBackend.MATH):
        with torch.set_grad_enabled(bool(trainable)), FlopCounterMode(display=False) as forward:
            logits = encoder.model(**batch).logits
        with FlopCounterMode(display=False) as backward:
            if trainable:
                torch.autograd.grad(logits.sum(), trainable, allow_unused=True)
    return forward.get_total_flops(), backward.get_total_flops()


def _solve(counts: Sequence[int]) -> PassFlops:
    system = np.array([[rows * length**2, rows * length, rows, 1.0] for rows, length in _SHAPES])
    a, b, c, d = np.linalg.solve(system, np.array(counts, dtype=float))
    # Whole numbers by nature: the solver's rounding must not show up as a fraction of a FLOP.
    return PassFlops(*(float(round(x)) for x in (a, b, c, d)))
