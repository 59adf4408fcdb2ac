"""Fine-tuning jobs: the requests, and the meaning of errors."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws, clock
from tunedrop.aws import Aws
from tunedrop.aws.mantle import JOBS, TUNED_MODELS, address, id_in
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Run, StartedJob
from tunedrop.errors import CustomizationFailed, TransientError
from tunedrop.planning.plan import PlannedJob
from tunedrop.stage import Stage
from tunedrop.training.engines.mantle import files
from tunedrop.training.engines.mantle.files import pages
from tunedrop.training.job import Job, QuotaFull, Status, started

STATUSES: dict[str, Status] = {
    "validating_files": "InProgress",
    "queued": "InProgress",
    "running": "InProgress",
    "succeeded": "Completed",
    "failed": "Failed",
    "cancelled": "Stopped",
}
"""By OpenAI's names (its API reference; AWS's pages show `succeeded` and `cancelled`)."""

_WAITING = ("validating_files", "queued")

UNFREEABLE = (
    "bedrock-mantle starts no fine-tuning job although none runs in this account and Region, so that waiting "
    "would not help: a quota is full, of which AWS publishes none. Ask AWS Support for more"
)


def start(
    aws_: Aws, stage: Stage, run: Run, planned: PlannedJob, base_model: BaseModel, name: str
) -> StartedJob:
    """Start a job, or find the one that an earlier try has started, by the name of its file.

    Raises
    ------
    CustomizationFailed, TransientError, QuotaFull
        As `TrainingEngine.start`.
    """
    mantle = aws_.mantle
    if (earlier := describe(mantle, name)) is not None:
        return started(earlier)
    try:
        found = files.find(mantle, name)
        file_id = found[0].id if found else _upload(aws_, stage, run, planned, name)
        answer = mantle.create_fine_tuning_job(**_request(run, planned, base_model, file_id))
    except ClientError as error:
        return _after_refusal(mantle, name, error)
    return StartedJob(
        outcome="started", job_arn=address(mantle.meta.region_name, JOBS, answer["id"]), job_name=name
    )


def describe(mantle: Any, name_or_address: str) -> Job | None:
    """A job by address or name; None if there is none. A name finds it while its training file exists: of
    several jobs the first that was created and not cancelled, so that repeated calls find the same one.

    Raises
    ------
    ClientError
        If the service refuses the call.
    """
    if JOBS in name_or_address:
        try:
            answer = mantle.get_fine_tuning_job(id=id_in(name_or_address, JOBS))
        except ClientError as error:
            if aws.is_missing(error):
                return None
            raise
        file = files.get(mantle, str(answer.get("training_file") or ""))
        return _job(mantle, answer, file.job_name if file is not None else answer["id"])
    found = _made_of(mantle, {one.id for one in files.find(mantle, name_or_address)})
    first = min(
        found,
        key=lambda one: (one.get("status") == "cancelled", int(one.get("created_at") or 0)),
        default=None,
    )
    return _job(mantle, first, name_or_address) if first is not None else None


def of_files(mantle: Any, ids: Mapping[str, files.TrainingFile]) -> Iterator[tuple[files.TrainingFile, Job]]:
    """The jobs of these files, by file id; each with its file."""
    for answer in _made_of(mantle, ids):
        file = ids[answer["training_file"]]
        yield file, _job(mantle, answer, file.job_name)


def stop(mantle: Any, job_address: str) -> bool:
    """Cancel a job, which cannot be resumed, and all others of its file. False if all had ended before.

    A start without a response in time may have created two jobs. The file is deleted once all have ended.

    Raises
    ------
    ClientError
        If the service refuses for another reason.
    """
    id_ = id_in(job_address, JOBS)
    stopped = _cancel(mantle, id_)
    file_id, twins = _twins(mantle, id_)
    for one in twins:
        stopped |= _cancel(mantle, one)
    let_go(mantle, file_id)
    return stopped


def end_twins(mantle: Any, job_address: str) -> None:
    """Cancel all other jobs of a job's file: both would be billed, but the run waits for only one.

    Raises
    ------
    ClientError
        If the service refuses for another reason than that they have ended.
    """
    for one in _twins(mantle, id_in(job_address, JOBS))[1]:
        _cancel(mantle, one)


def _twins(mantle: Any, id_: str) -> tuple[str, list[str]]:
    """The training file of a job, and the other running jobs of it; empty if the job does not exist."""
    try:
        file_id = str(mantle.get_fine_tuning_job(id=id_).get("training_file") or "")
    except ClientError as error:
        if aws.is_missing(error):
            return "", []
        raise
    others = (one for one in _made_of(mantle, {file_id}) if one["id"] != id_)
    return file_id, [str(one["id"]) for one in others if _is_at_work(one)]


def let_go(mantle: Any, file_id: str) -> bool:
    """Delete an unused training file. False for an empty id, if it did not exist, or if a running job or a
    model uses it, because only its file shows that a job is the stage's.

    Raises
    ------
    ClientError
        If the service refuses for another reason.
    """
    if any(_is_at_work(one) or one.get("fine_tuned_model") for one in _made_of(mantle, {file_id})):
        return False
    return files.delete(mantle, file_id)


def _made_of(mantle: Any, ids: Collection[str]) -> list[dict[str, Any]]:
    """The service's descriptions of the jobs of these files; an empty id has none."""
    found = pages(mantle.list_fine_tuning_jobs) if any(ids) else ()
    return [one for one in found if one.get("training_file") and one["training_file"] in ids]


