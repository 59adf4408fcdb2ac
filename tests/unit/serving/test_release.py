from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock
from tunedrop.contracts import DeploymentSettings, Evaluation, Failure, Serving, StartedJob
from tunedrop.serving import release

STARTED = StartedJob(outcome="started", job_arn=builders.JOB_ARN, job_name="job")
FAILURE = Failure(error="EvaluationFailed", cause="no answer")
PROVISIONED = {"way": "provisioned", "arn": builders.PROVISIONED_ARN}


@pytest.mark.parametrize(
    ("serving", "keep_for", "verdict", "kept"),
    [
        ({}, None, "promote", True),
        ({}, 0, "promote", False),
        ({}, None, "reject", False),
        ({}, 7200, "undecided", False),
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


def test_a_failure_stops_the_job_and_ends_what_serves() -> None:
    bedrock = FakeBedrock(stop_model_customization_job={}, delete_custom_model_deployment={})

    done = release.finish(bedrock, builders.run(), STARTED, builders.serving(), None, FAILURE)

    assert done.released == (builders.JOB_ARN, builders.DEPLOYMENT_ARN)
    assert done.kept == ()


def test_a_run_that_went_well_leaves_its_finished_job_alone() -> None:
    bedrock = FakeBedrock(delete_provisioned_model_throughput={})
    serving: Serving = builders.serving(**PROVISIONED)
    evaluation: Evaluation = builders.evaluation()

    done = release.finish(bedrock, builders.run(), STARTED, serving, evaluation, None)

    assert done.released == (builders.PROVISIONED_ARN,)
    assert not bedrock.called("stop_model_customization_job")
