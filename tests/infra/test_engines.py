"""What the functions of a stage with other engines may do in SageMaker and with imported models.

As in `test_attackers.py`, by a table held by hand and the emulator's own policy evaluator: allowed of this
stage; refused of another, of nobody, and by another name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.conftest import ACCOUNT, REGION, Resources, as_list, synthesize
from tests.infra.test_attackers import Call, functions_policies, is_allowed, plain, tagged, tagging

STAGE, OTHER = "local", "prod"
SAGEMAKER, BEDROCK = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}", f"arn:aws:bedrock:{REGION}:{ACCOUNT}"
JOB = f"{SAGEMAKER}:training-job/tunedrop-{STAGE}-support-0123456789"
PRETRAINING = f"{SAGEMAKER}:training-job/pretrain-{STAGE}-support-0123456789"
HUB = f"{SAGEMAKER}:hub/tunedrop-{STAGE}"
EVALUATOR = f"{SAGEMAKER}:hub-content/tunedrop-{STAGE}/JsonDoc/grade-rollouts"
GROUP = f"{SAGEMAKER}:model-package-group/tunedrop-{STAGE}-qwen3-4b"
PACKAGE = f"{SAGEMAKER}:model-package/tunedrop-{STAGE}-qwen3-4b/1"
IMPORTED, IMPORT = f"{BEDROCK}:imported-model/abcdefghij12", f"{BEDROCK}:model-import-job/abcdefghij12"
FILES = "arn:aws:s3:::<Artifacts>/runs/support-0123456789/training"
WATCHERS, ENDING = ("WaitForCompletion", "ResumeWaits"), ("ReleaseThroughput", "SweepThroughput")

OF_TAGGED = {
    **{("sagemaker:StopTrainingJob", job): (*WATCHERS, *ENDING) for job in (JOB, PRETRAINING)},
    ("sagemaker:DeleteModelPackageGroup", GROUP): ENDING,
    ("bedrock:DeleteImportedModel", IMPORTED): ENDING,
}
"""What may be done to what carries the stage's tag alone, and by whom."""

WITH_OUR_TAG = {
    **{(f"sagemaker:{does}", job): "StartCustomization" for does in ("CreateTrainingJob", "AddTags")
       for job in (JOB, PRETRAINING)},
    ("sagemaker:CreateModelPackageGroup", GROUP): "StartCustomization",
    ("sagemaker:CreateHub", HUB): "StartCustomization",
    **{("sagemaker:AddTags", one): "StartCustomization" for one in (HUB, EVALUATOR, f"{EVALUATOR}/1.0.0")},
    ("sagemaker:AddTags", GROUP): "StartCustomization",
    ("bedrock:CreateModelImportJob", "*"): "SetUpThroughput",
    ("bedrock:TagResource", IMPORT): "SetUpThroughput",
}  # fmt: skip
"""What is made by a request that gives the stage's tag, and by whom."""

READING = ("RegisterRun", "Preflight", "StartCustomization", *WATCHERS, *ENDING)
BY_NAME = {
    **{("sagemaker:DescribeTrainingJob", job): READING for job in (JOB, PRETRAINING)},
    ("sagemaker:DescribeModelPackage", PACKAGE): ("Preflight", "SetUpThroughput", *ENDING),
    ("sagemaker:DeleteModelPackage", PACKAGE): ENDING,
}  # fmt: skip
"""What may be done to what has a name of the stage, and by whom."""

FILES_ENDED = [
    Call("s3:DeleteObjectVersion", f"{FILES}/pretrain-{STAGE}-support-0123456789/output/model/config.json"),
    Call("s3:DeleteObject", f"{FILES}/tunedrop-{STAGE}-support-0123456789/output/weights"),
]
REWARD_CHANNEL = f"{FILES}/tunedrop-{STAGE}-support-0123456789/input/train.jsonl"
REGISTERING = [
    *(Call(f"sagemaker:{does}HubContent", f"{EVALUATOR}{version}")
      for does in ("Describe", "Import") for version in ("", "/1.0.0")),
    Call("s3:PutObject", REWARD_CHANNEL),
    Call("s3:AbortMultipartUpload", REWARD_CHANNEL),
]  # fmt: skip
NEVER = [
    Call("s3:DeleteObject", "arn:aws:s3:::<Artifacts>/runs/support-0123456789/dataset/train.jsonl"),
    Call("s3:DeleteObjectVersion", "arn:aws:s3:::<Artifacts>/runs/support-0123456789/report.html"),
    Call("sagemaker:CreateTrainingJob", JOB),
    Call("bedrock:TagResource", IMPORTED, tagging(OTHER)),
]


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    engines = ["bedrock", "sagemaker-serverless", "sagemaker-jumpstart", "mantle"]
    return Resources(synthesize(tmp_path_factory.mktemp("engines"), STAGE, engines=engines, removal="retain"))


