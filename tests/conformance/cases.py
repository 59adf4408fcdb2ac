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

RUNS: dict[str, Any] = json.loads((ROOT / "tests" / "recorded" / "runs.json").read_text())
LARGE = json.dumps({"errorMessage": '"' * 14_000, "errorType": "RunStopped"})


def cases() -> dict[str, Any]:
    """Success, approval, failure, shards, a time-out, a large cause, a slot refused for days, by name."""
    found = copy.deepcopy(RUNS)
    for name, error in (("timed-out", {"Error": "States.Timeout", "Cause": ""}),
                        ("large-cause", {"Error": "RunStopped", "Cause": LARGE})):  # fmt: skip
        run = copy.deepcopy(RUNS["success"])
        run["results"]["WaitForCompletion"] = [{"error": error}]
        at = run["path"].index("WaitForCompletion")
        run["path"] = [*run["path"][: at + 1], "ReleaseThroughput", "Notify", "Failed?", "Failed"]
        found[name] = run | {"status": "FAILED"}
    run = copy.deepcopy(RUNS["success"])
    started = run["results"]["StartCustomization"]
    queued = copy.deepcopy(started[0])
    queued["result"]["Payload"] |= {"outcome": "queued", "job_arn": ""}
    turns = 30
    run["results"]["StartCustomization"] = [queued] * turns + started
    run["results"]["AwaitSlot"] = [{"result": {"granted": True}}] * turns
    at = run["path"].index("StartCustomization")
    run["path"][at:at] = ["StartCustomization", "Started?", "AwaitSlot"] * turns
    return {**found, "refused-for-days": run}


def main() -> None:
    text = json.dumps(diagram.definition_of(diagram.template())).replace("<AWS::Partition>", "aws")
    text = re.sub(r"<(\w+)[^>]*>", r"arn:aws:lambda:us-west-2:111122223333:function:\1", text)
    Path(sys.argv[1]).write_text(json.dumps({"definition": json.loads(text), "cases": cases()}))


if __name__ == "__main__":
    main()
