"""A person at a terminal: runs the command line in a pseudo-terminal, reads what it shows, types."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from local.driver import PATIENCE
from local.embedded import Embedded

Tunedrop = Callable[..., "subprocess.CompletedProcess[str]"]
"""Runs the command line with these arguments, in an environment as a shell would have it."""

ROWS, COLUMNS = 50, 120
_CURSOR = re.compile(r"\x1b\[[0-9;?]*[A-Za-ln-z]")
"""Escape sequences that move or hide the cursor; colours end in `m` and stay."""


class Terminal:
    """One command in a terminal, from its start to its end."""

    def __init__(self, embedded: Embedded, *arguments: str, seconds: float = PATIENCE) -> None:
        self.output = ""
        self._deadline = time.monotonic() + seconds
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = os.environ | embedded.environment() | {"TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("tunedrop"), *arguments],
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def shows(self, text: str) -> None:
        """Wait until the terminal has shown this; fails with everything that it has shown instead."""
        while text not in self.output:
            assert self._read(), f"the command ended without showing {text!r}:\n{self.output}"
            assert time.monotonic() < self._deadline, f"{text!r} was not shown in time:\n{self.output}"

    def types(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def exit_code(self) -> int:
        """Wait for the end of the command."""
        while self._read():
            assert time.monotonic() < self._deadline, f"the command did not end:\n{self.output}"
        return self._process.wait(timeout=60)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], 1.0)
        if not ready:
            return self._process.poll() is None
        try:
            found = os.read(self._ours, 65_536)
        except OSError:
            return False
        self.output += _CURSOR.sub("", found.decode(errors="replace"))
        return bool(found)
