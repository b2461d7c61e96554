"""The machine and the package versions of a run."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from textclf_core.errors import UsageError
from textclf_core.system.world import ALONE, World

_PACKAGES = ("textclf-core", "torch", "transformers", "tokenizers", "datasets", "accelerate", "numpy", "scikit-learn")


def environment(device: str) -> dict[str, str]:
    """Return the versions and the hardware that can change a result, by name; nothing identifies a person."""
    facts = {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
    facts["platform"] = platform.platform()
    facts["device"] = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    facts["cpu_count"] = str(os.cpu_count())
    facts["threads"] = str(torch.get_num_threads())
    return facts


def device_facts(device: torch.device | str) -> list[str]:
    """Return the properties of a device, and the settings of torch, that can change the bits of a result."""
    device = torch.device(device)
    precision = torch.get_float32_matmul_precision()
    if device.type == "cuda":
        return ["cuda", torch.cuda.get_device_name(device), str(torch.backends.cuda.matmul.allow_tf32), precision]
    return [device.type, torch.backends.cpu.get_cpu_capability(), _cpu_model(), str(torch.get_num_threads()), precision]


@cache
def _cpu_model() -> str:
    """Return the processor's name, by which libraries choose their kernels."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def resolve_device(name: str, world: World = ALONE) -> str:
    """Return a torch device for ``name``; ``auto`` is a GPU if there is one.

    Each process of a run over several gets a GPU of its own.

    Raises:
        UsageError: this machine or this build of torch has no such device, or several processes would share one.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if world.size > 1 and name not in ("cpu", "cuda"):
        raise UsageError(
            f"device {name!r} can't be used: the processes of a run share the CPU, or each takes a GPU of its host. "
            "Use auto, cpu or cuda."
        )
    if world.size > 1 and name == "cuda":
        name = f"cuda:{world.local_rank}"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"device {name!r} can't be used: {reason.rstrip('.')}. Use auto or cpu.") from error
    return name
