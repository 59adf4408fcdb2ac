"""The queue for custom model deployments while the account's quota is exhausted; first come, first served.

A deployment lasts for a run's evaluation, or while its model is in production, so its end cannot be
predicted. A refused run waits until there are fewer deployments than at its refusal, or a day has passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tunedrop.contracts import Serving
from tunedrop.errors import DeploymentsFull, ThroughputFailed, TransientError
from tunedrop.serving import throughput
from tunedrop.serving.kind import ServingKind
from tunedrop.waiting.table import DEPLOYMENTS, Waits


def create_or_queue(
    bedrock: Any, waits: Waits, kind: ServingKind, name: str, create: Callable[[], Serving], *, granted: bool
) -> Serving:
    """Create a deployment if it is this run's turn.

    Parameters
    ----------
    granted
        Whether the run comes from the queue, and so has precedence over those that wait.

    Raises
    ------
    DeploymentsFull
        If the run has to queue.
    TransientError
        If the quota of concurrent creations (L-430C95DD) is exhausted, which lasts minutes.
    ThroughputFailed
        If the account has no deployments, so that the quota must be zero.
    """
    is_next = granted or not waits.of_kind("deployment")
    if not is_next and throughput.find(bedrock, kind.way, name) is None:
        raise DeploymentsFull("earlier runs are waiting for a deployment")
    try:
        return create()
    except DeploymentsFull as full:
        found = kind.existing(bedrock)
        if not found:
            raise ThroughputFailed(str(full)) from full
        if any(one["status"] == "Creating" for one in found):
            raise TransientError(str(full)) from full
        waits.note_refusal(len(found), DEPLOYMENTS)
        raise
