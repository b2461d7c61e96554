"""Postprocessors through the hooks: the order of their steps, what is saved and loaded, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import textclf_core
from textclf_core.errors import UsageError


def test_what_a_postprocessor_refuses_shows_before_training(
    plugin_file: Callable[..., Path], reviews: Path, tmp_path: Path
) -> None:
    path = plugin_file(
        """
        from textclf_core.errors import UsageError

        class Picky:
            @hookimpl
            def textclf_postprocess(self, scores, validation, task):
                raise UsageError(f"picky: not {task.num_labels} labels")

        class NeverTrains:
            @hookimpl
            def textclf_train(self, data):
                raise AssertionError("it trained")
        """
    )
    with pytest.raises(UsageError, match="picky: not 2 labels"):
        textclf_core.run(
            [f"files:path={reviews}", "picky", "never-trains"], output=tmp_path, quiet=True, plugin_files=[path]
        )
