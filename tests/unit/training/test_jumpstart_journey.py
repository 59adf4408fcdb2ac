"""Continued pre-training from the first call to the last, against the embedded SageMaker and Bedrock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from local.driver import until
from tests import builders
from tests.unit.local_sagemaker import ACCOUNT, BUCKET, REGION, LocalAccount, stage_of
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.contracts import CompletedJob, DatasetFile, Run, StartedJob
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.errors import CustomizationFailed, RunStopped
from tunedrop.evaluation.inference.ask import Asker, RateLimiter
from tunedrop.planning.hyperparameters import resolve
from tunedrop.planning.plan import plan
from tunedrop.serving import inventory, models, throughput
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.engine import outcome
from tunedrop.training.job import QuotaFull

BASE = catalog.find("mistral.mistral-7b")
ENGINE = engines.named("sagemaker-jumpstart")
RUN = "persona-0123456789"
MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
NAME = f"pretrain-test-{RUN}"
WORK = ("clean", "grease", "inspect", "replace", "test")
TEXTS = [
    {"input": f"Before you {work} the part{number}, stop the cable car and lock the switch of part{number}."}
    for number in range(12)
    for work in WORK
]  # fmt: skip


@pytest.fixture
def aws(account: LocalAccount) -> Aws:
    return account.aws()


@pytest.fixture
def stage() -> Stage:
    return stage_of("sagemaker-jumpstart")


@pytest.fixture
def run() -> Run:
    values = resolve(BASE, "continued-pretraining", {"epoch": 5, "learning_rate": 1e-5})
    return builders.run(base_model=BASE.id, method="continued-pretraining", hyperparameters=values)


def start(aws: Aws, account: LocalAccount, stage: Stage, run: Run) -> StartedJob:
    def file(split: str, texts: list[dict[str, str]]) -> DatasetFile:
        uri = account.put(f"runs/{RUN}/dataset/{split}.jsonl", texts)
        return DatasetFile(uri=uri, records=len(texts), tokens=20 * len(texts))

    dataset = builders.dataset(
        method="continued-pretraining", target_format="text", test=None,
        train=file("train", TEXTS[:50]), validation=file("validation", TEXTS[50:]),
    )  # fmt: skip
    (planned,) = plan(run, dataset)
    return ENGINE.start(aws, stage, run, planned, BASE, "")


def ended(aws: Aws, started: StartedJob) -> CompletedJob:
    return until(lambda: outcome(ENGINE, aws, started.job_arn), "the job")


def left(aws: Aws, stage: Stage) -> set[str]:
    return {one.kind for one in inventory.of_run(aws, stage, RUN)}


def test_texts_are_read_on_imported_continued_and_deleted_to_nothing(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    started = start(aws, account, stage, run)
    assert start(aws, account, stage, run) == started  # a repeated call starts nothing

    job = ended(aws, started)
    assert job.training_loss is not None
    assert job.validation_loss is not None
    assert models.status(aws, job.model_arn) == "Active"
    assert left(aws, stage) == {"trained model"}
    serving = throughput.create(
        aws.bedrock, stage, RUN, f"tunedrop-test-{RUN}", job.model_arn, run.deployment, "imported",
        weights=models.weights(aws, job.model_arn),
    )  # fmt: skip
    serving = until(lambda: throughput.outcome(aws.bedrock, serving), "the import")

    beginning = "Before you clean the part3, stop the cable"
    question = HeldOut(record=1, turn=0, system="", messages=(Message("user", beginning),), reference="x")
    answer = Asker(account.runtime, serving.arn, BASE, "text", RateLimiter(0)).ask(question)
    assert (answer.error, answer.stop_reason) == ("", "")
    assert answer.text.startswith("car and lock the switch of")
    # A base model has no chat template: the chat body is refused.
    chat = Asker(account.runtime, serving.arn, BASE, "messages", RateLimiter(0)).ask(question)
    assert "has no chat template" in chat.error

    assert throughput.release(aws.bedrock, serving.arn)
    assert models.delete(aws, job.model_arn)
    assert left(aws, stage) == set()
    assert models.status(aws, job.model_arn) == ""
    assert account.keys(f"runs/{RUN}/training/") == set()
    assert not models.delete(aws, job.model_arn)


FAILURES = [
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML "
    "instance type.",
    "AlgorithmError: ExecuteUserScriptError: CUDA out of memory",
]


@pytest.mark.parametrize("reason", FAILURES, ids=["no capacity", "a failing script"])
def test_a_job_that_fails_says_what_sagemaker_says_and_leaves_nothing(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run, reason: str
) -> None:
    account.faults.set(fail_next_job=reason)
    started = start(aws, account, stage, run)

    with pytest.raises(CustomizationFailed, match=reason[:14]):
        ended(aws, started)
    assert left(aws, stage) == set()


def test_a_job_over_its_run_time_fails_and_what_it_uploaded_can_be_deleted(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.faults.set(training_minutes=600)
    started = start(aws, account, stage, run)

    with pytest.raises(CustomizationFailed, match="run-time limit of 2 hours"):
        ended(aws, started)

    assert left(aws, stage) == {"trained model"}  # stopped jobs upload what they have, and storage bills it
    assert models.delete(aws, started.job_arn)
    assert left(aws, stage) == set()


def test_a_job_without_an_instance_waits_and_can_be_stopped(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.faults.set(no_capacity=True)
    started = start(aws, account, stage, run)
    waiting = until(lambda: _waiting(aws, started), "the job to wait")

    assert waiting.has_not_started
    assert left(aws, stage) == {"training job"}
    assert ENGINE.stop(aws, started.job_arn)
    with pytest.raises(RunStopped):
        ended(aws, started)
    assert left(aws, stage) == set()


def test_instances_that_others_use_are_waited_for_and_none_at_all_are_not(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.faults.set(training_minutes=60, no_capacity=True)
    started = start(aws, account, stage, run)
    other = msgspec.structs.replace(run, attempt=2)
    with pytest.raises(QuotaFull, match="is 1 Instances, with current utilization of 1"):
        start(aws, account, stage, other)

    ENGINE.stop(aws, started.job_arn)
    account.faults.set(quotas={"training_instances": 0})
    with pytest.raises(CustomizationFailed, match=r"Nothing was billed\. Ask for 1 of 'ml\.g5\.24xlarge"):
        start(aws, account, stage, msgspec.structs.replace(run, attempt=3))


def test_a_folder_of_two_files_fails_as_the_script_does(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.put(f"runs/{RUN}/training/{NAME}/input/train/more.json", TEXTS)
    started = start(aws, account, stage, run)

    with pytest.raises(CustomizationFailed, match="exactly one CSV, JSON or TXT file"):
        ended(aws, started)


def ended_job(account: LocalAccount, name: str, bucket: str, stage_name: str) -> None:
    """A job of long ago, as SageMaker lists it for ever; what it was done for may be gone."""
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name}"
    account.state.jobs[arn] = {
        "TrainingJobName": name, "TrainingJobArn": arn, "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed", "CreationTime": MOMENT, "LastModifiedTime": MOMENT,
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://{bucket}/runs/{RUN}/training/{name}/output/model/"},
        "StoppingCondition": {}, "_tags": {"tunedrop:stage": stage_name, "tunedrop:run": RUN},
    }  # fmt: skip


def test_jobs_of_a_stage_that_is_gone_or_of_somebody_else_break_no_list(
    aws: Aws, account: LocalAccount, stage: Stage
) -> None:
    """Their buckets may not exist or not be ours: neither is ever asked."""
    ended_job(account, "pretrain-test-old-0123456789", "a-bucket-that-is-gone", "test")
    ended_job(account, "pretrain-test-other-0123456789", BUCKET, "another")
    account.put(f"runs/{RUN}/training/pretrain-test-other-0123456789/output/model/config.json", [])
    old = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/pretrain-test-old-0123456789"

    assert left(aws, stage) == set()
    assert models.status(aws, old) == ""
    assert not models.delete(aws, old)


def test_ended_jobs_are_looked_at_only_for_the_models_that_they_left(
    aws: Aws, account: LocalAccount, stage: Stage
) -> None:
    for number in range(3):
        ended_job(account, f"pretrain-test-old{number}-0123456789", BUCKET, "test")
    asked: list[str] = []
    for event in ("DescribeTrainingJob", "ListTags"):
        aws.sagemaker.meta.events.register(
            f"before-call.sagemaker.{event}", lambda model, **_: asked.append(model.name)
        )

    assert list(inventory.of_run(aws, stage, RUN, inventory.jobs())) == []
    assert asked == []


def _waiting(aws: Aws, started: StartedJob) -> Any:
    job = ENGINE.describe(aws, started.job_arn)
    return job if job is not None and job.has_not_started else None
