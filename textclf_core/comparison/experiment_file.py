"""An experiment file: the words of the command line, in TOML.

seed = 0
output = "runs"

[plugins]
minilm = {}
freeze-first-n = { n = 4 }
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.plugins.specs import PluginSpec
from textclf_core.types.seeds import check_seed, check_seeds


@dataclass(frozen=True)
class Settings:
    """What an experiment file says, and the defaults where it is silent."""

    plugins: tuple[PluginSpec, ...] = ()
    tries: tuple[tuple[PluginSpec, ...], ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    seed: int = 0
    data_seed: int = 0
    output: Path = Path("runs")
    device: str = "auto"


_TYPES: dict[str, tuple[type, str]] = {
    "plugins": (dict, "a table of plugins"),
    "try": (list, "tables of plugins, each headed [[try]]"),
    "seeds": (list, "a list of whole numbers"),
    "seed": (int, "a whole number"),
    "data_seed": (int, "a whole number"),
    "output": (str, "text"),
    "device": (str, "text"),
}


def read_settings(
    experiment: Path | None,
    *,
    seed: int | None = None,
    seeds: int | Sequence[int] | None = None,
    data_seed: int | None = None,
    output: str | Path | None = None,
    device: str | None = None,
) -> Settings:
    """Return what an experiment file says, if there is one; what is given beside it takes its place.

    Raises:
        UsageError: the file can't be used, or a seed is none.
    """
    given: dict[str, Any] = {
        "seed": None if seed is None else check_seed(seed),
        "seeds": None if seeds is None else check_seeds(seeds),
        "data_seed": None if data_seed is None else check_seed(data_seed, "data_seed"),
        "output": None if output is None else Path(output),
        "device": device,
    }
    settings = read_experiment_file(experiment) if experiment is not None else Settings()
    return replace(settings, **{name: value for name, value in given.items() if value is not None})


def read_experiment_file(path: Path) -> Settings:
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
    faults = [fault for key, value in content.items() for fault in _faults(key, value)]
    if faults:
        raise UsageError(f"{path}: {faults[0]}" if len(faults) == 1 else "\n  ".join([f"{path}:", *faults]))
    try:
        return _content(content, f"file {path.name}")
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _content(content: dict[str, Any], set_by: str) -> Settings:
    given: dict[str, Any] = {
        "plugins": _specs(content.get("plugins", {}), set_by),
        "tries": tuple(_specs(table, set_by) for table in content.get("try", [])),
    }
    if "seeds" in content:
        given["seeds"] = check_seeds(content["seeds"])
    if "seed" in content:
        given["seed"] = check_seed(content["seed"])
    if "data_seed" in content:
        given["data_seed"] = check_seed(content["data_seed"], "data_seed")
    if "output" in content:
        # A relative path in the file is meant from where the command is given, as one on the command line is.
        given["output"] = Path(content["output"])
    if "device" in content:
        given["device"] = content["device"]
    return Settings(**given)


def _faults(key: str, value: Any) -> Iterator[str]:
    if key not in _TYPES:
        yield f"there is no setting {key!r}.{did_you_mean(key, _TYPES)} It takes {', '.join(_TYPES)}."
        return
    wanted, words = _TYPES[key]
    items: dict[str, type] = {"try": dict, "seeds": int}
    right = isinstance(value, wanted) and not isinstance(value, bool)
    if right and key in items:
        right = all(isinstance(item, items[key]) and not isinstance(item, bool) for item in value)
    if not right:
        yield f"{key!r} takes {words}, not {value!r}."
        return
    for table in value if key == "try" else [value] if key == "plugins" else []:
        for name, options in table.items():
            if not isinstance(options, dict):
                yield f"plugin {name!r} takes a table of options, such as {name} = {{}}, not {options!r}."


def _specs(table: dict[str, dict[str, Any]], set_by: str) -> tuple[PluginSpec, ...]:
    return tuple(
        PluginSpec(name, {key: _value(value) for key, value in options.items()}, set_by)
        for name, options in table.items()
    )


def _value(value: Any) -> object:
    return tuple(value) if isinstance(value, list) else value
