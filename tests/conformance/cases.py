"""Writes what is replayed: the state machine, and runs recorded or broken on purpose."""

from __future__ import annotations

import copy
import json
import re
import sys
from pathlib import Path
from typing import Any

from infra import diagram
from infra.bundling import ROOT
from tunedrop.errors import DeploymentsFull

RUNS: dict[str, Any] = json.loads((ROOT / "tests" / "recorded" / "runs.json").read_text())
LARGE = json.dumps({"errorMessage": '"' * 14_000, "errorType": "RunStopped"})


TIMED_OUT = {"Error": "States.Timeout", "Cause": ""}
TURNS = 30
"""How often a queued run is refused in these cases; on AWS, each time that something has changed."""


def cases() -> dict[str, Any]:
    """The recorded runs (success, approval, failure, shards), and what is made of them, by name."""
    return {
        **copy.deepcopy(RUNS),
        "large-cause": _failing("success", "WaitForCompletion", {"Error": "RunStopped", "Cause": LARGE}),
        "approval-timed-out": _failing("approval", "AwaitApproval", TIMED_OUT),
        "training-timed-out": _failing("success", "WaitForCompletion", TIMED_OUT),
        "throughput-timed-out": _failing("success", "AwaitThroughput", TIMED_OUT),
        "shards-prepared": _prepared_in_shards(),
        "slot-refused-for-days": _refused_slots(),
        "deployment-refused-for-days": _refused_deployments(),
    }


def _failing(name: str, state: str, error: dict[str, str]) -> dict[str, Any]:
    """A recorded run in which one task fails: what it holds is released, and its owner notified."""
    run = copy.deepcopy(RUNS[name])
    run["results"][state] = [{"error": error}]
    at = run["path"].index(state)
    run["path"] = [*run["path"][: at + 1], "ReleaseThroughput", "Notify", "Failed?", "Failed"]
    return run | {"status": "FAILED"}


def _prepared_in_shards() -> dict[str, Any]:
    """The successful run, of a dataset that is checked in shards first."""
    run, shards = copy.deepcopy(RUNS["success"]), copy.deepcopy(RUNS["shards"]["results"])
    asked, prepared = shards["ValidateData"][0], run["results"]["ValidateData"][0]
    run["results"] |= {"ValidateData": [asked, prepared], "ValidateShards": shards["ValidateShards"]}
    at = run["path"].index("ValidateData")
    run["path"][at:at] = ["ValidateData", "Whole?", "ValidateShards", "ValidateShardsDone?"]
    return run


def _refused_slots() -> dict[str, Any]:
    """The successful run, whose job Bedrock refuses again and again before it takes it."""
    run = copy.deepcopy(RUNS["success"])
    started = run["results"]["StartCustomization"]
    queued = copy.deepcopy(started[0])
    queued["result"]["Payload"] |= {"outcome": "queued", "job_arn": ""}
    run["results"]["StartCustomization"] = [queued] * TURNS + started
    run["results"]["AwaitSlot"] = [{"result": {"granted": True}}] * TURNS
    at = run["path"].index("StartCustomization")
    run["path"][at:at] = ["StartCustomization", "Started?", "AwaitSlot"] * TURNS
    return run


def _refused_deployments() -> dict[str, Any]:
    """The successful run, whose account has no place for another deployment for long."""
    run = copy.deepcopy(RUNS["success"])
    full = {"error": {"Error": DeploymentsFull.__name__, "Cause": json.dumps({"errorMessage": "full"})}}
    run["results"]["SetUpThroughput"] = [full] * TURNS + run["results"]["SetUpThroughput"]
    run["results"]["AwaitDeployment"] = [{"result": {"granted": True}}] * TURNS
    at = run["path"].index("SetUpThroughput")
    run["path"][at:at] = ["SetUpThroughput", "AwaitDeployment"] * TURNS
    return run


def main() -> None:
    text = json.dumps(diagram.definition_of(diagram.template())).replace("<AWS::Partition>", "aws")
    text = re.sub(r"<(\w+)[^>]*>", r"arn:aws:lambda:us-west-2:111122223333:function:\1", text)
    Path(sys.argv[1]).write_text(json.dumps({"definition": json.loads(text), "cases": cases()}))


if __name__ == "__main__":
    main()
