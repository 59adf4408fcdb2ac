"""A job's final losses, from the metrics that its template reads from the script's log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TRAINING, VALIDATION = "train-loss", "eval-loss"
"""The suffixes of the metrics' names (`huggingface-textgeneration:train-loss` in AWS's notebook)."""


def final(answer: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The last training and validation loss, by DescribeTrainingJob's `FinalMetricDataList`."""
    found = {
        str(one.get("MetricName", "")).rpartition(":")[2]: float(one["Value"])
        for one in answer.get("FinalMetricDataList") or ()
        if "Value" in one
    }
    return found.get(TRAINING), found.get(VALIDATION)
