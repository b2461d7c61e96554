"""Finding plugins: those of installed packages, by their entry points, and those in single files."""

from __future__ import annotations

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
"""The group of two entry points of our own distribution: the default plugins of each role (``defaults``), and the
contenders that every comparison has (``baselines``)."""
OWN_DISTRIBUTION = "textclf-core"
ALLOW_LIST = "TEXTCLF_PLUGINS"
_FILE = "file "


@dataclass(frozen=True)
class Entry:
    """A plugin that isn't imported yet."""

    name: str
    distribution: str
    """The distribution that it comes from, or ``"file PATH"``."""
    version: str | None
    """The version of the distribution; ``None`` for a file."""
    find: Callable[[], Any] = field(repr=False)
    """Imports and returns the plugin's class."""
    excluded: bool = False
    """Whether ``TEXTCLF_PLUGINS`` is set and names neither the plugin nor its distribution."""

    @property
    def origin(self) -> str:
        """The origin, for messages: ``"textclf-core 0.1.0"``."""
        return self.distribution if self.version is None else f"{self.distribution} {self.version}"

    @property
    def qualified_name(self) -> str:
        """The name that no plugin of another distribution has: ``textclf-core/finetune``."""
        return f"{self.distribution}/{self.name}"

    @property
    def is_own(self) -> bool:
        """Whether it is a built-in plugin."""
        return _normal(self.distribution) == OWN_DISTRIBUTION


@dataclass(frozen=True)
class LoadedPlugin:
    """A plugin's class, imported and checked."""

    entry: Entry
    cls: type
    hooks: Mapping[str, tuple[str, ...]]
    """The hooks that it implements, and the arguments that each takes."""
    import_seconds: float

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.entry.name

    @property
    def roles(self) -> tuple[str, ...]:
        """The plugin's roles, derived from its hooks."""
        return roles_of(dict(self.hooks))

    @property
    def needs(self) -> Needs:
        """What the plugin needs from a run, as declared in its class."""
        return needs_of(self.cls)

    @property
    def docstring(self) -> str:
        """The docstring of its class, which is its help; empty if there is none."""
        text = inspect.getdoc(self.cls) or ""
        # Python generates the docstring "Name(field: type)" for a dataclass without one.
        return "" if text.startswith(f"{self.cls.__name__}(") else text

    @property
    def summary(self) -> str:
        """The first paragraph of its docstring, as one line."""
        return " ".join(self.docstring.partition("\n\n")[0].split())


@dataclass(frozen=True)
class PluginListing:
    """A plugin in a listing: loaded, or with the reason why it can't be loaded."""

    entry: Entry
    plugin: LoadedPlugin | None
    error: str | None


class Catalogue:
    """All available plugins, by name; each is imported on first use."""

    def __init__(
        self, entries: Iterable[Entry], defaults: Mapping[str, Sequence[str]], baselines: Sequence[str] = ()
    ) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: (entry.name, entry.distribution)))
        self.defaults = {role: tuple(map(self._own_name, names)) for role, names in defaults.items()}
        """The default plugins of each role, in order."""
        self.baselines = tuple(map(self._own_name, baselines))
        """The contenders that every comparison includes unless they are turned off."""
        self._loaded: dict[Entry, LoadedPlugin] = {}

    @classmethod
    def discover(cls, plugin_files: Iterable[Path] = ()) -> Catalogue:
        """Find the plugins of installed packages and of plugin files.

        Packages aren't imported here; files are, since there is no other way to find their plugins.

        Raises:
            UsageError: a file doesn't exist.
            PluginError: a file can't be imported, or has no plugin.
        """
        files = dict.fromkeys(path.expanduser().resolve() for path in plugin_files)
        found = entry_points()  # called once, since it searches all installed packages
        entries = [
            *_installed_entries(found.select(group=GROUP)),
            *(entry for path in files for entry in _file_entries(path)),
        ]
        own = found.select(group=DEFAULTS_GROUP)
        return cls(entries, _own(own, "defaults"), _own(own, "baselines"))

    def get(self, name: str) -> LoadedPlugin:
        """Return the plugin with a name, or with one such as ``DISTRIBUTION/NAME``.

        If a built-in plugin and one of another distribution have a name, it is the other's, so that a new built-in
        plugin changes no command that worked before.

        Raises:
            UsageError: there is none, two other distributions have one, or ``TEXTCLF_PLUGINS`` excludes it.
            PluginError: it can't be imported, or needs a hook that this version doesn't have.
        """
        return self.load(self._find(name))

    def name_of(self, entry: Entry) -> str:
        """Return the name by which :meth:`get` finds a plugin: its own, or the qualified one if others have it too."""
        same = [other for other in self.entries if other.name == entry.name and not other.excluded]
        return entry.name if _preferred(same) == [entry] else entry.qualified_name

    def written_by(self, name: str, distribution: str) -> str:
        """Return the name of the plugin that a distribution had under a name: its own name if that isn't installed."""
        known = (entry for entry in self.entries if (entry.name, entry.distribution) == (name, distribution))
        return next(map(self.name_of, known), name)

    def _own_name(self, name: str) -> str:
        return self.written_by(name, OWN_DISTRIBUTION)

    def _find(self, name: str) -> Entry:
        distribution, slash, plain = name.rpartition("/")
        found = [
            entry
            for entry in self.entries
            if entry.name == plain and (not slash or _normal(entry.distribution) == _normal(distribution))
        ]
        usable = [entry for entry in found if not entry.excluded]
        if not found:
            near = did_you_mean(plain, {entry.name for entry in self.entries})
            raise UsageError(f"There is no plugin {name!r}.{near} `textclf plugins` lists all of them.")
        if not usable:
            raise UsageError(_exclusion_message(found[0]))
        preferred = _preferred(usable)
        if len(preferred) > 1:
            origins = " and ".join(entry.origin for entry in preferred)
            names = " or ".join(entry.qualified_name for entry in preferred)
            raise UsageError(f"Two plugins have the name {name!r}: those of {origins}. Write {names}.")
        return preferred[0]

    def load(self, entry: Entry) -> LoadedPlugin:
        """Import a plugin and check its hooks, needs and options.

        Raises:
            PluginError: it can't be imported, isn't a class, or needs something that this version doesn't have.
        """
        if entry not in self._loaded:
            self._loaded[entry] = _load(entry)
        return self._loaded[entry]

    def listing(self) -> Iterator[PluginListing]:
        """Load every plugin, and yield it or the reason why it can't be loaded."""
        for entry in self.entries:
            if entry.excluded:
                yield PluginListing(entry, None, _exclusion_message(entry))
                continue
            try:
                yield PluginListing(entry, self.load(entry), None)
            except PluginError as error:
                yield PluginListing(entry, None, str(error))


