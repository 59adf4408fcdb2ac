from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from botocore.exceptions import EndpointConnectionError

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.doctor import Finding, _account, _concurrency, _deployment, _machine, _quotas, models
from tunedrop.doctor.examine import examine
from tunedrop.registry import Registry
from tunedrop.serving.kinds.deployment import IN_PROGRESS, IN_TOTAL
from tunedrop.serving.kinds.provisioned import NO_COMMITMENT_UNITS
from tunedrop.stage import Stage
from tunedrop.training.engines.bedrock.custom_models import CUSTOM_MODELS
from tunedrop.training.engines.bedrock.jobs import SCHEDULED_JOBS
from tunedrop.waiting.table import Waits

LLAMA = catalog.find(builders.LLAMA_3_1)
MISTRAL = catalog.find("mistral.mistral-7b")
ACCESS = {
    "agreementAvailability": {"status": "AVAILABLE"},
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
}
ALIVE = {
    "modelDetails": {
        "customizationsSupported": ["FINE_TUNING", "DISTILLATION"], "modelLifecycle": {"status": "ACTIVE"},
    }
}  # fmt: skip


AWSS_STATEMENTS: list[dict[str, Any]] = [
    {
        "Sid": "Enable IAM User Permissions", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*",
    },
    {
        "Sid": "Allow_CloudWatch_for_CMK", "Effect": "Allow",
        "Principal": {"Service": ["cloudwatch.amazonaws.com"]},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*",
    },
    {
        "Sid": "PermissionsNovaProvisionedThroughput", "Effect": "Allow",
        "Principal": {"Service": ["bedrock.amazonaws.com"]},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*",
        "Condition": {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "aws:bedrock:custom-model"}},
    },
]  # fmt: skip
"""As AWS's pages have them: KMS developer guide, key-policy-default; re:Post, SNS topics and CloudWatch
alarms; Nova user guide, customize-fine-tune-encrypt."""


def states(findings: list[Finding]) -> dict[str, str]:
    return {finding.name: finding.state for finding in findings}


class TestThisMachine:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        (tmp_path / "cdk.json").write_text("{}")
        return tmp_path

    def test_versions_that_fit_are_good(self, repository: Path) -> None:
        versions = {"node": "v22.3.0", "cdk": "2.1148.1 (build abc)"}

        found = list(_machine.check(repository, lambda command: versions[Path(command[0]).name]))

        assert states(found) == {"Python": "good", "Node.js": "good", "CDK CLI": "good"}

    @pytest.mark.parametrize("cdk", ["", "2.1000.0", "3.0.0"])
    def test_a_cdk_cli_that_cannot_read_the_app_is_bad(self, repository: Path, cdk: str) -> None:
        found = list(_machine.check(repository, lambda command: cdk if "cdk" in command[0] else "v22.0.0"))

        assert states(found)["CDK CLI"] == "bad"
        assert found[-1].hint == "make setup"

    def test_an_old_node_that_still_works_is_a_note(self, repository: Path) -> None:
        found = list(_machine.check(repository, lambda _: "v20.20.2"))

        assert states(found)["Node.js"] == "note"

    def test_outside_the_repository_nothing_is_missing(self, tmp_path: Path) -> None:
        assert "bad" not in states(list(_machine.check(tmp_path))).values()


