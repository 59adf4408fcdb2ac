"""The embedded AWS asks for the KMS key that data are under, where MiniStack asks nobody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from ministack.core import iam_evaluator, responses
from ministack.services import dynamodb, iam, kms, s3, sns, sts
from ministack.services.cloudformation import provisioners

from local.bedrock.resources import of_encrypted_models, resources_of
from local.ministack import authorization, keys

OURS = "arn:aws:kms:us-east-1:000000000000:key/ours"


@pytest.mark.parametrize(
    ("key", "status"), [(OURS, 200), ("arn:aws:kms:us-east-1:999999999999:key/theirs", 403), ("", 200)]
)
def test_an_object_is_given_to_who_may_decrypt_it(
    monkeypatch: pytest.MonkeyPatch, key: str, status: int
) -> None:
    asked: list[tuple[str, str]] = []

    def enforce(_: str, action: str, *__: str, resource_arn: str, service_context: Any) -> str | None:
        asked.append((action, service_context["kms:ViaService"]))
        return None if resource_arn == OURS else "denied"

    monkeypatch.setattr(iam_evaluator, "enforce", enforce)
    monkeypatch.setattr(responses, "get_region", lambda: "us-east-1")
    header = {"x-amz-server-side-encryption-aws-kms-key-id": key} if key else {}
    monkeypatch.setattr(s3, "_get_object", lambda *_: (200, header, b"data"))
    keys._ask_who_reads_objects()

    assert s3._get_object("intake", "drop/a.jsonl", {})[0] == status
    assert asked == ([("kms:Decrypt", "s3.us-east-1.amazonaws.com")] if key else [])


ACCOUNT_ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
                "Action": "kms:*", "Resource": "*"}  # fmt: skip
SOMEBODY_ELSE = ACCOUNT_ROOT | {"Principal": {"AWS": "arn:aws:iam::000000000000:role/somebody-else"}}
DENIED = {"Effect": "Deny", "Principal": "*", "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
          "Resource": "*"}  # fmt: skip
TOPIC = "arn:aws:sns:us-east-1:000000000000:runs"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/registry"
READS = ("dynamodb:GetItem", "dynamodb", TABLE)
WRITES = ("dynamodb:UpdateItem", "dynamodb", TABLE)
PUTS = ("s3:PutObject", "s3", "arn:aws:s3:::under-key/drop/a.jsonl")
PUBLISHES = ("sns:Publish", "sns", TOPIC)


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iam_evaluator, "enforce", iam_evaluator.enforce)
    monkeypatch.setattr(s3, "_get_object", s3._get_object)


@pytest.fixture
def role() -> Iterator[Callable[[str], str]]:
    """Makes a role's credentials; it may put, publish, and use keys by way of one service."""

    def make(service: str) -> str:
        via = {"StringEquals": {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}}
        statements = [
            {"Effect": "Allow", "Action": ["s3:*", "sns:*", "dynamodb:*"], "Resource": "*"},
            {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": via},
        ]
        responses.set_request_account_id("000000000000")
        responses.set_request_region("us-east-1")
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam._roles["writer"] = {"RoleName": "writer", "InlinePolicies": {"its": document}}
        session = {"Arn": "arn:aws:sts::000000000000:assumed-role/writer/x", "UserId": "writer:x",
                   "SecretAccessKey": "s", "SessionToken": "t", "AccountId": "000000000000",
                   "PrincipalType": "AssumedRole"}  # fmt: skip
        sts.register_session("ASIAWRITER", session)
        return "ASIAWRITER"

    yield make
    for kept in (iam._roles, sts._sessions, s3._bucket_encryption, sns._topics, kms._keys, dynamodb._tables):
        kept.clear()


@pytest.mark.parametrize("what", [PUTS, PUBLISHES, READS, WRITES])
@pytest.mark.parametrize(
    ("policy", "by_way_of", "is_denied"),
    [
        ([ACCOUNT_ROOT], None, False),
        ([SOMEBODY_ELSE], None, True),
        ([ACCOUNT_ROOT, DENIED], None, True),
        ([ACCOUNT_ROOT], "bedrock", True),
    ],
    ids=["the key's policy lets the account", "lets another role", "denies", "not by way of this service"],
)
def test_what_is_under_a_key_is_for_who_may_use_it_by_way_of_its_service(
    role: Callable[[str], str],
    what: tuple[str, str, str],
    policy: list[dict[str, Any]],
    by_way_of: str | None,
    is_denied: bool,
) -> None:
    action, service, arn = what
    caller = role(by_way_of or service)
    made = json.loads(kms._create_key({"Policy": json.dumps({"Statement": policy})})[2])["KeyMetadata"]
    s3._bucket_encryption["under-key"] = (
        f"<a><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>{made['Arn']}</KMSMasterKeyID></a>"
    )
    sns._topics[TOPIC] = {"attributes": {"KmsMasterKeyId": made["KeyId"]}}
    dynamodb._tables["registry"] = {"SSEDescription": {"KMSMasterKeyArn": made["Arn"]}}
    keys._ask_who_writes()
    enforced: Callable[..., Any] = iam_evaluator.enforce

    assert bool(enforced(caller, action, service, "us-east-1", resource_arn=arn)) == is_denied
    plain = arn.replace("under-key", "plain").replace("runs", "open").replace("registry", "open")
    assert not enforced(caller, action, service, "us-east-1", resource_arn=plain)


def test_a_table_that_cloudformation_makes_is_under_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers = dict(provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::GlobalTable"])
    monkeypatch.setitem(provisioners._RESOURCE_HANDLERS, "AWS::DynamoDB::GlobalTable", handlers)
    keys._remember_keys_of_tables()
    responses.set_request_account_id("000000000000")
    responses.set_request_region("us-east-1")
    replica = {"Region": "us-east-1", "SSESpecification": {"KMSMasterKeyId": OURS}}
    properties = {"TableName": "made", "Replicas": [replica], "SSESpecification": {"SSEEnabled": True}}

    handlers["create"]("Runs", properties, "stack")

    assert dynamodb._tables.pop("made")["SSEDescription"]["KMSMasterKeyArn"] == OURS


ROLE = "arn:aws:iam::000000000000:role/bedrock"
DEPLOYMENT = "arn:aws:bedrock:us-east-1:000000000000:custom-model-deployment/abcdefghij12"


@pytest.mark.parametrize(
    ("path", "member"),
    [("/model-customization-jobs", "customModelKmsKeyId"), ("/model-import-jobs", "importedModelKmsKeyId")],
)
def test_who_makes_a_model_under_a_key_needs_what_the_user_guide_says(path: str, member: str) -> None:
    body = json.dumps({"baseModelIdentifier": "amazon.nova-lite-v1:0:300k", "roleArn": ROLE, member: OURS})

    needed = resources_of("POST", path, {}, body.encode(), "us-east-1", "000000000000")

    assert needed[1:] == [
        f"iam:PassRole|{ROLE}",
        *(f"kms:{one}|{OURS}" for one in ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey")),
    ]


@pytest.mark.parametrize(("key", "further"), [(OURS, [f"kms:Decrypt|{OURS}"]), ("", [])])
def test_who_invokes_a_model_under_a_key_has_to_decrypt_with_it(key: str, further: list[str]) -> None:
    resources = of_encrypted_models({DEPLOYMENT: key}.get)  # type: ignore[arg-type]
    path = f"/model/{quote(DEPLOYMENT, safe='')}/converse"

    assert resources("POST", path, {}, b"{}", "us-east-1", "000000000000") == [DEPLOYMENT, *further]


@pytest.mark.parametrize("policy", [[ACCOUNT_ROOT], [SOMEBODY_ELSE]], ids=["the account", "another role"])
def test_a_further_action_on_a_key_is_asked_of_its_own_policy_too(
    role: Callable[[str], str], policy: list[dict[str, Any]]
) -> None:
    caller = role("bedrock")
    made = json.loads(kms._create_key({"Policy": json.dumps({"Statement": policy})})[2])["KeyMetadata"]
    authorization._enforce_each_resource(frozenset({"bedrock"}))
    enforced: Callable[..., Any] = iam_evaluator.enforce
    needed = f"kms:CreateGrant|{made['Arn']}"

    denied = enforced(caller, "s3:GetObject", "bedrock", "us-east-1", resource_arn=needed)

    assert bool(denied) == (policy == [SOMEBODY_ELSE])


def test_an_object_whose_key_has_a_bar_is_read_as_any_other(role: Callable[[str], str]) -> None:
    caller = role("s3")
    authorization._enforce_each_resource(frozenset({"bedrock"}))
    enforced: Callable[..., Any] = iam_evaluator.enforce
    arn = "arn:aws:s3:::plain/drop/a|b c.jsonl"

    assert not enforced(caller, "s3:PutObject", "s3", "us-east-1", resource_arn=arn)
