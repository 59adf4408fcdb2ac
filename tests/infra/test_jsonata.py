"""The workflow in the reference implementation of JSONata (npm `jsonata`), over recorded and broken runs."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.bundling import ROOT
from infra.states import CAUSE
from local.recording import recorded as read_history

RUNS: dict[str, Any] = json.loads((ROOT / "tests" / "recorded" / "runs.json").read_text())
AGAIN = "the workflow has changed: record runs of the local stage again (python -m local.recording)"
EXECUTION = {"Id": "arn:aws:states:us-west-2:111122223333:execution:m:e", "Name": "e"}


def reference(**asked: Any) -> list[dict[str, Any]]:
    node = shutil.which("node") or "node"
    script = Path(__file__).with_name("reference.mjs")
    done = subprocess.run(
        [node, str(script)], input=json.dumps(asked), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def with_context(run: dict[str, Any]) -> dict[str, Any]:
    return {**run, "context": {"Execution": {**EXECUTION, "Input": run["input"]}}}


def walk(definition: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    (found,) = reference(machine=definition, runs=[with_context(run)])
    assert "error" not in found, found
    return found


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_recorded_run_takes_the_same_path_to_the_same_end(definition: dict[str, Any], name: str) -> None:
    found = walk(definition, RUNS[name])

    assert found["path"] == RUNS[name]["path"], AGAIN
    assert found["status"] == RUNS[name]["status"]
    if found["status"] == "FAILED":
        assert found["output"] == RUNS[name]["output"]


def raised(message: str, separators: tuple[str, str] | None = None) -> str:
    """A function's error as Lambda hands it to Step Functions, cut at 32 KiB as Step Functions does."""
    document = {"errorMessage": message, "errorType": "InvalidDataset", "requestId": "1", "stackTrace": []}
    return json.dumps(document, separators=separators)[:32_768]


def caught(**error: str) -> dict[str, Any]:
    return {"states": {"errorOutput": error}}


MESSAGES = [
    'line 3: "x" is ü\nwrong {', "back\\slash and / and \\", '\\"', "\\\\", "", '", "errorType": "',
    "\u2028 🎉 \x00",
]  # fmt: skip


@pytest.mark.parametrize("separators", [None, (",", ":")])
def test_a_person_reads_the_message_whatever_quotes_it_has(separators: tuple[str, str] | None) -> None:
    asked = [
        {
            "text": CAUSE,
            "bindings": {"states": {"errorOutput": {"Error": "X", "Cause": raised(one, separators)}}},
        }
        for one in MESSAGES
    ]

    assert [one.get("value") for one in reference(expressions=asked)] == MESSAGES


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ('"' * 14_000, '"' * 14_000),
        ("x" * 30_000, "x" * 30_000),
        ("\n".join(f'line {n}: "completion" is missing' for n in range(2_000)), None),
        ('x"' * 11_000, None),
        ('"' * 20_000, None),
    ],
    ids=["14,000 quotes", "30 KB", "cut at 32 KiB", "cut at any place", "cut in an escape"],
)
def test_a_large_cause_is_read_whole_as_far_as_it_goes(message: str, shown: str | None) -> None:
    bindings = caught(Error="X", Cause=raised(message))

    (found,) = reference(expressions=[{"text": CAUSE, "bindings": bindings}])

    assert found["value"] == shown if shown else message.startswith(found["value"][:13_000])
    assert len(found["value"]) > 13_000


def test_shards_that_all_fail_pass_on_no_more_than_a_state_may(definition: dict[str, Any]) -> None:
    """256 KiB (Step Functions guide, service-quotas): more ends an execution past its catches."""
    for name in ("ValidateShard", "EvaluateShard"):
        (shard,) = definition["States"][f"{name}s"]["ItemProcessor"]["States"][name]["Catch"]
        text = shard["Output"]["failure"].removeprefix("{%").removesuffix("%}")
        bindings = caught(Error="X", Cause=raised("what is wrong " * 2_000))

        (found,) = reference(expressions=[{"text": text, "bindings": bindings}])

        assert found["value"]["cause"].startswith("what is wrong what")
        assert len(json.dumps([found["value"]] * 100)) < 256 << 10