class TestAccount:
    def test_an_account_that_is_bootstrapped_is_good(self, aws: Aws) -> None:
        aws.ssm.put_parameter(Name=_account.BOOTSTRAP, Value="21", Type="String")

        assert set(states(list(_account.check(aws))).values()) == {"good"}

    def test_an_account_without_bootstrap_gets_the_command(self, aws: Aws) -> None:
        *_, bootstrap = _account.check(aws)

        assert bootstrap.state == "bad"
        assert "cdk bootstrap" in bootstrap.hint

    def test_without_a_region_the_first_thing_to_do_is_to_say_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
        nowhere = Aws(boto3.Session())

        (found,) = _account.check(nowhere)

        assert (found.name, found.state) == ("Region", "bad")
        assert "--region" in found.hint

    def test_an_endpoint_that_does_not_answer_is_not_taken_for_wrong_credentials(
        self, aws: Aws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreachable(*_: object, **__: object) -> None:
            raise EndpointConnectionError(endpoint_url="https://localhost:9/")

        monkeypatch.setattr("botocore.client.BaseClient._make_api_call", unreachable)

        (found,) = _account.check(aws)

        assert "Is the network there" in found.hint
        assert not _account.can_be_asked([found])

    def test_a_region_without_customization_names_those_that_have_it(self) -> None:
        assert "us-east-1, us-west-2" in _account._region("eu-central-1").hint


class TestConcurrency:
    @pytest.mark.parametrize(
        ("free", "most", "state"), [(1_000, 1_000, "good"), (10, 10, "note"), (5, 1_000, "note")]
    )
    def test_an_account_that_may_run_few_functions_is_told_how_to_ask_for_more(
        self, aws: Aws, free: int, most: int, state: str
    ) -> None:
        limit = {"UnreservedConcurrentExecutions": free, "ConcurrentExecutions": most}
        aws.lambda_ = FakeBedrock(get_account_settings={"AccountLimit": limit})

        (found,) = _concurrency.check(aws)

        assert found.state == state
        assert ("--quota-code L-B99A9384" in found.hint) == (state == "note")

    def test_an_account_that_does_not_say_is_no_failure(self, aws: Aws) -> None:
        aws.lambda_ = FakeBedrock(
            get_account_settings=refusal("AccessDeniedException", operation="GetAccountSettings")
        )

        assert [one.state for one in _concurrency.check(aws)] == ["unknown"]


class TestBaseModels:
    @pytest.fixture
    def aws(self, aws: Aws) -> Aws:
        """Where the base model of these tests was tuned."""
        return Aws(boto3.Session(region_name="us-west-2"))

    def look(self, aws: Aws, details: Any, access: Any = ACCESS) -> Finding:
        aws.bedrock = FakeBedrock(get_foundation_model=details, get_foundation_model_availability=access)
        (finding,) = models.check(aws, [LLAMA])
        return finding

    def test_a_model_that_is_alive_and_open_is_good(self, aws: Aws) -> None:
        assert self.look(aws, ALIVE).state == "good"

    @pytest.mark.parametrize(
        ("customizable", "plain", "state"),
        [(["FINE_TUNING", "DISTILLATION"], [], "good"), (["FINE_TUNING"], [], "note"), ([], [], "bad")],
    )
    def test_customizations_are_listed_under_the_id_with_a_context_length(
        self, aws: Aws, customizable: list[str], plain: list[str], state: str
    ) -> None:
        """Its plain id lists none (`tests/recorded/list-foundation-models.json`)."""

        class Twins(FakeBedrock):
            def get_foundation_model(self, *, modelIdentifier: str) -> dict[str, Any]:  # noqa: N803
                kinds = customizable if modelIdentifier == LLAMA.id else plain
                active = {"status": "ACTIVE"}
                return {"modelDetails": {"customizationsSupported": kinds, "modelLifecycle": active}}

        aws.bedrock = Twins(get_foundation_model_availability=ACCESS)
        (finding,) = models.check(aws, [LLAMA])

        assert finding.state == state

    @pytest.mark.parametrize("other", ["qwen.qwen3-4b", "openai.gpt-oss-20b"])
    def test_bedrock_is_not_asked_about_a_model_that_another_engine_trains(
        self, aws: Aws, other: str
    ) -> None:
        """It lists no such id: a Region of open weights would look as if nothing could be tuned there."""
        aws.bedrock = FakeBedrock(get_foundation_model=refusal("ResourceNotFoundException"))

        (found,) = models.check(aws, [catalog.find(other)])

        assert found.state == "note"
        assert found.detail.startswith("is trained by ")

    def test_a_legacy_model_is_bad(self, aws: Aws) -> None:
        legacy = {"modelDetails": {"modelLifecycle": {"status": "LEGACY"}}}

        assert "Bedrock starts no new job" in self.look(aws, legacy).detail

    @pytest.mark.parametrize(
        ("moment", "said"), [("endOfLifeTime", "ends on"), ("legacyTime", "becomes Legacy on")]
    )
    def test_a_model_that_ends_or_becomes_legacy_soon_is_worth_knowing(
        self, aws: Aws, moment: str, said: str
    ) -> None:
        soon = datetime.now(UTC) + timedelta(days=30)
        life = {"status": "ACTIVE", moment: soon}
        ending = {"modelDetails": ALIVE["modelDetails"] | {"modelLifecycle": life}}

        found = self.look(aws, ending)

        assert found.state == "note"
        assert said in found.detail

    def test_terms_that_nobody_has_accepted_are_bad(self, aws: Aws) -> None:
        closed = ACCESS | {"agreementAvailability": {"status": "NOT_AVAILABLE"}}

        finding = self.look(aws, ALIVE, closed)

        assert finding.state == "bad"
        assert "aws-marketplace:Subscribe" in finding.hint

    def test_unreadable_checks_are_reported(self, aws: Aws) -> None:
        finding = self.look(aws, refusal("AccessDeniedException", operation="GetFoundationModel"))

        assert finding.state == "unknown"
        assert "GetFoundationModel" in finding.hint


class TestQuotas:
    @pytest.fixture
    def aws(self, aws: Aws) -> Aws:
        """Where the base model of these tests was tuned."""
        return Aws(boto3.Session(region_name="us-west-2"))

    def look(
        self, aws: Aws, jobs_at_once: int = 2, base_model: catalog.BaseModel = LLAMA, **values: float
    ) -> list[Finding]:
        listed = [
            {
                "QuotaCode": code,
                "QuotaName": name,
                "Value": values.get(key, 10.0),
                "Adjustable": key != "jobs",
            }
            for key, code, name in (
                ("jobs", SCHEDULED_JOBS, "Scheduled customization jobs"),
                ("deployments", IN_TOTAL, "Total number of custom model deployments"),
                ("creating", IN_PROGRESS, "In-progress custom model deployments"),
                ("models", CUSTOM_MODELS, "Custom models per account"),
                ("units", NO_COMMITMENT_UNITS, "Model units no-commitment"),
                ("own", "L-3632DE15", "Model units per provisioned model for Meta Llama 3.1 8B Instruct"),
                ("imported", "L-45B04988", "Imported models per account"),
                ("instances", "L-ED7BD217", "ml.g5.24xlarge for training job usage"),
                ("tokens", "L-45E0AD92", "Model invocation max tokens per day for Amazon Nova Lite"),
            )
        ]
        aws.service_quotas = FakeBedrock(
            list_service_quotas={"Quotas": listed}, list_aws_default_service_quotas={"Quotas": []}
        )
        aws.bedrock = FakeBedrock(
            list_custom_model_deployments={"modelDeploymentSummaries": [{}] * 3},
            list_custom_models={"modelSummaries": []},
            list_model_customization_jobs={"modelCustomizationJobSummaries": []},
            list_imported_models={"modelSummaries": [{}] * 3},
            list_provisioned_model_throughputs={"provisionedModelSummaries": []},
        )
        return list(_quotas.check(aws, [base_model], jobs_at_once))

    def test_the_quota_that_is_0_by_default_is_bad_where_nothing_else_serves_the_model(
        self, aws: Aws
    ) -> None:
        found = {finding.name: finding for finding in self.look(aws, units=0.0)}

        finding = found["model units without commitment"]
        assert finding.state == "bad"
        assert "--quota-code L-BE77399C --desired-value 1 --region us-west-2" in finding.hint

    def test_enough_of_everything_is_good(self, aws: Aws) -> None:
        assert set(states(self.look(aws)).values()) == {"good"}

    @pytest.mark.parametrize(
        ("quota", "most", "name", "request_"),
        [
            ("imported", 3.0, "imported models", "bedrock --quota-code L-45B04988 --desired-value 4"),
            ("instances", 0.0, "ml.g5.24xlarge for training job usage",
             "sagemaker --quota-code L-ED7BD217 --desired-value 1"),
        ],
    )  # fmt: skip
    def test_what_open_weights_need_is_looked_at(
        self, aws: Aws, quota: str, most: float, name: str, request_: str
    ) -> None:
        """An account imports three models by default, and trains on no instance (AWS General Reference)."""
        enough = {one.name: one for one in self.look(aws, 2, MISTRAL)}
        found = {one.name: one for one in self.look(aws, 2, MISTRAL, **{quota: most})}

        assert (enough[name].state, found[name].state) == ("good", "bad")
        assert f"{request_} --region us-west-2" in found[name].hint

    @pytest.mark.parametrize(
        ("value", "state", "detail"),
        [
            (0.0, "bad", "0 in total, 0 used; 1 needed"),
            (5.76e9, "good", "5,760,000,000"),  # the default
        ],
    )
    def test_an_account_without_tokens_for_a_model_is_told_whom_to_ask(
        self, aws: Aws, value: float, state: str, detail: str
    ) -> None:
        nova = catalog.find(builders.NOVA_LITE)
        found = {one.name: one for one in self.look(aws, 2, nova, tokens=value)}[
            "tokens per day of Nova Lite"
        ]

        assert (found.state, found.detail) == (state, detail)
        assert ("AWS Support" in found.hint) is (state == "bad")

    def test_fewer_jobs_than_the_stage_wants_cannot_be_raised(self, aws: Aws) -> None:
        finding = self.look(aws, jobs=1.0)[0]

        assert (finding.state, finding.hint) == ("bad", "It cannot be raised: delete what is not needed")


class TestStage:
    @pytest.fixture
    def deployed(self, aws: Aws, stage: Stage, registry: Registry, waits: Waits, intake: str) -> Stage:
        aws.s3.create_bucket(Bucket=stage.artifacts_bucket)
        aws.sns.create_topic(Name="tunedrop")
        return builders.stage(topic_arn=aws.sns.list_topics()["Topics"][0]["TopicArn"])

    def test_what_is_gone_is_named_and_deployed_again(self, aws: Aws, deployed: Stage) -> None:
        aws.s3.delete_bucket(Bucket=deployed.artifacts_bucket)

        found = {finding.name: finding for finding in _deployment.check(aws, deployed)}

        assert found["intake bucket"].state == "good"
        assert found["artifacts bucket"].state == "bad"
        assert found["Bedrock's role"].hint == "Deploy the stage again: make deploy STAGE=test"

    @pytest.mark.parametrize(("answer", "state"), [({}, "bad"), ({"EventBridgeConfiguration": {}}, "good")])
    def test_a_bucket_that_sends_no_events_starts_nothing(
        self, aws: Aws, stage: Stage, answer: dict[str, Any], state: str
    ) -> None:
        aws.s3 = FakeBedrock(get_bucket_notification_configuration=answer, head_bucket={})

        assert _deployment._events(aws, "Stage test", stage).state == state

    @pytest.mark.parametrize(
        ("left_out", "says"),
        [
            ("", "functions, alarms and Bedrock may use the key"),
            ("Allow_CloudWatch_for_CMK", "cloudwatch.amazonaws.com may not use it: no alarm arrives"),
            ("PermissionsNovaProvisionedThroughput", "bedrock.amazonaws.com may not use it"),
            ("Enable IAM User Permissions", "no function can work"),
        ],
    )
    def test_a_key_that_a_service_may_not_use_is_named_with_what_fails(
        self, aws: Aws, deployed: Stage, left_out: str, says: str
    ) -> None:
        policy = {"Statement": [one for one in AWSS_STATEMENTS if one["Sid"] != left_out]}
        arn = aws.client("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]

        under_it = msgspec.structs.replace(deployed, key_arn=arn)
        found = {one.name: one for one in _deployment.check(aws, under_it)}

        assert says in found["key policy"].detail
        assert found["key policy"].state == ("bad" if left_out else "good")

    def test_a_topic_that_nobody_hears_is_worth_knowing(self, aws: Aws, deployed: Stage) -> None:
        assert states(list(_deployment.check(aws, deployed)))["subscribers"] == "note"

        aws.sns.subscribe(
            TopicArn=deployed.topic_arn, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:1:inbox"
        )

        assert states(list(_deployment.check(aws, deployed)))["subscribers"] == "good"

    def test_a_stage_that_is_still_to_be_deployed_fails_nothing(self, aws: Aws, tmp_path: Path) -> None:
        aws.bedrock = FakeBedrock(
            get_foundation_model=ALIVE,
            get_foundation_model_availability=ACCESS,
            list_custom_model_deployments={"modelDeploymentSummaries": []},
            list_custom_models={"modelSummaries": []},
            list_model_customization_jobs={"modelCustomizationJobSummaries": []},
        )

        *_, last = examine(aws, "dev", LLAMA, tmp_path)

        assert (last.state, last.hint) == ("note", "make deploy STAGE=dev")
