"""What somebody would try who has a function's role: refused, by the emulator's own policy evaluator.

And what the function's step does: allowed. Both sides are written by hand here, not taken from
`infra/permissions/`; a statement that is widened lets an attack through, one that is removed stops a step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from infra.bundling import ROOT
from infra.permissions.data import WRITES
from tests.infra.conftest import ACCOUNT, REGION, Resources, as_list

STAGE = "dev"
BEDROCK = f"arn:aws:bedrock:{REGION}:{ACCOUNT}"
DEPLOYMENT = f"{BEDROCK}:custom-model-deployment/abcdefghij12"
THROUGHPUT = f"{BEDROCK}:provisioned-model/abcdefghij12"
MODEL = f"{BEDROCK}:custom-model/amazon.nova-lite-v1:0:300k/abcdefghij12"
JOB = f"{BEDROCK}:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12"
EVALUATION = f"{BEDROCK}:evaluation-job/abcdefghij12"
BASE = f"arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-lite-v1:0:300k"
ALIAS = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/tunedrop/{STAGE}/models/support"
RUN_FILE, INTAKE = "arn:aws:s3:::<Artifacts>/runs/support-0123456789", "arn:aws:s3:::<Intake>"
RUNS, WAITS = "<Runs>", "<Waits>"
TO_BEDROCK = {"iam:passedtoservice": "bedrock.amazonaws.com"}


class Call(NamedTuple):
    """A call: what, on what, and the request's condition keys."""

    action: str
    resource: str
    context: Mapping[str, Any] = {}


def tagged(stage: str | None) -> dict[str, str]:
    """The tags of the resource that a call is about."""
    return {"aws:resourcetag/tunedrop:stage": stage} if stage is not None else {}


def tagging(stage: str, *keys: str) -> dict[str, Any]:
    """The tags that a request gives."""
    names = ["tunedrop:stage", *keys] if stage else list(keys)
    given = {"aws:requesttag/tunedrop:stage": stage} if stage else {}
    return given | {"aws:tagkeys": names}


def item(action: str, key: str) -> Call:
    """A call about one item of the registry."""
    return Call(f"dynamodb:{action}", RUNS, {"dynamodb:leadingkeys": [key]})


OURS, THEIRS, NOBODYS = tagged(STAGE), tagged("prod"), tagged(None)
MAKING = (NOBODYS, OURS)
"""What is being made has no tags yet, or those of the request: which, AWS does not document."""

