"""Open weights from the first call to the last, against the embedded SageMaker and Bedrock.

The embedded services are validated against botocore's models and share no code with the engine; roles and
policies are left to tests/end_to_end/test_open_weights.py.
"""

from __future__ import annotations

import msgspec
import pytest

from local.driver import until
from tests import builders
from tests.unit.local.test_sagemaker import CHATS
from tests.unit.local_sagemaker import LocalAccount, stage_of
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.contracts import CompletedJob, DatasetFile, Run, Serving, StartedJob
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.errors import CustomizationFailed, ThroughputFailed
from tunedrop.evaluation.inference.ask import Asker, RateLimiter
from tunedrop.planning.hyperparameters import resolve
from tunedrop.planning.plan import plan
from tunedrop.serving import inventory, models, throughput
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.engine import outcome

BASE = catalog.find("qwen.qwen3-32b")
ENGINE = engines.named("sagemaker-serverless")
RUN = "persona-0123456789"
NAME = f"tunedrop-test-{RUN}"
QUESTION = "how do I use part3 tomorrow"


@pytest.fixture
def aws(account: LocalAccount) -> Aws:
    return account.aws()


@pytest.fixture
def stage() -> Stage:
    return stage_of("sagemaker-serverless")


@pytest.fixture
def run() -> Run:
    return builders.run(base_model=BASE.id, hyperparameters=resolve(BASE, "single-turn", {}))


def start(aws: Aws, account: LocalAccount, stage: Stage, run: Run, parent: str = "") -> StartedJob:
    train = DatasetFile(
        uri=account.put(f"runs/{RUN}/dataset/train.jsonl", CHATS), records=len(CHATS), tokens=1_000
    )
    dataset = builders.dataset(train=train, validation=None, target_format="messages")
    (planned,) = plan(run, dataset)
    return ENGINE.start(aws, stage, run, planned, BASE, parent)


def ended(aws: Aws, started: StartedJob) -> CompletedJob:
    return until(lambda: outcome(ENGINE, aws, started.job_arn), "the job")


def serve(aws: Aws, stage: Stage, job: CompletedJob) -> Serving:
    weights = models.weights(aws, job.model_arn)
    serving = throughput.create(
        aws.bedrock, stage, RUN, NAME, job.model_arn, builders.run().deployment, "imported", weights=weights
    )
    return until(lambda: throughput.outcome(aws.bedrock, serving), "the import")


def kinds(aws: Aws, stage: Stage) -> set[str]:
    return {one.kind for one in inventory.of_run(aws, stage, RUN)}


def test_open_weights_are_trained_imported_asked_and_deleted_to_nothing(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    started = start(aws, account, stage, run)
    assert start(aws, account, stage, run) == started  # a repeated call starts nothing

    job = ended(aws, started)
    serving = serve(aws, stage, job)

    assert ENGINE.base_of(stage, job.model_arn) is BASE
    assert models.status(aws, job.model_arn) == "Active"
    assert (serving.status, serving.way) == ("InService", "imported")
    assert serving.units > 0
    assert kinds(aws, stage) == {"imported model", "trained model"}
    question = HeldOut(record=1, turn=0, system="", messages=(Message("user", QUESTION),), reference="x")
    answer = Asker(account.runtime, serving.arn, BASE, "messages", RateLimiter(0)).ask(question)
    assert (answer.error, answer.stop_reason) == ("", "end_turn")
    assert "part3" in answer.text
    assert "think" not in answer.text

    assert throughput.release(aws.bedrock, serving.arn)
    assert models.delete(aws, job.model_arn)

    assert kinds(aws, stage) == set()
    assert models.status(aws, job.model_arn) == ""
    assert not throughput.exists(aws.bedrock, serving.arn)
    left = account.keys(f"runs/{RUN}/training/")
    assert not any("checkpoints" in key for key in left)
    assert not models.delete(aws, job.model_arn)
    assert not throughput.release(aws.bedrock, serving.arn)


def test_a_job_goes_on_with_the_package_of_another(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    first = ended(aws, start(aws, account, stage, run))

    second = ended(
        aws, start(aws, account, stage, msgspec.structs.replace(run, attempt=2), parent=first.model_arn)
    )

    assert second.model_arn != first.model_arn
    assert ENGINE.base_of(stage, second.model_arn) is BASE


def test_a_job_that_fails_says_what_sagemaker_says(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.faults.set(fail_next_job="the data could not be read")

    with pytest.raises(CustomizationFailed, match="the data could not be read"):
        ended(aws, start(aws, account, stage, run))


def test_weights_that_bedrock_does_not_import_fail_the_import(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.faults.set(architecture="Qwen3_5ForCausalLM")
    job = ended(aws, start(aws, account, stage, run))

    with pytest.raises(ThroughputFailed, match="could not bring"):
        serve(aws, stage, job)


def has_not_started(aws: Aws, started: StartedJob) -> bool:
    found = ENGINE.describe(aws, started.job_arn)
    return found is not None and found.has_not_started


def test_a_job_that_is_stopped_bills_no_more(aws: Aws, account: LocalAccount, stage: Stage, run: Run) -> None:
    account.faults.set(no_capacity=True)
    started = start(aws, account, stage, run)
    until(lambda: has_not_started(aws, started), "the wait for capacity")

    assert ENGINE.in_progress(aws) == 1
    assert kinds(aws, stage) == {"training job"}
    assert ENGINE.stop(aws, started.job_arn)
    account.faults.set()
    until(lambda: None if ENGINE.in_progress(aws) else True, "the end")
    assert kinds(aws, stage) <= {"trained model"}