@pytest.fixture(scope="module")
def policies(resources: Resources) -> dict[str, list[Any]]:
    return functions_policies(resources)


def who_may(policies: dict[str, list[Any]], call: Call) -> set[str]:
    return {function for function in policies if is_allowed(policies, function, call)}


@pytest.mark.parametrize(("action", "resource"), OF_TAGGED)
def test_only_what_carries_the_stages_tag_is_ended(
    policies: dict[str, list[Any]], action: str, resource: str
) -> None:
    found = {tag: who_may(policies, Call(action, resource, tagged(tag))) for tag in (STAGE, OTHER, None)}

    assert found == {STAGE: set(OF_TAGGED[action, resource]), OTHER: set(), None: set()}


@pytest.mark.parametrize(("action", "resource"), WITH_OUR_TAG)
def test_only_what_is_given_the_stages_tag_is_made(
    policies: dict[str, list[Any]], action: str, resource: str
) -> None:
    found = {tag: who_may(policies, Call(action, resource, tagging(tag))) for tag in (STAGE, OTHER, "")}

    assert found == {STAGE: {WITH_OUR_TAG[action, resource]}, OTHER: set(), "": set()}


@pytest.mark.parametrize(("action", "resource"), BY_NAME)
def test_what_has_a_name_of_another_stage_is_nobodys(
    policies: dict[str, list[Any]], action: str, resource: str
) -> None:
    theirs = resource.replace(f"-{STAGE}-", f"-{OTHER}-")

    assert set(BY_NAME[action, resource]) <= who_may(policies, Call(action, resource))
    assert who_may(policies, Call(action, theirs)) == set()


@pytest.mark.parametrize(
    ("context", "allowed"),
    [
        (tagged(STAGE) | {"aws:tagkeys": ["tunedrop:expires"]}, True),
        (tagged(OTHER) | {"aws:tagkeys": ["tunedrop:expires"]}, False),
        (tagged(None) | {"aws:tagkeys": ["tunedrop:expires"]}, False),
        (tagged(STAGE) | {"aws:tagkeys": ["tunedrop:run"]}, False),
    ],
)
def test_a_base_models_copy_is_kept_by_its_own_stage_and_nothing_else_of_it_changes(
    policies: dict[str, list[Any]], context: Mapping[str, Any], allowed: bool
) -> None:
    keepers = who_may(policies, Call("bedrock:TagResource", IMPORTED, context))

    assert keepers == ({"SetUpThroughput"} if allowed else set())


@pytest.mark.parametrize(
    ("function", "role", "service"),
    [
        ("StartCustomization", "TrainingSagemakerServerless", "sagemaker"),
        ("StartCustomization", "TrainingSagemakerJumpstart", "sagemaker"),
        ("SetUpThroughput", "Import", "bedrock"),
    ],
)
def test_roles_are_passed_to_the_service_that_needs_them(
    resources: Resources, function: str, role: str, service: str
) -> None:
    passing = [
        (one["Resource"], one["Condition"])
        for policy, one in resources.statements()
        if f"Functions{function}Role" in policy
        and one["Action"] == "iam:PassRole"
        and role in str(one["Resource"])
    ]

    conditions = [condition for _, condition in passing]
    assert conditions
    assert all(
        one == {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}} for one in conditions
    )


@pytest.mark.parametrize("call", REGISTERING)
def test_evaluator_and_data_of_reinforcement_are_made_with_and_without_a_version(
    policies: dict[str, list[Any]], call: Call
) -> None:
    """By which ARN of hub content AWS authorizes is not documented; large files go up in parts."""
    assert "StartCustomization" in who_may(policies, call)


