from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import EndpointConnectionError

from tests import builders
from tests.unit.local_bedrock import LocalBedrock, tags
from tunedrop.aws import Aws
from tunedrop.contracts import DeploymentSettings, Failure, Promotion, Serving, StartedJob, TrainingJob
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.claims import Claims
from tunedrop.results import release
from tunedrop.serving.removal import NamedInProduction, Removal
from tunedrop.stage import Stage
from tunedrop.training import engines

RUN = builders.run()

STARTED = StartedJob(outcome="started", job_arn=builders.JOB_ARN, job_name="job")
FAILURE = Failure(error="EvaluationFailed", cause="no answer")
PROVISIONED = {"way": "provisioned", "arn": builders.PROVISIONED_ARN}


@pytest.mark.parametrize(
    ("serving", "keep_for", "verdict", "kept"),
    [
        ({}, None, "promote", True),
        ({}, 0, "promote", False),
        ({}, None, "reject", False),
        ({}, 7200, "inconclusive", False),
        (PROVISIONED, None, "promote", False),
        (PROVISIONED, 7200, "promote", True),
        (PROVISIONED, 7200, "reject", False),
    ],
)
def test_only_a_promoted_model_stays_and_only_if_asked_or_free_while_idle(
    serving: dict[str, Any], keep_for: int | None, verdict: Any, kept: bool
) -> None:
    run = builders.run(deployment=DeploymentSettings(keep_for_seconds=keep_for))

    keeps = release.keeps(run, builders.serving(**serving), builders.evaluation(verdict=verdict), None)

    assert keeps is kept


@pytest.fixture
def bedrock(aws: Aws, registry: Registry, tmp_path: Path) -> LocalBedrock:
    """A Bedrock in which the run is registered, and nothing made yet."""
    found = LocalBedrock(tmp_path)
    aws.bedrock = found.client
    registry.register(RUN)
    return found


def served(bedrock: LocalBedrock, **changes: Any) -> Serving:
    """A deployment or throughput of a model of the run's."""
    mine = tags("test", RUN.run_id)
    model = bedrock.model("tuned", mine)
    way = changes.get("way", "on-demand")
    serve = bedrock.deployment if way == "on-demand" else bedrock.throughput
    return builders.serving(**{**changes, "arn": serve("serving", model, mine), "model_arn": model})


def test_a_failure_stops_the_jobs_and_ends_what_serves(aws: Aws, stage: Stage, bedrock: LocalBedrock) -> None:
    mine = tags("test", RUN.run_id)
    jobs = {bedrock.job("one", mine), bedrock.evaluation("two", mine)}
    others = tags("test", f"x-{RUN.run_id}")
    bedrock.job(f"tunedrop-test-{RUN.run_id}", others)
    bedrock.evaluation(f"tunedrop-base-{RUN.run_id}", others)
    bedrock.job(f"tunedrop-test-{RUN.run_id}-2", tags("test-two", RUN.run_id))
    serving = served(bedrock)

    done = release.finish(aws, stage, RUN, None, serving, None, FAILURE)
    again = release.finish(aws, stage, RUN, None, serving, None, FAILURE)

    assert set(done.released) == jobs | {serving.arn}
    assert set(again.released) == {serving.arn}
    world = bedrock.world
    assert {one["_tags"]["tunedrop:run"] for one in world.jobs.values() if one["status"] == "Stopping"} == {
        RUN.run_id
    }
    assert (
        sum(one["status"] == "InProgress" for one in (*world.jobs.values(), *world.evaluations.values())) == 3
    )


def test_an_engine_that_does_not_answer_keeps_neither_serving_nor_other_jobs_up(
    aws: Aws, stage: Stage, bedrock: LocalBedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines.named("mantle"), "leftovers", _no_answer, raising=False)
    stage = msgspec.structs.replace(stage, engines=("mantle", "bedrock"))
    job = bedrock.job("one", tags("test", RUN.run_id))
    serving = served(bedrock)

    run = msgspec.structs.replace(RUN, base_model="openai.gpt-oss-20b")

    with pytest.raises(EndpointConnectionError):
        release.finish(aws, stage, run, None, serving, None, FAILURE)

    assert bedrock.world.jobs[job]["status"] == "Stopping"
    assert serving.arn not in bedrock.world.deployments


