"""The FLOPs of an encoder's forward and backward passes, considering what is frozen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from textclf_core.encoder.families import FAMILIES
from textclf_core.encoder.tokenizing import input_names

if TYPE_CHECKING:
    from textclf_core.encoder import Encoder
    from textclf_core.encoder.pooling import Pooling

_SHORT = 8  # the tokens of the shortest sequence by which passes are counted, if the model reads thrice as many
# Longer than the windows to which attention is limited, or padded, in some families.
_LONG = 520
# What a family computes that isn't a sum of these terms, such as relative positions, may be this share.
_TOLERANCE = 0.01
_UNKNOWN = float("nan")


@dataclass(frozen=True)
class PassFlops:
    """FLOPs of one pass over ``rows`` sequences padded to ``length`` tokens: rows·(a·L² + b·L + c) + d; NaN if unknown.

    ``a`` is attention, ``b`` the matrix products for each token, ``c`` pooler and head, ``d`` the work per batch
    (DeBERTa's relative positions). One multiply-add is two FLOPs; element-wise work is left out, as in
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
    """The FLOPs of an encoder with its present frozen parameters."""

    forward: PassFlops
    backward: PassFlops

    def train_step(self, rows: int, length: int) -> float:
        """Return the FLOPs of a forward and a backward pass over one batch."""
        return self.forward(rows, length) + self.backward(rows, length)


def count_flops(encoder: Encoder, start: int | None = None) -> EncoderFlops:
    """Count the FLOPs of one batch from four tiny batches, by torch's own formulas.

    Any architecture and any freezing is counted as it runs: the backward pass ends where autograd ends. If the FLOPs of
    a family grow in another way than :class:`PassFlops`, they are unknown. The model's gradients and the random state
    are unchanged afterwards.

    Args:
        encoder: the model, with the last block computed for all tokens or only for the first one.
        start: the boundary whose hidden states are given; from the input on if ``None``.
    """

    def run(batch: dict[str, Tensor], hidden: Tensor | None) -> Tensor:
        return encoder.logits(batch) if hidden is None else encoder.run_from(hidden, batch, start or 0)

    return _count_both(encoder, run, start)


def count_prefix_flops(encoder: Encoder, upto: int, start: int | None = None) -> PassFlops:
    """Count the FLOPs of one batch up to a boundary, from the input or from an earlier boundary on."""

    def run(batch: dict[str, Tensor], hidden: Tensor | None) -> Tensor:
        return encoder.run_prefix(batch, upto, hidden=hidden, start=start or 0)

    with encoder.computing_what_the_head_reads():
        shapes = _shapes(encoder)
        return _solve([_count(encoder, run, shape, start)[0] for shape in shapes], shapes)


def count_embedding_flops(encoder: Encoder, pooling: Pooling, start: int | None = None) -> EncoderFlops:
    """Count the FLOPs of embedding one batch, from the input or from a boundary on; see :func:`count_flops`."""

    def run(batch: dict[str, Tensor], hidden: Tensor | None) -> Tensor:
        return encoder.embed(batch, pooling, hidden=hidden, start=start or 0)

    return _count_both(encoder, run, start)


def count_row_flops(encoder: Encoder, length: int, upto: int, pooling: Pooling | None = None) -> float:
    """Count the FLOPs of one row up to a boundary, or pooled, by one pass over such a row.

    The result equals that of :func:`count_prefix_flops` or :func:`count_embedding_flops`, in a quarter of the time.
    """

    def run(batch: dict[str, Tensor], hidden: Tensor | None) -> Tensor:
        return encoder.embed(batch, pooling) if pooling else encoder.run_prefix(batch, upto)

    with encoder.computing_what_the_head_reads():
        return float(_count(encoder, run, (1, length), None)[0])


def _count_both(
    encoder: Encoder, run: Callable[[dict[str, Tensor], Tensor | None], Tensor], start: int | None
) -> EncoderFlops:
    trainable = [parameter for parameter in encoder.model.parameters() if parameter.requires_grad]
    shapes = _shapes(encoder)
    counted = zip(*(_count(encoder, run, shape, start, trainable) for shape in shapes), strict=True)
    flops = EncoderFlops(*(_solve(counts, shapes) for counts in counted))
    return flops if encoder.family in FAMILIES or _holds_for_long(encoder, run, start, flops) else _NOT_COUNTED


def _shapes(encoder: Encoder) -> tuple[tuple[int, int], ...]:
    """Return four shapes (rows, length), which determine the four coefficients of a pass."""
    length = max(1, min(_SHORT, encoder.longest_input // 3))
    return (1, length), (1, 2 * length), (1, 3 * length), (2, length)


def _holds_for_long(
    encoder: Encoder,
    run: Callable[[dict[str, Tensor], Tensor | None], Tensor],
    start: int | None,
    flops: EncoderFlops,
) -> bool:
    """Return whether the FLOPs of a long sequence are those that the short ones make expect."""
    length = min(_LONG, encoder.longest_input)
    counted, _ = _count(encoder, run, (1, length), start)
    return abs(flops.forward(1, length) - counted) <= _TOLERANCE * counted


def _count(
    encoder: Encoder,
    run: Callable[[dict[str, Tensor], Tensor | None], Tensor],
    shape: tuple[int, int],
    start: int | None,
    trainable: Sequence[torch.nn.Parameter] = (),
) -> tuple[float, float]:
    """Return the FLOPs of a forward and of a backward pass over one batch, from the hidden states at ``start``."""
    device, hidden = encoder.model.device, None
    ids = torch.full(shape, encoder.tokenizer.cls_token_id or 0, device=device)
    if getattr(encoder.model.config, "is_encoder_decoder", False):
        ids[:, -1] = encoder.model.config.eos_token_id  # where the head reads
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if encoder.family not in FAMILIES and "token_type_ids" in input_names(encoder.model, encoder.tokenizer):
        batch["token_type_ids"] = torch.zeros_like(ids)  # which cost more than a look-up in XLNet
    # As plain matrix products, attention is counted on every device; torch has no formula for the CPU's kernel.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), sdpa_kernel(SDPBackend.MATH):
        if start is not None:
            with torch.no_grad():
                hidden = encoder.run_prefix(batch, start)
            hidden = hidden[:, :1] if start == encoder.num_blocks and encoder.reads_first_token else hidden
        with torch.set_grad_enabled(bool(trainable)), _Counter() as forward:
            result = run(batch, hidden)
        with _Counter() as backward:
            if trainable:
                torch.autograd.grad(result.sum(), trainable, allow_unused=True)
    return forward.flops, backward.flops


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # it has no types
    """Sum the FLOPs of all operations while it is active.

    ``FlopCounterMode`` sums the same formulas by module, which takes twice as long.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops: float = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if isinstance(func, torch._ops.HigherOrderOperator):
            return NotImplemented
        formula = flop_registry.get(func._overloadpacket)
        if formula is None and _is_made_of_others(func):
            with self:
                return func.decompose(*args, **kwargs)
        result = func(*args, **kwargs)
        if "fft" in func.name():  # FNet's mixing, for which torch has no formula
            self.flops = _UNKNOWN
        if formula is not None:
            self.flops += formula(*args, **kwargs, out_val=result)
        return result


@cache
def _is_made_of_others(operation: Any) -> bool:
    """Return whether torch implements an operation by other operations, which may have formulas."""
    return bool(torch._C._dispatch_has_kernel_for_dispatch_key(operation.name(), "CompositeImplicitAutograd"))


def _solve(counts: Sequence[float], shapes: Sequence[tuple[int, int]]) -> PassFlops:
    system = np.array([[rows * length**2, rows * length, rows, 1.0] for rows, length in shapes])
    if np.isnan(counts).any():
        return PassFlops(*[_UNKNOWN] * 4)
    a, b, c, d = np.linalg.solve(system, np.array(counts, dtype=float))
    # Counts are whole numbers; the solver's rounding is removed.
    return PassFlops(*(float(round(x)) for x in (a, b, c, d)))


_NOT_COUNTED = EncoderFlops(*(PassFlops(*[_UNKNOWN] * 4),) * 2)
