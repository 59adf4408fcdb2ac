"""Breaking things on purpose: a JSON file that tests write and the local Bedrock reads at every request.

`{"fail_next_job": "message", "events": "once|twice|late|never", "calls": [{"operation": "...", "times": 2,
"error": "ThrottlingException", "after_effect": true}]}`; what was used up is taken out of the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock
from typing import Any


class Faults:
    """The switches, kept in a file, so that a test drives them from another process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def set(self, **switches: Any) -> None:
        """Set all switches; none given means that nothing is broken."""
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(switches))
        draft.replace(self._path)

    def take_job_failure(self) -> str:
        """The message with which the next job fails; empty when it may go well."""
        with self._lock:
            switches = self._read()
            message = str(switches.pop("fail_next_job", ""))
            if message:
                self.set(**switches)
            return message

    def events(self) -> str:
        """How events are delivered: `once`, `twice`, `late` or `never`."""
        return str(self._read().get("events", "once"))

    def take_call(self, operation: str) -> dict[str, Any] | None:
        """The fault of this call, if it has one."""
        with self._lock:
            switches = self._read()
            for fault in switches.get("calls", []):
                if fault["operation"] == operation and fault.get("times", 1) > 0:
                    fault["times"] = fault.get("times", 1) - 1
                    self.set(**switches)
                    return dict(fault)
            return None

    def _read(self) -> dict[str, Any]:
        try:
            switches: dict[str, Any] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return switches
