"""Preflight as a table: all is well, then one answer of AWS or one setting of the run is another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.recorded import recorded
from tests.unit.fake_bedrock import ACCESSIBLE, NOT_SUBSCRIBED, Answer, FakeBedrock, refusal
from tunedrop import catalog
from tunedrop.aws import Aws
from tunedrop.contracts import (
    Dataset,
    DeploymentSettings,
    EvaluationSettings,
    Run,
    Teacher,
    TrainingStage,
)
from tunedrop.errors import PreflightFailed
from tunedrop.preflight.checks import Preflighter
from tunedrop.stage import Stage
from tunedrop.training import engines

MODEL = catalog.find(builders.NOVA_LITE)
NOW = datetime.now(UTC)
ALLOWED: dict[str, Any] = {"EvaluationResults": [{"EvalDecision": "allowed"}]}
DENIED: dict[str, Any] = {"EvaluationResults": [{"EvalDecision": "implicitDeny"}]}
DELETED = refusal("ResourceNotFoundException")


def base(
    status: str = "ACTIVE", kinds: tuple[str, ...] = ("FINE_TUNING",), **life: datetime
) -> dict[str, Any]:
    details = {"modelLifecycle": {"status": status, **life}, "customizationsSupported": list(kinds)}
    return {"modelDetails": details}


def job_of(role: str) -> dict[str, Any]:
    return {"jobArn": builders.JOB_ARN, "jobName": "job", "status": "Failed", "roleArn": role}


class Account:
    """AWS's answers, all well but for those that a test gives."""

    def __init__(self, aws: Aws, **answers: Answer | list[Answer]) -> None:
        usual: dict[str, Answer | list[Answer]] = {
            "get_foundation_model": base(),
            "get_foundation_model_availability": ACCESSIBLE,
            "get_custom_model": {"modelStatus": "Active"},
            "get_model_customization_job": DELETED,
            "list_custom_models": {"modelSummaries": []},
            "list_custom_model_deployments": {"modelDeploymentSummaries": []},
            "list_provisioned_model_throughputs": {"provisionedModelSummaries": []},
        }
        self.bedrock = aws.bedrock = FakeBedrock(**usual | answers)
        self.iam = aws.iam = FakeBedrock(simulate_principal_policy=answers.get("simulated", ALLOWED))
        quotas = answers.get("quotas", {"Quotas": []})
        aws.service_quotas = FakeBedrock(list_aws_default_service_quotas=quotas, list_service_quotas=quotas)
        self._aws = aws

    def look(
        self, stage: Stage, run: Run | None = None, dataset: Dataset | None = None, model: Any = MODEL
    ) -> str:
        """The names of the checks that passed, in order; or what the run's owner reads."""
        try:
            found = Preflighter(
                self._aws, stage, run or builders.run(), dataset or builders.dataset(), model
            ).run()
        except PreflightFailed as error:
            return str(error)
        return ", ".join(one.name for one in found.checks)


WELL = "Region, base model, model access, test set, serving, quotas, data access, job name"


def test_a_run_that_nothing_speaks_against_passes_every_check(aws: Aws, stage: Stage) -> None:
    assert Account(aws).look(stage) == WELL


@pytest.mark.parametrize(
    ("answers", "refused"),
    [
        ({"get_foundation_model": base("LEGACY")}, "is Legacy"),
        ({"get_foundation_model": base(legacyTime=NOW - timedelta(days=1))}, "is Legacy since"),
        ({"get_foundation_model": base(endOfLifeTime=NOW - timedelta(days=1))}, "reached its end of life"),
        ({"get_foundation_model": base(kinds=())}, "it offers no customization"),
        ({"get_foundation_model": base(kinds=("DISTILLATION",))}, "does not offer FINE_TUNING"),
        ({"get_foundation_model": DELETED}, "does not exist in us-east-1"),
        ({"get_foundation_model_availability": DELETED}, "does not exist in us-east-1"),
        *(
            ({"get_foundation_model_availability": ACCESSIBLE | {name: "NOT_AVAILABLE"}}, "NOT_AVAILABLE")
            for name in ("authorizationStatus", "entitlementAvailability", "regionAvailability")
        ),
        (
            {"get_foundation_model_availability": NOT_SUBSCRIBED},
            "agreement NOT_AVAILABLE",
        ),
        (
            {"get_model_customization_job": job_of("arn:aws:iam::111122223333:role/other")},
            "already in use",
        ),
        ({"simulated": DENIED}, "s3:GetObject on runs/persona-0123456789/dataset/train.jsonl (implicitDeny)"),
        (
            {"simulated": [ALLOWED, DENIED]},
            "may not s3:PutObject on runs/persona-0123456789/training/metrics.csv (implicitDeny)",
        ),
        ({"simulated": refusal("AccessDenied")}, "iam:SimulatePrincipalPolicy"),
    ],
)  # fmt: skip
def test_one_answer_of_aws_refuses_the_run(
    aws: Aws, stage: Stage, answers: dict[str, Any], refused: str
) -> None:
    said = Account(aws, **answers).look(stage)

    assert refused in said
    assert said != WELL


