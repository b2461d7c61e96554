"""An experiment file: the words of the command line, in TOML.

seed = 0
output = "runs"

[plugins]
minilm = {}
freeze-first-n = { n = 4 }
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.specs import PluginSpec


@dataclass(frozen=True)
class ExperimentFile:
    """What an experiment file says; ``None`` where it is silent."""

    plugins: tuple[PluginSpec, ...] = ()
    seed: int | None = None
    data_seed: int | None = None
    output: Path | None = None
    device: str | None = None


_TYPES: dict[str, type] = {"plugins": dict, "seed": int, "data_seed": int, "output": str, "device": str}


def read_experiment_file(path: Path) -> ExperimentFile:
    """Read an experiment file.

    Raises:
        UsageError: it isn't there, isn't TOML, or says something that no experiment has. All faults are listed.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such experiment file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from error
    faults = [_fault(key, value) for key, value in content.items()]
    if found := [fault for fault in faults if fault]:
        raise UsageError(
            "\n  ".join([f"{path}: it can't be used:", *found]) if len(found) > 1 else f"{path}: {found[0]}"
        )
    plugins = tuple(
        PluginSpec(name, {key: _value(value) for key, value in options.items()}, set_by=f"file {path.name}")
        for name, options in content.get("plugins", {}).items()
    )
    # A relative path in the file is meant from where the command is given, as one on the command line is.
    output = Path(content["output"]) if "output" in content else None
    return ExperimentFile(plugins, content.get("seed"), content.get("data_seed"), output, content.get("device"))


def _fault(key: str, value: Any) -> str | None:
    if key not in _TYPES:
        return f"there is no setting {key!r}.{did_you_mean(key, _TYPES)} It takes {', '.join(_TYPES)}."
    if not isinstance(value, _TYPES[key]) or isinstance(value, bool):
        kind = {"dict": "a table of plugins", "int": "a whole number", "str": "text"}[_TYPES[key].__name__]
        return f"{key!r} takes {kind}, not {value!r}."
    if key == "plugins":
        for name, options in value.items():
            if not isinstance(options, dict):
                return f"plugin {name!r} takes a table of options, such as {name} = {{}}, not {options!r}."
    return None


def _value(value: Any) -> object:
    return tuple(value) if isinstance(value, list) else value
