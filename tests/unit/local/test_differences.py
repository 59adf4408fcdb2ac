"""The embedded AWS refuses what AWS refuses, where MiniStack alone would let it pass."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ministack.core import iam_evaluator, responses
from ministack.services import eventbridge, iam, kms, s3, sns, stepfunctions, sts
from moto.sns.models import MAXIMUM_MESSAGE_LENGTH

from local import differences

PATCHED = {
    stepfunctions: (
        "_apply_jsonata_arguments", "_apply_jsonata_output", "_apply_state_assign", "_error_matches",
    ),
    eventbridge: ("_event_pattern_error",),
    sns: ("publish_internal",),
    iam_evaluator: ("enforce",),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, names in PATCHED.items():
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name))


def run(state: dict[str, Any]) -> dict[str, Any]:
    """How an execution of one state ends; what it catches goes to Caught."""
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "First",
        "States": {"First": state, "Caught": {"Type": "Succeed"}},
    }
    role = "arn:aws:iam::000000000000:role/x"
    made = json.loads(
        stepfunctions._create_state_machine(
            {"name": f"m{time.time_ns()}", "definition": json.dumps(definition), "roleArn": role}
        )[2]
    )
    started = json.loads(
        stepfunctions._start_execution({"stateMachineArn": made["stateMachineArn"], "input": "{}"})[2]
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: dict[str, Any] = stepfunctions._executions[started["executionArn"]]
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.02)
    raise AssertionError("the execution has not ended")


def text_of(size: int) -> str:
    """JSONata for a JSON string of this many bytes, quotes included."""
    return "{% $pad('', " + str(size - 2) + ", 'x') %}"


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Output": text_of(262_145), "End": True},
        {"Type": "Pass", "Assign": {"kept": text_of(262_145)}, "End": True},
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "f", "Payload": text_of(262_145)},
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
            "End": True,
        },
    ],
    ids=["output", "variable", "arguments"],
)
def test_a_state_over_256_kib_ends_the_execution_past_its_catches(state: dict[str, Any]) -> None:
    differences._limit_states()

    ended = run(state)

    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_a_state_of_256_kib_goes_on() -> None:
    differences._limit_states()

    assert run({"Type": "Pass", "Output": text_of(262_144), "End": True})["status"] == "SUCCEEDED"


@pytest.mark.parametrize(("count", "is_refused"), [(6, False), (7, True)])
def test_a_rule_of_too_many_wildcards_is_refused(count: int, is_refused: bool) -> None:
    differences._limit_wildcards()
    keys = [{"wildcard": f"runs/*/{number}"} for number in range(count)]

    found = eventbridge._event_pattern_error(json.dumps({"detail": {"object": {"key": keys}}}))

    assert bool(found) == is_refused


@pytest.mark.parametrize(("length", "is_refused"), [(2_048, False), (2_049, True)])
def test_a_rule_whose_pattern_is_too_long_is_refused(length: int, is_refused: bool) -> None:
    differences._limit_wildcards()
    pattern = '{"detail": {"key": ["' + "k" * (length - 25) + '"]}}'

    assert len(pattern) == length
    assert bool(eventbridge._event_pattern_error(pattern)) == is_refused


@pytest.mark.parametrize(
    ("subject", "message"), [("x" * 100, "m"), ("two\nlines", "m"), ("s", "ü" * 131_072)]
)
def test_a_message_that_sns_would_refuse_is_refused(subject: str, message: str) -> None:
    differences._limit_messages()

    with pytest.raises(sns.SnsPublishError):
        sns.publish_internal("arn", message, subject)


def test_a_message_may_be_as_long_as_others_have_found() -> None:
    """moto's limit is its authors' own; of a subject it takes one character more than AWS's page says."""
    assert differences.MOST_MESSAGE_BYTES == MAXIMUM_MESSAGE_LENGTH


