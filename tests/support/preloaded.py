"""A ``textclf`` command that starts from a process in which torch and transformers are imported already.

To import them takes a command longer than all else that a page of the guide asks of it. The server forks itself for
each command, so a command changes nothing for the next one. Environment variables that are read during an import are
those of the server.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

_COMMAND = """#!{python} -IS
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
request = json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
server.sendall(request)
code = server.recv(1)
sys.exit(code[0] if code else 1)
"""


@contextlib.contextmanager
def preloaded_textclf(folder: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the environment in which ``textclf`` is the command that starts faster.

    Args:
        folder: an empty folder.
        environment: the environment of the server; that of a command may have other variables.
    """
    address = str(folder / "socket")
    command = folder / "bin" / "textclf"
    command.parent.mkdir(parents=True)
    command.write_text(_COMMAND.format(python=sys.executable, address=address))
    command.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, __file__, address], env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n", "the server of preloaded commands has not started"
            yield {**environment, "PATH": os.pathsep.join([str(command.parent), environment["PATH"]])}
        finally:
            server.terminate()


def _serve(address: str) -> None:
    import datasets  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import torch._dynamo  # noqa: F401
    import transformers.models.bert.modeling_bert  # noqa: F401

    import textclf_core.api.compare
    import textclf_core.api.report
    import textclf_core.api.run
    import textclf_core.cli  # noqa: F401

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            client, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _answer(client)
            client.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _answer(client: socket.socket) -> None:
    """Run the command of a client in this process, which ends with it."""
    size, streams, _, _ = socket.recv_fds(client, 8, 3)
    request = b""
    while len(request) < int.from_bytes(size, "big"):
        request += client.recv(1 << 16)
    sys.argv, folder, environment = json.loads(request)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    code = 1
    try:
        from textclf_core.cli import main

        code = main()
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        client.sendall(bytes([code]))
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
