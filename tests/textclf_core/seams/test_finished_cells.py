"""A finished cell is read only if nothing that could change it changed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from textclf_core import ComparisonResult
from textclf_core.testing import tiny_encoder

METRIC = """
from pathlib import Path
from typing import Annotated
from textclf_core import Option

@dataclass(frozen=True)
class Scaled:
    '''A metric whose scale lies in a file.'''

    scale: Annotated[Path, Option("The file.")]

    @hookimpl
    def textclf_compute_metrics(self, references):
        return {"scaled": float(self.scale.read_text())}
"""
WITH_HELPER = """
import helper_of_seams

@dataclass(frozen=True)
class Helped:
    '''A metric whose value lies in a module beside it.'''

    @hookimpl
    def textclf_compute_metrics(self, references):
        return {"helped": helper_of_seams.VALUE}
"""
INSTALLED = """
    from dataclasses import dataclass
    from textclf_core import hookimpl

    @dataclass(frozen=True)
    class Installed:
        '''A metric of a package.'''

        @hookimpl
        def textclf_compute_metrics(self, references):
            return {"installed": 1.0}
"""
Compare = Callable[..., ComparisonResult]


def metric(result: ComparisonResult, name: str) -> float | None:
    [run] = result.runs
    return run.metrics["test"][name]


def test_a_checkpoint_that_changed_in_place_is_trained_anew(
    compare: Compare, tiny_checkpoint: Path, reviews: Path, tmp_path: Path
) -> None:
    """A model that was pretrained further and saved into the same folder is another model."""
    folder = tmp_path / "mine"
    shutil.copytree(tiny_checkpoint, folder)
    plugins = [f"files:path={reviews}", f"hf-model:checkpoint={folder}"]
    [first] = compare("head-only", plugins=plugins).runs
    tiny_encoder(seed=7).model.save_pretrained(folder)
    [second] = compare("head-only", plugins=plugins).runs
    assert not second.predictions().equals(first.predictions())


def test_data_that_changed_in_place_are_trained_on_anew(compare: Compare, reviews: Path, tmp_path: Path) -> None:
    """The key has a fingerprint of the rows."""
    folder = tmp_path / "mine"
    shutil.copytree(reviews, folder)
    [first] = compare("tfidf-logreg", plugins=[f"files:path={folder}"]).runs
    with (folder / "train.csv").open("a") as stream:
        stream.write("dull dull dull,positive\n")
    [second] = compare("tfidf-logreg", plugins=[f"files:path={folder}"]).runs
    assert second.record.id != first.record.id


def test_a_file_behind_a_path_option_that_changed_is_read_anew(
    compare: Compare, plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path
) -> None:
    """The content behind an option of the type Path belongs to the cell's key."""
    file, scale = plugin_file(METRIC), tmp_path / "scale.txt"
    plugins = [f"files:path={reviews}", "f1", f"scaled:scale={scale}"]
    scale.write_text("1")
    assert metric(compare("majority", plugins=plugins, file=file), "scaled") == 1
    scale.write_text("2")
    assert metric(compare("majority", plugins=plugins, file=file), "scaled") == 2


def test_a_file_behind_a_path_option_that_did_not_change_is_no_reason_to_run_again(
    compare: Compare, plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path
) -> None:
    """Touched, or written again with the same bytes, it is the same."""
    file, scale = plugin_file(METRIC), tmp_path / "scale.txt"
    plugins = [f"files:path={reviews}", "f1", f"scaled:scale={scale}"]
    scale.write_text("1")
    [first] = compare("majority", plugins=plugins, file=file).runs
    scale.write_text("1")
    assert compare("majority", plugins=plugins, file=file).runs[0].record == first.record


def test_a_module_beside_a_plugin_file_that_changed_is_run_anew(
    compare: Compare,
    plugin_file: Callable[..., Path],
    reviews: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a plugin file imports from its own folder is its code too."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file, plugins = plugin_file(WITH_HELPER), [f"files:path={reviews}", "f1", "helped"]
    values = []
    for value in (1, 22):
        (tmp_path / "helper_of_seams.py").write_text(f"VALUE = {value}.0\n")
        sys.modules.pop("helper_of_seams", None)
        values.append(metric(compare("majority", plugins=plugins, file=file), "helped"))
    del sys.modules["helper_of_seams"]
    assert values == [1, 22]


def test_code_of_an_editable_install_that_changed_is_run_anew(
    compare: Compare, install: Callable[..., Path], reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who develops a plugin installs it once, with `pip install -e`, and changes it under one version."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    folder = install("seam-metric", INSTALLED, {"installed": "Installed"})
    [metadata] = folder.glob("*.dist-info")
    (metadata / "direct_url.json").write_text(json.dumps({"url": folder.as_uri(), "dir_info": {"editable": True}}))
    plugins = [f"files:path={reviews}", "f1", "installed"]
    assert metric(compare("majority", plugins=plugins), "installed") == 1
    code = folder / "seam_metric.py"
    code.write_text(code.read_text().replace("1.0", "22.0"))
    del sys.modules["seam_metric"]
    assert metric(compare("majority", plugins=plugins), "installed") == 22
