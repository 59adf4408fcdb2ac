"""The AWS calls of deployed functions: counted, and broken if a test says so."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from local.faults import Faults

Response = tuple[int, dict[str, str], bytes]

STAGE = "local"
"""The stage whose calls are counted and broken; other stages may be deployed too."""


class Calls:
    """Between every deployed function and the services of the emulator."""

    def __init__(self, faults: Faults, log: Path) -> None:
        self._faults = faults
        self._log = log.open("a", buffering=1)

    async def __call__(
        self, function: str, action: str, proceed: Callable[[], Awaitable[Response]], kill: Callable[[], None]
    ) -> Response:
        """Let a call of a function through, or break it.

        Parameters
        ----------
        proceed
            Lets the service answer.
        kill
            Ends the processes that run the function.
        """
        self._count(function, action)
        fault = self._faults.take_function_call(short_name(function), action)
        match fault:
            case None:
                return await proceed()
            case "throttled":
                return refusal(action, throttling=True)
            case "refused":
                return refusal(action)
            case "timed-out":
                await proceed()
                return refusal(action)
            case "killed":
                await proceed()
                kill()
                return refusal(action)

    def _count(self, function: str, action: str) -> None:
        self._log.write(f"{short_name(function)} {action}\n")


def counted(log: Path) -> Counter[tuple[str, str]]:
    """How often each (function, action) of that stage was called since the emulator began."""
    lines = log.read_text().splitlines() if log.exists() else []
    calls = (one.partition(" ") for one in lines)
    return Counter((function, action) for function, _, action in calls if "." not in function)


def short_name(function: str) -> str:
    """The step of a deployed function: `tunedrop-local-register-run` is `register_run`, and that of another
    stage `localwest.register_run`, to which no fault applies."""
    _, stage, *words = function.split("-")
    step = "_".join(words)
    return step if stage == STAGE else f"{stage}.{step}"


def refusal(action: str, *, throttling: bool = False) -> Response:
    """An error as the action's service words it: throttling, else an internal error (504)."""
    service = action.partition(":")[0]
    status = 400 if throttling else 504
    request = uuid.uuid4().hex
    if service == "s3":
        code, status = ("SlowDown", 503) if throttling else ("InternalError", 500)
        body = f"<Error><Code>{code}</Code><Message>broken on purpose</Message></Error>"
        return status, {"Content-Type": "application/xml"}, body.encode()
    if service in ("sns", "iam", "sts"):
        code = "Throttling" if throttling else "InternalFailure"
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>broken on purpose"
            f"</Message></Error><RequestId>{request}</RequestId></ErrorResponse>"
        )
        return status, {"Content-Type": "text/xml"}, body.encode()
    code = "ThrottlingException" if throttling else "InternalServerError"
    if service == "bedrock":
        code, status = ("ThrottlingException", 429) if throttling else ("InternalServerException", 500)
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": code}
    return status, headers, json.dumps({"__type": code, "message": "broken on purpose"}).encode()
