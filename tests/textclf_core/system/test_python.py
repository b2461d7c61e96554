"""Other Python processes import what this one imports, wherever they are started."""

import subprocess
from pathlib import Path

from textclf_core.system.python import module_command


def test_a_folder_of_the_same_name_where_it_is_started_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "textclf_core").mkdir()
    (tmp_path / "textclf_core" / "__init__.py").write_text("")
    (tmp_path / "textclf_core" / "__main__.py").write_text("raise SystemExit('another textclf')")
    done = subprocess.run(
        module_command("textclf_core", "--version"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "textclf" in done.stdout
