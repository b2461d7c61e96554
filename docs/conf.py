"""How Sphinx builds the guide: `tox -e docs`."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import generated
from sphinx.application import Sphinx

project = "textclf"
author = "the authors of textclf"
copyright = author
release = version = version_of("textclf-core")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_generated"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"textclf {release}"
html_show_copyright = False

# Types are in the signatures; a docstring's "Args" says what they mean.
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
add_module_names = False

generated.write_pages(Path(__file__).parent / "_generated")


def returns_as_prose(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Keep napoleon from taking what stands before a colon under "Returns:" for a type."""
    text = "\n".join(lines)
    lines[:] = re.sub(
        r"^Returns:\n((?: {4}.*\n?)+)",
        lambda match: f":returns: {' '.join(match[1].split())}\n",
        text,
        flags=re.MULTILINE,
    ).split("\n")


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", returns_as_prose, priority=400)  # napoleon's is 500
