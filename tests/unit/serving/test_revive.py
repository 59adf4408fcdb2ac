"""A model that was in production before is served again until an alias names it."""

from __future__ import annotations

import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, aws_of, refusal
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.registry.aliases import InProduction
from tunedrop.serving import revive
from tunedrop.stage import Stage

EARLIER = InProduction(
    name="persona",
    run_id="persona-0123456789",
    model_id=builders.DEPLOYMENT_ARN,
    model_arn=builders.MODEL_ARN,
    since="2026-11-01T00:00:00Z",
)


def test_what_is_brought_back_has_a_name_of_its_own_and_stays_until_it_expires(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunedrop.clock.now", lambda: "2026-11-29T20:21:22Z")
    bedrock = FakeBedrock(
        get_custom_model={"modelStatus": "Active"},
        create_custom_model_deployment={"customModelDeploymentArn": builders.DEPLOYMENT_ARN},
    )

    serving = revive.create(aws_of(bedrock), stage, EARLIER)

    (request,) = bedrock.called("create_custom_model_deployment")
    tags = {one["key"]: one["value"] for one in request["tags"]}
    assert serving.arn == builders.DEPLOYMENT_ARN
    assert request["modelDeploymentName"] == "tunedrop-test-persona-0123456789-202122"
    assert request["modelArn"] == builders.MODEL_ARN
    assert tags == {
        "tunedrop:stage": "test",
        "tunedrop:run": "persona-0123456789",
        "tunedrop:expires": "2026-11-29T22:21:22Z",
        "tunedrop:keep": "rollback",
    }


def test_a_model_that_was_deleted_is_said_to_have_been(stage: Stage) -> None:
    aws = aws_of(FakeBedrock(get_custom_model=refusal("ResourceNotFoundException")))

    with pytest.raises(LookupError, match="was deleted; train it again"):
        revive.create(aws, stage, EARLIER)


@pytest.mark.parametrize(
    ("status", "error"), [("Creating", TransientError), ("Failed", ThroughputFailed), ("Active", None)]
)
def test_it_is_waited_for_until_it_serves(status: str, error: type[Exception] | None) -> None:
    bedrock = FakeBedrock(get_custom_model_deployment={"status": status})
    if error is not None:
        with pytest.raises(error):
            revive.ready(bedrock, builders.serving())
    else:
        assert revive.ready(bedrock, builders.serving()) == builders.DEPLOYMENT_ARN
