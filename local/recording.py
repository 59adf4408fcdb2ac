"""Records executions of a stage, here or on AWS, as what a walk through the state machine needs:

    python -m local.recording STAGE NAME... > tests/recorded/runs.json

What each task answered or how it failed, in order; the path; the end. Tests walk the workflow again with
these answers in the reference implementation of JSONata, `make conformance` in LocalStack's interpreter.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import boto3

Event = Mapping[str, Any]


def recorded(events: Iterable[Event], definition: Mapping[str, Any]) -> dict[str, Any]:
    """An execution's history (GetExecutionHistory, with execution data) as a run to be walked again."""
    run: dict[str, Any] = {"input": None, "results": {}, "path": [], "status": "", "output": None}
    last: dict[str, Any] | None = None
    for event in events:
        kind, details = str(event["type"]), _details(event)
        if kind == "ExecutionStarted":
            run["input"] = json.loads(details["input"])
        elif kind.endswith("StateEntered"):
            run["path"].append(details["name"])
            last = None
        elif kind in ("TaskSucceeded", "TaskSubmitted"):
            last = {"result": json.loads(details["output"])} if kind == "TaskSucceeded" else last
        elif kind in ("TaskFailed", "TaskTimedOut"):
            last = {
                "error": {"Error": details.get("error", "States.Timeout"), "Cause": details.get("cause", "")}
            }
        elif kind == "TaskStateExited" and last is not None:
            run["results"].setdefault(details["name"], []).append(last)
        elif kind == "MapStateExited":
            run["results"].setdefault(details["name"], []).append(_children(run, definition, details["name"]))
        elif kind in ("ExecutionSucceeded", "ExecutionFailed"):
            run["status"] = kind.removeprefix("Execution").upper()
            run["output"] = _end(details)
    return run


def _children(run: Mapping[str, Any], definition: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Child executions have histories of their own; each of those recorded has ended with `done`."""
    (task,) = (one for one, state in definition["States"][name]["ItemProcessor"]["States"].items()
               if state["Type"] == "Task")  # fmt: skip
    shards = [
        result["result"]["Payload"]["shards"]
        for results in run["results"].values()
        for result in results
        if isinstance(result, dict) and result.get("result", {}).get("Payload", {}).get("shards")
    ]
    return [{task: [{"result": {"Payload": {"done": True}}}]} for _ in shards[-1]]


def _details(event: Event) -> Mapping[str, Any]:
    found = [value for name, value in event.items() if name.endswith("EventDetails")]
    return found[0] if found else {}


def _end(details: Mapping[str, Any]) -> Any:
    if "output" in details:
        return json.loads(details["output"])
    return {"Error": details.get("error", ""), "Cause": details.get("cause", "")}


def main() -> None:
    """Print the executions of a stage whose input names one of these runs."""
    stage, *names = sys.argv[1:]
    client = boto3.client("stepfunctions")
    machines = client.list_state_machines()["stateMachines"]
    (arn,) = (one["stateMachineArn"] for one in machines if one["name"] == f"tunedrop-{stage}")
    definition = json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])
    runs: dict[str, Any] = {}
    for page in client.get_paginator("list_executions").paginate(stateMachineArn=arn):
        for one in page["executions"]:
            history = client.get_paginator("get_execution_history").paginate(executionArn=one["executionArn"])
            run = recorded((event for part in history for event in part["events"]), definition)
            key = str(run["input"].get("detail", {}).get("object", {}).get("key", ""))
            runs |= {name: run for name in names if f"/{name}" in key}
    print(json.dumps(runs, indent=1))


if __name__ == "__main__":
    main()
