"""An experiment file: the words of the command line, in TOML.

seed = 0
output = "runs"

[plugins]
minilm = {}
freeze-first-n = { n = 4 }
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, ValidationInfo

from textclf_core.errors import UsageError, did_you_mean
from textclf_core.plugins.specs import PluginSpec
from textclf_core.storage.places import local_folder
from textclf_core.types.seeds import check_seed, check_seeds


def _specs(table: Any, info: ValidationInfo) -> Any:
    """Return the specs of a table of plugins; pydantic refuses what isn't a table."""
    if not isinstance(table, dict):
        return table
    faults = [
        f"plugin {name!r} takes a table of options, such as {name} = {{}}, not {options!r}."
        for name, options in table.items()
        if not isinstance(options, dict)
    ]
    if faults:
        raise ValueError("\n  ".join(faults))
    return tuple(
        PluginSpec(
            name,
            {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()},
            str(info.context),
        )
        for name, options in table.items()
    )


def _different(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"'seeds' may have each seed once only, not {list(seeds)!r}.")
    return seeds


def _folder(given: Any) -> Any:
    """Return the folder for a path or a URL; pydantic refuses what isn't text."""
    return local_folder(given) if isinstance(given, str) else given


def _one_each(data_sets: tuple[tuple[PluginSpec, ...], ...]) -> tuple[tuple[PluginSpec, ...], ...]:
    for specs in data_sets:
        if len(specs) != 1:
            names = ", ".join(spec.name for spec in specs) or "none"
            raise ValueError(f"each [[data]] has one dataset plugin, not {len(specs)} ({names}).")
    return data_sets


Plugins = Annotated[tuple[PluginSpec, ...], BeforeValidator(_specs)]
Seed = Annotated[int, Field(ge=0)]


class Settings(BaseModel, extra="forbid", strict=True, frozen=True):
    """The settings of an experiment file, with their defaults; a description states what a setting takes."""

    plugins: Plugins = Field(default=(), description="a table of plugins")
    tries: tuple[Plugins, ...] = Field(
        default=(), alias="try", strict=False, description="tables of plugins, each headed [[try]]"
    )
    data_sets: Annotated[tuple[Plugins, ...], AfterValidator(_one_each)] = Field(
        default=(),
        alias="data",
        strict=False,
        description="tables of a dataset plugin each, headed [[data]], to compare on all of them",
    )
    seeds: Annotated[tuple[Seed, ...], AfterValidator(_different)] = Field(
        default=(0, 1, 2),
        min_length=1,
        strict=False,
        description="a list of one or more different whole numbers, 0 or greater",
    )
    seed: Seed = Field(default=0, description="a whole number, 0 or greater")
    data_seed: Seed = Field(default=0, description="a whole number, 0 or greater")
    output: Annotated[Path, BeforeValidator(_folder)] = Field(default=Path("runs"), strict=False, description="text")
    """A relative path starts at the current folder, as on the command line; a URL stands for its copy."""
    device: str = Field(default="auto", description="text")


def read_settings(
    experiment: Path | None,
    *,
    seed: int | None = None,
    seeds: int | Sequence[int] | None = None,
    data_seed: int | None = None,
    output: str | Path | None = None,
    device: str | None = None,
) -> Settings:
    """Return the settings of an experiment file, if there is one; the other arguments replace the file's values.

    Raises:
        UsageError: the file can't be used, or a seed isn't valid.
    """
    given = {
        "seed": None if seed is None else check_seed(seed),
        "seeds": None if seeds is None else check_seeds(seeds),
        "data_seed": None if data_seed is None else check_seed(data_seed, "data_seed"),
        "output": None if output is None else local_folder(output),
        "device": device,
    }
    settings = read_experiment_file(experiment) if experiment is not None else Settings()
    return settings.model_copy(update={name: value for name, value in given.items() if value is not None})


def check_one_data_set(settings: Settings, command: str) -> None:
    """Check that the settings of a command that takes one data set have no others.

    Raises:
        UsageError: the experiment file has data sets for a comparison.
    """
    if settings.data_sets:
        raise UsageError(
            f"the experiment file has [[data]], which only `textclf compare` reads; give `textclf {command}` a file "
            "with the dataset plugin under [plugins]."
        )


def read_experiment_file(path: Path) -> Settings:
    """Read an experiment file.

    Raises:
        UsageError: it doesn't exist, isn't TOML, or has a wrong key or value. All faults are listed.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        return Settings.model_validate(content, context=f"file {path.name}")
    except FileNotFoundError as error:
        hint = f" A plugin is given with --plugin {path}." if is_spec(path) else ""
        raise UsageError(f"{path}: there is no such experiment file.{hint}") from error
    except ValidationError as error:
        faults = list(dict.fromkeys(_fault(one, content) for one in error.errors()))
        raise UsageError(f"{path}: {faults[0]}" if len(faults) == 1 else "\n  ".join([f"{path}:", *faults])) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        hint = ""
        if path.suffix.lower() != ".toml":
            hint = f" A table of texts is given to a dataset plugin, such as --plugin NAME:path={path}."
        raise UsageError(f"{path}: not TOML: {error}.{hint}") from error


def is_spec(argument: Path) -> bool:
    """Return whether an argument is no file but reads as a plugin's spec: NAME, or NAME:key=value."""
    return not argument.exists() and re.fullmatch(r"[\w-]+(/[\w-]+)?(:\w+=.*)?", str(argument), re.DOTALL) is not None


def _fault(error: Mapping[str, Any], content: dict[str, Any]) -> str:
    if error["type"] == "value_error":  # raised by a function above
        return str(error["ctx"]["error"])
    settings = {field.alias or name: field.description for name, field in Settings.model_fields.items()}
    key = str(error["loc"][0])
    if key not in settings:
        return f"there is no setting {key!r}.{did_you_mean(key, settings)} It takes {', '.join(settings)}."
    return f"{key!r} takes {settings[key]}, not {content[key]!r}."
