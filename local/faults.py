"""Breaking things on purpose: a JSON file that tests write and the emulator reads at every request.

| switch | what it breaks |
| --- | --- |
| `fail_next_job` | the next customization job fails with this message |
| `fail_jobs` | every job whose name ends like this fails: `{"name_ends", "message"}` |
| `training_minutes` | customization and training jobs take this long |
| `fail_evaluation` | evaluation jobs with this in their name fail: `{"name_has", "message"}` |
| `no_capacity` | training jobs stay pending for as long as this is true |
| `architecture` | the architecture that the weights of training jobs declare |
| `model_units` | a copy of an imported model takes this many custom model units |
| `import_minutes` | imports take this long |
| `fail_imports` | import jobs with this in their name fail: `{"name_has", "message"}` |
| `evaluation_minutes` | evaluation jobs take this long |
| `lifecycle_on` | base models are what the catalog says they were on this day (YYYY-MM-DD) |
| `end_of_life` | base models are legacy: `{"<model id>": "<the moment at which it ends>"}` |
| `fail_next_swap` | the next swap of the model behind an ARN fails |
| `quotas` | the account's quotas, by the names of `local.bedrock.world.Quotas` |
| `events` | Bedrock's events come `once`, `twice`, `late`, `early` (before the job is done) or `never` |
| `calls` | Bedrock's operations: `[{"operation", "times", "error", "after_effect"}]` |
| `functions` | AWS calls of deployed functions: `[{"function", "fault", "action", "times"}]` |
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from tunedrop import clock

A_DAY = 24 * 60.0
"""Minutes of a job that must not finish before it is stopped, however slow the machine is."""

Fault = Literal["throttled", "refused", "timed-out", "killed"]
"""What happens to a call: throttled or a 500 before it has any effect; after its effect, no response or the
death of the calling function."""


class Faults:
    """The switches, in a file, so that tests can set them from another process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def set(self, **switches: Any) -> None:
        """Set all switches; without any, nothing is broken."""
        self._write(switches)
        self._path.with_suffix(".made").write_text("")

    def made(self) -> list[str]:
        """The faults of functions made since the switches were set, as `function action fault`."""
        made = self._path.with_suffix(".made")
        return made.read_text().splitlines() if made.exists() else []

    def take_job_failure(self, name: str) -> str:
        """The message with which this job fails; empty when it may go well."""
        with self._lock:
            switches = self._read()
            chosen = switches.get("fail_jobs")
            if chosen and name.endswith(chosen["name_ends"]):
                return str(chosen["message"])
            message = str(switches.pop("fail_next_job", ""))
            if message:
                self._write(switches)
            return message

    def evaluation_failure(self, name: str) -> str:
        """The message with which this evaluation job fails; empty when it may go well."""
        chosen = self._read().get("fail_evaluation")
        return str(chosen["message"]) if chosen and chosen["name_has"] in name else ""

    def import_failure(self, name: str) -> str:
        """The message with which this import job fails; empty when it may go well."""
        chosen = self._read().get("fail_imports")
        return str(chosen["message"]) if chosen and chosen["name_has"] in name else ""

    def minutes(self, of: Literal["training", "evaluation", "import"], usual: float) -> float:
        """How long a job takes."""
        return float(self._read().get(f"{of}_minutes", usual))

    def has_no_capacity(self) -> bool:
        """Whether there is no capacity for training."""
        return bool(self._read().get("no_capacity"))

    def architecture(self) -> str:
        """The architecture that the weights of training jobs declare; empty: the true one."""
        return str(self._read().get("architecture", ""))

    def model_units(self, usual: int) -> int:
        """How many custom model units a copy of an imported model takes."""
        return int(self._read().get("model_units", usual))

    def take_swap_failure(self) -> bool:
        """Whether the next swap of the model behind an ARN fails."""
        with self._lock:
            switches = self._read()
            fails = bool(switches.pop("fail_next_swap", False))
            if fails:
                self._write(switches)
            return fails

    def lifecycle_day(self) -> str:
        """The day whose base models are offered: TUNEDROP_LOCAL_DAY, or today, unless a test sets another."""
        return str(self._read().get("lifecycle_on") or os.environ.get("TUNEDROP_LOCAL_DAY") or clock.today())

    def quota(self, name: str, usual: int) -> int:
        """A quota of the account."""
        return int(self._read().get("quotas", {}).get(name, usual))

    def end_of_life(self, model: str) -> datetime | None:
        """When this base model ends; None if it does not."""
        ends = self._read().get("end_of_life", {}).get(model)
        return datetime.fromisoformat(ends) if ends else None

    def events(self) -> str:
        """How events are delivered."""
        return str(self._read().get("events", "once"))

    def take_call(self, operation: str) -> dict[str, Any] | None:
        """The fault of this call of Bedrock's, if it has one."""
        with self._lock:
            switches = self._read()
            for fault in switches.get("calls", []):
                if fault["operation"] == operation and fault.get("times", 1) > 0:
                    fault["times"] = fault.get("times", 1) - 1
                    self._write(switches)
                    return dict(fault)
            return None

    def take_function_call(self, function: str, action: str) -> Fault | None:
        """The fault of this AWS call of a deployed function, if it has one.

        A switch without `action` breaks each action of the function, each `times` times.
        """
        with self._lock:
            switches = self._read()
            for fault in switches.get("functions", []):
                left = fault.setdefault("left", {})
                times = left.get(action, fault.get("times", 1))
                if fault["function"] == function and fault.get("action", action) == action and times > 0:
                    left[action] = times - 1
                    self._write(switches)
                    with self._path.with_suffix(".made").open("a") as made:
                        made.write(f"{function} {action} {fault['fault']}\n")
                    kind: Fault = fault["fault"]
                    return kind
            return None

    def _write(self, switches: dict[str, Any]) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(switches))
        draft.replace(self._path)

    def _read(self) -> dict[str, Any]:
        try:
            switches: dict[str, Any] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        return switches