@pytest.mark.parametrize("errors", [{"Error": "States.Timeout"}, {"Error": "X", "Cause": ""}, {"Error": "X"}])
def test_an_error_without_a_cause_is_still_reported(errors: dict[str, str]) -> None:
    (found,) = reference(expressions=[{"text": CAUSE, "bindings": caught(**errors)}])

    assert found["value"]


def tasks_of(definition: dict[str, Any]) -> list[str]:
    """The tasks that go to the release of what is held when they fail."""
    return [
        name
        for name, state in definition["States"].items()
        if any(one["Next"] == "ReleaseThroughput" for one in state.get("Catch", []))
    ]


def test_a_task_that_fails_or_times_out_releases_resources_and_notifies(definition: dict[str, Any]) -> None:
    """Each task of the approved run in turn, with a cause of 30 KB and none at all."""
    run = RUNS["approval"]
    broken = []
    for name in (one for one in run["results"] if one in tasks_of(definition) and one != "ReleaseThroughput"):
        for error in ({"Error": "States.Timeout"}, {"Error": "RunStopped", "Cause": raised('"' * 14_000)}):
            one = copy.deepcopy(run)
            one["results"][name] = [{"error": error}]
            broken.append(with_context(one))

    found = reference(machine=definition, runs=broken)

    assert len(found) >= 16
    for one in found:
        assert "error" not in one, one
        assert one["status"] == "FAILED"
        # The language keeps these names for itself, and an interpreter may refuse them.
        assert not one["output"]["Error"].startswith("States.")
        assert [step for step in ("ReleaseThroughput", "Notify") if step in one["path"]] == [
            "ReleaseThroughput", "Notify",
        ]  # fmt: skip


def test_a_slot_that_is_refused_for_days_ends_well(definition: dict[str, Any]) -> None:
    run = copy.deepcopy(RUNS["success"])
    started = run["results"]["StartCustomization"]
    queued = copy.deepcopy(started[0])
    queued["result"]["Payload"] |= {"outcome": "queued", "job_arn": ""}
    run["results"]["StartCustomization"] = [queued] * 60 + started
    run["results"]["AwaitSlot"] = [{"result": {"granted": True}}] * 60

    found = walk(definition, run)

    assert found["status"] == "SUCCEEDED"
    assert found["path"].count("AwaitSlot") == 60


def test_a_deployment_that_is_refused_for_days_ends_well(definition: dict[str, Any]) -> None:
    run = copy.deepcopy(RUNS["success"])
    full = {"error": {"Error": "DeploymentsFull", "Cause": raised("too many deployments")}}
    run["results"]["SetUpThroughput"] = [full] * 60 + run["results"]["SetUpThroughput"]
    run["results"]["AwaitDeployment"] = [{"result": {"granted": True}}] * 60

    found = walk(definition, run)

    assert found["status"] == "SUCCEEDED"
    assert found["path"].count("AwaitDeployment") == 60


def test_a_history_is_read_as_aws_writes_it() -> None:
    """Event types and details by the API reference, HistoryEvent."""
    details = {"name": "Only", "input": "{}"}
    history = [
        {"type": "ExecutionStarted", "executionStartedEventDetails": {"input": '{"a": 1}'}},
        {"type": "TaskStateEntered", "stateEnteredEventDetails": details},
        {"type": "TaskScheduled", "taskScheduledEventDetails": {"resource": "invoke"}},
        {"type": "TaskFailed", "taskFailedEventDetails": {"error": "A", "cause": "once"}},
        {"type": "TaskSucceeded", "taskSucceededEventDetails": {"output": '{"Payload": 2}'}},
        {"type": "TaskStateExited", "stateExitedEventDetails": {"name": "Only", "output": "2"}},
        {"type": "ExecutionSucceeded", "executionSucceededEventDetails": {"output": "2"}},
    ]

    assert read_history(history, {}) == {
        "input": {"a": 1}, "results": {"Only": [{"result": {"Payload": 2}}]}, "path": ["Only"],
        "status": "SUCCEEDED", "output": 2,
    }  # fmt: skip
