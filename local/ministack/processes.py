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

from local.ministack import fork_server

_FAILED = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
_FAILED_AND_KEPT = '{"status": "ok", "failed": ' + _FAILED + "}"


def patch() -> None:
    """Let MiniStack fork and keep processes. Without pidfds, as on macOS, it starts them as before."""
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
    """What MiniStack uses of `subprocess.Popen`, for a process that a fork server has started."""

    def __init__(self, pid: int, handle: int, pipes: tuple[int, int, int]) -> None:
        self.pid = pid
        self._handle = handle
        self.stdin = os.fdopen(pipes[0], "w", buffering=1)
        self.stdout = os.fdopen(pipes[1])
        self.stderr = os.fdopen(pipes[2])

    def __del__(self) -> None:
        if self.poll() is not None:  # a thread that still reads from it comes to the end now
            for pipe in (self.stdin, self.stdout, self.stderr):
                with suppress(OSError):
                    pipe.close()
        os.close(self._handle)

    def poll(self) -> int | None:
        """None while it runs, then 0: only its parent knows how it ended."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises
        ------
        subprocess.TimeoutExpired
            If it has not ended after this many seconds.
        """
        ended = self._ended(timeout)
        if ended is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return ended

    def terminate(self) -> None:
        """Ask it to end, unless it has ended."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it, unless it has ended."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def _ended(self, seconds: float | None) -> int | None:
        waiting = select.poll()
        waiting.register(self._handle, select.POLLIN)
        return 0 if waiting.poll(None if seconds is None else seconds * 1_000) else None


class ForkServer:
    """A process that has imported what the functions of a bundle use, and forks; replaced if it has ended."""

    def __init__(self, folders: tuple[str, ...]) -> None:
        self._folders = folders
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._control, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, fork_server.LARGEST)
        with theirs:
            self._process = subprocess.Popen(  # it ends when its socket does
                [sys.executable, fork_server.__file__, str(theirs.fileno()), *self._folders],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def end(self) -> None:
        """Close its socket, and wait for its end."""
        self._control.close()
        self._process.wait()

    def start(self, script: str, folder: str, environment: Mapping[str, str]) -> Process:
        """Run a Python script in a child.

        Raises
        ------
        ConnectionError
            If the server has ended, and the one that replaces it ends too.
        """
        message = json.dumps({"script": script, "folder": folder, "environment": dict(environment)}).encode()
        with self._lock:
            try:
                return self._fork(message)
            except ConnectionError:
                self.end()
                self._begin()
                return self._fork(message)

    def _fork(self, message: bytes) -> Process:
        pipes = [os.pipe() for _ in range(3)]
        (stdin, ours_in), (ours_out, stdout), (ours_err, stderr) = pipes
        try:
            socket.send_fds(self._control, [message], [stdin, stdout, stderr])
            pid, handles, _, _ = socket.recv_fds(self._control, 32, 1)
            if not handles:
                raise ConnectionResetError("the fork server has ended")
        except OSError:
            for end in (ours_in, ours_out, ours_err):
                os.close(end)
            raise
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
    """In place of `subprocess.Popen`, with which MiniStack starts other things too."""
    binary, script, *rest = command
    if binary != sys.executable or rest or not script.endswith("_worker.py"):
        return subprocess.Popen(command, cwd=cwd, env=env, **more)
    layers = filter(None, env.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep))
    folders = [_unpacked(Path(cwd)), *(_unpacked(Path(one)) for one in layers)]
    return _fork_server(tuple(folders)).start(script, cwd, env)


def _unpacked(folder: Path) -> str:
    """The folder to whose content `local.caching` has linked."""
    return str(next((entry.resolve().parent for entry in folder.iterdir()), folder))
