"""What the registry writes fits DynamoDB's limits, which moto enforces: 400 KB of an item."""

from __future__ import annotations

import msgspec
import pytest
from botocore.exceptions import ClientError

from tests import builders
from tunedrop.contracts import Failure, Run
from tunedrop.registration._new_run import MAX_RUN_BYTES
from tunedrop.registry import Registry

STATE_BYTES = 262_144
"""All that a run's states carry to its last step, in one payload (Step Functions guide, service-quotas)."""
CAUSE = 32_768
"""Characters of a failure's cause (Step Functions API reference, SendTaskFailure)."""


def largest_run() -> Run:
    """As large as a registration lets one be."""
    run = builders.run()
    size = len(msgspec.json.encode(run))
    return msgspec.structs.replace(run, hyperparameters={"epochCount": "9" * (MAX_RUN_BYTES - size - 20)})


def test_a_run_with_all_that_its_states_may_carry_fits_an_item(registry: Registry) -> None:
    """Its results reach the last step in one payload, so together they are no larger; the failure is twice in
    the item, and what preflight found beside them."""
    run = largest_run()
    room = STATE_BYTES - len(msgspec.json.encode(run))
    evaluation = msgspec.structs.replace(builders.evaluation(), reason="x" * (room - 2_000))
    failure = Failure(error="E", cause="c" * CAUSE, step="notify")

    assert registry.register(run)
    registry.save(run.run_id, evaluation=evaluation)
    registry.ended_as(run, failure)
    registry.end(run.run_id, "failed", failure)

    record = registry.get(run.run_id)
    assert record is not None
    assert record.failure == failure
    assert record.run == run


def test_an_item_over_400_kb_would_be_refused(registry: Registry) -> None:
    run = builders.run()
    registry.register(run)

    with pytest.raises(ClientError, match="exceeded the maximum allowed size"):
        registry.save(run.run_id, failure=Failure(error="E", cause="c" * 410_000, step="notify"))
