"""The benchmark of damaged files, in short."""

from __future__ import annotations

from pathlib import Path

import pytest
from damaged_files import damaged_files

pytestmark = pytest.mark.slow


def test_damaged_files_are_refused_or_read_as_what_is_left(tmp_path: Path) -> None:
    found = list(damaged_files(100, tmp_path))
    assert [(one.name, one.damage, one.number, one.fault) for one in found if one.fault] == []
    assert {one.outcome for one in found} == {"read", "refused"}
