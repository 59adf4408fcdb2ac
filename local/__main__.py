"""`tunedrop local up|down|reset`: the embedded AWS, deployed and ready, until you stop it.

Variables for the shell go to stdout, messages to stderr.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from local.embedded import STATE, Embedded, EmbeddedError, stop_group

FOLDER = STATE / "up"
NOTE = STATE / "up.json"
"""What is running: the process, and what clients need to find it."""

LOCK = STATE / "up.lock"
STAGE = "local"

say = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def main(arguments: list[str]) -> int:
    """Run one of the three commands; 0 if it succeeded."""
    commands: dict[str, Callable[[bool], int]] = {"up": up, "down": down, "reset": reset}
    if not arguments or arguments[0] not in commands or arguments[1:] not in ([], ["text"], ["json"]):
        say.print("usage: tunedrop local up|down|reset [--format text|json]")
        return 2
    try:
        with _alone():
            return commands[arguments[0]](arguments[1:] == ["json"])
    except EmbeddedError as error:
        say.print(str(error), style="red")
        return 1
    except KeyboardInterrupt:
        say.print("\ninterrupted; nothing is left running")
        return 130


def up(as_json: bool = False) -> int:
    """Start and deploy, unless it runs; print the variables for `eval "$(tunedrop local up)"`."""
    note = _running()
    if note is not None and not (note.get("deployed") and _answers(note)):
        say.print("an earlier one was left half done: it is ended first")
        _end(note)
        note = None
    is_new = note is None
    note = note or _start()
    environment = {**note["environment"], "TUNEDROP_STAGE_NAME": STAGE}
    if as_json:
        print(json.dumps({"stage": STAGE, "pid": note["pid"], "environment": environment}, indent=2))
    else:
        for name, value in environment.items():
            print(f"export {name}={shlex.quote(value)}")
    _tell(note["environment"]["AWS_ENDPOINT_URL"], is_new=is_new)
    return 0


def down(as_json: bool = False) -> int:
    """Stop it and everything that it has started; its state is lost."""
    note = _running()
    if as_json:
        print(json.dumps({"was_running": note is not None}))
    if note is None:
        NOTE.unlink(missing_ok=True)
        say.print("nothing is running")
        return 0
    _end(note)
    say.print("stopped; in this shell, unset AWS_ENDPOINT_URL before you work with a real account")
    return 0


def reset(as_json: bool = False) -> int:
    """Stop it, and start an empty one."""
    note = _running()
    if note is not None:
        _end(note)
    return up(as_json)


def _start() -> dict[str, Any]:
    embedded = Embedded(FOLDER)
    try:
        with _timed("starting the embedded AWS"):
            embedded.start(with_parent=False)
        note = {"pid": embedded.pid, "environment": embedded.environment(), "deployed": False}
        NOTE.write_text(json.dumps(note))
        with _timed(f"deploying stage {STAGE} with the CDK CLI"):
            embedded.deploy(STAGE)
    except BaseException:
        embedded.stop()
        NOTE.unlink(missing_ok=True)
        raise
    note["deployed"] = True
    NOTE.write_text(json.dumps(note))
    return note


def _end(note: dict[str, Any]) -> None:
    stop_group(int(note["pid"]))
    NOTE.unlink(missing_ok=True)


def _tell(endpoint: str, *, is_new: bool) -> None:
    say.print(
        f"the embedded AWS {'runs' if is_new else 'still runs'} at {endpoint}, with stage {STAGE} deployed"
    )
    if sys.stdout.isatty():
        say.print('for this shell:  eval "$(tunedrop local up)"', style="bold")
    say.print("try it:          tunedrop submit examples/support-persona --watch")
    say.print("look around:     aws s3 ls, or any AWS SDK: the variables above point to it")
    say.print("end it:          tunedrop local down; after a change: tunedrop local reset")


@contextmanager
def _timed(what: str) -> Iterator[None]:
    """A line with the current action and its duration."""
    begin = time.monotonic()
    if not say.is_terminal:
        say.print(f"{what} …")
        yield
        return
    with say.status(f"{what} …"):
        yield
    say.print(f"✓ {what}  {time.monotonic() - begin:.0f} s", style="green")


@contextmanager
def _alone() -> Iterator[None]:
    """One of these commands at a time: a second `up` waits for the first, and then reuses what it made."""
    STATE.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _running() -> dict[str, Any] | None:
    """The record of the running process; None if the process is gone, or its id now belongs to another."""
    try:
        note: dict[str, Any] = json.loads(NOTE.read_text())
        command = Path(f"/proc/{note['pid']}/cmdline")
        os.kill(note["pid"], 0)
    except (OSError, ValueError, KeyError):
        return None
    if command.exists() and b"local.server" not in command.read_bytes():
        return None
    return note


def _answers(note: dict[str, Any]) -> bool:
    embedded = Embedded(FOLDER)
    embedded.port = int(note["environment"]["AWS_ENDPOINT_URL"].rpartition(":")[2])
    return embedded.answers()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
