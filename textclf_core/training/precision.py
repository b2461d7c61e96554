"""The floating-point format of training."""

from __future__ import annotations

from typing import Literal

import torch

from textclf_core.errors import UsageError


def training_dtype(precision: Literal["auto", "float32", "bfloat16"], device: torch.device) -> torch.dtype:
    """Return the dtype of matrix products in training: with ``auto``, bfloat16 on a GPU that supports it, else float32.

    On a CPU bfloat16 must be requested, since it changes the result. CPUs without its instructions emulate it tens of
    times slower, and are refused.

    Raises:
        UsageError: bfloat16 is requested, and the device doesn't support it.
    """
    if device.type == "cuda":
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = device.type == "cpu" and _cpu_has_bfloat16()
    if precision == "bfloat16" and not able:
        raise UsageError(f"precision=bfloat16: the device {str(device)!r} has no bfloat16. Use float32 or auto.")
    wanted = precision == "bfloat16" or (precision == "auto" and device.type == "cuda")
    return torch.bfloat16 if able and wanted else torch.float32


def _cpu_has_bfloat16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
