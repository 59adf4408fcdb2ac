"""The queue for training jobs, first come, first served. Each engine has its own slots."""

from __future__ import annotations

from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Dataset, Run, StartedJob
from tunedrop.errors import CustomizationFailed
from tunedrop.planning.plan import PlannedJob, has_several_jobs, plan
from tunedrop.stage import Stage
from tunedrop.training import engines, series
from tunedrop.training.engine import TrainingEngine
from tunedrop.training.job import QuotaFull
from tunedrop.training.job import started as found
from tunedrop.waiting import _poll
from tunedrop.waiting.table import Waits


def start_or_queue(
    aws: Aws,
    waits: Waits,
    stage: Stage,
    run: Run,
    dataset: Dataset,
    base_model: BaseModel,
    *,
    granted: bool,
) -> StartedJob:
    """Start the run's next job if it is its turn and a slot is free, else queue it.

    `granted` is true if the run comes from the queue, and so has precedence over those that wait.
    """

    def start(planned: PlannedJob, parent: str) -> StartedJob:
        nonlocal granted
        engine = engines.of(base_model, planned.method)
        name = engine.name_of(stage, run, planned.number)
        if _has_to_wait(aws, waits, stage, engine, granted):
            job = engine.describe(aws, name)
            return found(job) if job is not None else StartedJob(outcome="queued", job_name=name)
        try:
            started = engine.start(aws, stage, run, planned, base_model, parent)
        except QuotaFull as full:
            started = _queued_behind(aws, waits, engine, name, full)
        if granted:  # a granted slot is for one job
            waits.give_up_slot(run.run_id)
            granted = False
        return started

    if has_several_jobs(run):
        started = series.advance(aws, stage, run, dataset, base_model, start)
    else:
        (only,) = plan(run, dataset)
        started = start(only, run.parent_model)
    if granted:
        waits.give_up_slot(run.run_id)
    return started


def _has_to_wait(aws: Aws, waits: Waits, stage: Stage, engine: TrainingEngine, granted: bool) -> bool:
    free = _poll.free_slots(aws, engine, stage.customization_quota, waits.refused_at(engine.name))
    if granted:
        return not free
    return free <= len(waits.reserved_slots()) or bool(waits.of_kind("slot"))


def _queued_behind(aws: Aws, waits: Waits, engine: TrainingEngine, name: str, full: QuotaFull) -> StartedJob:
    """Wait until fewer jobs run than at the refusal: until then the service would refuse again, and each
    round adds to the execution's history, which is limited to 25,000 events.

    Raises
    ------
    CustomizationFailed
        If no job runs here, so that waiting would not help.
    """
    busy = engine.in_progress(aws)
    if busy == 0:
        raise CustomizationFailed(f"{engine.unfreeable}. AWS says: {full}") from full
    waits.note_refusal(busy, engine.name)
    return StartedJob(outcome="queued", job_name=name)
