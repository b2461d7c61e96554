"""The list of plugins, which is stored until something changes that it depends on.

Importing every plugin, and what each imports, takes longer than all else that ``textclf plugins`` does. So what it
lists is stored with the state that it depends on: the installed distributions, the import path, the variables of
textclf, and the files that were imported. Only a state that is equal in all of these is answered from the file.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from textclf_core.cli.standard_output import print_result, result_alone
from textclf_core.cli.text_table import aligned
from textclf_core.errors import UsageError, did_you_mean
from textclf_core.hookspecs import ROLE_OF_HOOK
from textclf_core.system.cache_directory import default_cache_directory

if TYPE_CHECKING:
    from textclf_core.plugins import Catalogue, PluginListing

SLOW_IMPORT_SECONDS = 0.1
"""Import times above this are shown, since each run with the plugin takes as much longer."""
ROLES = tuple(dict.fromkeys(ROLE_OF_HOOK.values()))
_INSTALLED = {"site-packages", "dist-packages"}


class PluginFacts(TypedDict):
    """A plugin in the list."""

    name: str
    roles: list[str] | None
    """``None`` if it can't be used."""
    distribution: str
    version: str | None
    summary: str | None
    default: bool
    """Whether it is the default of a role."""
    import_seconds: float | None
    error: str | None
    """Why it can't be used."""
    hooks: list[str]
    options: dict[str, list[str]]
    """Its options, and the values of each that has choices."""


@result_alone
def print_plugins(role: str | None = None, *, as_json: bool = False, files: Sequence[Path] = ()) -> None:
    """Print all plugins, or those with a role; those that can't be used may have any role.

    Raises:
        UsageError: there is no such role, or no such file.
        PluginError: a file can't be imported, or has no plugin.
    """
    if role is not None and role not in ROLES:
        raise UsageError(f"There is no role {role!r}.{did_you_mean(role, ROLES)} The roles are {', '.join(ROLES)}.")
    plugins = [one for one in listed_plugins(files) if not role or one["roles"] is None or role in one["roles"]]
    if as_json:
        shown = [{key: value for key, value in one.items() if key not in ("hooks", "options")} for one in plugins]
        print_result(json.dumps(shown, indent=2))
    else:
        print_result(_as_table(plugins))


def _as_table(plugins: Sequence[PluginFacts]) -> str:
    rows = [("name", "role", "from", "what it does")]
    for one in plugins:
        if not one["error"]:
            origin = " ".join(filter(None, (one["distribution"], one["version"])))
            rows.append((one["name"], roles_in_words(one), origin, f"{one['summary']}{_slow(one['import_seconds'])}"))
    broken = [f"  {one['error']}" for one in plugins if one["error"]]
    return "\n".join([aligned(rows), *(["", "Can't be used:", *broken] if broken else [])])


def _slow(seconds: float | None) -> str:
    return f" [{seconds:.2f} s to import]" if seconds and seconds > SLOW_IMPORT_SECONDS else ""


def roles_in_words(plugin: PluginFacts) -> str:
    """Return a plugin's roles: ``"strategy, trainer"``, ``"metric (default)"``."""
    roles = ", ".join(plugin["roles"] or ()) or "none"
    return f"{roles} (default)" if plugin["default"] else roles


def listed_plugins(files: Sequence[Path] = ()) -> list[PluginFacts]:
    """Return all plugins, with those of plugin files.

    Raises:
        UsageError: a file doesn't exist.
        PluginError: a file can't be imported, or has no plugin.
    """
    if files:
        return _found(files)[0]
    state, path = _state(), _stored_at()
    if (plugins := _stored(path, state)) is not None:
        return plugins
    plugins, packages, broken = _found(())
    if not broken:  # what is missing may appear in any place
        _store(path, state | {"plugins": plugins, "files": _imported_files(packages)})
    return plugins


def described(item: PluginListing, catalogue: Catalogue) -> PluginFacts:
    """Return what the list has of a plugin."""
    from textclf_core.plugins.options import options_of

    plugin, name = item.plugin, catalogue.name_of(item.entry)
    return {
        "name": item.entry.name,
        "roles": list(plugin.roles) if plugin else None,
        "distribution": item.entry.distribution,
        "version": item.entry.version,
        "summary": plugin.summary if plugin else None,
        "default": bool(plugin and any(name in names for names in catalogue.defaults.values())),
        "import_seconds": round(plugin.import_seconds, 3) if plugin else None,
        "error": item.error,
        "hooks": sorted(plugin.hooks) if plugin else [],
        "options": {option.name: list(option.choices) for option in options_of(plugin.cls)} if plugin else {},
    }


def _found(files: Sequence[Path]) -> tuple[list[PluginFacts], set[str], bool]:
    """Return the plugins, the packages that they come from, and whether one can't be loaded."""
    from textclf_core.plugins import Catalogue

    catalogue = Catalogue.discover(files)
    items = list(catalogue.listing())
    packages = {item.plugin.cls.__module__.partition(".")[0] for item in items if item.plugin}
    broken = any(item.error and not item.entry.excluded for item in items)
    return [described(item, catalogue) for item in items], packages, broken


def _state() -> dict[str, Any]:
    return {
        "python": sys.version,
        "path": [*sys.path, str(Path.cwd()) if "" in sys.path else ""],
        "variables": {name: value for name, value in os.environ.items() if name.startswith("TEXTCLF_")},
        "distributions": [list(one) for folder in sys.path for one in _distributions(folder)],
    }


def _distributions(folder: str) -> list[tuple[str, int]]:
    """Return the distributions in a folder of packages, with the time at which their entry points were written."""
    found = []
    with suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            if entry.name.endswith((".dist-info", ".egg-info")):
                times = [entry.stat().st_mtime_ns]
                with suppress(OSError):
                    times.append(os.stat(f"{entry.path}/entry_points.txt").st_mtime_ns)  # noqa: PTH116  # much faster
                found.append((entry.name, max(times)))
    return sorted(found)


def _imported_files(packages: Collection[str]) -> dict[str, list[int] | None]:
    """Return the files of what is imported and its own version doesn't identify, with the time and size of each."""
    python = f"{Path(os.__file__).parent}{os.sep}"
    files = {}
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str):
            continue
        installed = not _INSTALLED.isdisjoint(Path(path).parts)
        if name.partition(".")[0] in {"textclf_core", *packages} or not (installed or path.startswith(python)):
            files[path] = _stamp(path)
    return files


def _stamp(path: str) -> list[int] | None:
    try:
        facts = os.stat(path)  # noqa: PTH116  # much faster
    except OSError:
        return None
    return [facts.st_mtime_ns, facts.st_size]


def _stored_at() -> Path:
    """Return the file for this environment."""
    return default_cache_directory() / f"plugins-{zlib.crc32(sys.prefix.encode()):08x}.json"


def _stored(path: Path, state: dict[str, Any]) -> list[PluginFacts] | None:
    try:
        stored = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if any(stored.get(key) != value for key, value in state.items()):
        return None
    if any(_stamp(file) != stamp for file, stamp in stored["files"].items()):
        return None
    plugins: list[PluginFacts] = stored["plugins"]
    return plugins


def _store(path: Path, content: dict[str, Any]) -> None:
    with suppress(OSError):  # a cache that can't be written only costs time
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{os.getpid()}")
        new.write_text(json.dumps(content), encoding="utf-8")
        new.replace(path)
