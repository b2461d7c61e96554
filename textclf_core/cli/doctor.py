"""``textclf doctor``: what a bug report needs to know about this machine and installation."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator

from textclf_core.cli.plugin_list import listed_plugins
from textclf_core.cli.standard_output import print_result

_PACKAGES = (
    *("textclf-core", "torch", "transformers", "tokenizers", "accelerate", "datasets", "huggingface_hub", "numpy"),
    *("scikit-learn", "pluggy", "pydantic", "typer", "peft", "setfit", "sentence-transformers", "onnxruntime"),
)
_VARIABLES = ("TEXTCLF_", "HF_", "TRANSFORMERS_", "OMP_", "CUDA_VISIBLE_DEVICES")
_SECRET = ("TOKEN", "KEY", "SECRET", "PASSWORD")


def doctor() -> None:
    """Show versions, devices, hub, caches and broken plugins, to paste into a bug report."""
    for title, facts in (
        ("versions", _versions()),
        ("devices", _devices()),
        ("hub", _hub()),
        ("caches", _caches()),
        ("environment variables", _variables()),
        ("plugins", _plugins()),
    ):
        print_result(f"{title}\n" + "\n".join(f"  {name}: {value}" for name, value in facts) + "\n")


def _versions() -> Iterator[tuple[str, str]]:
    from importlib.metadata import PackageNotFoundError, version

    yield "python", f"{platform.python_version()} ({sys.implementation.name}), {platform.platform()}"
    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "not installed"


def _devices() -> Iterator[tuple[str, str]]:
    import psutil
    import torch

    memory = psutil.virtual_memory()
    yield "cpu", f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
    yield "memory", f"{memory.available / 1e9:.1f} GB free of {memory.total / 1e9:.1f} GB"
    for number in range(torch.cuda.device_count()):
        yield f"cuda:{number}", torch.cuda.get_device_name(number)
    if not torch.cuda.is_available():
        yield "cuda", "no GPU, or none that this torch can use"
    if torch.backends.mps.is_available():
        yield "mps", "available"


def _hub() -> Iterator[tuple[str, str]]:
    from textclf_core.system.hub import why_unreachable

    reason = why_unreachable()
    yield "model hub", f"can't be reached: {reason}" if reason else "answers"


def _caches() -> Iterator[tuple[str, str]]:
    from huggingface_hub import constants

    from textclf_core.cache import CacheFolder

    folder = CacheFolder()
    yield "textclf", f"{folder.directory}, {folder.bytes() / 1e6:,.1f} MB of at most {folder.limit_bytes / 1e6:,.0f} MB"
    existing = os.path.isdir(constants.HF_HUB_CACHE)  # noqa: PTH112  # it is a str
    yield "models", f"{constants.HF_HUB_CACHE}, {'present' if existing else 'absent'}"
    yield "free disk", f"{shutil.disk_usage(os.curdir).free / 1e9:,.1f} GB here"


def _variables() -> Iterator[tuple[str, str]]:
    found = sorted(name for name in os.environ if name.startswith(_VARIABLES))
    for name in found:
        yield name, "(set)" if any(word in name for word in _SECRET) else os.environ[name]
    if not found:
        yield "none", "of " + ", ".join(_VARIABLES)


def _plugins() -> Iterator[tuple[str, str]]:
    plugins = listed_plugins()
    origins = sorted({f"{one['distribution']} {one['version'] or ''}".strip() for one in plugins})
    yield "usable", f"{sum(not one['error'] for one in plugins)}, of {', '.join(origins)}"
    for one in plugins:
        if one["error"]:
            yield f"can't be used: {one['name']}", one["error"]
