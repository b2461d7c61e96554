"""A version names the code of what is installed, a hash whatever can change under one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from textclf_core.system.code import code_of, content_sha256, distribution_code, requirements


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Path]]:
    """Write files of a folder from which Python imports."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        os.utime(path, ns=(os.stat(path).st_mtime_ns + len(source),) * 2)  # noqa: PTH116  # two writes within a tick
        return path

    yield write
    for name in [name for name, module in sys.modules.items() if str(tmp_path) in str(getattr(module, "__file__", ""))]:
        del sys.modules[name]


def test_what_is_installed_is_named_by_its_version() -> None:
    assert code_of("torch.nn.modules") == f"torch {version('torch')}"
    assert code_of("sklearn.linear_model") == f"scikit-learn {version('scikit-learn')}"
    assert code_of("json") == f"python {'.'.join(map(str, sys.version_info[:3]))}"
    assert code_of("there_is_no_such_module") is None


def test_a_file_is_hashed_with_the_modules_that_it_imports_from_beside(importable: Callable[[str, str], Path]) -> None:
    importable("mine_deep.py", "VALUE = 1\n")
    importable("mine_helper.py", "from mine_deep import VALUE\n")
    importable("mine_unused.py", "VALUE = 1\n")
    importable("mine.py", "import numpy\nimport mine_helper\n")
    first = code_of("mine")
    assert first is not None
    assert first.startswith("sha256 ")
    assert f"numpy {version('numpy')}" in first
    importable("mine_unused.py", "VALUE = 22\n")
    assert code_of("mine") == first
    importable("mine_deep.py", "VALUE = 333\n")
    second = code_of("mine")
    assert second != first
    importable("mine.py", "import numpy, mine_helper  # with a comment\n")
    assert code_of("mine") not in (first, second)


def test_a_package_that_can_change_is_hashed_whole(importable: Callable[[str, str], Path]) -> None:
    for name, value in (("one_package", 1), ("same_package", 1), ("other_package", 2)):
        importable(f"{name}/__init__.py", "")
        importable(f"{name}/inside/deep.py", f"VALUE = {value}\n")
    hashes = {name: code_of(f"{name}.inside") for name in ("one_package", "same_package", "other_package")}
    assert hashes["one_package"] == hashes["same_package"] != hashes["other_package"]


def test_an_editable_distribution_has_a_hash_beside_its_version(importable: Callable[[str, str], Path]) -> None:
    def installed(name: str, source: str) -> str | None:
        importable(f"{name}/__init__.py", source)
        importable(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        return distribution_code(name)

    one, other = installed("editable_one", "VALUE = 1\n"), installed("editable_other", "VALUE = 2\n")
    assert one is not None
    assert other is not None
    assert one.startswith("editable_one 1.0 sha256 ")
    assert one.split()[-1] != other.split()[-1]
    assert distribution_code("pluggy") == f"pluggy {version('pluggy')}"
    assert distribution_code("there-is-no-such-distribution") is None


def test_requirements_are_those_that_are_always_needed() -> None:
    found = requirements("textclf-core")
    assert {"torch", "transformers", "numpy"} <= set(found)
    assert "peft" not in found  # by an extra
    assert requirements("there-is-no-such-distribution") == ()


def test_content_is_that_of_all_files_of_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "inside" / "weights.bin"
    file.parent.mkdir()
    file.write_bytes(b"one")
    first = content_sha256(tmp_path), content_sha256(file)
    status = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    second = content_sha256(tmp_path), content_sha256(file)
    assert first[0] != second[0]
    assert first[1] != second[1]
    file.rename(file.with_name("other.bin"))
    assert content_sha256(tmp_path) != second[0]
    assert content_sha256(file.with_name("other.bin")) == second[1]
