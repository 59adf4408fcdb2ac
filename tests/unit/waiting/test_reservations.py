from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, aws_of, refusal
from tests.unit.tables import spoil
from tunedrop import catalog, clock
from tunedrop.aws import Aws
from tunedrop.contracts import Run, StartedJob
from tunedrop.errors import CustomizationFailed
from tunedrop.registry import Registry
from tunedrop.stage import Stage
from tunedrop.training import engines
from tunedrop.waiting import _poll
from tunedrop.waiting.queue import start_or_queue
from tunedrop.waiting.resolve import Callbacks
from tunedrop.waiting.table import REFUSAL_SECONDS, RESERVED_SECONDS, Waits

FREE: dict[str, Any] = {"modelCustomizationJobSummaries": []}
ONE_RUNS = {"modelCustomizationJobSummaries": [{"jobArn": builders.JOB_ARN}]}
FULL = refusal("ServiceQuotaExceededException", "You have reached a limit.")
UNKNOWN = refusal("ResourceNotFoundException")


def with_room() -> FakeBedrock:
    """A Bedrock in which nothing runs, and which starts what it is asked to."""
    return FakeBedrock(
        list_model_customization_jobs=FREE,
        get_model_customization_job=UNKNOWN,
        create_model_customization_job={"jobArn": builders.JOB_ARN},
    )


def try_to_start(
    bedrock: FakeBedrock, waits: Waits, stage: Stage, granted: bool = True, run: Run | None = None
) -> StartedJob:
    model, dataset = catalog.find(builders.LLAMA_3_3), builders.dataset()
    return start_or_queue(
        aws_of(bedrock), waits, stage, run or builders.run(), dataset, model, granted=granted
    )


def test_a_promised_slot_is_not_given_to_a_newcomer(waits: Waits, stage: Stage) -> None:
    for number in range(stage.customization_quota):
        waits.reserve_slot(f"run-{number}")
    bedrock = FakeBedrock(
        list_model_customization_jobs=FREE, get_model_customization_job=refusal("ResourceNotFoundException")
    )

    started = try_to_start(bedrock, waits, stage, granted=False)

    assert started.outcome == "queued"


def test_a_run_that_was_let_in_gives_its_reservation_up_when_it_has_started(
    waits: Waits, stage: Stage
) -> None:
    run = builders.run()
    waits.reserve_slot(run.run_id)
    bedrock = FakeBedrock(
        list_model_customization_jobs=FREE, create_model_customization_job={"jobArn": builders.JOB_ARN}
    )

    started = try_to_start(bedrock, waits, stage, run=run)

    assert started.outcome == "started"
    assert waits.reserved_slots() == []


