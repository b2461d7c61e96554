"""Importing one plugin in a process of its own, to see what its import does.

Run as ``python -m textclf_core.plugins.importing_alone FOLDER``, it imports the class that ``request.json`` there names
and writes ``modules.json``. It stands here because this room imports little itself.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from inspect import getsourcefile
from operator import attrgetter
from pathlib import Path
from typing import Any

REQUEST_FILE = "request.json"
MODULES_FILE = "modules.json"


def place_of(cls: type) -> dict[str, str]:
    """Return where another process finds a class: its module, or its file if that is no importable module."""
    spec = sys.modules[cls.__module__].__spec__
    importable = cls.__module__ != "__main__" and spec is not None and not cls.__module__.startswith("textclf_plugin_")
    module = cls.__module__ if importable else ""
    return {"module": module, "file": getsourcefile(cls) or "", "name": cls.__qualname__}


def find_class(place: Mapping[str, Any]) -> type:
    """Import and return the class at a place."""
    if place["module"]:
        found: type = attrgetter(place["name"])(importlib.import_module(place["module"]))
        return found
    from textclf_core.plugins.discovery import Catalogue

    entries = Catalogue.discover([Path(place["file"])]).entries
    classes = [one.find() for one in entries if one.version is None]
    return next(cls for cls in classes if isinstance(cls, type) and cls.__qualname__ == place["name"])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    find_class(json.loads((folder / REQUEST_FILE).read_text(encoding="utf-8")))
    (folder / MODULES_FILE).write_text(json.dumps(sorted(sys.modules)), encoding="utf-8")
