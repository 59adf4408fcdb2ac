"""First come, first served: who may start a customization job now."""

from __future__ import annotations

from typing import Any

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Dataset, Run, StartedJob
from tunedrop.stage import Stage
from tunedrop.training import jobs
from tunedrop.waiting.table import Waits


def start_or_queue(
    bedrock: Any,
    waits: Waits,
    stage: Stage,
    run: Run,
    dataset: Dataset,
    base_model: BaseModel,
    *,
    granted: bool,
) -> StartedJob:
    """Start the run's job if it is its turn and a slot is free, else say that it has to queue.

    `granted` is true when the run comes from the queue: it does not stand behind those who wait after it.
    """
    name = jobs.name_of(stage, run)
    if _has_to_wait(bedrock, waits, stage, granted):
        started = jobs.find(bedrock, name) or StartedJob(outcome="queued", job_name=name)
    else:
        started = jobs.start(bedrock, stage, run, dataset, base_model)
    if granted:
        waits.give_up_slot(run.run_id)
    return started


def _has_to_wait(bedrock: Any, waits: Waits, stage: Stage, granted: bool) -> bool:
    busy = jobs.count_in_progress(bedrock)
    if not granted:
        busy += len(waits.reserved_slots())
    return busy >= stage.customization_quota or (not granted and bool(waits.of_kind("slot")))
