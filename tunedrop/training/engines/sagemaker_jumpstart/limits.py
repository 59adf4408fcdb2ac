"""Instances: the duration of jobs, the account's quota, and how to request more."""

from __future__ import annotations

from typing import Any

from tunedrop.aws import quotas
from tunedrop.planning.plan import PlannedJob

FAST, LIKELY, SLOW = 1_500.0, 700.0, 250.0
"""Tokens a second of all weights of a model of seven billion parameters on four A10G GPUs: guesses, from the
peak performance of the GPUs; no AWS page has any. The slowest determines the run-time limit."""

SET_UP_SECONDS = 1_800.0
"""Downloading, loading and writing 15 GB of weights: a guess. Billed like the training."""

SHORTEST_SECONDS, LONGEST_SECONDS = 7_200, 432_000
"""Bounds of a job's run-time limit: two hours, for a slow start; five days, SageMaker's default quota
"Longest run time for a training job"."""

PENDING_SECONDS = 86_400
"""`MaxPendingTimeInSeconds`: how long a job may wait for an instance, unbilled, before SageMaker ends it. The
API takes 1,800 to 2,419,200 seconds (botocore's service model of sagemaker); a day is our choice."""


def hours(planned: PlannedJob) -> tuple[float, float, float]:
    """The billed hours of a job: minimum, likely, maximum."""
    least, likely, most = (_seconds(planned, rate) / 3600 for rate in (FAST, LIKELY, SLOW))
    return least, likely, most


def run_seconds(planned: PlannedJob, most: int = 0) -> int:
    """A job's run-time limit in seconds: the slowest guess, within the limits of SageMaker and of the
    template (`most`, in seconds; 0: no limit)."""
    longest = min(LONGEST_SECONDS, most or LONGEST_SECONDS)
    return int(min(longest, max(SHORTEST_SECONDS, _seconds(planned, SLOW))))


def fits(planned: PlannedJob, most: int = 0) -> bool:
    """Whether a job ends within the maximum run time, by the likely guess."""
    return _seconds(planned, LIKELY) <= run_seconds(planned, most)


def _seconds(planned: PlannedJob, rate: float) -> float:
    return SET_UP_SECONDS + planned.millions * 1e6 / rate


def name(instance: str) -> str:
    """The name in Service Quotas of the quota of instances for training jobs."""
    return f"{instance} for training job usage"


def find(client: Any, instance: str) -> dict[str, Any] | None:
    """The quota of an instance type: this account's, else AWS's default; None if it is not listed.

    Raises
    ------
    ClientError
        If Service Quotas does not answer a list.
    """
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for one in quotas.each(client, operation, "sagemaker"):
            if one["QuotaName"] == name(instance):
                return one
    return None


def request(quota_name: str, region: str, code: str = "") -> str:
    """How to request one instance from AWS; if the quota's code is unknown, how to find it."""
    if not code:
        return (
            f"Ask for 1 of '{quota_name}' in Service Quotas, service sagemaker; its code: aws service-quotas "
            f"list-service-quotas --service-code sagemaker --region {region} --query "
            f"\"Quotas[?QuotaName=='{quota_name}'].QuotaCode\" --output text"
        )
    return f"Ask for one, and wait for the answer: {quotas.request(code, 1, region, 'sagemaker')}"