def test_only_the_engine_of_a_failed_run_is_asked_for_its_jobs(
    aws: Aws, stage: Stage, bedrock: LocalBedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines.named("mantle"), "leftovers", _no_answer, raising=False)
    stage = msgspec.structs.replace(stage, engines=("mantle", "bedrock"))
    job = bedrock.job("one", tags("test", RUN.run_id))

    assert release.stop_jobs(aws, stage, RUN) == [job]


def _no_answer(*_: Any) -> Any:
    raise EndpointConnectionError(endpoint_url="https://bedrock-mantle")


def test_a_run_that_went_well_leaves_its_finished_job_alone(
    aws: Aws, stage: Stage, bedrock: LocalBedrock
) -> None:
    serving = served(bedrock, way="provisioned")
    job = bedrock.job("one", tags("test", RUN.run_id))

    done = release.finish(aws, stage, RUN, STARTED, serving, builders.evaluation(), None)

    assert done.released == (serving.arn,)
    assert bedrock.world.jobs[job]["status"] == "InProgress"


def test_what_served_only_for_the_evaluation_is_released(
    aws: Aws, stage: Stage, bedrock: LocalBedrock
) -> None:
    """The model was evaluated on demand, and is served by throughput that the run keeps."""
    production = served(bedrock, way="provisioned")
    evaluated_on = served(bedrock)
    run = msgspec.structs.replace(RUN, deployment=DeploymentSettings(keep_for_seconds=3600))

    done = release.finish(aws, stage, run, None, production, builders.evaluation(), None, evaluated_on)

    assert (done.released, done.kept) == ((evaluated_on.arn,), (production.arn,))


def test_after_a_swap_the_arn_in_production_stays_and_the_runs_own_is_released(
    aws: Aws, stage: Stage, bedrock: LocalBedrock
) -> None:
    production, own = "arn:aws:bedrock:us-east-1:111122223333:custom-model-deployment/old", served(bedrock)
    swap = Promotion(
        alias="/tunedrop/test/models/x", model_arn=own.model_arn, model_id=production, swapped=True
    )

    done = release.finish(
        aws, stage, RUN, None, own, builders.evaluation(), None, evaluated_on=None, promotion=swap
    )

    assert (done.released, done.kept) == ((own.arn,), (production,))


@pytest.mark.parametrize("failure", [None, FAILURE])
def test_what_an_alias_names_stays_whatever_has_failed(
    aws: Aws, stage: Stage, bedrock: LocalBedrock, failure: Failure | None
) -> None:
    serving = served(bedrock)
    aliases = Aliases(aws.ssm, aws.dynamodb, stage)
    aliases.promote(RUN.name, RUN.run_id, serving.model_arn, serving.arn)

    done = release.finish(aws, stage, RUN, None, serving, None, failure)

    assert done.kept == (serving.arn,)
    assert serving.arn in bedrock.world.deployments


def test_what_an_alias_is_about_to_name_stays(aws: Aws, stage: Stage, bedrock: LocalBedrock) -> None:
    """The history is written, the parameter is not yet."""
    serving = served(bedrock)
    aliases = Aliases(aws.ssm, aws.dynamodb, stage)
    aliases.promote(RUN.name, RUN.run_id, serving.model_arn, serving.arn)
    aws.ssm.delete_parameter(Name=aliases.parameter(RUN.name))

    assert release.finish(aws, stage, RUN, None, serving, None, FAILURE).kept == (serving.arn,)


def test_what_is_just_being_promoted_is_released_a_little_later(
    aws: Aws, stage: Stage, bedrock: LocalBedrock
) -> None:
    serving = served(bedrock)

    with Claims(aws.dynamodb, stage.registry_table).promoting(serving.arn), pytest.raises(TransientError):
        release.finish(aws, stage, RUN, None, serving, None, FAILURE)

    assert release.finish(aws, stage, RUN, None, serving, None, FAILURE).released == (serving.arn,)


