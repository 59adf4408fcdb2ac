"""Reinforcement of open weights: the evaluator, the data, the job that learns by it, and what it leaves."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import msgspec
import pytest

from local.driver import until
from tests import builders
from tests.unit.fake_bedrock import refusal
from tests.unit.local_sagemaker import BUCKET, LocalAccount, stage_of
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.contracts import Check, CompletedJob, Dataset, DatasetFile, Run, StartedJob
from tunedrop.errors import CustomizationFailed, PermissionMissing, TransientError
from tunedrop.evaluation.reinforcement import rewards, rollouts
from tunedrop.evaluation.reinforcement.grading import grade
from tunedrop.planning.hyperparameters import resolve
from tunedrop.planning.plan import plan
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.training.engine import outcome
from tunedrop.training.engines.sagemaker_serverless import evaluators, packages
from tunedrop.training.engines.sagemaker_serverless.data import place

BASE = catalog.find("qwen.qwen3-8b")
ENGINE = engines.named("sagemaker-serverless")
RUN = "graded-0123456789"
EXAMPLE = Path(__file__).parents[3] / "examples" / "graded-answers" / "train.jsonl"
RECORDS = [json.loads(line) for line in EXAMPLE.read_text().splitlines()]
VALUES = {"max_epochs": 1, "rollout_n": 2}


@pytest.fixture
def stage() -> Stage:
    return stage_of("sagemaker-serverless")


@pytest.fixture
def aws(account: LocalAccount, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """With the functions of a stage: its grader, and what hands rollouts to a grader."""
    monkeypatch.setattr(rewards, "PAUSE_SECONDS", 0.0)
    account.function("tunedrop-test-grade-answers", lambda items: msgspec.to_builtins(grade(items)))
    account.function("tunedrop-test-grade-rollouts", lambda event: rollouts.graded(account, stage, event, 60))
    return account.aws()


@pytest.fixture
def run(stage: Stage) -> Run:
    return builders.run(
        run_id=RUN,
        base_model=BASE.id,
        method="reinforcement",
        grader=stage.grader_arn,
        hyperparameters=resolve(BASE, "reinforcement", VALUES),
    )


def dataset(account: LocalAccount) -> Dataset:
    parts = {"train": RECORDS[:64], "validation": RECORDS[64:80]}
    files = {
        name: DatasetFile(
            uri=account.put(f"runs/{RUN}/dataset/{name}.jsonl", rows), records=len(rows), tokens=9_000
        )
        for name, rows in parts.items()
    }
    return builders.dataset(method="reinforcement", target_format="openai-chat", **files)


def start(aws: Aws, account: LocalAccount, stage: Stage, run: Run, parent: str = "") -> StartedJob:
    """As the step does, which is called again while the evaluator is being registered."""
    (planned,) = plan(run, dataset(account))
    for _ in range(3):
        try:
            return ENGINE.start(aws, stage, run, planned, BASE, parent)
        except TransientError:
            continue
    raise AssertionError("the evaluator was never there")


def ended(aws: Aws, started: StartedJob) -> CompletedJob:
    return until(lambda: outcome(ENGINE, aws, started.job_arn), "the job")


def checks(aws: Aws, account: LocalAccount, stage: Stage, run: Run) -> dict[str, Check]:
    found = ENGINE.checks(aws, stage, run, dataset(account), BASE)
    return {one.name: one for one in found}


def test_a_model_learns_from_the_grades_of_the_run_s_own_grader(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    (planned,) = plan(run, dataset(account))
    with pytest.raises(TransientError, match="is being registered"):
        ENGINE.start(aws, stage, run, planned, BASE, "")

    started = start(aws, account, stage, run)
    done = ended(aws, started)

    assert start(aws, account, stage, run) == started  # a repeated call starts nothing
    job = aws.sagemaker.describe_training_job(TrainingJobName=started.job_name)
    config = job["ServerlessJobConfig"]
    assert (config["CustomizationTechnique"], config["Peft"]) == ("RLVR", "LORA")
    assert config["EvaluatorArn"] == (
        f"arn:aws:sagemaker:{stage.region}:{stage.account}:hub-content/tunedrop-test/JsonDoc/"
        "grade-rollouts/1.0.0"
    )
    assert "merge_weights" not in job["HyperParameters"]
    assert {one["ChannelName"] for one in job["InputDataConfig"]} == {"train", "validation"}
    (row, *_) = written(account, started, "train")
    assert row["prompt"] == RECORDS[0]["messages"]
    assert row["reward_model"]["style"] == "rule"
    assert done.output_uri.endswith("/checkpoints/hf_merged/")
    assert account.keys(done.output_uri.removeprefix(f"s3://{BUCKET}/"))
    assert ENGINE.base_of(stage, done.model_arn) is BASE


def test_what_a_job_leaves_is_deleted_and_the_evaluator_with_the_stage(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    done = ended(aws, start(aws, account, stage, run))

    assert ENGINE.delete_model(aws, done.model_arn)
    assert len(ENGINE.forget(aws, stage)) == 2
    assert ENGINE.forget(aws, stage) == []
    assert account.state.hubs == {}


def test_reinforcement_goes_on_with_a_model_of_examples(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    examples = builders.run(
        run_id=RUN, base_model=BASE.id, hyperparameters=resolve(BASE, "single-turn", {}), attempt=2
    )
    chats = [
        {"messages": [*one["messages"], {"role": "assistant", "content": one["reference_answer"]}]}
        for one in RECORDS[:64]
    ]
    train = DatasetFile(uri=account.put("in/chats.jsonl", chats), records=64, tokens=900)
    (planned,) = plan(examples, builders.dataset(train=train, validation=None, target_format="messages"))
    first = ended(aws, ENGINE.start(aws, stage, examples, planned, BASE, ""))

    second = ended(aws, start(aws, account, stage, run, first.model_arn))

    described = aws.sagemaker.describe_training_job(TrainingJobName=f"tunedrop-test-{RUN}")
    assert described["ModelPackageConfig"]["SourceModelPackageArn"] == first.model_arn
    assert second.model_arn != first.model_arn


def test_preflight_sends_two_rollouts_the_way_that_the_job_s_go(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    found = checks(aws, account, stage, run)

    assert found["reward function"].detail.endswith("had two rollouts graded")
    assert "will be registered" in found["evaluator"].detail
    assert all(one.passed for one in found.values())


def test_a_package_that_is_gone_was_tuned_by_nothing_known(aws: Aws, stage: Stage) -> None:
    parent = f"arn:aws:sagemaker:{stage.region}:{stage.account}:model-package/tunedrop-test-qwen3-8b/9"

    assert packages.method_of(aws, stage, parent) is None


def broken(_: Any) -> Any:
    raise RuntimeError("out of memory")


@pytest.mark.parametrize(
    ("function", "answer", "said"),
    [
        ("tunedrop-test-grade-answers", broken, "out of memory"),
        ("tunedrop-test-grade-answers", lambda items: items, "aggregate_reward_score is None"),
        ("tunedrop-test-grade-rollouts", broken, "it failed: out of memory"),
        ("tunedrop-test-grade-rollouts", lambda items: items, "it failed: it gave no status"),
        ("tunedrop-test-grade-rollouts", lambda items: {"statusCode": 200}, "its body is no list"),
        ("tunedrop-test-grade-rollouts", lambda items: {"statusCode": 200, "body": "[]"}, "answered others"),
    ],
)
def test_what_would_fail_the_job_fails_preflight(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run, function: str, answer: Any, said: str
) -> None:
    account.function(function, answer)

    check = checks(aws, account, stage, run)["reward function"]

    assert not check.passed
    assert said in check.detail


def test_a_grader_that_fails_while_it_trains_fails_the_job_and_says_so(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.function("tunedrop-test-grade-answers", broken)

    with pytest.raises(CustomizationFailed, match=r"answered without status 200: .*out of memory"):
        ended(aws, start(aws, account, stage, run))


def test_an_evaluator_that_is_deleted_is_registered_again_and_one_that_was_changed_is_refused(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    ended(aws, start(aws, account, stage, run))
    (hub,) = account.state.hubs.values()
    hub.contents.clear()
    again = msgspec.structs.replace(run, attempt=2)
    ended(aws, start(aws, account, stage, again))

    (content,) = hub.contents.values()
    content.document = content.document.replace("grade-rollouts", "evil")

    with pytest.raises(CustomizationFailed, match="somebody has changed it"):
        start(aws, account, stage, msgspec.structs.replace(run, attempt=3))
    check = checks(aws, account, stage, run)["evaluator"]
    assert not check.passed
    assert "function:tunedrop-test-evil" in check.detail


def test_an_evaluator_that_is_deleted_while_the_job_waits_fails_it(
    aws: Aws, account: LocalAccount, stage: Stage, run: Run
) -> None:
    account.faults.set(no_capacity=True)
    started = start(aws, account, stage, run)
    assert evaluators.forget(aws.sagemaker, stage)
    account.faults.set()

    with pytest.raises(CustomizationFailed, match=r"The evaluator .* could not be found"):
        ended(aws, started)


def test_an_evaluator_that_could_not_be_imported_says_why(aws: Aws, stage: Stage) -> None:
    found = {"HubContentArn": "arn", "HubContentStatus": "ImportFailed", "FailureReason": "no such function"}

    assert "is ImportFailed (no such function)" in evaluators.why_not(found, stage)


class Hubs:
    """SageMaker, whose hub and content stand as a test says; what is called is kept."""

    def __init__(self, hub: str, content: str = "", refuses: str = "") -> None:
        self._hub, self._content, self._refuses = hub, content, refuses
        self.called: list[str] = []

    def describe_hub(self, **_: Any) -> dict[str, Any]:
        if not self._hub and "create_hub" not in self.called:
            raise refusal("ResourceNotFound", "DescribeHub")
        return {"HubStatus": self._hub or "Creating", "HubArn": "arn:hub"}

    def describe_hub_content(self, **_: Any) -> dict[str, Any]:
        if not self._content:
            raise refusal("ResourceNotFound", "DescribeHubContent")
        return {"HubContentStatus": self._content, "HubContentArn": "arn:content", "HubContentDocument": "{}"}

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> dict[str, Any]:
            self.called.append(name)
            if name == self._refuses.partition(" ")[0]:
                raise refusal(self._refuses.partition(" ")[2], name)
            return {}

        return call


@pytest.mark.parametrize(
    ("hub", "content", "said"),
    [
        ("", "", "is Creating"),
        ("Creating", "", "is Creating"),
        ("Deleting", "", "is Deleting"),
        ("InService", "PendingImport", "is being registered"),
        ("InService", "Deleting", "is being deleted"),
        ("InService", "PendingDelete", "is being deleted"),
    ],
)
def test_a_hub_that_is_being_made_or_deleted_is_waited_for(
    stage: Stage, hub: str, content: str, said: str
) -> None:
    hubs = Hubs(hub, content)

    with pytest.raises(TransientError, match=said):
        evaluators.register(hubs, stage)

    assert "import_hub_content" not in hubs.called


def test_a_hub_that_could_not_be_made_fails_the_run(stage: Stage) -> None:
    with pytest.raises(CustomizationFailed, match="could not be made"):
        evaluators.register(Hubs("CreateFailed"), stage)


def test_a_permission_that_has_not_arrived_is_waited_for(stage: Stage) -> None:
    with pytest.raises(PermissionMissing, match="AccessDenied"):
        evaluators.register(Hubs("InService", refuses="import_hub_content AccessDeniedException"), stage)
    with pytest.raises(PermissionMissing, match="AccessDenied"):
        evaluators.forget(Hubs("InService", refuses="delete_hub AccessDeniedException"), stage)


@pytest.mark.parametrize(("content", "deletes"), [("Available", True), ("Deleting", False)])
def test_a_hub_whose_content_still_goes_is_deleted_later(stage: Stage, content: str, deletes: bool) -> None:
    hubs = Hubs("InService", content, refuses="delete_hub ResourceInUse")

    with pytest.raises(TransientError):
        evaluators.forget(hubs, stage)

    assert ("delete_hub_content" in hubs.called) is deletes


class Bucket:
    """S3 with one large file; what is uploaded is counted and not kept."""

    def __init__(self, line: bytes, lines: int) -> None:
        self._line, self._lines, self.written = line, lines, 0

    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"Body": SimpleNamespace(iter_lines=lambda: (self._line for _ in range(self._lines)))}

    def upload_fileobj(self, sink: BinaryIO, *_: Any, **__: Any) -> None:
        while chunk := sink.read(1 << 20):
            self.written += len(chunk)


def test_data_of_long_references_are_written_in_bounded_memory(
    account: LocalAccount, stage: Stage, run: Run
) -> None:
    (planned,) = plan(run, msgspec.structs.replace(dataset(account), validation=None))
    row = {**RECORDS[0], "reference_answer": '"answer" ' * 400}
    bucket = Bucket(json.dumps(row).encode(), 2_000)

    tracemalloc.start()
    try:
        place(bucket, stage, run, planned, "job")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert bucket.written > 20_000_000
    assert peak < 4_000_000


def written(account: LocalAccount, started: StartedJob, channel: str) -> list[dict[str, Any]]:
    key = f"runs/{RUN}/training/{started.job_name}/input/{channel}.jsonl"
    body = account.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return [json.loads(line) for line in body.splitlines()]