def _cancel(mantle: Any, id_: str) -> bool:
    try:
        mantle.cancel_fine_tuning_job(id=id_)
    except ClientError as error:
        if aws.is_refused(error) and not aws.is_transient(error) and not aws.is_forbidden(error):
            return False
        raise
    return True


def _is_at_work(answer: Mapping[str, Any]) -> bool:
    return STATUSES.get(str(answer.get("status")), "InProgress") == "InProgress"


def count_in_progress(mantle: Any) -> int:
    """The number of jobs of this project that hold a slot, regardless of who started them.

    Raises
    ------
    ClientError
        If the jobs cannot be listed.
    """
    return sum(_is_at_work(one) for one in pages(mantle.list_fine_tuning_jobs))


def _upload(aws_: Aws, stage: Stage, run: Run, planned: PlannedJob, name: str) -> str:
    return files.upload(aws_.mantle, aws_.s3, planned.dataset.train.uri, files.filename(stage, run, name))


def _request(run: Run, planned: PlannedJob, base_model: BaseModel, file_id: str) -> dict[str, Any]:
    """`suffix` is not supported, and no other field is documented (fine-tuning-openai-job-create)."""
    grader = {"type": "lambda", "lambda": {"function": run.grader}}
    values = {name: _number(value) for name, value in planned.hyperparameters.items() if value != "auto"}
    reinforcement = {"grader": grader, "hyperparameters": values}
    return {
        "model": base_model.service_id,
        "training_file": file_id,
        "method": {"type": "reinforcement", "reinforcement": reinforcement},
    }


def _number(value: str) -> int | float:
    return int(value) if value.isdecimal() else float(value)


def _job(mantle: Any, answer: Mapping[str, Any], name: str) -> Job:
    region, said = mantle.meta.region_name, str(answer.get("status", ""))
    error = answer.get("error") or {}
    model = str(answer.get("fine_tuned_model") or "")
    return Job(
        arn=address(region, JOBS, str(answer["id"])),
        name=name,
        status=STATUSES.get(said, "InProgress"),
        failure=": ".join(str(error[key]) for key in ("code", "message") if error.get(key)),
        phases={"training": "NotStarted" if said in _WAITING else "InProgress"},
        model_arn=address(region, TUNED_MODELS, model) if model else "",
        started_at=moment(answer.get("created_at")),
        ended_at=moment(answer.get("finished_at")),
        trained_tokens=int(answer.get("trained_tokens") or 0),
    )


def moment(seconds: int | None) -> str:
    """A time of the API, in seconds since 1970, in the format of `tunedrop.clock`; empty for none."""
    return clock.write(datetime.fromtimestamp(seconds, UTC)) if seconds else ""


def _after_refusal(mantle: Any, name: str, error: ClientError) -> StartedJob:
    """The meaning of an error. The file stays: a later try uses it, and the end of the run deletes it."""
    code, message = aws.code_of(error), aws.message_of(error)
    if code == "ServiceQuotaExceededException":
        raise QuotaFull(message) from error
    if aws.is_transient(error):
        raise TransientError(aws.explain(error)) from error
    if (earlier := describe(mantle, name)) is not None:
        return started(earlier)
    raise CustomizationFailed(f"bedrock-mantle refused the fine-tuning job: {message} ({code})") from error
