"""What EventBridge says of a customization job."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def arn(job: dict[str, Any]) -> str:
    """The job's ARN as the sample event has it: without the base model (`customization-job-event.json`).

    Whether AWS still sends it like this is not known; code that finds a job by an event must accept both.
    """
    start, _, id_ = str(job["jobArn"]).rpartition("/")
    return f"{start.partition('/')[0]}/{id_}"


def detail(job: dict[str, Any]) -> dict[str, Any]:
    """The event's detail: what is known of the job now."""

    def moment(value: datetime | None) -> str | None:
        return value.isoformat() if value else None

    validators = job["validationDataConfig"]["validators"]
    known = {
        "version": "0.0",
        "jobName": job["jobName"],
        "jobArn": arn(job),
        "outputModelName": job["outputModelName"],
        "outputModelArn": job.get("outputModelArn"),
        "roleArn": job["roleArn"],
        "jobStatus": job["status"],
        "failureMessage": job.get("failureMessage"),
        "creationTime": moment(job["creationTime"]),
        "lastModifiedTime": moment(job["lastModifiedTime"]),
        "endTime": moment(job.get("endTime")),
        "baseModelArn": job["baseModelArn"],
        "hyperParameters": job["hyperParameters"],
        "trainingDataConfig": job["trainingDataConfig"],
        "validationDataConfig": validators[0] if validators else None,
        "outputDataConfig": job["outputDataConfig"],
    }
    return {name: value for name, value in known.items() if value is not None}