@pytest.mark.parametrize("file", ["<Artifacts>/bases/qwen3-4b", f"jumpstart-cache-prod-{REGION}/qwen3-4b"])
def test_preflight_reads_the_chat_template_of_a_base_model(policies: dict[str, list[Any]], file: str) -> None:
    asked = Call("s3:GetObject", f"arn:aws:s3:::{file}/tokenizer_config.json")
    bucket = Call("s3:ListBucket", f"arn:aws:s3:::{file.partition('/')[0]}")

    assert who_may(policies, asked) == {"Preflight"}
    assert "Preflight" in who_may(policies, bucket)


@pytest.mark.parametrize("call", FILES_ENDED)
def test_weights_may_be_deleted_by_the_functions_that_release_resources(
    policies: dict[str, list[Any]], call: Call
) -> None:
    assert who_may(policies, call) == set(ENDING)


@pytest.mark.parametrize("call", NEVER)
def test_nobody_does_what_no_step_needs(policies: dict[str, list[Any]], call: Call) -> None:
    assert who_may(policies, call) == set()


PROJECT = f"arn:aws:bedrock-mantle:{REGION}:{ACCOUNT}:project/default"
TUNED_BY_MANTLE = ("openai.gpt-oss-20b", "qwen.qwen3-32b")
"""The models that bedrock-mantle tunes, by its own ids (Bedrock user guide, fine-tuning-openai-apis)."""


@pytest.mark.parametrize(
    ("model", "who"),
    [
        *((model, {"StartCustomization"}) for model in TUNED_BY_MANTLE),
        ("qwen.qwen3-32b:mantle", set()),  # the catalog's own id, which the service does not know
        ("openai.gpt-oss-120b", set()),
        ("", set()),
    ],
)
def test_a_fine_tuning_job_is_made_of_a_base_model_of_the_catalog_alone(
    policies: dict[str, list[Any]], model: str, who: set[str]
) -> None:
    call = Call("bedrock-mantle:CreateFineTuningJob", PROJECT, {"bedrock-mantle:model": model})

    assert who_may(policies, call) == who
    elsewhere = call._replace(resource=PROJECT.replace("default", "other"))
    assert who_may(policies, elsewhere) == set()


READERS = {
    "EvaluateModel", "Notify", "Preflight", "RegisterRun", "SetUpThroughput", "StartCustomization",
    *WATCHERS, *ENDING,
}  # fmt: skip
"""Of jobs, with their events and checkpoints; in a stage without MLflow."""


@pytest.mark.parametrize(
    ("action", "who"),
    [
        ("CreateFile", {"StartCustomization"}),
        ("DeleteFile", {*WATCHERS, *ENDING}),
        ("CancelFineTuningJob", {*WATCHERS, *ENDING}),
        ("CreateInference", {"EvaluateModel", "EvaluateShard"}),
        ("GetFineTuningJob", READERS),
    ],
)
def test_what_writes_or_costs_in_the_project_is_for_who_needs_it(
    policies: dict[str, list[Any]], action: str, who: set[str]
) -> None:
    assert who_may(policies, Call(f"bedrock-mantle:{action}", PROJECT)) == who
    other = PROJECT.replace("default", "other")
    assert who_may(policies, Call(f"bedrock-mantle:{action}", other)) == set()


