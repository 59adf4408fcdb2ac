from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock
from tunedrop.aws import Aws, mantle
from tunedrop.contracts import StartedJob
from tunedrop.monitoring import Monitor, Queue
from tunedrop.monitoring.facts import fact, training
from tunedrop.registry import Registry
from tunedrop.stage import Stage
from tunedrop.waiting.table import Waits

RUN_ID = "persona-0123456789"
METRICS = "training/model-customization-job-x/training_artifacts/step_wise_training_metrics.csv"


@pytest.fixture
def monitor(aws: Aws, stage: Stage, registry: Registry, waits: Waits) -> Monitor:
    aws.s3.create_bucket(Bucket=stage.artifacts_bucket)
    registry.register(builders.run())
    return Monitor(aws, stage, registry, RUN_ID, monotonic=lambda: 1.0)


def test_a_run_that_nobody_knows_gives_nothing(aws: Aws, stage: Stage, registry: Registry) -> None:
    assert Monitor(aws, stage, registry, "nobody")() is None


def test_a_run_in_the_queue_knows_its_place(monitor: Monitor, waits: Waits) -> None:
    waits.register(builders.wait(run_id="earlier", kind="slot", arrived_at="2026-11-23T09:00:00Z"))
    waits.register(builders.wait(kind="slot"))

    snapshot = monitor()

    assert snapshot is not None
    assert snapshot.queue == Queue(place=2, waiting=2)


def test_an_open_question_is_part_of_the_picture(monitor: Monitor, waits: Waits) -> None:
    waits.register(builders.wait(kind="approval", subject=RUN_ID))

    snapshot = monitor()

    assert snapshot is not None
    assert snapshot.approval is not None


@pytest.mark.parametrize(
    ("way", "hourly", "said"),
    [
        ("on-demand", 0.0, "on-demand, free while idle"),
        ("mantle", 0.0, "mantle, free while idle"),
        ("imported", 0.0, "imported, billed for storage alone while idle"),
        ("provisioned", 24.0, "provisioned, 24.00 USD an hour"),
        ("provisioned", 0.0, "provisioned, at an unknown price"),
    ],
)
def test_what_serves_a_model_says_what_it_costs(
    monitor: Monitor, registry: Registry, way: str, hourly: float, said: str
) -> None:
    serving = msgspec.structs.replace(builders.serving(), way=way, hourly_usd=hourly)
    registry.save(RUN_ID, serving=serving)

    snapshot = monitor()

    assert snapshot is not None
    assert fact("set_up_throughput", snapshot) == said


def test_losses_are_read_as_soon_as_bedrock_writes_them(
    monitor: Monitor, aws: Aws, stage: Stage, registry: Registry
) -> None:
    job = {
        "jobArn": builders.JOB_ARN,
        "status": "InProgress",
        "statusDetails": {
            "validationDetails": {"status": "Completed"},
            "trainingDetails": {"status": "InProgress"},
        },
    }
    aws.bedrock = FakeBedrock(get_model_customization_job=job)
    registry.save(RUN_ID, started=StartedJob(outcome="started", job_arn=builders.JOB_ARN))
    before = monitor()
    rows = "step_number,epoch_number,training_loss,perplexity\n0,0,2.5,1\n1,1,0.5,1\n"
    aws.s3.put_object(Bucket=stage.artifacts_bucket, Key=f"runs/{RUN_ID}/{METRICS}", Body=rows.encode())

    after = monitor()

    assert before is not None
    assert after is not None
    assert training(before.job) == "Training"
    assert training(after.job) == "Training  loss 2.50 → 0.50"


def test_rewards_are_read_from_the_service_that_writes_no_files(
    monitor: Monitor, aws: Aws, registry: Registry
) -> None:
    arn = mantle.address("us-west-2", mantle.JOBS, "ftjob-1")
    events = [
        {"id": f"e{step}", "data": {"step": step, "critic_rewards_mean": step / 10}} for step in range(1, 9)
    ]
    service: Any = FakeBedrock(
        get_fine_tuning_job={"id": "ftjob-1", "status": "running"},
        list_fine_tuning_events={"data": events, "has_more": False},
        list_fine_tuning_checkpoints={"data": []},
    )
    service.meta = SimpleNamespace(region_name="us-west-2")
    aws.mantle = service
    registry.save(RUN_ID, started=StartedJob(outcome="started", job_arn=arn))

    snapshot = monitor()

    assert snapshot is not None
    assert training(snapshot.job) == "Training  reward 0.15 → 0.75"


def test_a_long_job_is_polled_less_often(
    aws: Aws, stage: Stage, registry: Registry, monitor: Monitor, waits: Waits
) -> None:
    bedrock = FakeBedrock(get_model_customization_job={"jobArn": builders.JOB_ARN, "status": "InProgress"})
    aws.bedrock = bedrock
    registry.save(RUN_ID, started=StartedJob(outcome="started", job_arn=builders.JOB_ARN))
    times = iter([0.1, 600.0, 605.0, 620.0, 640.0])
    monitor = Monitor(aws, stage, registry, RUN_ID, monotonic=lambda: next(times))

    for _ in range(5):
        monitor()

    assert len(bedrock.called("get_model_customization_job")) == 3
