"""What to release and what to keep when a run has ended, and until when."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop.aws import Aws
from tunedrop.contracts import Evaluation, Failure, Promotion, Released, Run, Serving, StartedJob
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.evaluation.judging import judge_jobs
from tunedrop.serving import inventory, kinds
from tunedrop.serving.removal import NamedInProduction, Removal
from tunedrop.stage import Stage
from tunedrop.training import engines


def keeps(run: Run, serving: Serving, evaluation: Evaluation | None, failure: Failure | None) -> bool:
    """Whether the model stays in service: it was promoted, and serving is requested or free while idle."""
    if failure is not None or evaluation is None or evaluation.verdict != "promote":
        return False
    asked = run.deployment.keep_for_seconds
    return kinds.of(serving.way).is_free_while_idle if asked is None else asked > 0


def finish(
    aws: Aws,
    stage: Stage,
    run: Run,
    started: StartedJob | None,
    serving: Serving | None,
    evaluation: Evaluation | None,
    failure: Failure | None,
    evaluated_on: Serving | None = None,
    promotion: Promotion | None = None,
) -> Released:
    """Release what a finished run may not keep: its jobs, serving resources, and models of intermediate
    phases or other candidates. A failed run keeps its models, for a retry.

    Nothing that an alias points to is ever deleted.

    Parameters
    ----------
    evaluated_on
        What served the model during its evaluation, if something else serves it in production.
    promotion
        If the model replaced another behind an ARN, that ARN is kept and the run's own is deleted.

    Raises
    ------
    TransientError
        If a resource is still changing and must be deleted later.
    ClientError, BotoCoreError
        If a job may still be running because a service did not respond; everything else was released.
    """
    released: list[str] = []
    trouble: Exception | None = None
    if failure is not None:
        try:
            released += stop_jobs(aws, stage, run, started)
        except (ClientError, BotoCoreError) as error:
            trouble = error
    swapped_in = promotion.model_id if promotion is not None and promotion.swapped else None
    stays = serving is not None and swapped_in is None and keeps(run, serving, evaluation, failure)
    kept = [swapped_in] if swapped_in is not None else []
    kept += [serving.arn] if serving is not None and stays else []
    ended = [one.arn for one in (evaluated_on, None if stays else serving) if one is not None]
    superseded = _superseded(run, started) if failure is None else []
    removed = _remove(Removal(aws, stage), run, ended, superseded)
    if trouble is not None:
        raise trouble
    return msgspec.structs.replace(
        removed, released=(*released, *removed.released), kept=(*kept, *removed.kept)
    )


def _remove(removal: Removal, run: Run, ended: list[str], superseded: list[str]) -> Released:
    """Remove what served the model, and superseded models; no one waits for the latter."""
    released, kept, failed = [], [], []
    for arn in (*ended, *superseded):
        try:
            removal.remove(arn, run.run_id)
            released.append(arn)
        except NamedInProduction:
            kept.append(arn)
        except ThroughputFailed as error:
            failed.append(f"{arn}: {error}")
        except TransientError as error:
            if arn in ended:
                raise
            failed.append(f"{arn}: {error}")
    return Released(released=tuple(released), kept=tuple(kept), failed=tuple(failed))


def stop_jobs(aws: Aws, stage: Stage, run: Run, started: StartedJob | None = None) -> list[str]:
    """Stop the jobs of a run, including unrecorded ones, and delete copies of its data that no job needs any
    more. Returns the stopped jobs.

    Raises
    ------
    ClientError, BotoCoreError
        If a service did not respond, or a job could not be stopped: the first such error, after all other
        jobs have been stopped.
    """
    stopped: list[str] = []
    troubles: list[Exception] = []

    def end(arn: str, act: Callable[[], bool]) -> None:
        try:
            if act():
                stopped.append(arn)
        except (ClientError, BotoCoreError) as error:
            troubles.append(error)

    if started is not None and started.job_arn:
        arn = started.job_arn
        end(arn, partial(engines.of_job(arn).stop, aws, arn))
    # Other engines have no resources of this run, so their errors do not matter.
    of = engines.names_of([run.base_model]) or None
    try:
        found = list(
            inventory.of_run(
                aws, stage, run.run_id, inventory.jobs(), lambda _, error: troubles.append(error), of=of
            )
        )
    except (ClientError, BotoCoreError) as error:
        troubles.append(error)
        found = []
    for one in found:
        if one.status in ("InProgress", "Unused") and one.arn not in stopped:
            end(one.arn, partial(stop_job, aws, one))
    if troubles:
        raise troubles[0]
    return stopped


def stop_job(aws: Aws, one: inventory.Resource) -> bool:
    """Stop a training or evaluation job, or delete a training file. False if it had ended before."""
    if one.kind == "evaluation job":
        return judge_jobs.stop(aws.bedrock, one.arn)
    if one.kind == "import job":
        return False  # Bedrock has no operation for this
    engine = engines.of_job(one.arn)
    return engine.discard(aws, one.arn) if one.kind == "training file" else engine.stop(aws, one.arn)


def _superseded(run: Run, started: StartedJob | None) -> list[str]:
    """The superseded models of a finished run, each of which is billed for storage until it is deleted."""
    if started is None or run.keep_models:
        return []
    return [one.job.model_arn for one in started.series if one.job is not None and not one.chosen]
