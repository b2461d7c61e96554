"""How Sphinx builds the guide: `tox -e docs`."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import generated

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

generated.write_pages(Path(__file__).parent / "_generated")