@pytest.mark.parametrize(
    "answers",
    [
        {"get_foundation_model": base(legacyTime=NOW + timedelta(days=1))},
        {"get_foundation_model": base(endOfLifeTime=NOW + timedelta(days=1))},
        {"get_model_customization_job": job_of(builders.stage().bedrock_role_arn)},
        {"get_foundation_model": [DELETED, base()]},  # of two ids one is enough
        {"simulated": recorded("simulated-under-a-control-policy")},
    ],
)
def test_what_is_only_announced_our_own_or_not_known_refuses_nothing(
    aws: Aws, stage: Stage, answers: dict[str, Any]
) -> None:
    assert Account(aws, **answers).look(stage) == WELL


@pytest.mark.parametrize("status", ["Active", "Creating", "Failed", ""])
def test_a_model_that_is_tuned_further_has_to_be_active(aws: Aws, stage: Stage, status: str) -> None:
    account = Account(aws, get_custom_model={"modelStatus": status} if status else DELETED)

    said = account.look(stage, builders.run(parent_model=builders.MODEL_ARN))

    assert ("custom model" in said.split(", ")) == (status == "Active")
    assert account.bedrock.called("get_custom_model") == [{"modelIdentifier": builders.MODEL_ARN}]


@pytest.mark.parametrize("has", [True, False])
def test_a_search_needs_a_validation_set(aws: Aws, stage: Stage, has: bool) -> None:
    values = builders.run().hyperparameters
    run = builders.run(candidates=(values, values | {"epochCount": "2"}))
    dataset = builders.dataset() if has else builders.dataset(validation=None)

    said = Account(aws).look(stage, run, dataset)

    assert ("there is no validation set" in said) != has


def test_a_base_model_of_another_region_is_refused(aws: Aws) -> None:
    said = Account(aws).look(builders.stage(region="eu-north-1"))

    assert "this stage is in eu-north-1" in said


def test_a_way_to_serve_that_the_base_model_has_not_is_refused(aws: Aws, stage: Stage) -> None:
    neither = msgspec.structs.replace(MODEL.serving, ways=())
    model = msgspec.structs.replace(MODEL, serving=neither)

    assert "no way to serve" in Account(aws).look(stage, model=model)


def test_a_quota_that_is_full_refuses_the_run(aws: Aws, stage: Stage) -> None:
    full = {"Quotas": [{"QuotaCode": "L-CB5B847D", "QuotaName": "models", "Value": 0, "Adjustable": True}]}

    assert "models (L-CB5B847D) is 0" in Account(aws, quotas=full).look(stage)


def test_a_run_hears_of_everything_at_once(aws: Aws, stage: Stage) -> None:
    said = Account(aws, get_foundation_model=base("LEGACY"), simulated=DENIED).look(stage)

    assert "is Legacy" in said
    assert "may not s3:GetObject" in said


@pytest.mark.parametrize(
    "operation",
    ["get_foundation_model", "get_foundation_model_availability", "simulated", "get_model_customization_job"],
)
@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException"])
def test_a_question_that_aws_does_not_answer_now_refuses_nothing(
    aws: Aws, stage: Stage, operation: str, code: str
) -> None:
    """The step is tried again: a throttled account has no finding."""
    error = refusal(code)

    with pytest.raises(type(error), match=code):
        Account(aws, **{operation: error}).look(stage)


