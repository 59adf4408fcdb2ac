from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop.contracts import DeploymentSettings, Serving, Way
from tunedrop.errors import DeploymentsFull, ThroughputFailed, TransientError
from tunedrop.serving import throughput
from tunedrop.serving.kinds.provisioned import commitment_of
from tunedrop.stage import Stage


def create(bedrock: FakeBedrock, stage: Stage, way: Way, **settings: object) -> Serving:
    return throughput.create(
        bedrock,
        stage,
        "persona-0123456789",
        "tunedrop-test-persona-0123456789",
        builders.MODEL_ARN,
        DeploymentSettings(**settings),  # type: ignore[arg-type]
        way,
    )


NOW = "2026-11-23T10:00:00Z"
TAGS = [
    {"key": "tunedrop:stage", "value": "test"},
    {"key": "tunedrop:run", "value": "persona-0123456789"},
    {"key": "tunedrop:expires", "value": "2026-11-23T12:00:00Z"},  # the stage's two hours later
]


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunedrop.clock.now", lambda: NOW)


def token_of(request: Mapping[str, Any]) -> str:
    token = request["clientRequestToken"]
    assert isinstance(token, str)
    return token


def test_on_demand_is_a_custom_model_deployment(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_custom_model_deployment={"customModelDeploymentArn": builders.DEPLOYMENT_ARN}
    )

    serving = create(bedrock, stage, "on-demand")

    (request,) = bedrock.called("create_custom_model_deployment")
    assert request == {
        "modelDeploymentName": "tunedrop-test-persona-0123456789",
        "modelArn": builders.MODEL_ARN,
        "tags": TAGS,
        "clientRequestToken": token_of(request),
    }
    assert (serving.arn, serving.status) == (builders.DEPLOYMENT_ARN, "Creating")
    assert (serving.created_at, serving.expires_at) == (NOW, "2026-11-23T12:00:00Z")


def test_provisioned_throughput_without_commitment_names_none(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_provisioned_model_throughput={"provisionedModelArn": builders.PROVISIONED_ARN}
    )

    create(bedrock, stage, "provisioned", model_units=2)

    (request,) = bedrock.called("create_provisioned_model_throughput")
    assert request == {
        "provisionedModelName": "tunedrop-test-persona-0123456789",
        "modelId": builders.MODEL_ARN,
        "modelUnits": 2,
        "tags": TAGS,
        "clientRequestToken": token_of(request),
    }


@pytest.mark.parametrize(("commitment", "duration"), [("1-month", "OneMonth"), ("6-months", "SixMonths")])
def test_a_commitment_is_asked_for_in_bedrocks_words(stage: Stage, commitment: str, duration: str) -> None:
    bedrock = FakeBedrock(
        create_provisioned_model_throughput={"provisionedModelArn": builders.PROVISIONED_ARN}
    )

    create(bedrock, stage, "provisioned", commitment=commitment)

    (request,) = bedrock.called("create_provisioned_model_throughput")
    assert request["commitmentDuration"] == duration
    assert commitment_of(duration) == commitment


IMPORT_JOB = "arn:aws:bedrock:us-east-1:111122223333:model-import-job/abcdefghij12"
IMPORTED = "arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghij12"


def test_an_import_is_under_the_stages_key_and_says_whose_model_it_is(stage: Stage) -> None:
    stage = msgspec.structs.replace(stage, import_role_arn="arn:aws:iam::111122223333:role/imports")
    bedrock = FakeBedrock(create_model_import_job={"jobArn": IMPORT_JOB})

    throughput.create(
        bedrock, stage, "persona-0123456789", "tunedrop-test-persona-0123456789",
        builders.MODEL_ARN, DeploymentSettings(), "imported", weights="s3://artifacts/weights/",
    )  # fmt: skip

    (request,) = bedrock.called("create_model_import_job")
    assert request == {
        "jobName": "tunedrop-test-persona-0123456789",
        "importedModelName": "tunedrop-test-persona-0123456789",
        "roleArn": "arn:aws:iam::111122223333:role/imports",
        "modelDataSource": {"s3DataSource": {"s3Uri": "s3://artifacts/weights/"}},
        "jobTags": TAGS,
        "importedModelTags": [*TAGS, {"key": "tunedrop:model", "value": builders.MODEL_ARN}],
        "importedModelKmsKeyId": stage.key_arn,
        "clientRequestToken": token_of(request),
    }


@pytest.mark.parametrize(
    ("job", "deleted", "error"),
    [
        ({"status": "Completed", "importedModelArn": IMPORTED}, [{"modelIdentifier": IMPORTED}], None),
        ({"status": "Failed"}, [], None),  # it has made nothing
        ({"status": "InProgress"}, [], TransientError),  # Bedrock stops no import
    ],
)
def test_what_an_import_has_made_ends_by_its_job(
    job: dict[str, str], deleted: list[dict[str, str]], error: type[Exception] | None
) -> None:
    bedrock = FakeBedrock(
        get_model_import_job=job, get_imported_model={"modelArn": IMPORTED}, delete_imported_model={}
    )

    with pytest.raises(error) if error else nullcontext():
        assert throughput.release(bedrock, IMPORT_JOB)
    assert bedrock.called("delete_imported_model") == deleted


def test_a_request_sent_again_has_the_same_token_and_another_models_has_another(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_custom_model_deployment={"customModelDeploymentArn": builders.DEPLOYMENT_ARN}
    )

    create(bedrock, stage, "on-demand")
    create(bedrock, stage, "on-demand")
    throughput.create(
        bedrock, stage, "persona-0123456789", "tunedrop-test-persona-0123456789",
        builders.MODEL_ARN[:-1] + "9", DeploymentSettings(), "on-demand",
    )  # fmt: skip

    first, again, other = map(token_of, bedrock.called("create_custom_model_deployment"))
    assert first == again != other


