"""Which plugins there are: those of installed packages, found by entry points, and those of single files."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from itertools import groupby
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from textclf_core.errors import PluginError, UsageError, did_you_mean
from textclf_core.plugins.hooks import faults_of_hooks, has_hooks, hooks_of, needs_of, roles_of
from textclf_core.plugins.options import faults_of_options
from textclf_core.types.needs import Needs

GROUP = "textclf"
DEFAULTS_GROUP = "textclf.defaults"
"""Holds two entry points of our own distribution: which plugins a run takes for a role that nobody chose
(``defaults``), and which contenders every comparison has (``baselines``)."""
OWN_DISTRIBUTION = "textclf-core"
ALLOW_LIST = "TEXTCLF_PLUGINS"
_FILE = "file "


@dataclass(frozen=True)
class Entry:
    """A plugin by name, not imported yet."""

    name: str
    distribution: str
    """The distribution that brings it, or ``"file PATH"``."""
    version: str | None
    """The version of the distribution; ``None`` for a file."""
    find: Callable[[], Any] = field(repr=False)
    """Imports the plugin's class."""
    kept_out: bool = False
    """``TEXTCLF_PLUGINS`` is set and doesn't name it."""

    @property
    def origin(self) -> str:
        """Where it comes from, for a person: ``"textclf-core 0.1.0"``."""
        return self.distribution if self.version is None else f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class LoadedPlugin:
    """A plugin's class, imported and checked."""

    entry: Entry
    cls: type
    hooks: Mapping[str, tuple[str, ...]]
    """The hooks that it implements, and the arguments that each asks for."""
    import_seconds: float

    @property
    def name(self) -> str:
        """Its name."""
        return self.entry.name

    @property
    def roles(self) -> tuple[str, ...]:
        """What it does, derived from its hooks."""
        return roles_of(dict(self.hooks))

    @property
    def needs(self) -> Needs:
        """What it needs of a run, as its class says."""
        return needs_of(self.cls)

    @property
    def docstring(self) -> str:
        """Its help; empty if its author wrote none."""
        text = inspect.getdoc(self.cls) or ""
        # Python writes a docstring of its own, "Name(field: type)", for a dataclass that has none.
        return "" if text.startswith(f"{self.cls.__name__}(") else text

    @property
    def summary(self) -> str:
        """The first paragraph of its help, as one line."""
        return " ".join(self.docstring.partition("\n\n")[0].split())


@dataclass(frozen=True)
class PluginListing:
    """A plugin in a listing: loaded, or with the reason why it can't be."""

    entry: Entry
    plugin: LoadedPlugin | None
    error: str | None


class Catalogue:
    """All plugins that can be had, by name. Importing one waits until it is asked for."""

    def __init__(
        self, entries: Iterable[Entry], defaults: Mapping[str, Sequence[str]], baselines: Sequence[str] = ()
    ) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: (entry.name, entry.distribution)))
        self.defaults = defaults
        """The plugins of each role that nobody chose, in order."""
        self.baselines = tuple(baselines)
        """The contenders that every comparison includes unless they are turned off."""
        self._loaded: dict[Entry, LoadedPlugin] = {}

    @classmethod
    def discover(cls, plugin_files: Iterable[Path] = ()) -> Catalogue:
        """Find the plugins of installed packages, and those of the files.

        Packages are not imported here; files are, since only that tells which plugins are in them.

        Raises:
            UsageError: a file isn't there.
            PluginError: a file can't be imported, or has no plugin.
        """
        files = dict.fromkeys(path.expanduser().resolve() for path in plugin_files)
        entries = [*_installed_entries(), *(entry for path in files for entry in _file_entries(path))]
        own = entry_points(group=DEFAULTS_GROUP)  # once: it looks through everything that is installed
        return cls(entries, _own(own, "defaults"), _own(own, "baselines"))

    def get(self, name: str) -> LoadedPlugin:
        """Return the plugin of that name.

        Raises:
            UsageError: there is none, two distributions have one, or ``TEXTCLF_PLUGINS`` keeps it out.
            PluginError: it can't be imported, or needs a hook that this version doesn't have.
        """
        found = [entry for entry in self.entries if entry.name == name]
        usable = [entry for entry in found if not entry.kept_out]
        if not found:
            near = did_you_mean(name, {entry.name for entry in self.entries})
            raise UsageError(f"There is no plugin {name!r}.{near} `textclf plugins` lists all of them.")
        if not usable:
            raise UsageError(_kept_out(found[0]))
        if len(usable) > 1:
            origins = " and ".join(entry.origin for entry in usable)
            raise UsageError(
                f"The plugin name {name!r} is taken twice, by {origins}. Uninstall one of them, or set {ALLOW_LIST} to "
                "the names of the packages that may load."
            )
        return self.load(usable[0])

    def load(self, entry: Entry) -> LoadedPlugin:
        """Import a plugin and check the hooks that it implements.

        Raises:
            PluginError: it can't be imported, isn't a class, or needs what this version doesn't have.
        """
        if entry not in self._loaded:
            self._loaded[entry] = _load(entry)
        return self._loaded[entry]

    def listing(self) -> Iterator[PluginListing]:
        """Load every plugin, and yield it or the reason why it can't be had."""
        for entry in self.entries:
            if entry.kept_out:
                yield PluginListing(entry, None, _kept_out(entry))
                continue
            try:
                yield PluginListing(entry, self.load(entry), None)
            except PluginError as error:
                yield PluginListing(entry, None, str(error))