def test_a_teacher_that_is_missing_is_not_taken_for_the_base_model(aws: Aws, stage: Stage) -> None:
    run = builders.run(teacher=Teacher(model="amazon.nova-gone-v1:0", max_response_length=500))

    said = Account(aws, get_foundation_model=[base(), base(), DELETED]).look(stage, run)

    assert "does not exist in" not in said
    assert "ResourceNotFoundException" in said
    assert "Choose another teacher.model" in said


def test_what_is_asked_names_the_model_the_role_and_the_objects(aws: Aws, stage: Stage) -> None:
    account, run = Account(aws), builders.run()
    earlier = TrainingStage(method="single-turn", hyperparameters=run.hyperparameters, train=run.train)
    two_stages = msgspec.structs.replace(run, earlier_stages=(earlier,))

    account.look(stage, two_stages, builders.dataset(earlier=(builders.dataset(),)))

    assert account.bedrock.called("get_foundation_model_availability") == [{"modelId": MODEL.lifecycle_id}]
    objects = "arn:aws:s3:::artifacts/runs/persona-0123456789"
    assert account.iam.called("simulate_principal_policy") == [
        {
            "PolicySourceArn": stage.bedrock_role_arn,
            "ActionNames": [action],
            "ResourceArns": [f"{objects}/{key}"],
            "ContextEntries": [
                {
                    "ContextKeyName": "aws:RequestedRegion",
                    "ContextKeyValues": ["us-east-1"],
                    "ContextKeyType": "string",
                }
            ],
        }
        for action, key in (
            ("s3:GetObject", "dataset/train.jsonl"),
            ("s3:GetObject", "dataset/train.jsonl"),
            ("s3:PutObject", "training/metrics.csv"),
        )
    ]
    assert account.bedrock.called("get_model_customization_job") == [
        {"jobIdentifier": engines.named("bedrock").name_of(stage, two_stages, number)} for number in (0, 1)
    ]


def test_throughput_is_wanted_where_the_run_asks_for_it(aws: Aws, stage: Stage) -> None:
    """The quota of units is looked at for a run that buys some after its evaluation."""
    both = msgspec.structs.replace(MODEL.serving, ways=("on-demand", "provisioned"))
    model = msgspec.structs.replace(MODEL, serving=both)
    none = {"Quotas": [{"QuotaCode": "L-BE77399C", "QuotaName": "units", "Value": 0, "Adjustable": True}]}
    run = builders.run(deployment=DeploymentSettings(mode="provisioned", keep_for_seconds=3600))

    assert "units (L-BE77399C) is 0" in Account(aws, quotas=none).look(stage, run, model=model)
    assert Account(aws, quotas=none).look(stage, model=model) == WELL


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (None, "test: 0 conversations, too few for a verdict"),
        (29, "test: 29 conversations, too few for a verdict"),
        (30, "test: 30 conversations, enough to detect an improvement of"),
        (900, "test: 400 conversations, enough to detect an improvement of"),  # no more are asked
    ],
)
def test_what_the_test_set_can_show_is_told_before_anything_is_paid(
    aws: Aws, stage: Stage, records: int | None, told: str
) -> None:
    Account(aws)
    test = builders.dataset().test
    assert test is not None
    some = msgspec.structs.replace(test, records=records) if records is not None else None
    run = builders.run(evaluation=EvaluationSettings(max_prompts=400))

    checks = Preflighter(aws, stage, run, builders.dataset(test=some), MODEL).run().checks

    (found,) = (one for one in checks if one.name == "test set")
    assert found.detail.startswith(told)


@pytest.mark.parametrize(
    ("region", "hint"), [("us-west-2", "Take "), ("eu-west-3", "; deploy a stage there")]
)
def test_in_a_wrong_region_the_nearest_way_is_told(aws: Aws, region: str, hint: str) -> None:
    reads = Account(aws).look(builders.stage(region=region))

    first = reads.splitlines()[0]
    assert f"this stage is in {region}" in first
    assert hint in first
    assert ("deploy a stage there" in first) == (region == "eu-west-3")
