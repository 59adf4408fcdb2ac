"""When a run is over: what to end, what to keep, and until when."""

from __future__ import annotations

from typing import Any

from tunedrop.contracts import Evaluation, Failure, Promotion, Released, Run, Serving, StartedJob
from tunedrop.errors import ThroughputFailed
from tunedrop.evaluation import judge_jobs
from tunedrop.serving import models, throughput
from tunedrop.training import jobs


def keeps(run: Run, serving: Serving, evaluation: Evaluation | None, failure: Failure | None) -> bool:
    """Whether the model stays in service: it was promoted, and is asked for or costs nothing while idle."""
    if failure is not None or evaluation is None or evaluation.verdict != "promote":
        return False
    asked = run.deployment.keep_for_seconds
    return serving.way == "on-demand" if asked is None else asked > 0


def finish(
    bedrock: Any,
    run: Run,
    started: StartedJob | None,
    serving: Serving | None,
    evaluation: Evaluation | None,
    failure: Failure | None,
    evaluated_on: Serving | None = None,
    promotion: Promotion | None = None,
) -> Released:
    """End whatever a finished run holds that it may not keep: its jobs, what serves its model, models that
    were only a step to it or a candidate beside it. A run that failed keeps its models, for a retry.

    Parameters
    ----------
    evaluated_on
        What served the model for its evaluation, where something else serves it in production.
    promotion
        Where the model took the place of another behind an ARN, that ARN goes on and its own is ended.

    Raises
    ------
    TransientError
        When something is still in motion and has to be ended a little later.
    """
    released, kept, failed = [], [], []
    if failure is not None:
        known = [started.job_arn] if started is not None and started.job_arn else []
        training = dict.fromkeys([*known, *jobs.under_way(bedrock, run.run_id)])
        released += [job_arn for job_arn in training if jobs.stop(bedrock, job_arn)]
        released += judge_jobs.stop_all(bedrock, run)
    swapped = promotion is not None and promotion.swapped
    if promotion is not None and swapped:
        kept.append(promotion.model_id)
    for one in (evaluated_on, serving):
        if one is None:
            continue
        if one is serving and not swapped and keeps(run, one, evaluation, failure):
            kept.append(one.arn)
            continue
        try:
            throughput.release(bedrock, one.arn)
            released.append(one.arn)
        except ThroughputFailed as error:
            failed.append(f"{one.arn}: {error}")
    for model_arn in _superseded(run, started) if failure is None else ():
        try:
            models.delete(bedrock, model_arn)
            released.append(model_arn)
        except ThroughputFailed as error:
            failed.append(f"{model_arn}: {error}")
    return Released(released=tuple(released), kept=tuple(kept), failed=tuple(failed))


def _superseded(run: Run, started: StartedJob | None) -> list[str]:
    """The models of a finished run that it does not go on with; each bills its storage until its end."""
    if started is None or run.keep_models:
        return []
    return [one.job.model_arn for one in started.series if one.job is not None and not one.chosen]
