"""Processes of functions: forked from one that has imported their packages, and kept after errors, as on AWS.

MiniStack starts Python for each process, which imports boto3 and the rest for more than a second, and ends
the process when a handler raises. AWS keeps it. Private names as in `local.ministack`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

FORK_SERVER = Path(__file__).with_name("fork_server.py")
LARGEST = 1_000_000
"""Bytes of a message to a fork server: the environment of a function is a small part of it."""

_FAILED = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
_FAILED_AND_KEPT = '{"status": "ok", "failed": ' + _FAILED + "}"


def cure() -> None:
    """Let MiniStack start and keep processes so. Where the kernel has no pidfds, it starts them as ever."""
    _keep_after_errors()
    if hasattr(os, "pidfd_open"):
        lambda_runtime.subprocess = SimpleNamespace(**vars(subprocess) | {"Popen": _start})


def _keep_after_errors() -> None:
    """A handler that raises ends its call, not its process."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_FAILED, _FAILED_AND_KEPT)
    invoke = lambda_runtime.Worker.invoke

    def invoked(worker: Any, *given: Any, **more: Any) -> Any:
        response = invoke(worker, *given, **more)
        return response | response.pop("failed", {})

    lambda_runtime.Worker.invoke = invoked


class Process:
    """What MiniStack uses of `subprocess.Popen`, of a process that another one has started."""

    def __init__(self, pid: int, handle: int, pipes: tuple[int, int, int]) -> None:
        self.pid = pid
        self._handle = handle
        self.stdin = os.fdopen(pipes[0], "w", buffering=1)
        self.stdout = os.fdopen(pipes[1])
        self.stderr = os.fdopen(pipes[2])

    def __del__(self) -> None:
        if self.poll() is not None:  # so that nobody reads its pipes for long
            for pipe in (self.stdin, self.stdout, self.stderr):
                with suppress(OSError):
                    pipe.close()
        os.close(self._handle)

    def poll(self) -> int | None:
        """None while it runs. How it ended, its parent alone knows."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended.

        Raises
        ------
        subprocess.TimeoutExpired
            When it has not ended after so many seconds.
        """
        ended = self._ended(timeout)
        if ended is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return ended

    def terminate(self) -> None:
        """Ask it to end."""
        signal.pidfd_send_signal(self._handle, signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def _ended(self, seconds: float | None) -> int | None:
        waiting = select.poll()
        waiting.register(self._handle, select.POLLIN)
        return 0 if waiting.poll(None if seconds is None else seconds * 1_000) else None


class ForkServer:
    """A process that has imported what the functions of a bundle use, and forks."""

    def __init__(self, folders: tuple[str, ...]) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._control, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST)
        with theirs:
            self._process = subprocess.Popen(  # it ends when its socket does
                [sys.executable, str(FORK_SERVER), str(theirs.fileno()), *folders],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def end(self) -> None:
        """Close its socket, and wait for its end."""
        self._control.close()
        self._process.wait()

    def start(self, script: str, folder: str, environment: Mapping[str, str]) -> Process:
        """Run a Python script in a child."""
        message = json.dumps({"script": script, "folder": folder, "environment": dict(environment)}).encode()
        pipes = [os.pipe() for _ in range(3)]
        (stdin, ours_in), (ours_out, stdout), (ours_err, stderr) = pipes
        try:
            with self._lock:
                socket.send_fds(self._control, [message], [stdin, stdout, stderr])
                pid, handles, _, _ = socket.recv_fds(self._control, 32, 1)
        finally:
            for end in (stdin, stdout, stderr):
                os.close(end)
        return Process(int(pid), handles[0], (ours_in, ours_out, ours_err))


_fork_servers: dict[tuple[str, ...], ForkServer] = {}
_lock = threading.Lock()


def _fork_server(folders: tuple[str, ...]) -> ForkServer:
    with _lock:
        if folders not in _fork_servers:
            _fork_servers[folders] = ForkServer(folders)
        return _fork_servers[folders]


def end() -> None:
    """End the fork servers; what they have forked lives on."""
    with _lock:
        for one in _fork_servers.values():
            one.end()
        _fork_servers.clear()


def _start(command: list[str], *, cwd: str, env: Mapping[str, str], **more: Any) -> Any:
    """In place of `subprocess.Popen`, of which MiniStack starts other things too."""
    binary, script, *rest = command
    if binary != sys.executable or rest or not script.endswith("_worker.py"):
        return subprocess.Popen(command, cwd=cwd, env=env, **more)
    layers = filter(None, env.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep))
    folders = [_unpacked(Path(cwd)), *(_unpacked(Path(one)) for one in layers)]
    return _fork_server(tuple(folders)).start(script, cwd, env)


def _unpacked(folder: Path) -> str:
    """Where the content of a folder is kept, to which `local.caching` links."""
    return str(next((entry.resolve().parent for entry in folder.iterdir()), folder))
