"""A Legacy base model is followed by a run on its successor, once, and held for a person's yes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.cost.test_budgets import estimate
from tests.unit.fake_bedrock import Answer, FakeBedrock, refusal
from tunedrop import catalog, registration
from tunedrop.aws import Aws
from tunedrop.contracts import Retune, S3Object
from tunedrop.cost.budgets import judge
from tunedrop.manifest import Data, Manifest
from tunedrop.planning.hyperparameters import resolve
from tunedrop.registration import ObjectCreated, succession
from tunedrop.registration.retuning import Grown
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.troubles import Troubles
from tunedrop.stage import Stage
from tunedrop.steps.sweep_throughput import Sweep

TITAN, NOVA = "amazon.titan-text-express-v1:0:8k", "amazon.nova-micro-v1:0:128k"
MODEL = f"arn:aws:bedrock:us-east-1:111122223333:custom-model/{TITAN}/abcdefghij12"
NOW = datetime.now(UTC)
YEARS = timedelta(days=900)
MANIFEST = f"base_model: {TITAN}\nmethod: single-turn\ndata: {{train: train.jsonl}}\n"


class Executions:
    """Step Functions, as far as starting goes: each name once."""

    def __init__(self) -> None:
        self.started: dict[str, dict[str, Any]] = {}

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> None:  # noqa: N803
        assert stateMachineArn
        if name in self.started:
            raise refusal("ExecutionAlreadyExists")
        self.started[name] = json.loads(input)


def life(status: str = "LEGACY", legacy_in: int | None = None) -> Answer:
    days = {"legacyTime": NOW + timedelta(days=legacy_in)} if legacy_in is not None else {}
    return {"modelDetails": {"modelLifecycle": {"status": status, **days}}}


@pytest.fixture
def stage() -> Stage:
    return builders.stage(region="us-east-1", succession=True, default_base_model=NOVA)


@pytest.fixture
def executions(aws: Aws) -> Executions:
    aws.step_functions = executions = Executions()
    aws.bedrock = FakeBedrock(get_foundation_model=life())
    return executions


def produced(aws: Aws, stage: Stage, registry: Registry, **changes: Any) -> None:
    run = builders.run(base_model=TITAN, **changes)
    registry.register(run)
    registry.save(run.run_id, dataset=builders.dataset())
    registry.end(run.run_id, "promoted", None)
    Aliases(aws.ssm, aws.dynamodb, stage).promote(run.name, run.run_id, MODEL, builders.PROVISIONED_ARN)


def start(aws: Aws, stage: Stage, registry: Registry) -> list[str]:
    return succession.start_due(aws, stage, registry, Troubles(aws.dynamodb, stage.registry_table))


def another_day(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "claim", lambda *_: True)


def test_a_legacy_base_model_is_followed_by_one_run_on_its_successor(
    aws: Aws, stage: Stage, registry: Registry, executions: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    produced(aws, stage, registry)

    assert start(aws, stage, registry) == ["persona"]
    assert start(aws, stage, registry) == []
    ((name, event),) = executions.started.items()
    assert name.startswith("succession-")
    assert event["detail"]["base-model"] == NOVA
    assert event["detail"]["object"]["key"] == builders.run().source.key
    registry.claim("SUCCESSION#persona", f"{builders.run().run_id}#{NOVA}")
    another_day(registry, monkeypatch)
    executions.started.clear()  # Step Functions forgets a name after 90 days
    assert start(aws, stage, registry) == []


@pytest.mark.parametrize(
    ("engine", "method", "successor"),
    [
        ("mantle", "reinforcement", "qwen.qwen3-32b:mantle"),
        ("sagemaker-serverless", "reinforcement", "qwen.qwen3-32b"),
        ("mantle", "single-turn", ""),
    ],
)
def test_the_successor_is_trained_by_an_engine_that_the_stage_has(
    aws: Aws, registry: Registry, executions: Executions, monkeypatch: pytest.MonkeyPatch,
    engine: str, method: Any, successor: str,
) -> None:  # fmt: skip
    titan = catalog.find(TITAN)
    lifecycle = msgspec.structs.replace(titan.lifecycle, successor="qwen.qwen3-32b")
    monkeypatch.setitem(catalog.load(), TITAN, msgspec.structs.replace(titan, lifecycle=lifecycle))
    stage = builders.stage(region="us-west-2", succession=True, engines=(engine,))
    produced(aws, stage, registry)
    registry.save(builders.run().run_id, dataset=builders.dataset(method=method))

    start(aws, stage, registry)

    assert [one["detail"]["base-model"] for one in executions.started.values()] == [successor] * bool(
        successor
    )


@pytest.mark.parametrize(
    ("name", "key", "started"),
    [
        ("law/bot", "drop/law/bot.jsonl", ["law/bot"]),
        ("law/bot", "drop/law/bot/_SUCCESS", ["law/bot"]),
        ("law/bot", "runs/law/bot/run.yaml", ["law/bot"]),
        ("law", "drop/law/_SUCCESS", []),
        ("law", "drop/law/part-1.jsonl", []),
        ("bot", "drop/bot.jsonl", ["bot"]),
    ],
)
def test_no_upload_that_means_another_run_by_now_is_started_again(
    aws: Aws, stage: Stage, registry: Registry, executions: Executions,
    name: str, key: str, started: list[str],
) -> None:  # fmt: skip
    """A stage's tenants change; and once, all files below a tenant's prefix were one dataset of its name."""
    stage = msgspec.structs.replace(stage, tenants={"law": ()})
    produced(aws, stage, registry, name=name, source=S3Object(bucket="intake", key=key))

    assert start(aws, stage, registry) == started


def test_a_successor_that_could_not_be_started_is_started_the_next_day(
    aws: Aws, stage: Stage, registry: Registry, executions: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    produced(aws, stage, registry)
    aws.step_functions = FakeBedrock(start_execution=refusal("ThrottlingException"))
    assert start(aws, stage, registry) == []

    aws.step_functions = executions
    with monkeypatch.context() as tomorrow:
        claim = registry.claim
        tomorrow.setattr(registry, "claim", lambda what, which: what == "SUCCESSION" or claim(what, which))
        assert start(aws, stage, registry) == ["persona"]


@pytest.mark.parametrize(
    ("answer", "settings", "changes"),
    [
        (life("ACTIVE"), {}, {}),
        (life("ACTIVE", legacy_in=30), {}, {}),
        ({"modelDetails": {"modelLifecycle": {"status": "ACTIVE", "endOfLifeTime": NOW + YEARS}}}, {}, {}),
        (life(), {"succession": False}, {}),
        (life(), {"region": "us-west-2"}, {}),
        (life(), {"engines": ("sagemaker-serverless",)}, {}),
        (life(), {}, {"parent_model": builders.MODEL_ARN}),
    ],
)
def test_what_is_not_legacy_or_cannot_be_tuned_here_is_left_alone(
    aws: Aws, stage: Stage, registry: Registry, executions: Executions,
    answer: Answer, settings: dict[str, Any], changes: dict[str, Any],
) -> None:  # fmt: skip
    aws.bedrock = FakeBedrock(get_foundation_model=answer)
    produced(aws, stage, registry, **changes)

    assert start(aws, msgspec.structs.replace(stage, **settings), registry) == []
    assert executions.started == {}


def test_a_model_that_bedrock_does_not_tune_has_no_lifecycle_there(
    aws: Aws, stage: Stage, registry: Registry, executions: Executions
) -> None:
    """An imported model goes on without its base model; Bedrock knows no Qwen3 4B to ask for."""
    aws.bedrock = FakeBedrock()  # asking it for anything fails
    package = "arn:aws:sagemaker:us-east-1:111122223333:model-package/tunedrop-test-qwen3-4b/1"
    Aliases(aws.ssm, aws.dynamodb, stage).promote("persona", "persona-0123456789", package, package)
    troubles = Troubles(aws.dynamodb, stage.registry_table)

    assert succession.start_due(aws, stage, registry, troubles) == []
    assert troubles.failed == []
    assert executions.started == {}


def test_the_run_has_the_same_manifest_on_the_other_base_model_and_waits_for_a_yes(
    aws: Aws, stage: Stage, intake: str
) -> None:
    put = aws.s3.put_object
    put(Bucket=stage.intake_bucket, Key="runs/law/train.jsonl", Body=b"x" * 100)
    version = put(Bucket=stage.intake_bucket, Key="runs/law/run.yaml", Body=MANIFEST.encode())["VersionId"]
    source = S3Object(bucket=stage.intake_bucket, key="runs/law/run.yaml", version_id=version)
    event = ObjectCreated(source=source, requester="", time="2026-11-29T10:00:00Z", base_model=NOVA)

    found = registration.register(aws.s3, stage, event, "arn:execution")

    assert found.outcome == "registered", found.failure
    assert found.run is not None
    assert (found.run.base_model, found.run.succeeds, found.run.name) == (NOVA, TITAN, "law")
    assert "epochCount" in catalog.find(NOVA).hyperparameters_of("single-turn")
    asked = msgspec.structs.replace(estimate(1.0), succeeds=found.run.succeeds)
    (reason,) = judge(asked, stage, 0.0).approval_reasons
    assert f"replaces {TITAN}, which is Legacy" in reason


def test_hyperparameters_that_the_successor_does_not_take_are_left_out_and_named() -> None:
    asked = {"epoch_count": 3, "batch_size": 16, "learning_rate": 1e-4, "learningRateWarmupSteps": 9_999}

    document, left_out = succession.on_successor(
        Manifest(data=Data(train="train.jsonl"), method="single-turn", hyperparameters=asked), NOVA
    )

    assert document.base_model == NOVA
    assert set(document.hyperparameters) | set(left_out) == set(asked)
    assert "batch_size" in left_out
    assert "learningRateWarmupSteps" in left_out
    resolve(catalog.find(NOVA), "single-turn", document.hyperparameters)
    waits = msgspec.structs.replace(estimate(1.0), succeeds=TITAN, left_out=left_out)
    (reason,) = judge(waits, builders.stage(), 0.0).approval_reasons
    assert "its own defaults for batch_size" in reason


def test_data_that_has_grown_afterwards_is_tuned_on_the_successor(
    aws: Aws, stage: Stage, registry: Registry, executions: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    retune = Retune(when_grown_by=0.2, at_most_every_seconds=0, data_bytes=1)
    registry.register(builders.run(base_model=NOVA, succeeds=TITAN, retune=retune))
    grown = Grown(name="persona", manifest=builders.run().source, identity=("a",), share=1.0)
    monkeypatch.setattr("tunedrop.registration.retuning.grown", lambda *_: grown)

    Sweep(aws, stage, lambda _: None)._start_grown()

    (event,) = executions.started.values()
    assert event["detail"]["base-model"] == NOVA


@pytest.mark.parametrize(("asks_again", "names"), [(True, ["law", "persona"]), (False, ["law"])])
def test_data_that_has_grown_is_tuned_again_however_many_runs_others_have_had_since(
    aws: Aws, stage: Stage, registry: Registry, executions: Executions, monkeypatch: pytest.MonkeyPatch,
    asks_again: bool, names: list[str],
) -> None:  # fmt: skip
    """Whether a name is tuned again is what its latest run says."""
    retune = Retune(when_grown_by=0.2, at_most_every_seconds=0, data_bytes=1)
    monkeypatch.setattr("tunedrop.steps.sweep_throughput.LOOK_BACK", 3)
    monkeypatch.setattr("tunedrop.registration.retuning.grown", lambda _, record: Grown(
        name=record.run.name, manifest=record.run.source, identity=(record.run.name,), share=1.0
    ))  # fmt: skip
    for day, name, asks in (
        (1, "law", True), (2, "persona", True), (3, "persona", asks_again), (4, "a", False), (5, "b", False),
    ):  # fmt: skip
        source = msgspec.structs.replace(builders.run().source, version_id=str(day))
        registry.register(builders.run(
            run_id=f"{name}-000000000{day}", name=name, source=source, created_at=f"2026-11-0{day}T00:00:00Z",
            retune=retune if asks else None,
        ))  # fmt: skip
    unreadable = ("RUN#broken", "RUN"), ("NAME#broken", "2026-11-01T00:00:00Z#broken"), ("RETUNE", "broken")
    for pk, sk in unreadable:
        item = {"pk": {"S": pk}, "sk": {"S": sk}, "run_id": {"S": "broken"}, "run": {"S": "{"}}
        aws.dynamodb.put_item(TableName=stage.registry_table, Item=item)
    sweep = Sweep(aws, stage, lambda _: None)

    sweep._start_grown()

    assert sorted(sweep._done.grown) == names