def _load(entry: Entry) -> LoadedPlugin:
    started = time.perf_counter()
    try:
        cls = entry.find()
    except (Exception, SystemExit) as error:  # whatever a stranger's module raises, the others go on
        raise PluginError(
            f"The plugin {entry.name!r} of {entry.origin} can't be imported: {_description(error)}"
        ) from error
    seconds = time.perf_counter() - started
    if not isinstance(cls, type):
        raise PluginError(f"The plugin {entry.name!r} of {entry.origin} must be a class, not {cls!r}.")
    try:
        check_class(cls)
    except PluginError as error:
        raise PluginError(f"The plugin {entry.name!r} of {entry.origin} can't be used: {error}") from error
    return LoadedPlugin(entry, cls, hooks_of(cls), seconds)


def check_class(cls: type) -> None:
    """Refuse a class that can't be a plugin.

    Raises:
        PluginError: with all that is wrong with its hooks, its needs and its options.
    """
    if faults := faults_of_hooks(cls) + faults_of_options(cls):
        raise PluginError(" ".join(faults))


def _description(error: BaseException) -> str:
    """Return an import's error with the file and line that raised it."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__}: {error.msg} ({error.filename}:{error.lineno})"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen") and frame.filename != importlib.__file__
    ]
    ours = {__file__, sys.modules[EntryPoint.__module__].__file__}
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames and frames[-1].filename not in ours else ""
    return f"{type(error).__name__}: {error}{where}"


def _kept_out(entry: Entry) -> str:
    return (
        f"{ALLOW_LIST} keeps the plugin {entry.name!r} of {entry.origin} out. To let it load, add {entry.name} or "
        f"{entry.distribution} to {ALLOW_LIST} (commas between names), or unset it."
    )


def _installed_entries() -> Iterator[Entry]:
    allowed = os.environ.get(ALLOW_LIST)
    names = None if allowed is None else {_normal(name) for name in allowed.split(",")}
    for distribution, points in groupby(entry_points(group=GROUP), key=lambda point: point.dist):
        # `name` and `version` would read and parse the file once each, for every entry point.
        about = distribution.metadata if distribution else {}
        name, version = about.get("Name", "?"), about.get("Version")
        own = _normal(name) == OWN_DISTRIBUTION
        for point in points:
            kept_out = names is not None and not own and not {_normal(point.name), _normal(name)} & names
            yield Entry(point.name, name, version, point.load, kept_out)


def _normal(name: str) -> str:
    """Return a distribution's name as packaging compares it: ``Textclf_IMDB`` is ``textclf-imdb``."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _own(found: EntryPoints, name: str) -> Any:
    """Return what an entry point of our own distribution in the group of defaults names."""
    for point in found.select(name=name):
        if point.dist and _normal(point.dist.name) == OWN_DISTRIBUTION:
            return point.load()
    raise PluginError(
        f"The installed metadata of {OWN_DISTRIBUTION} are out of date: they name no {DEFAULTS_GROUP}. Install it "
        "again (in a checkout: `pip install -e .`, after deleting a left-over *.egg-info)."
    )


def _file_entries(path: Path) -> list[Entry]:
    module = _import_file(path)
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__ and has_hooks(value)
    ]
    if not classes:
        raise PluginError(f"The plugin file {path} has no class with a method marked @hookimpl.")
    return [Entry(_kebab_case(cls.__name__), f"{_FILE}{path}", None, partial(_itself, cls)) for cls in classes]


def plugin_file_of(distribution: str) -> Path | None:
    """Return the file that stands in the place of a plugin's distribution; ``None`` for a package."""
    return Path(distribution.removeprefix(_FILE)) if distribution.startswith(_FILE) else None


def _itself(cls: type) -> type:
    return cls


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"There is no plugin file {path}.")
    # Unlike the stem alone, this name can't hide an installed module or another file's.
    name = f"textclf_plugin_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if path.suffix != ".py":
        raise UsageError(f"The plugin file {path} must end in .py.")
    loader = _SourceLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None  # a loader was given
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and get_type_hints look the module of a class up there
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise PluginError(f"The plugin file {path} can't be imported: {_description(error)}") from error
    return module


class _SourceLoader(SourceFileLoader):
    """Compiles a plugin file at each import.

    Bytecode on disk is told from the source by its size and by its time in whole seconds, so that a file edited twice
    in a second could run as it was before, under the fingerprint of what it is now.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _kebab_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()