def test_throughput_to_be_kept_expires_later_and_for_a_rollback_says_so(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_provisioned_model_throughput={"provisionedModelArn": builders.PROVISIONED_ARN}
    )

    kept = create(bedrock, stage, "provisioned", keep_for_seconds=86_400)
    throughput.create(
        bedrock, stage, "persona-0123456789", "tunedrop-test-persona-0123456789",
        builders.MODEL_ARN, DeploymentSettings(), "provisioned", keep=True,
    )  # fmt: skip

    _, for_rollback = bedrock.called("create_provisioned_model_throughput")
    assert kept.expires_at == "2026-11-24T12:00:00Z"
    assert for_rollback["tags"] == [*TAGS, {"key": "tunedrop:keep", "value": "rollback"}]


def test_a_retry_finds_what_an_earlier_try_has_created(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_custom_model_deployment=refusal("ValidationException", "name is in use"),
        get_custom_model_deployment={
            "customModelDeploymentArn": builders.DEPLOYMENT_ARN, "modelArn": builders.MODEL_ARN,
        },
    )  # fmt: skip

    assert create(bedrock, stage, "on-demand").arn == builders.DEPLOYMENT_ARN


def test_what_somebody_else_has_made_under_a_runs_name_is_not_taken_for_its_own(stage: Stage) -> None:
    """It would have been evaluated, and put into production."""
    others = builders.MODEL_ARN[:-1] + "9"
    job = {"jobArn": IMPORT_JOB, "modelDataSource": {"s3DataSource": {"s3Uri": "s3://elsewhere/weights/"}}}
    refused = refusal("ValidationException", "name is in use")
    bedrock = FakeBedrock(
        create_custom_model_deployment=refused,
        get_custom_model_deployment={
            "customModelDeploymentArn": builders.DEPLOYMENT_ARN, "modelArn": others,
        },
        create_provisioned_model_throughput=refused,
        get_provisioned_model_throughput={
            "provisionedModelArn": builders.PROVISIONED_ARN, "modelArn": others, "status": "InService",
            "modelUnits": 1,
        },
        create_model_import_job=refused,
        get_model_import_job=job,
    )  # fmt: skip

    for way in ("on-demand", "provisioned", "imported"):
        with pytest.raises(ThroughputFailed, match="serves another model"):
            create(bedrock, stage, way)


@pytest.mark.parametrize(
    ("way", "code", "error"),
    [
        ("on-demand", "ServiceQuotaExceededException", DeploymentsFull),
        ("imported", "ServiceQuotaExceededException", TransientError),  # other runs delete theirs
        ("provisioned", "ServiceQuotaExceededException", ThroughputFailed),  # units never come
        ("on-demand", "ThrottlingException", TransientError),
        ("on-demand", "AccessDeniedException", ThroughputFailed),
        ("provisioned", "ValidationException", ThroughputFailed),
    ],
)
def test_a_refusal_is_waited_for_where_that_can_help(
    stage: Stage, way: Way, code: str, error: type[Exception]
) -> None:
    missing = refusal("ResourceNotFoundException")
    bedrock = FakeBedrock(
        create_custom_model_deployment=refusal(code),
        create_provisioned_model_throughput=refusal(code),
        create_model_import_job=refusal(code),
        get_provisioned_model_throughput=missing,
    )

    with pytest.raises(Exception) as raised:  # noqa: PT011 - its kind is what is tested
        create(bedrock, stage, way)

    assert type(raised.value) is error


def test_a_deployment_waits_until_another_run_gives_one_up(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_custom_model_deployment=refusal("ServiceQuotaExceededException", "too many.")
    )

    with pytest.raises(TransientError, match="L-1EF80F3E"):
        create(bedrock, stage, "on-demand")


def test_a_quota_of_zero_says_which_quota_to_ask_for(stage: Stage) -> None:
    bedrock = FakeBedrock(
        create_provisioned_model_throughput=refusal("ServiceQuotaExceededException", "no units reserved.")
    )

    with pytest.raises(ThroughputFailed, match="L-BE77399C"):
        create(bedrock, stage, "provisioned")


@pytest.mark.parametrize(("status", "expected"), [("Creating", None), ("Active", "InService")])
def test_a_deployment_is_in_service_when_it_is_active(status: str, expected: str | None) -> None:
    bedrock = FakeBedrock(get_custom_model_deployment={"status": status})

    outcome = throughput.outcome(bedrock, builders.serving())

    assert (outcome.status if outcome else None) == expected


def test_a_failed_throughput_says_why() -> None:
    bedrock = FakeBedrock(
        get_provisioned_model_throughput={"status": "Failed", "failureMessage": "no capacity"}
    )

    with pytest.raises(ThroughputFailed, match="no capacity"):
        throughput.outcome(bedrock, builders.serving(way="provisioned", arn=builders.PROVISIONED_ARN))


def test_what_is_gone_already_is_released(stage: Stage) -> None:
    bedrock = FakeBedrock(delete_custom_model_deployment=refusal("ResourceNotFoundException"))

    assert throughput.release(bedrock, builders.DEPLOYMENT_ARN) is False


def test_what_is_still_being_created_is_released_a_little_later() -> None:
    bedrock = FakeBedrock(
        delete_custom_model_deployment=refusal(
            "ValidationException", "Custom model deployment is in a mutating state"
        )
    )

    with pytest.raises(TransientError):
        throughput.release(bedrock, builders.DEPLOYMENT_ARN)