EVERYBODY_REFUSED = (
    item("PutItem", "ALIAS#support"),
    item("UpdateItem", f"ARN#{DEPLOYMENT}"),
    item("DeleteItem", "RUN#support-0123456789"),
    item("DeleteItem", "ALIAS#support"),
    Call("dynamodb:PutItem", RUNS),
    Call("dynamodb:Scan", RUNS),
    Call("ssm:PutParameter", ALIAS),
    Call("ssm:DeleteParameter", ALIAS),
    Call("ssm:PutParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/tunedrop/{STAGE}/stage"),
    Call("ssm:DeleteParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/tunedrop/{STAGE}/stage"),
    Call("s3:PutObject", f"{RUN_FILE}/dataset/train.jsonl"),
    Call("s3:PutObject", f"{RUN_FILE}/dataset/media/a.png"),
    Call("s3:PutObject", f"{RUN_FILE}/training/step_wise_training_metrics.csv"),
    Call("s3:DeleteObject", f"{RUN_FILE}/dataset/train.jsonl"),
    Call("s3:PutObject", f"{INTAKE}/runs/support-0123456789/approve/1-0123456789"),
    Call("bedrock:DeleteCustomModel", MODEL, OURS),
    Call("bedrock:DeleteCustomModelDeployment", DEPLOYMENT, OURS),
    Call("bedrock:StopModelCustomizationJob", JOB, OURS),
    Call("bedrock:UpdateCustomModelDeployment", DEPLOYMENT, OURS),
    Call("bedrock:TagResource", MODEL, THEIRS | tagging(STAGE)),
    Call("bedrock:UntagResource", MODEL, THEIRS),
    Call("bedrock:InvokeModel", DEPLOYMENT, OURS),
    Call("bedrock:CreateModelCustomizationJob", BASE, tagging(STAGE)),
    Call("bedrock:CreateProvisionedModelThroughput", MODEL, tagging(STAGE)),
    Call(
        "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", {"iam:passedtoservice": "bedrock.amazonaws.com"}
    ),
    Call("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/Admin"),
    Call("states:SendTaskSuccess", "*"),
    Call("states:StartExecution", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:tunedrop-{STAGE}"),
    Call("sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:somebody-elses"),
    Call("lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:tunedrop-{STAGE}-notify"),
)
"""What no function may do, but for those of which `ALLOWED` says that it is their step."""

NEVER = (
    Call("bedrock:DeleteCustomModel", MODEL, THEIRS),
    Call("bedrock:DeleteCustomModel", MODEL, NOBODYS),
    Call("bedrock:DeleteCustomModelDeployment", DEPLOYMENT, THEIRS),
    Call("bedrock:DeleteCustomModelDeployment", DEPLOYMENT, NOBODYS),
    Call("bedrock:DeleteProvisionedModelThroughput", THROUGHPUT, THEIRS),
    Call("bedrock:StopModelCustomizationJob", JOB, THEIRS),
    Call("bedrock:StopModelCustomizationJob", JOB, NOBODYS),
    Call("bedrock:StopEvaluationJob", EVALUATION, THEIRS),
    Call("bedrock:UpdateCustomModelDeployment", DEPLOYMENT, THEIRS),
    Call("bedrock:UpdateProvisionedModelThroughput", THROUGHPUT, NOBODYS),
    Call("bedrock:TagResource", MODEL, THEIRS | tagging(STAGE)),
    Call("bedrock:TagResource", DEPLOYMENT, THEIRS | tagging(STAGE)),
    Call("bedrock:TagResource", DEPLOYMENT, OURS | tagging("prod")),
    Call("bedrock:CreateCustomModelDeployment", MODEL, tagging("prod")),
    Call("bedrock:CreateCustomModelDeployment", MODEL),
    Call("dynamodb:DeleteItem", RUNS, {"dynamodb:leadingkeys": ["RUN#support-0123456789"]}),
    Call("dynamodb:Scan", RUNS),
    Call("s3:DeleteObject", f"{RUN_FILE}/dataset/train.jsonl"),
    Call("s3:PutObject", f"{RUN_FILE}/training/step_wise_training_metrics.csv"),
    Call("s3:PutObject", f"{INTAKE}/drop/forged.jsonl"),
    Call(
        "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", {"iam:passedtoservice": "bedrock.amazonaws.com"}
    ),
    Call("ssm:PutParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/tunedrop/prod/models/support"),
)
"""What no function may do, whoever it is."""

_RELEASING = (
    Call("bedrock:DeleteCustomModel", MODEL, OURS),
    Call("bedrock:DeleteCustomModelDeployment", DEPLOYMENT, OURS),
    Call("bedrock:DeleteProvisionedModelThroughput", THROUGHPUT, OURS),
    Call("bedrock:StopModelCustomizationJob", JOB, OURS),
    Call("bedrock:StopEvaluationJob", EVALUATION, OURS),
    Call("bedrock:ListTagsForResource", JOB, OURS),
    Call("bedrock:UpdateCustomModelDeployment", DEPLOYMENT, OURS),
    Call("bedrock:TagResource", DEPLOYMENT, OURS | tagging("", "tunedrop:run", "tunedrop:expires")),
    Call("ssm:PutParameter", ALIAS),
    Call("ssm:DeleteParameter", ALIAS),
    item("PutItem", "ALIAS#support"),
    item("UpdateItem", f"ARN#{DEPLOYMENT}"),
)
ALLOWED: dict[str, tuple[Call, ...]] = {
    "RegisterRun": (
        item("PutItem", "NAME#support"),
        item("PutItem", "UPLOAD#intake/drop/a.jsonl"),
        item("UpdateItem", "OPEN#team-a"), item("PutItem", "RETUNE"),
        Call("s3:GetObjectVersion", f"{INTAKE}/drop/train.jsonl"),
    ),
    "ValidateData": (
        Call("s3:PutObject", f"{RUN_FILE}/dataset/train.jsonl"),
        Call("s3:PutObject", f"{RUN_FILE}/dataset/media/a.png"),
        Call("s3:PutObject", f"{RUN_FILE}/validation.json"),
        Call("s3:PutObject", "arn:aws:s3:::<Artifacts>/shards/support-0123456789/check/1/train.report"),
    ),
    "ValidateShard": (
        Call("s3:PutObject", f"{RUN_FILE}/dataset/train.jsonl"),
        Call("s3:PutObject", f"{RUN_FILE}/dataset/media/a.png"),
    ),
    "Preflight": (
        Call("s3:GetObject", f"{RUN_FILE}/dataset/train.jsonl"), item("PutItem", "TRAINING#0123456789"),
    ),
    "EstimateCost": (Call("ssm:GetParameter", ALIAS),),
    "StartCustomization": (
        item("PutItem", "ENGINE#bedrock"),
        Call("bedrock:CreateModelCustomizationJob", BASE, tagging(STAGE, "tunedrop:run")),
        Call("bedrock:CreateModelCustomizationJob", MODEL, tagging(STAGE, "tunedrop:run")),
        *(
            Call("bedrock:TagResource", one, whose | tagging(STAGE, "tunedrop:run"))
            for one in (JOB, MODEL)
            for whose in MAKING
        ),
    ),
    "WaitForCompletion": (
        Call("states:SendTaskSuccess", "*"), item("PutItem", "TROUBLE"), item("DeleteItem", "TROUBLE"),
        Call("bedrock:StopModelCustomizationJob", JOB, OURS),  # one that Bedrock never starts
    ),
    "SetUpThroughput": (
        Call("bedrock:CreateCustomModelDeployment", MODEL, tagging(STAGE, "tunedrop:run")),
        Call("bedrock:CreateProvisionedModelThroughput", MODEL, tagging(STAGE)),
        *(
            Call("bedrock:TagResource", one, whose | tagging(STAGE))
            for one in (DEPLOYMENT, THROUGHPUT)
            for whose in MAKING
        ),
    ),
    "EvaluateModel": (
        Call("bedrock:InvokeModel", DEPLOYMENT, OURS),
        Call("bedrock:CreateEvaluationJob", BASE, tagging(STAGE)),
        *(Call("bedrock:TagResource", EVALUATION, whose | tagging(STAGE)) for whose in MAKING),
        Call("bedrock:StopEvaluationJob", EVALUATION, OURS),
        Call("s3:PutObject", f"{RUN_FILE}/predictions.jsonl"),
        Call("s3:PutObject", f"{RUN_FILE}/judging/base.jsonl"),
    ),
    "EvaluateShard": (
        Call("bedrock:InvokeModel", DEPLOYMENT, OURS),
        Call("s3:PutObject", "arn:aws:s3:::<Artifacts>/shards/support-0123456789/predictions/m/1/0-1.jsonl"),
    ),
    "PromoteModel": (
        Call("ssm:PutParameter", ALIAS),
        Call("ssm:DeleteParameter", ALIAS),
        item("PutItem", "ALIAS#support"),
        item("UpdateItem", f"ARN#{DEPLOYMENT}"),
        Call("bedrock:UpdateCustomModelDeployment", DEPLOYMENT, OURS),
        Call("bedrock:UpdateCustomModelDeployment", MODEL, OURS),
    ),
    "ReleaseThroughput": _RELEASING,
    "Notify": (Call("s3:PutObject", f"{RUN_FILE}/report.html"),),
    "ResumeWaits": (
        Call("states:SendTaskSuccess", "*"), item("PutItem", "TROUBLE"), item("DeleteItem", "TROUBLE"),
        Call("bedrock:StopModelCustomizationJob", JOB, OURS),  # one that Bedrock never starts
    ),
    "SweepThroughput": (
        *_RELEASING,
        item("PutItem", "ONCE#LIFECYCLE"),
        item("DeleteItem", "TROUBLE"),
        Call("states:StartExecution", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:tunedrop-{STAGE}"),
        Call("s3:ListBucketVersions", INTAKE),
    ),
    "RefreshPrices": (item("PutItem", "ONCE#PRICES"), item("PutItem", "KEPT#prices")),
    "RecordNotice": (item("UpdateItem", "RUN#support-0123456789"),),
}  # fmt: skip


def plain(value: Any) -> str:
    """A resource of the template as an ARN; `<Intake>` stands for the bucket of that name."""
    if isinstance(value, str):
        return value
    ((function, inner),) = value.items()
    if function == "Fn::Join":
        return "".join(plain(part) for part in inner[1])
    if function == "Ref":
        if "Topic" in inner:
            return "<Topic>"
        return {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws"}.get(inner, inner)
    id_ = inner[0]
    for construct, name in (("IntakeArtifacts", "Artifacts"), ("Intake", "Intake")):
        if construct in id_:
            return f"arn:aws:s3:::<{name}>"
    for construct, name in _NAMED:
        if construct in id_:
            return name
    return f"<{id_}>"


_NAMED = (
    ("RegistryRuns", RUNS), ("RegistryWaits", WAITS), ("EncryptionKey", "<EncryptionKey>"),
    ("BedrockRole", "<BedrockRole>"), ("EvaluationRole", "<EvaluationRole>"),
    ("DeadLetters", "<DeadLetters>"), ("Logs", "<Logs>"),
)  # fmt: skip
"""Parts of logical ids, and what is written for their ARNs here."""


def functions_statements(resources: Resources) -> dict[str, list[dict[str, Any]]]:
    """The statements of every function with plain resources, by its construct's name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for id_, statement in resources.statements():
        match = re.match(r"(?:\w*?)Functions(\w+?)Role", id_)
        if match is not None:
            given = [plain(one) for one in as_list(statement["Resource"])]
            found.setdefault(match[1], []).append({**statement, "Resource": given})
    return found


def functions_policies(resources: Resources) -> dict[str, list[Any]]:
    """The parsed statements of every function, by its construct's name."""
    return {
        function: [parse_policy_document({"Version": "2012-10-17", "Statement": [one]}) for one in statements]
        for function, statements in functions_statements(resources).items()
    }


@pytest.fixture(scope="module")
def policies(resources: Resources) -> dict[str, list[Any]]:
    return functions_policies(resources)


def is_allowed(policies: dict[str, list[Any]], function: str, call: Call) -> bool:
    context = EvalContext(
        principal_arn="arn:aws:sts::111122223333:assumed-role/role/function",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=call.action,
        resource_arn=call.resource,
        region=REGION,
        service_context=dict(call.context),
    )
    return bool(evaluate(context, policies[function]).decision == "Allow")


@pytest.mark.parametrize("function", ALLOWED)
def test_a_function_may_do_its_step(policies: dict[str, list[Any]], function: str) -> None:
    assert [call for call in ALLOWED[function] if not is_allowed(policies, function, call)] == []


@pytest.mark.parametrize("function", ALLOWED)
def test_an_attacker_with_a_functions_role_is_refused(policies: dict[str, list[Any]], function: str) -> None:
    own = {(call.action, call.resource) for call in ALLOWED[function]}
    tried = [call for call in EVERYBODY_REFUSED if (call.action, call.resource) not in own]

    assert [call for call in (*tried, *NEVER) if is_allowed(policies, function, call)] == []


READERS = {"RegisterRun", "ValidateData", "ValidateShard", "SweepThroughput"}
WATCHERS = {"WaitForCompletion", "ResumeWaits"}


@pytest.mark.parametrize(
    ("prefix", "who"),
    [
        (None, READERS),
        ("", READERS),
        ("drop/", READERS),
        ("runs/support-0123456789/", READERS),
        ("runs/support-0123456789/retry/1", READERS),
        ("runs/support-0123456789/approve/1-0123456789", READERS | WATCHERS),
        ("runs/support-0123456789/stop/1", READERS | WATCHERS),
    ],
)
def test_who_reads_uploads_lists_them_and_who_watches_lists_signals(
    policies: dict[str, list[Any]], prefix: str | None, who: set[str]
) -> None:
    listing = Call("s3:ListBucket", INTAKE, {} if prefix is None else {"s3:prefix": prefix})
    reading = Call("s3:GetObject", f"{INTAKE}/drop/train.jsonl")

    assert {one for one in policies if is_allowed(policies, one, listing)} == who
    assert {one for one in policies if is_allowed(policies, one, reading)} == READERS


_KIND = re.compile(r'(?:"pk": (?:\{"S": )?|\bpk = \{"S": )f?"([A-Z]+)')


def test_every_kind_of_item_may_be_written_by_somebody() -> None:
    """A new kind of item in the registry has its writers in `infra/permissions/data.py`."""
    written = {"RUN", *(key.partition("#")[0] for keys in WRITES.values() for key in keys)}
    sources = [path.read_text() for path in (ROOT / "tunedrop" / "registry").glob("*.py")]
    kinds = {kind for text in sources for kind in _KIND.findall(text)}

    assert {"RUN", "ALIAS", "TROUBLE"} <= kinds
    assert kinds <= written


def test_every_function_is_in_the_table(policies: dict[str, list[Any]]) -> None:
    assert set(policies) - {"GradeAnswers", "EmptyBucket"} == set(ALLOWED)
