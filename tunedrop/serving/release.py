"""When a run is over: what to end, what to keep, and until when."""

from __future__ import annotations

from typing import Any

from tunedrop.contracts import Evaluation, Failure, Released, Run, Serving, StartedJob
from tunedrop.errors import ThroughputFailed
from tunedrop.serving import throughput
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
) -> Released:
    """End whatever a finished run holds that it may not keep: its job, what serves its model.

    Parameters
    ----------
    evaluated_on
        What served the model for its evaluation, where something else serves it in production.

    Raises
    ------
    TransientError
        When something is still in motion and has to be ended a little later.
    """
    released, kept, failed = [], [], []
    job_arn = started.job_arn if started is not None and failure is not None else ""
    if job_arn and jobs.stop(bedrock, job_arn):
        released.append(job_arn)
    for one in (evaluated_on, serving):
        if one is None:
            continue
        if one is serving and keeps(run, one, evaluation, failure):
            kept.append(one.arn)
            continue
        try:
            throughput.release(bedrock, one.arn)
            released.append(one.arn)
        except ThroughputFailed as error:
            failed.append(f"{one.arn}: {error}")
    return Released(released=tuple(released), kept=tuple(kept), failed=tuple(failed))
