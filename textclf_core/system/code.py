"""Identifying code and files: by version in an installed distribution, by hash if the source can change.

A key or a record with these versions and hashes changes whenever the code or the file does.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

# Folders of installed packages, whatever environment or layer of one they belong to.
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def code_of(module: str) -> str | None:
    """Return an identifier of a module's code: distribution and version, or a hash if the source can change.

    A package outside the folders of installed packages (an editable install, a checkout) is hashed as a whole; a single
    file is hashed together with the files that it imports from such folders.

    Args:
        module: the module's name, of which only the top-level package is used.

    Returns:
        ``"peft 0.21.2"``, ``"sha256 ..."``; ``None`` without a file, as for code typed at a prompt.
    """
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return f"python {platform.python_version()}"
    places = _places(top)
    if places is None:
        return None
    if not all(map(_changes, places)):
        return _version_of_package(top)
    if any(place.is_dir() for place in places):
        return _package_sha256(top)
    return _file_code(top, places)


def distribution_code(name: str) -> str | None:
    """Return a distribution's name and version, and a hash if its source can change; ``None`` if not installed."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    return " ".join([name, found.version, *(_package_sha256(top) for top in _packages(found) if _changing_places(top))])


@cache
def requirements(name: str) -> tuple[str, ...]:
    """Return the names of the installed distributions that a distribution requires, without those of extras."""
    try:
        wanted = distribution(name).requires or []
    except PackageNotFoundError:
        return ()
    names = {_name_of(text) for text in wanted if "extra" not in text.partition(";")[2]}
    return tuple(sorted(one for one in names if _is_installed(one)))


def content_sha256(path: Path) -> str:
    """Return a hash of a file's content, or of the names and contents of all files of a folder."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    return _sha256_of(files, path)


def _places(top: str) -> list[Path] | None:
    """Return the folders of a package, or the file of a single module; ``None`` without either."""
    loaded = sys.modules.get(top)
    try:
        spec = loaded.__spec__ if loaded is not None else find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is not None and spec.submodule_search_locations:
        return [Path(one) for one in spec.submodule_search_locations]
    file = getattr(loaded, "__file__", None) or (spec.origin if spec is not None and spec.has_location else None)
    return [Path(file)] if file and Path(file).is_file() else None


def _changing_places(top: str) -> list[Path]:
    """Return the paths of a package that are outside the folders of installed packages."""
    return [place for place in _places(top) or [] if _changes(place)]


def _changes(place: Path) -> bool:
    return _INSTALLED.isdisjoint(place.parts) and not place.is_relative_to(sys.base_prefix)


@cache
def _package_sha256(top: str) -> str:
    """Return a hash of a package's source; it is cached, since an imported package doesn't change in a process."""
    places = _changing_places(top)
    return _sha256_of(
        [file for place in places for file in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    )


def _file_code(top: str, places: Iterable[Path]) -> str:
    """Return a hash of a file, of the files that it imports if they can change, and of its other imports' versions.

    Unlike a package, a file is read in each call, since a process may import it again.
    """
    files: set[Path] = set()
    others: set[str] = set()
    seen, waiting = {top}, list(places)
    while waiting:
        place = waiting.pop()
        if place.is_dir():
            files |= set(place.rglob("*.py"))
            continue
        files.add(place)
        for name in _imports(place):
            if name in seen or name in sys.stdlib_module_names:
                continue
            seen.add(name)
            changing = [*_changing_places(name), *_beside(place, name)]
            waiting += changing
            if not changing and _places(name):
                others.add(_version_of_package(name))
    return " ".join([_sha256_of(sorted(files)), *sorted(others)])


def _imports(file: Path) -> Iterator[str]:
    """Yield the top-level packages that a file imports."""
    if file.suffix != ".py":
        return
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _beside(file: Path, name: str) -> list[Path]:
    """Return the paths of a module in a file's own folder, from which the file may import it."""
    return [one for one in (file.with_name(f"{name}.py"), file.with_name(name)) if one.exists()]


def _sha256_of(files: Iterable[Path], below: Path | None = None) -> str:
    """Return a hash of the names and contents of files; of a single file only the content."""
    total = hashlib.sha256()
    for file in files:
        name = file.relative_to(below).as_posix() if below else file.name
        total.update(json.dumps([name if file != below else "", _file_sha256(file)]).encode())
    return f"sha256 {total.hexdigest()}"


def _file_sha256(file: Path) -> str:
    status = file.stat()
    return _hashed(file, status.st_size, status.st_mtime_ns)


@cache
def _hashed(file: Path, size: int, modified_ns: int) -> str:
    """Return a file's hash; it is cached while size and modification time are unchanged."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _version_of_package(top: str) -> str:
    try:
        return f"{top} {version(top)}"
    except PackageNotFoundError:  # the distribution has another name
        names = _distributions().get(top, [])
        return " ".join(f"{name} {version(name)}" for name in sorted(set(names))) or top


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


def _packages(found: Distribution) -> list[str]:
    """Return the top-level packages of a distribution."""
    listed = (found.read_text("top_level.txt") or "").split()
    return listed or [found.name.replace("-", "_")]


def _name_of(requirement: str) -> str:
    """Return the name in a requirement such as ``numpy>=2`` or ``peft[x] (>=0.1)``."""
    end = next((place for place, letter in enumerate(requirement) if not (letter.isalnum() or letter in "-_.")), None)
    return requirement[:end]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