def _preferred(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries without built-in ones, unless there are no others."""
    return [entry for entry in entries if not entry.is_own] or list(entries)


def _load(entry: Entry) -> LoadedPlugin:
    started = time.perf_counter()
    try:
        cls = entry.find()
    except (Exception, SystemExit) as error:  # a third-party module may raise anything; other plugins still load
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
    """Check that a class can be a plugin.

    Raises:
        PluginError: lists all faults of its hooks, needs and options.
    """
    if faults := faults_of_hooks(cls) + faults_of_options(cls):
        raise PluginError(" ".join(faults))


def _description(error: BaseException) -> str:
    """Return the message of an import error, with the file and line where it was raised."""
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


def _exclusion_message(entry: Entry) -> str:
    return (
        f"{ALLOW_LIST} excludes the plugin {entry.name!r} of {entry.origin}. To let it load, add {entry.name} or "
        f"{entry.distribution} to {ALLOW_LIST} (a comma-separated list), or unset it."
    )


def _installed_entries(found: EntryPoints) -> Iterator[Entry]:
    allowed = os.environ.get(ALLOW_LIST)
    names = None if allowed is None else {_normal(name) for name in allowed.split(",")}
    for distribution, points in groupby(found, key=lambda point: point.dist):
        # The properties `name` and `version` would each parse the metadata again, for every entry point.
        about = distribution.metadata if distribution else {}
        name, version = about.get("Name", "?"), about.get("Version")
        own = _normal(name) == OWN_DISTRIBUTION
        for point in points:
            excluded = names is not None and not own and not {_normal(point.name), _normal(name)} & names
            yield Entry(point.name, name, version, point.load, excluded)


def _normal(name: str) -> str:
    """Return the normalised name of a distribution: ``textclf-imdb`` for ``Textclf_IMDB``."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _own(found: EntryPoints, name: str) -> Any:
    """Return the object of an entry point of our own distribution in the group of defaults."""
    for point in found.select(name=name):
        if point.dist and _normal(point.dist.name) == OWN_DISTRIBUTION:
            return point.load()
    raise PluginError(
        f"The installed metadata of {OWN_DISTRIBUTION} are out of date: they have no group {DEFAULTS_GROUP}. Install "
        "it again (in a checkout: `pip install -e .`, after deleting any old *.egg-info)."
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
    """Return the plugin file that a distribution's name stands for; ``None`` for a package."""
    return Path(distribution.removeprefix(_FILE)) if distribution.startswith(_FILE) else None


def _itself(cls: type) -> type:
    return cls


_CODE = "__textclf_code__"


def _import_file(path: Path) -> ModuleType:
    """Import a plugin file, once as long as its code stays the same: its classes and its state are then the same."""
    if not path.is_file():
        raise UsageError(f"There is no plugin file {path}.")
    import hashlib  # 4 ms, which listing plugins does without

    # With the hash, the name can't shadow an installed module or another file's.
    name = f"textclf_plugin_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if path.suffix != ".py":
        raise UsageError(f"The plugin file {path} must end in .py.")
    from textclf_core.system.code import code_of  # of the file, and of what it imports from its folder

    imported, source = sys.modules.get(name), path.read_bytes()
    if imported is not None and getattr(imported, _CODE, None) == (source, code_of(name)):
        return imported
    loader = _SourceLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None  # since a loader is given
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and get_type_hints look up the module of a class there
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise PluginError(f"The plugin file {path} can't be imported: {_description(error)}") from error
    setattr(module, _CODE, (source, code_of(name)))
    return module


class _SourceLoader(SourceFileLoader):
    """Compile a plugin file at each import.

    Cached bytecode is matched by the source's size and its time in whole seconds. So a file that was edited twice
    within a second could run as before, but with the fingerprint of its new content.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _kebab_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()