ARTIFACTS, KEY = "arn:aws:s3:::<Artifacts>", "<EncryptionKey>"
ANY_MODEL, ANY_PROFILE = "arn:aws:bedrock:*::foundation-model/*", f"{BEDROCK}:inference-profile/*"
PUBLIC = f"arn:aws:s3:::jumpstart-cache-prod-{REGION}"
OF_THIS_ACCOUNT = {"aws:ResourceAccount": ACCOUNT}
VIA_S3, VIA_BEDROCK = ({"kms:ViaService": f"{one}.{REGION}.amazonaws.com"} for one in ("s3", "bedrock"))
DATA = {
    "ReadDatasets": ("s3:GetObject", [f"{ARTIFACTS}/runs/*/dataset/*"], {}),
    "WriteTraining": ("s3:GetObject s3:PutObject", [f"{ARTIFACTS}/runs/*/training/*"], {}),
    "FindBucket": ("s3:ListBucket", [ARTIFACTS], {}),
    "DataThroughS3": ("kms:Decrypt kms:GenerateDataKey", [KEY], VIA_S3),
}
LOGGED = "logs:CreateLogGroup logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents"
"""Of a training job's role (SageMaker AI developer guide, sagemaker-roles, on CreateTrainingJob, read
2026-11-30): without the first, nothing of an account's first training job is logged."""
OF_TRAINING_JOBS = DATA | {
    "EncryptOutput": ("kms:Encrypt", [KEY], {}),
    "WriteLogs": (
        LOGGED, [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs*"], {},
    ),
}  # fmt: skip
OF_ROLES: dict[str, dict[str, tuple[str, list[str], dict[str, str]]]] = {
    "BedrockRole": {
        **DATA,
        "ModelThroughBedrock": (
            "kms:CreateGrant kms:Decrypt kms:DescribeKey kms:GenerateDataKey", [KEY], VIA_BEDROCK
        ),
        "CallGraders": (
            "lambda:InvokeFunction",
            [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:tunedrop-{STAGE}-grade-answers"], {},
        ),
    },
    "EvaluationRole": {
        "Judge": ("bedrock:GetInferenceProfile bedrock:InvokeModel", [ANY_MODEL, ANY_PROFILE], {}),
        "JudgeInBatches": (
            "bedrock:CreateModelInvocationJob bedrock:GetModelInvocationJob bedrock:StopModelInvocationJob",
            [ANY_MODEL, ANY_PROFILE, f"{BEDROCK}:model-invocation-job/*"], {},
        ),
        "Judging": (
            "s3:AbortMultipartUpload s3:GetObject s3:PutObject", [f"{ARTIFACTS}/runs/*/judging/*"], {}
        ),
        "FindBucket": (
            "s3:GetBucketLocation s3:ListBucket s3:ListBucketMultipartUploads", [ARTIFACTS], {}
        ),
        "DataThroughS3": DATA["DataThroughS3"],
    },
    "ImportJobsRole": {
        "ReadWeights": (
            "s3:GetObject", [f"{ARTIFACTS}/bases/*/*", f"{ARTIFACTS}/runs/*/training/*"], OF_THIS_ACCOUNT
        ),
        "ListWeights": ("s3:ListBucket", [ARTIFACTS], OF_THIS_ACCOUNT),
        "ReadBaseModels": ("s3:GetObject", [f"{PUBLIC}/*"], {}),
        "ListBaseModels": ("s3:ListBucket", [PUBLIC], {}),
        "DataThroughS3": DATA["DataThroughS3"],
    },
    "TrainingSagemakerServerless": OF_TRAINING_JOBS,
    "TrainingSagemakerJumpstart": OF_TRAINING_JOBS,
}  # fmt: skip
"""By role and statement: actions, resources, and what must be equal."""

OF_ENGINES = {
    "BedrockRole": {"AskTeachers"},
    "TrainingSagemakerServerless": {
        "ReadJumpStart", "FindJumpStart", "CallRewards", "ReadEvaluator", "ReadBaseModel", "KeepModel",
        "TagModel",
    },
    "TrainingSagemakerJumpstart": {
        "ReadJumpStart", "FindJumpStart", "PullImage", "EnterRegistry", "WriteMetrics",
    },
}  # fmt: skip
"""Statements that come from the catalog and the engines, and are held by other tests."""


@pytest.mark.parametrize("role", OF_ROLES)
def test_a_role_of_jobs_may_do_what_the_table_says_and_no_more(resources: Resources, role: str) -> None:
    found = {one["Sid"]: one for policy, one in resources.statements() if policy.startswith(role)}

    assert found.keys() == OF_ROLES[role].keys() | OF_ENGINES.get(role, set())
    assert {
        sid: (
            " ".join(sorted(as_list(found[sid]["Action"]))),
            sorted(plain(one) for one in as_list(found[sid]["Resource"])),
            found[sid].get("Condition", {"StringEquals": {}}),
        )
        for sid in OF_ROLES[role]
    } == {
        sid: (actions, sorted(on), {"StringEquals": equal})
        for sid, (actions, on, equal) in OF_ROLES[role].items()
    }
