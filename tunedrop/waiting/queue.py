"""First come, first served: who may start a customization job now."""

from __future__ import annotations

from typing import Any

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Dataset, Run, StartedJob
from tunedrop.errors import CustomizationFailed
from tunedrop.planning.plan import PlannedJob, has_several_jobs, plan
from tunedrop.stage import Stage
from tunedrop.training import jobs, series
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
    """Start what the run trains next if it is its turn and a slot is free, else say that it has to queue.

    `granted` is true when the run comes from the queue: it does not stand behind those who wait after it.
    """
    base = run.parent_model or base_model.id

    def start(planned: PlannedJob, base: str) -> StartedJob:
        nonlocal granted
        if _has_to_wait(bedrock, waits, stage, granted):
            name = jobs.name_of(stage, run, planned.number)
            return jobs.find(bedrock, name) or StartedJob(outcome="queued", job_name=name)
        try:
            started = jobs.start(bedrock, stage, run, planned, base)
        except jobs.QuotaFull as full:
            started = _queued_behind(bedrock, waits, jobs.name_of(stage, run, planned.number), full)
        if granted:  # a slot that was granted is for one job
            waits.give_up_slot(run.run_id)
            granted = False
        return started

    if has_several_jobs(run):
        started = series.advance(bedrock, stage, run, dataset, base, start)
    else:
        (only,) = plan(run, dataset)
        started = start(only, base)
    if granted:
        waits.give_up_slot(run.run_id)
    return started


def _has_to_wait(bedrock: Any, waits: Waits, stage: Stage, granted: bool) -> bool:
    busy = jobs.count_in_progress(bedrock)
    if not granted:
        busy += len(waits.reserved_slots())
    most = waits.most_jobs(stage.customization_quota)
    return busy >= most or (not granted and bool(waits.of_kind("slot")))


def _queued_behind(bedrock: Any, waits: Waits, name: str, full: jobs.QuotaFull) -> StartedJob:
    """Wait until fewer jobs run than at the refusal: before that Bedrock would only refuse again, and every
    turn of the queue adds to an execution's history, which ends it at 25,000 events.

    Raises
    ------
    CustomizationFailed
        When no job runs here: then what is full will not free up by waiting.
    """
    busy = jobs.count_in_progress(bedrock)
    if busy == 0:
        raise CustomizationFailed(f"{UNFREEABLE}. Bedrock says: {full}") from full
    waits.note_refusal(busy)
    return StartedJob(outcome="queued", job_name=name)


UNFREEABLE = (
    "Bedrock starts no job although none runs in this account and Region, so that waiting would not help: a "
    "quota is full. See which with `tunedrop doctor`. Either custom models per account (L-CB5B847D, 100 by "
    "default): delete some (tunedrop teardown RUN), or ask for more with `aws service-quotas "
    "request-service-quota-increase --service-code bedrock --quota-code L-CB5B847D --desired-value 200`; or "
    "scheduled customization jobs (L-0406044C), which cannot be raised"
)
