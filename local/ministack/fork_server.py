"""Imports what the functions of a bundle use, then forks for each of their processes (see `processes`).

Arguments: the socket's number, the bundle's folder, those of its layers. It uses no other module of `local`:
a function's own packages come first on its path.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

PACKAGES = (
    "boto3",
    "aws_xray_sdk.core",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.typing",
)
LARGEST = 1_000_000
"""Bytes of a message: the environment of a function is a small part of it."""

IDLE_SECONDS = 600.0
"""Time without a start after which it ends: nobody uses the bundle of an earlier deployment."""


def main(number: int, code: Path, layers: list[Path]) -> None:
    """Serve until the other end of the socket is closed, or nothing was started for `IDLE_SECONDS`."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process that forks should have no other threads
    sys.path[:1] = [str(code)]
    for layer in layers:
        sys.path.insert(0, str(layer / "python"))
    for name in [*PACKAGES, *_imported_by_handlers(code)]:
        with suppress(ImportError):  # of a layer that this bundle has not
            importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a child
    with socket.socket(fileno=number) as control, suppress(TimeoutError):
        control.settimeout(IDLE_SECONDS)
        while True:
            message, pipes, _, _ = socket.recv_fds(control, LARGEST, 3)
            if not message:
                return
            pid = os.fork()
            if pid == 0:
                control.close()
                select.select(pipes[:1], [], [])  # while it waits for its input, a handle can be made
                _run(json.loads(message), pipes)
            handle = os.pidfd_open(pid)
            socket.send_fds(control, [str(pid).encode()], [handle])
            for one in (handle, *pipes):
                os.close(one)


def _imported_by_handlers(code: Path) -> list[str]:
    """Our modules that handlers import. Handlers read their function's environment, so they come later."""
    texts = (file.read_text() for file in sorted(code.glob("lambdas/**/*.py")))
    return sorted(
        {name for text in texts for name in re.findall(r"^from (tunedrop[\w.]*) import", text, re.M)}
    )


def _run(asked: dict[str, Any], pipes: list[int]) -> None:
    """Be the process of a function, to its end."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for target, pipe in enumerate(pipes):
            os.dup2(pipe, target)
            os.close(pipe)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        # The kernel shows the fork server's environment as that of its children: tests find theirs here.
        Path("..", "environment.json").write_text(json.dumps(asked["environment"]))
        sys.argv = [asked["script"]]
        runpy.run_path(asked["script"], run_name="__main__")
        code = 0
    except BaseException:  # whatever ends it is said where its errors go
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), [Path(one) for one in sys.argv[3:]])