def series(*models: str, chosen: str) -> StartedJob:
    jobs = [
        TrainingJob(
            title=model,
            method="single-turn",
            hyperparameters={},
            status="trained",
            job=builders.job(model_arn=model),
            chosen=model == chosen,
        )
        for model in models
    ]
    return StartedJob(outcome="finished", job_arn=builders.JOB_ARN, series=tuple(jobs))


def test_models_that_were_not_chosen_are_deleted_when_the_run_ended_well(
    aws: Aws, stage: Stage, bedrock: LocalBedrock, registry: Registry
) -> None:
    one, two = (bedrock.model(name, tags("test", RUN.run_id)) for name in ("one", "two"))

    done = release.finish(aws, stage, RUN, series(one, two, chosen=two), None, None, None)

    record = registry.get(RUN.run_id)
    assert done.released == (one,)
    assert set(bedrock.world.models) == {two}
    assert record is not None
    assert record.gone == {one}


def test_a_run_may_keep_all_its_models(aws: Aws, stage: Stage, bedrock: LocalBedrock) -> None:
    run = builders.run(keep_models=True)

    done = release.finish(aws, stage, run, series("one", "two", chosen="two"), None, None, None)

    assert done.released == ()


def test_a_run_that_failed_keeps_its_models_for_a_retry(
    aws: Aws, stage: Stage, bedrock: LocalBedrock
) -> None:
    one, two = (bedrock.model(name, tags("test", RUN.run_id)) for name in ("one", "two"))

    release.finish(aws, stage, RUN, series(one, two, chosen=two), None, None, FAILURE)

    assert set(bedrock.world.models) == {one, two}


def test_a_model_that_cannot_be_deleted_is_told(aws: Aws, stage: Stage, bedrock: LocalBedrock) -> None:
    one, two = (bedrock.model(name, tags("test", RUN.run_id)) for name in ("one", "two"))
    bedrock.deployment("by-hand", one, {})

    done = release.finish(aws, stage, RUN, series(one, two, chosen=two), None, None, None)

    assert done.released == ()
    assert len(done.failed) == 1
    assert "still deployed" in done.failed[0]


NAMED = NamedInProduction("arn", "/tunedrop/test/persona")


@pytest.mark.parametrize(
    ("what", "raised", "told"),
    [
        ("serving", None, "released"),
        ("serving", NAMED, "kept"),
        ("serving", ThroughputFailed("a commitment"), "failed"),
        ("serving", TransientError("it is being made"), None),  # the step tries again: it is billed
        ("superseded", None, "released"),
        ("superseded", NAMED, "kept"),
        ("superseded", ThroughputFailed("a commitment"), "failed"),
        ("superseded", TransientError("it is served"), "failed"),  # nobody waits for it
    ],
)
@pytest.mark.usefixtures("bedrock")
def test_what_became_of_each_resource_is_told(
    aws: Aws, stage: Stage, monkeypatch: pytest.MonkeyPatch, what: str, raised: Exception | None,
    told: str | None,
) -> None:  # fmt: skip
    asked = []

    def remove(_: Removal, arn: str, run_id: str) -> bool:
        asked.append((arn, run_id))
        if raised is not None:
            raise raised
        return True

    monkeypatch.setattr(release.Removal, "remove", remove)
    started, serving = (
        (None, builders.serving()) if what == "serving" else (series("one", "two", chosen="two"), None)
    )
    arn = builders.DEPLOYMENT_ARN if what == "serving" else "one"
    if told is None:
        with pytest.raises(TransientError):
            release.finish(aws, stage, RUN, started, serving, None, None)
        return

    done = release.finish(aws, stage, RUN, started, serving, None, None)

    assert asked == [(arn, RUN.run_id)]
    lists = {"released": done.released, "kept": done.kept, "failed": done.failed}
    wanted = f"{arn}: {raised}" if told == "failed" else arn
    assert lists == {name: (wanted,) if name == told else () for name in lists}