@pytest.mark.parametrize(("subject", "message"), [("x" * 99, "m"), ("Prüfung", "m"), ("s", "m" * 262_000)])
def test_a_message_that_sns_takes_is_published(
    monkeypatch: pytest.MonkeyPatch, subject: str, message: str
) -> None:
    monkeypatch.setattr(sns, "publish_internal", lambda *_, **__: "published")
    differences._limit_messages()

    assert sns.publish_internal("arn", message, subject) == "published"


@pytest.fixture
def bucket() -> Iterator[str]:
    s3._buckets["data"] = {"objects": {"drop/there.jsonl": {}}}
    yield "data"
    del s3._buckets["data"]


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("allowed", "key", "is_denied"),
    [
        ({"s3:GetObject"}, "drop/there.jsonl", False),
        ({"s3:GetObject"}, "drop/missing.jsonl", True),
        ({"s3:GetObject", "s3:ListBucket"}, "drop/missing.jsonl", False),
        ({"s3:ListBucket"}, "drop/there.jsonl", True),
    ],
)
def test_a_missing_object_is_not_found_for_callers_who_may_list(
    monkeypatch: pytest.MonkeyPatch, allowed: set[str], key: str, is_denied: bool
) -> None:
    def enforce(_: str, action: str, *__: str, **___: Any) -> str | None:
        return None if action in allowed else f"no {action}"

    monkeypatch.setattr(iam_evaluator, "enforce", enforce)
    differences._say_missing_to_who_may_list()
    enforced: Callable[..., Any] = iam_evaluator.enforce

    found = enforced("key", "s3:GetObject", "s3", "us-east-1", resource_arn=f"arn:aws:s3:::data/{key}")

    assert bool(found) == is_denied


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
    differences._decrypt_for_who_may()

    assert s3._get_object("intake", "drop/a.jsonl", {})[0] == status
    assert asked == ([("kms:Decrypt", "s3.us-east-1.amazonaws.com")] if key else [])


ACCOUNT_ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
                "Action": "kms:*", "Resource": "*"}  # fmt: skip
SOMEBODY_ELSE = ACCOUNT_ROOT | {"Principal": {"AWS": "arn:aws:iam::000000000000:role/somebody-else"}}
DENIED = {"Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey", "Resource": "*"}
TOPIC = "arn:aws:sns:us-east-1:000000000000:runs"
PUTS = ("s3:PutObject", "s3", "arn:aws:s3:::under-key/drop/a.jsonl")
PUBLISHES = ("sns:Publish", "sns", TOPIC)


@pytest.fixture
def role() -> Iterator[Callable[[str], str]]:
    """Makes a role's credentials; it may put, publish, and use keys by way of one service."""

    def make(service: str) -> str:
        via = {"StringEquals": {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}}
        statements = [
            {"Effect": "Allow", "Action": ["s3:PutObject", "sns:Publish"], "Resource": "*"},
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
    for kept in (iam._roles, sts._sessions, s3._bucket_encryption, sns._topics, kms._keys):
        kept.clear()


@pytest.mark.parametrize("what", [PUTS, PUBLISHES])
@pytest.mark.parametrize(
    ("policy", "by_way_of", "is_denied"),
    [
        ([ACCOUNT_ROOT], None, False),
        ([SOMEBODY_ELSE], None, True),
        ([ACCOUNT_ROOT, DENIED], None, True),
        ([ACCOUNT_ROOT], "dynamodb", True),
    ],
    ids=["the key's policy lets the account", "lets another role", "denies", "not by way of this service"],
)
def test_what_is_put_or_published_under_a_key_is_taken_from_who_may_use_it(
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
    differences._encrypt_for_who_may()
    enforced: Callable[..., Any] = iam_evaluator.enforce

    assert bool(enforced(caller, action, service, "us-east-1", resource_arn=arn)) == is_denied
    assert not enforced(caller, action, service, "us-east-1", resource_arn=arn.replace("under-key", "plain")
                        .replace("runs", "open"))  # fmt: skip
