"""``textclf plugins check``: the checks of ``textclf_core.testing``, with what to change."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from pkgutil import resolve_name

from textclf_core.cli.standard_output import print_result, result_stream
from textclf_core.errors import PluginError, RunError, UsageError
from textclf_core.plugins import Catalogue
from textclf_core.plugins.hooks import hooks_of, roles_of
from textclf_core.plugins.options import option_names
from textclf_core.plugins.specs import parse_options, split_name
from textclf_core.testing import plugin_checks, unchecked_hooks

SKIPPED = "skipped by --skip"


def check_target(target: str, files: Sequence[Path], skip: Collection[str]) -> None:
    """Run the checks of a plugin (``NAME`` or ``NAME:key=value``), of those in a file, or of a package's folder.

    Raises:
        UsageError: there is no such plugin, file or folder, or an option or a skipped check is invalid.
        PluginError: it can't be imported.
        RunError: a check failed; what to change is printed before.
    """
    ran = failed = 0
    for name, cls, options in _plugins(target, files):
        print_result(f"{name} · {', '.join(roles_of(hooks_of(cls))) or 'no role'}")
        for check in plugin_checks(cls, skip=dict.fromkeys(skip, SKIPPED), **options):
            print(f"  {check.name} ...", end="\r", file=sys.stderr) if result_stream().isatty() else None
            faults = [] if check.skipped else check.faults()
            verdict = "skipped" if check.skipped else "FAILED" if faults else "ok"
            print_result(f"  {verdict:<8} {check.name:<34} {check.about}".rstrip())
            for fault in faults:
                print_result(f"           {fault}")
            ran += not check.skipped
            failed += bool(faults)
        for hook in unchecked_hooks(cls):
            print_result(f"  no check calls {hook} yet; test it in a run.")
    if failed:
        raise RunError(f"{failed} of {ran} checks failed; what to change stands below each.")
    print_result(f"{ran} checks passed.")


def _plugins(target: str, files: Sequence[Path]) -> Iterator[tuple[str, type, dict[str, object]]]:
    path = Path(target).expanduser()
    if path.is_dir():
        yield from _of_package(path)
    elif path.suffix == ".py" or path.is_file():
        for entry in Catalogue.discover([path]).entries:
            if entry.version is None:
                yield entry.name, entry.find(), {}
    else:
        name, options = split_name(target)
        cls = Catalogue.discover(files).get(name).cls
        yield name, cls, dict(parse_options(options, option_names(cls), plugin=name))


def _of_package(folder: Path) -> Iterator[tuple[str, type, dict[str, object]]]:
    """Yield the plugins that a package's ``pyproject.toml`` declares, imported from its source."""
    path = folder / "pyproject.toml"
    if not path.is_file():
        raise UsageError(
            f"{folder} has no pyproject.toml; give a plugin's name, a .py file or the folder of a package."
        )
    try:
        points = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {}).get("entry-points", {})
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is no valid TOML: {error}") from error
    if not points.get("textclf"):
        raise UsageError(f"{path} declares no plugin: it has no table [project.entry-points.textclf].")
    sys.path[:0] = [str(place) for place in (folder.resolve() / "src", folder.resolve()) if place.is_dir()]
    for name, place in points["textclf"].items():
        try:
            yield name, resolve_name(place), {}
        except Exception as error:  # a plugin's module may raise anything
            raise PluginError(f"The plugin {name!r} ({place}) can't be imported: {error!r}") from error
