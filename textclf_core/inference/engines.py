"""The exporters and engines that a user names: finding them, their packages, and the devices that they compute on."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.plugins import ActivePlugin, Catalogue
from textclf_core.plugins.activation import build_active, read_spec
from textclf_core.plugins.specs import split_name

TORCH = "torch"
"""The engine that computes a model as its trainer loads it."""


def find_exporter(spec: str, catalogue: Catalogue) -> ActivePlugin:
    """Return the exporter of a spec, ``NAME`` or ``NAME:key=value,key=value``.

    Raises:
        UsageError: there is none, an option is wrong, or a package that it needs isn't installed.
        PluginError: it can't be imported.
    """
    return _find(spec, "exporter", catalogue, ())


def find_engine(spec: str, catalogue: Catalogue) -> ActivePlugin | None:
    """Return the engine of a spec; ``None`` for ``torch``.

    Raises:
        UsageError: there is none, an option is wrong, or a package that it needs isn't installed.
        PluginError: it can't be imported.
    """
    if spec.startswith(f"{TORCH}:"):
        raise UsageError(f"the engine {TORCH} takes no options, but got {spec!r}.")
    return None if spec == TORCH else _find(spec, "engine", catalogue, (TORCH,))


def device_of(engine: ActivePlugin | None, device: str) -> str:
    """Return the torch device for ``device``; ``auto`` is one that the engine computes on, a GPU if possible.

    Raises:
        UsageError: there is no such device, or the engine doesn't compute on it.
    """
    from textclf_core.system.environment import resolve_device

    found = resolve_device(device)
    if engine is None or not engine.needs.devices or found.partition(":")[0] in engine.needs.devices:
        return found
    if device == "auto":
        return resolve_device(engine.needs.devices[0])
    able = " or ".join("the CPU" if one == "cpu" else one for one in engine.needs.devices)
    raise UsageError(
        f"the engine {engine.name} works only on {able}, not on the device {device!r}. Use the engine {TORCH}."
    )


def _find(spec: str, role: str, catalogue: Catalogue, others: tuple[str, ...]) -> ActivePlugin:
    name, _ = split_name(spec)
    known = name.rpartition("/")[2] in {entry.name for entry in catalogue.entries}
    if not known or role not in catalogue.get(name).roles:
        listed = (one.plugin for one in catalogue.listing())
        names = [*others, *(plugin.name for plugin in listed if plugin and role in plugin.roles)]
        raise UsageError(f"there is no {role} {name!r}.{did_you_mean(name, names)} The {role}s are {', '.join(names)}.")
    plugin = build_active(read_spec(spec, catalogue, "command line"), catalogue)
    if missing := [package for package in plugin.needs.packages if find_spec(package) is None]:
        install = _extra_with(missing, plugin.distribution) or " ".join(missing)
        raise UsageError(f"the {role} {plugin.name} needs {', '.join(missing)}: pip install {install}.")
    return plugin


def _extra_with(packages: list[str], distribution: str) -> str | None:
    """Return a distribution with its extra that has these packages, as pip takes it; ``None`` if no extra has them."""
    try:
        requirements = requires(distribution) or []
    except PackageNotFoundError:
        return None
    extras: dict[str, set[str]] = {}
    for text in requirements:
        if found := re.match(r"([\w.-]+).*\bextra == [\"']([\w.-]+)[\"']", text):
            extras.setdefault(found[2], set()).add(found[1].replace("-", "_").lower())
    extra = next((name for name, there in extras.items() if there.issuperset(map(str.lower, packages))), None)
    return f'"{distribution}[{extra}]"' if extra else None
