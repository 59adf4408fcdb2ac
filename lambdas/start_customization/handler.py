"""start_customization: one customization job a run, whatever is retried; a full quota queues the run."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop import catalog
from tunedrop.contracts import Dataset, Run, StartedJob
from tunedrop.training.queue import start_or_queue


class Input(msgspec.Struct, frozen=True):
    """`granted`: the run comes from the queue, and it is its turn."""

    run: Run
    dataset: Dataset
    granted: bool = False


@step(Input)
def handler(payload: Input, services: Services) -> StartedJob:
    return start_or_queue(
        services.aws.bedrock,
        services.waits,
        services.stage,
        payload.run,
        payload.dataset,
        catalog.find(payload.run.base_model),
        granted=payload.granted,
    )
