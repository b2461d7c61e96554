"""The numbers that training computes with."""

from __future__ import annotations

from typing import Literal

import torch

from textclf_core.errors import UsageError


def training_dtype(precision: Literal["auto", "float32", "bfloat16"], device: torch.device) -> torch.dtype:
    """Return what matrix products are computed in while training: bfloat16 for ``auto`` on a GPU that has it.

    On a CPU it has to be asked for, since it changes the result and not every CPU has it: without the instructions it
    is emulated, and tens of times slower.

    Raises:
        UsageError: bfloat16 is asked for, and the device doesn't have it.
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
