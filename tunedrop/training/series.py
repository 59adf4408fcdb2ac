"""Runs with several jobs: each call takes the next step, until there is a model to serve.

The status of each job is read from the service, by its name in the plan: a crash loses nothing, and a retry
trains nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from tunedrop.aws import Aws
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import CompletedJob, Dataset, Run, StartedJob, TrainingJob
from tunedrop.errors import CustomizationFailed, RunStopped
from tunedrop.planning.plan import PlannedJob, plan
from tunedrop.stage import Stage
from tunedrop.training import engines

Start = Callable[[PlannedJob, str], StartedJob]
"""Starts a planned job from an earlier result, by its ARN, or (empty) from the base model; or queues it."""


def advance(
    aws: Aws, stage: Stage, run: Run, dataset: Dataset, base_model: BaseModel, start: Start
) -> StartedJob:
    """The next step of a run with several jobs: start what can start; return what to wait for, or the model.

    Raises
    ------
    CustomizationFailed
        If a training phase failed, or every candidate.
    """
    planned = plan(run, dataset)
    seen = [_job(aws, stage, run, one, base_model) for one in planned]
    if run.candidates:
        return _search(planned, seen, run.parent_model, start)
    return _stages(planned, seen, run.parent_model, start)


def _job(aws: Aws, stage: Stage, run: Run, planned: PlannedJob, base_model: BaseModel) -> TrainingJob:
    """The status of a job. The model of an earlier attempt counts, its failures do not."""
    engine = engines.of(base_model, planned.method)
    one = TrainingJob(title=planned.title, method=planned.method, hyperparameters=planned.hyperparameters)
    for attempt in range(run.attempt, 0, -1):
        name = engine.name_of(stage, run, planned.number, attempt)
        if (found := engine.describe(aws, name)) is None:
            continue
        try:
            done = engine.result(aws, found)
        except (CustomizationFailed, RunStopped) as error:
            if attempt == run.attempt:
                return msgspec.structs.replace(one, status="failed", job_arn=found.arn, failure=str(error))
            continue
        status: Literal["training", "trained"] = "training" if done is None else "trained"
        return msgspec.structs.replace(one, status=status, job_arn=found.arn, job=done)
    return one


def _stages(planned: Sequence[PlannedJob], seen: list[TrainingJob], parent: str, start: Start) -> StartedJob:
    model: CompletedJob | None = None
    for index, (job, one) in enumerate(zip(planned, seen, strict=True)):
        match one.status:
            case "trained":
                model = one.job
            case "failed":
                raise CustomizationFailed(f"{one.title}: {one.failure}")
            case "training":
                return _waiting_for(one, seen)
            case "waiting":
                started = start(job, model.model_arn if model is not None else parent)
                return _started(started, index, seen)
    assert model is not None
    return _finished(seen, seen[-1])


def _search(planned: Sequence[PlannedJob], seen: list[TrainingJob], parent: str, start: Start) -> StartedJob:
    """As many candidates train at once as there are slots; a failed one does not fail the others."""
    for index, (job, one) in enumerate(zip(planned, seen, strict=True)):
        if one.status != "waiting":
            continue
        try:
            started = start(job, parent)
        except CustomizationFailed as error:
            seen[index] = msgspec.structs.replace(one, status="failed", failure=str(error))
            continue
        if started.outcome == "queued":
            if not any(one.status == "training" for one in seen):
                return msgspec.structs.replace(started, series=tuple(seen))
            break
        seen[index] = _now_training(one, started)
    under_way = next((one for one in seen if one.status == "training"), None)
    return _waiting_for(under_way, seen) if under_way is not None else _finished(seen, best(seen))


def best(series: Sequence[TrainingJob]) -> TrainingJob:
    """The candidate to evaluate: the lowest validation loss, and the earlier one of a tie.

    The held-out test set is not used for the choice, only for the chosen candidate, so that the number of
    candidates does not bias the verdict.

    Raises
    ------
    CustomizationFailed
        If no candidate has a model.
    """
    trained = [one for one in series if one.job is not None]
    if not trained:
        reasons = "; ".join(f"{one.title}: {one.failure}" for one in series)
        raise CustomizationFailed(f"no candidate of the search was trained: {reasons}")
    return min(trained, key=_validation_loss)


def _validation_loss(one: TrainingJob) -> float:
    loss = one.job.validation_loss if one.job is not None else None
    return float("inf") if loss is None else loss


def _started(started: StartedJob, index: int, seen: list[TrainingJob]) -> StartedJob:
    if started.outcome == "started":
        seen[index] = _now_training(seen[index], started)
    return msgspec.structs.replace(started, more=True, series=tuple(seen))


def _now_training(one: TrainingJob, started: StartedJob) -> TrainingJob:
    return msgspec.structs.replace(one, status="training", job_arn=started.job_arn)


def _waiting_for(one: TrainingJob, seen: Sequence[TrainingJob]) -> StartedJob:
    return StartedJob(outcome="started", job_arn=one.job_arn, more=True, series=tuple(seen))


def _finished(seen: Sequence[TrainingJob], chosen: TrainingJob) -> StartedJob:
    assert chosen.job is not None
    series = tuple(msgspec.structs.replace(one, chosen=True) if one is chosen else one for one in seen)
    return StartedJob(
        outcome="finished",
        job_arn=chosen.job_arn,
        job_name=chosen.job.job_name,
        job=chosen.job,
        series=series,
    )
