"""``textclf plugins new``: a plugin to begin with, as a package or as one file."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from textclf_core.cli.plugin_list import ROLES
from textclf_core.errors import UsageError, did_you_mean

_OPTIONS = {
    "model": ", checkpoint=tiny_checkpoint()",
    "observer": ', path=f"{mkdtemp()}/runs.jsonl"',
}
"""The options with which the test of a role checks the plugin."""

_PYPROJECT = """[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "textclf-my-plugin"
version = "0.1.0"
description = "A plugin for textclf."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["textclf-core>=0.1,<0.2"]

[project.optional-dependencies]
test = ["mypy", "pytest", "ruff"]

[project.entry-points.textclf]
my-plugin = "textclf_my_plugin.plugin:MyPlugin"

[tool.setuptools.packages.find]
where = ["src"]

[tool.setuptools.package-data]
textclf_my_plugin = ["py.typed"]

[tool.ruff]
line-length = 120
src = ["src"]

[tool.mypy]
mypy_path = "src"

[[tool.mypy.overrides]]
module = ["datasets.*"]
ignore_missing_imports = true
"""

_README = """# textclf-my-plugin

A ROLE for textclf, in `src/textclf_my_plugin/plugin.py`.

```sh
pip install -e ".[test]"
textclf plugins show my-plugin
python -m pytest && mypy --strict src tests && ruff check
```

`textclf plugins check .` checks what its hooks promise, and prints what to change. The guide is "Write a plugin".
"""

_TEST = '''"""The plugin does what its hooks promise."""

from __future__ import annotations
IMPORTS
import pytest
TESTING

from textclf_my_plugin.plugin import MyPlugin

CHECKPOINT
@pytest.mark.parametrize("check", plugin_checks(MyPluginOPTIONS))
def test_it_does_what_its_hooks_promise(check: Check) -> None:
    check()
'''

_CHECKPOINT = '''
def tiny_checkpoint() -> str:
    """Return a folder with a small model of random weights."""
    folder = mkdtemp()
    encoder = tiny_encoder()
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder

'''


def write_plugin(name: str, role: str, folder: Path, *, one_file: bool) -> list[Path]:
    """Write a new plugin, and return its files.

    Args:
        name: its name: lower-case words joined by hyphens.
        role: what it does.
        folder: where its file, or the folder of its package, is made.
        one_file: whether it is one file instead of a package.

    Raises:
        UsageError: the name isn't one, there is no such role, or a file is there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(f"{name!r} is no name for a plugin; write lower-case words joined by hyphens, as my-plugin.")
    if role not in ROLES:
        raise UsageError(f"There is no role {role!r}.{did_you_mean(role, ROLES)} The roles are {', '.join(ROLES)}.")
    template = resources.files("textclf_core.cli") / "templates" / f"{role}.py"
    if not template.is_file():
        raise UsageError(f"There is no template for the role {role!r}; `textclf plugins hooks` shows its hooks.")
    source = template.read_text(encoding="utf-8")
    if one_file:
        files = {folder / f"{name.replace('-', '_')}.py": source}
    else:
        root = folder / f"textclf-{name}"
        package = root / "src" / f"textclf_{name.replace('-', '_')}"
        files = {
            root / "pyproject.toml": _PYPROJECT,
            root / "README.md": _README.replace("ROLE", role),
            package / "__init__.py": '"""A plugin for textclf."""\n',
            package / "py.typed": "",
            package / "plugin.py": source,
            root / "tests" / "test_plugin.py": _test(role),
        }
    if there := [str(path) for path in files if path.exists()]:
        raise UsageError(f"{there[0]} is there already; choose another name or folder.")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_named(text, name), encoding="utf-8")
    return list(files)


def _named(text: str, name: str) -> str:
    camel = "".join(word.capitalize() for word in name.split("-"))
    for placeholder, value in (("my-plugin", name), ("my_plugin", name.replace("-", "_")), ("MyPlugin", camel)):
        text = text.replace(placeholder, value)
    return text


def _test(role: str) -> str:
    options = _OPTIONS.get(role, "")
    model = "tiny_checkpoint" in options
    names = ["Check", "plugin_checks", *(["tiny_encoder"] if model else [])]
    parts = {
        "IMPORTS": "\nfrom tempfile import mkdtemp\n" if options else "",
        "TESTING": f"from textclf_core.testing import {', '.join(names)}",
        "CHECKPOINT": _CHECKPOINT if model else "",
        "OPTIONS": options,
    }
    text = _TEST
    for placeholder, value in parts.items():
        text = text.replace(placeholder, value)
    return text
