"""Starting other Python processes that import the same modules as this one."""

from __future__ import annotations

import sys
from pathlib import Path


def module_command(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module as ``python -m`` does, but with the import path of this process.

    ``python -m`` puts the working directory first. In a checkout, the process would then import the checkout's code,
    and this one what is installed.
    """
    paths = list(dict.fromkeys(str(Path(path).absolute()) for path in sys.path))
    code = f"import runpy, sys; sys.path[:] = {paths!r}; runpy.run_module({module!r}, run_name='__main__')"
    return sys.executable, "-P", "-c", code, *arguments