def test_a_promise_that_nobody_came_for_is_forgotten(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    waits.reserve_slot("run-1")
    later = clock.after(clock.now(), RESERVED_SECONDS + 1)

    assert waits.reserved_slots() == ["run-1"]
    monkeypatch.setattr(clock, "now", lambda: later)
    assert waits.reserved_slots() == []


def test_a_reservation_is_no_wait(waits: Waits) -> None:
    waits.reserve_slot("persona-0123456789")

    assert waits.of_run("persona-0123456789") == []


def test_a_refused_job_is_tried_again_only_when_fewer_run_than_at_the_refusal(
    waits: Waits, stage: Stage
) -> None:
    """The account takes fewer jobs at once than the stage's setting says."""
    bedrock = FakeBedrock(
        # InProgress and Stopping are listed apart: one job runs at the first four looks, none later.
        list_model_customization_jobs=[ONE_RUNS, FREE, ONE_RUNS, FREE, ONE_RUNS, FREE, FREE],
        create_model_customization_job=[FULL, {"jobArn": builders.JOB_ARN}],
        get_model_customization_job=UNKNOWN,
    )

    assert stage.customization_quota == 2
    assert try_to_start(bedrock, waits, stage).outcome == "queued"
    assert waits.refused_at("bedrock") == 1
    assert try_to_start(bedrock, waits, stage).outcome == "queued"  # Bedrock is not even asked
    assert len(bedrock.called("create_model_customization_job")) == 1
    assert try_to_start(bedrock, waits, stage).outcome == "started"


def test_a_run_that_waits_for_days_is_not_let_in_once_while_nothing_changes(
    aws: Aws, waits: Waits, stage: Stage, registry: Registry, intake: str
) -> None:
    """Each turn of the queue adds 13 events to an execution that Step Functions ends at 25,000."""
    registry.register(builders.run())
    waits.note_refusal(1, "bedrock")
    waits.register(builders.wait(kind="slot", subject="persona-0123456789"))
    aws.bedrock = FakeBedrock(list_model_customization_jobs=[ONE_RUNS, FREE] * 200)
    callbacks = Callbacks(aws, stage)

    assert [callbacks.resolve_all() for _ in range(100)] == [[]] * 100


@pytest.mark.parametrize(
    ("refused_at", "seconds", "most"),
    [
        (None, 0, 2),
        (1, 0, 1),
        (2, 0, 2),
        (5, 0, 2),  # the stage's setting stays the limit
        (1, REFUSAL_SECONDS - 1, 1),
        (1, REFUSAL_SECONDS, 2),
    ],
)
def test_as_many_jobs_may_run_as_the_setting_says_or_fewer_where_one_was_refused(
    waits: Waits, monkeypatch: pytest.MonkeyPatch, refused_at: int | None, seconds: int, most: int
) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    if refused_at is not None:
        waits.note_refusal(refused_at, "bedrock")
    monkeypatch.setattr(clock, "now", lambda: clock.after(now, seconds))

    aws, bedrock = aws_of(FakeBedrock(list_model_customization_jobs=FREE)), engines.named("bedrock")
    assert _poll.free_slots(aws, bedrock, 2, waits.refused_at("bedrock")) == most
    assert waits.refused_at("mantle") is None


@pytest.mark.parametrize("engine", ["sagemaker-serverless", "sagemaker-jumpstart"])
def test_training_jobs_of_others_take_no_slot_of_the_stage(engine: str) -> None:
    """In an account with ten of them, the largest setting, a run waited for ever."""
    found = engines.named(engine)
    jobs = [{"TrainingJobName": f"churn-{number}"} for number in range(10)]
    jobs += [
        {"TrainingJobName": f"{found.job_names}-dev-support"},
        {"TrainingJobName": "my-tunedrop-pretrain-"},
    ]
    aws = Aws()
    aws.sagemaker = FakeBedrock(list_training_jobs={"TrainingJobSummaries": jobs})
    all_of_them = 2 * len(jobs)  # InProgress and Stopping

    assert _poll.free_slots(aws, found, 10, None) == 10 - 2
    assert _poll.free_slots(aws, found, 10, all_of_them) == 0  # it was refused with as many
    assert _poll.free_slots(aws, found, 10, all_of_them + 1) == 1
    assert {one.get("NameContains") for one in aws.sagemaker.called("list_training_jobs")} == {
        None, f"{found.job_names}-",
    }  # fmt: skip


def test_a_quota_that_waiting_does_not_free_fails_with_its_name_and_the_request(
    waits: Waits, stage: Stage
) -> None:
    bedrock = FakeBedrock(list_model_customization_jobs=FREE, create_model_customization_job=FULL)

    with pytest.raises(
        CustomizationFailed, match=r"L-CB5B847D.*request-service-quota-increase.*reached a limit"
    ):
        try_to_start(bedrock, waits, stage)


@pytest.mark.parametrize(("granted", "outcome"), [(False, "queued"), (True, "started")])
def test_nobody_overtakes_who_waits(waits: Waits, stage: Stage, granted: bool, outcome: str) -> None:
    """A slot is free: it is for the run in the queue, until the queue lets a run in."""
    waits.register(builders.wait(run_id="earlier-0123456789", kind="slot", subject="earlier-0123456789"))
    bedrock = with_room()

    started = try_to_start(bedrock, waits, stage, granted)

    assert started.outcome == outcome


@pytest.mark.parametrize(("quota", "outcome"), [(1, "started"), (0, "queued")])
def test_as_many_jobs_run_as_the_quota_says_and_not_one_more(waits: Waits, quota: int, outcome: str) -> None:
    bedrock = with_room()

    started = try_to_start(bedrock, waits, builders.stage(customization_quota=quota), granted=False)

    assert started.outcome == outcome


def test_a_slot_that_a_finished_search_does_not_need_is_free_again(waits: Waits, stage: Stage) -> None:
    search = ({"epochCount": "1"}, {"epochCount": "2"})
    run = builders.run(candidates=search, hyperparameters=search[0])
    waits.reserve_slot(run.run_id)
    done = {
        "jobArn": builders.JOB_ARN,
        "jobName": "job",
        "status": "Completed",
        "outputModelArn": builders.MODEL_ARN,
        "outputDataConfig": {"s3Uri": "s3://artifacts/out/"},
        "validationMetrics": [{"validationLoss": 0.5}],
    }

    started = try_to_start(FakeBedrock(get_model_customization_job=done), waits, stage, run=run)

    assert started.outcome == "finished"
    assert waits.reserved_slots() == []


def test_a_slot_that_was_granted_is_for_one_job_of_a_search(waits: Waits, stage: Stage) -> None:
    """The next candidate stands behind who waits, as anybody does."""
    search = ({"epochCount": "1"}, {"epochCount": "2"}, {"epochCount": "3"})
    run = builders.run(candidates=search, hyperparameters=search[0])
    waits.reserve_slot(run.run_id)
    waits.register(builders.wait(run_id="other-0123456789", kind="slot", subject="other-0123456789"))
    bedrock = with_room()

    started = try_to_start(bedrock, waits, stage, run=run)

    assert [one.status for one in started.series] == ["training", "waiting", "waiting"]
    assert len(bedrock.called("create_model_customization_job")) == 1
    assert waits.reserved_slots() == []


def test_a_model_that_is_tuned_further_is_what_its_job_starts_from(waits: Waits, stage: Stage) -> None:
    bedrock = with_room()
    run = builders.run(parent_model=builders.MODEL_ARN)

    try_to_start(bedrock, waits, stage, granted=False, run=run)

    (request,) = bedrock.called("create_model_customization_job")
    assert request["baseModelIdentifier"] == builders.MODEL_ARN


def test_a_slot_that_was_promised_to_a_run_which_has_not_started_lets_in_nobody_else(
    aws: Aws, stage: Stage, registry: Registry, waits: Waits
) -> None:
    aws.bedrock = FakeBedrock(list_model_customization_jobs=FREE)
    registry.register(builders.run(run_id="late"))
    for number in range(stage.customization_quota):
        waits.reserve_slot(f"run-{number}")
    waits.register(builders.wait(run_id="late", kind="slot", subject="late"))

    assert Callbacks(aws, stage).grant_slots() == []


def test_a_refusal_that_cannot_be_read_does_not_count(aws: Aws, stage: Stage, waits: Waits) -> None:
    waits.note_refusal(1, "bedrock")
    spoil(aws, stage.waits_table, {"run_id": "bedrock", "kind": "refusal"}, "subject", "one")

    assert waits.refused_at("bedrock") is None
