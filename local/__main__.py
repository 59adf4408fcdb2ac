"""`tunedrop local up|down|reset`: the embedded AWS, deployed and ready, for as long as you want it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.embedded import STATE, Embedded, EmbeddedError, stop_group

FOLDER = STATE / "up"
NOTE = STATE / "up.json"
"""What is running: the process, and what clients need to find it."""

STAGE = "local"


def main(arguments: list[str]) -> int:
    """Answer one of the three commands; 0 when it is as asked."""
    commands: dict[str, Callable[[], int]] = {"up": up, "down": down, "reset": reset}
    if len(arguments) != 1 or arguments[0] not in commands:
        print("usage: tunedrop local up|down|reset", file=sys.stderr)
        return 2
    try:
        return commands[arguments[0]]()
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1


def up() -> int:
    """Start and deploy, unless it runs; print what a shell needs, for `eval "$(tunedrop local up)"`."""
    running = _running()
    if running is None:
        embedded = Embedded(FOLDER)
        try:
            print("starting the embedded AWS and deploying to it, about half a minute …", file=sys.stderr)
            embedded.start(with_parent=False)
            embedded.deploy(STAGE)
        except BaseException:
            embedded.stop()
            raise
        running = {"pid": embedded.pid, "environment": embedded.environment()}
        NOTE.write_text(json.dumps(running))
    for name, value in {**running["environment"], "TUNEDROP_STAGE_NAME": STAGE}.items():
        print(f"export {name}={shlex.quote(value)}")
    endpoint = running["environment"]["AWS_ENDPOINT_URL"]
    print(f"it runs at {endpoint}; tunedrop local down ends it", file=sys.stderr)
    return 0


def down() -> int:
    """End it and everything that it has started; its state goes with it."""
    running = _running()
    if running is None:
        print("nothing is running", file=sys.stderr)
        return 0
    stop_group(int(running["pid"]))
    NOTE.unlink()
    print("stopped", file=sys.stderr)
    return 0


def reset() -> int:
    """End it, and start a new one with nothing in it."""
    down()
    return up()


def _running() -> dict[str, Any] | None:
    """The note of what runs; None where its process is gone, or is somebody else's by now."""
    try:
        note: dict[str, Any] = json.loads(NOTE.read_text())
        command = Path(f"/proc/{note['pid']}/cmdline")
        os.kill(note["pid"], 0)
    except (OSError, ValueError):
        return None
    if command.exists() and b"local.server" not in command.read_bytes():
        return None
    return note


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
