"""First come, first served: who may create a custom model deployment while the account's quota is full.

A deployment lasts as long as a run's evaluation, or as long as its model is in production: nobody can say
when one goes. A run that was refused waits until there are fewer than at its refusal, or a day has passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tunedrop.contracts import Serving
from tunedrop.errors import DeploymentsFull, ThroughputFailed, TransientError
from tunedrop.serving import throughput
from tunedrop.waiting.table import DEPLOYMENTS, Waits


def create_or_queue(
    bedrock: Any, waits: Waits, name: str, create: Callable[[], Serving], *, granted: bool
) -> Serving:
    """Create a deployment if it is this run's turn.

    Parameters
    ----------
    granted
        Whether the run comes from the queue: it does not stand behind those who wait after it.

    Raises
    ------
    DeploymentsFull
        When the run has to queue.
    TransientError
        While others are being created: their quota (L-430C95DD) frees up within minutes.
    ThroughputFailed
        When the account has none at all, so that none will go: its quota is zero.
    """
    is_next = granted or not waits.of_kind("deployment")
    if not is_next and throughput.find(bedrock, "on-demand", name) is None:
        raise DeploymentsFull("earlier runs are waiting for a deployment")
    try:
        return create()
    except DeploymentsFull as full:
        found = throughput.deployments(bedrock)
        if not found:
            raise ThroughputFailed(str(full)) from full
        if any(one["status"] == "Creating" for one in found):
            raise TransientError(str(full)) from full
        waits.note_refusal(len(found), DEPLOYMENTS)
        raise
