"""Replays runs in LocalStack's Step Functions interpreter; runs in an environment of its own.

Its parser, flow, variables, catches and maps are LocalStack's; tasks answer as recorded; JSONata is the
reference implementation (npm `jsonata`) in place of a Java one that it would download.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from localstack.services.stepfunctions.asl.eval.evaluation_details import (
    AWSExecutionDetails,
    EvaluationDetails,
    ExecutionDetails,
    StateMachineDetails,
)
from localstack.services.stepfunctions.asl.jsonata import jsonata
from localstack.services.stepfunctions.backend.execution_worker import SyncExecutionWorker
from localstack.services.stepfunctions.local_mocking.mock_config import (
    LocalMockedResponseReturn,
    LocalMockedResponseThrow,
    LocalMockTestCase,
    StateMockedResponses,
)

MACHINE = "arn:aws:states:us-west-2:111122223333:stateMachine:tunedrop"
ROLE = "arn:aws:iam::111122223333:role/any"
NODE = """
import jsonata from "jsonata"; import readline from "node:readline";
for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    const expression = jsonata(JSON.parse(line));
    expression.registerFunction("parse", (text) => JSON.parse(text), "<s:x>");
    const value = await expression.evaluate();
    answer = value === undefined ? { error: "undefined" } : { value };
  } catch (error) { answer = { error: error.message }; }
  console.log(JSON.stringify(answer));
}
"""


class Reference:
    """One process of the reference implementation."""

    def __init__(self) -> None:
        command = ["node", "--input-type=module", "-e", NODE]
        self._node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def eval_jsonata(self, expression: str) -> Any:
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps(expression) + "\n")
        self._node.stdin.flush()
        answer = json.loads(self._node.stdout.readline())
        if "error" in answer:
            raise jsonata.JSONataException("UNKNOWN", answer["error"])
        return answer["value"]

    def close(self) -> None:
        self._node.terminate()


class Ended:
    """Is told when the execution ends."""

    def terminated(self) -> None:
        """Nothing to do: the worker is waited for."""


def mocked(name: str, results: list[Any]) -> StateMockedResponses:
    responses = []
    for number, one in enumerate(results):
        if "error" in one:
            error = one["error"]
            responses.append(LocalMockedResponseThrow(number, number, error["Error"], error.get("Cause", "")))
        else:
            responses.append(LocalMockedResponseReturn(number, number, one["result"]))
    return StateMockedResponses(name, name, responses)


def flat(results: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The answers of child executions beside those of the parent: states have one name in all of them."""
    found: dict[str, list[Any]] = {}
    for name, answers in results.items():
        for answer in answers:
            if isinstance(answer, list):
                for child in answer:
                    for task, given in child.items():
                        found.setdefault(task, []).extend(given)
            else:
                found.setdefault(name, []).append(answer)
    return found


def replay(definition: dict[str, Any], run: dict[str, Any]) -> tuple[list[str], str]:
    """The path and the status of one run."""
    details = EvaluationDetails(
        AWSExecutionDetails("111122223333", "us-west-2", ROLE),
        ExecutionDetails(
            f"{MACHINE}:run".replace("stateMachine", "execution"), "run", ROLE, run["input"], ""
        ),
        StateMachineDetails(MACHINE, "tunedrop", "STANDARD", json.dumps(definition)),
    )
    mocks = [mocked(name, answers) for name, answers in flat(run["results"]).items()]
    case = LocalMockTestCase("tunedrop", "run", mocks)
    worker = SyncExecutionWorker(details, Ended(), None, {}, case)
    worker.start()
    events = worker.env.event_manager.get_event_history()
    path = [
        event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event
    ]
    ends = [event["type"] for event in events if str(event["type"]).startswith("Execution")]
    return path, str(ends[-1]).removeprefix("Execution").upper()


def main() -> int:
    asked = json.loads(Path(sys.argv[1]).read_text())
    logging.getLogger("localstack").setLevel(logging.CRITICAL)  # it prints each failed state, causes and all
    reference = Reference()
    jsonata._JSONataJVMBridge.get = staticmethod(lambda: reference)
    jsonata._eval_jsonata = reference.eval_jsonata
    failed = 0
    for name, run in asked["cases"].items():
        started = time.monotonic()
        path, status = replay(asked["definition"], run)
        good = (path, status) == (run["path"], run["status"])
        failed += not good
        took = time.monotonic() - started
        print(f"{'passed' if good else 'FAILED'} {name} ({len(path)} states, {took:.1f} s)")
        if not good:
            print(f"  LocalStack: {status} {path}\n  recorded:   {run['status']} {run['path']}")
    reference.close()
    print(f"{len(asked['cases']) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
