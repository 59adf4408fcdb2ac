"""How a training job stands: its statuses, and what its event says of it."""

from __future__ import annotations

import json
from typing import Any

from local.bedrock.world import now


def enter(job: dict[str, Any], secondary: str) -> None:
    """Move a job on to a secondary status."""
    moment, transitions = now(), job["SecondaryStatusTransitions"]
    if transitions:
        transitions[-1]["EndTime"] = moment
    transitions.append({"Status": secondary, "StartTime": moment, "StatusMessage": MESSAGES[secondary]})
    job.update(SecondaryStatus=secondary, LastModifiedTime=moment)


MESSAGES = {
    "Starting": "Starting the training job",
    "Pending": "Waiting for capacity",
    "Downloading": "Downloading input data",
    "Training": "Training in progress",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
"""Status messages of training jobs; those of serverless jobs were not seen."""


def event_detail(job: dict[str, Any]) -> dict[str, Any]:
    """What an event says of a job: what DescribeTrainingJob says, times as milliseconds in strings."""
    shown = {name: value for name, value in job.items() if name[0] != "_"}
    detail: dict[str, Any] = json.loads(json.dumps(shown, default=_milliseconds))
    return detail | {"Tags": dict(job["_tags"])}


def _milliseconds(moment: Any) -> str:
    return str(int(moment.timestamp() * 1000))
