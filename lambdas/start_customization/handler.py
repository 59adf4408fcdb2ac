"""start_customization: starts each job of a run once; a full quota queues it."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop import catalog
from tunedrop.contracts import Dataset, Run, StartedJob
from tunedrop.training import engines
from tunedrop.waiting.queue import start_or_queue


class Input(msgspec.Struct, frozen=True):
    """`granted`: the run comes from the queue, and it is its turn."""

    run: Run
    dataset: Dataset
    granted: bool = False


@step(Input)
def handler(payload: Input, services: Services) -> StartedJob:
    started = start_or_queue(
        services.aws,
        services.waits,
        services.stage,
        payload.run,
        payload.dataset,
        catalog.find(payload.run.base_model),
        granted=payload.granted,
    )
    if started.job_arn:
        services.registry.note_engine(payload.run.run_id, engines.of_job(started.job_arn).name)
    if started.job is not None:
        services.registry.save(payload.run.run_id, job=started.job)
    return started
