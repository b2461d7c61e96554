"""A Slurm of one node, in a folder of its own, made of Debian's packages."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_COMMANDS = ("munged", "slurmctld", "slurmd", "srun")
_IS_REQUIRED = "TEXTCLF_REQUIRE_SLURM" in os.environ
_IS_HERE = os.name == "posix" and os.geteuid() == 0 and all(map(shutil.which, _COMMANDS))

needs_slurm = pytest.mark.skipif(
    not _IS_HERE and not _IS_REQUIRED,
    reason="it starts a Slurm of one node, as root, from Debian's packages "
    "(apt install munge slurmctld slurmd slurm-client); TEXTCLF_REQUIRE_SLURM=1 makes this a failure",
)


@contextmanager
def slurm_node(folder: Path) -> Iterator[Path]:
    """Run a cluster of this machine alone in the block; yield its configuration, the value of ``SLURM_CONF``."""
    folder.mkdir()
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir()
    key, munge = folder / "munge" / "key", folder / "munge" / "socket"
    key.write_bytes(os.urandom(64))
    key.chmod(0o400)
    file, host = folder / "slurm.conf", socket.gethostname()
    controller, node = _free_port(), _free_port()
    settings = {
        "ClusterName": "one",
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": controller,
        "SlurmdPort": node,
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={munge}",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "MpiDefault": "none",
        "SlurmUser": "root",
        "SlurmdUser": "root",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool",
        "SlurmctldPidFile": folder / "slurmctld.pid",
        "SlurmdPidFile": folder / "slurmd.pid",
        "SlurmctldLogFile": folder / "slurmctld.log",
        "SlurmdLogFile": folder / "slurmd.log",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core",
        "JobAcctGatherType": "jobacct_gather/none",
        "AccountingStorageType": "accounting_storage/none",
        "NodeName": f"{host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} RealMemory=1000 State=UNKNOWN",
        "PartitionName": "cells Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
    }
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    environment = os.environ | {"SLURM_CONF": str(file)}
    of_munge = ["--foreground", "--force", f"--key-file={key}", f"--socket={munge}"]
    of_munge += [f"--{name}-file={folder / 'munge' / name}" for name in ("pid", "log", "seed")]
    servers = [["munged", *of_munge], ["slurmctld", "-D"], ["slurmd", "-D"]]
    with (folder / "log").open("w") as log:
        running = [subprocess.Popen(server, env=environment, stdout=log, stderr=log) for server in servers]
        try:
            _wait_until_idle(folder, environment)
            yield file
        finally:
            for server in reversed(running):
                server.terminate()
                try:
                    server.wait(20)
                except subprocess.TimeoutExpired:
                    server.kill()
                    server.wait()


def _wait_until_idle(folder: Path, environment: dict[str, str]) -> None:
    state = ""
    for _ in range(120):
        found = subprocess.run(
            ["sinfo", "-h", "-o", "%t"], env=environment, capture_output=True, text=True, check=False
        )
        state = found.stdout.strip() or found.stderr
        if state == "idle":
            return
        time.sleep(0.5)
    why = f"Slurm doesn't start here: {state}\n{(folder / 'log').read_text()}"
    if _IS_REQUIRED:
        raise RuntimeError(why)
    pytest.skip(why)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
