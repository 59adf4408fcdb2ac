"""What a function may do to its own resources it may not do to a stranger's, nor under other conditions.

`test_needs.py` takes each action and resource away; this tries others: were a resource of a
statement `*`, or a condition of it left out, a call would be allowed here that must not be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.conftest import ACCOUNT, REGION, Resources
from tests.infra.test_attackers import INTAKE, Call, functions_policies, is_allowed
from tests.infra.test_needs import NEEDS, needs

STRANGER = "999999999999"

WITHOUT_ACCOUNT = ("foundation-model/", "inference-profile/")
"""Resources that are nobody's: Bedrock's own."""

READS = (
    "bedrock:Get",
    "bedrock:List",
    "bedrock:InvokeModel",
    "s3:ListBucket",
    "dynamodb:Get",
    "dynamodb:Query",
)
"""Actions that are limited by no tag or prefix, but by their resources."""

OTHERS: dict[str, Any] = {
    "kms:viaservice": "ec2.us-east-1.amazonaws.com",
    "dynamodb:leadingkeys": ["STRANGE#item"],
    "aws:resourcetag/tunedrop:stage": "prod",
    "aws:requesttag/tunedrop:stage": "prod",
    "iam:passedtoservice": "ec2.amazonaws.com",
}
"""Another value of each condition that statements have."""


BESIDE = {
    **dict.fromkeys(
        ("ResumeWaits", "WaitForCompletion"),
        (Call("s3:ListBucket", INTAKE), Call("s3:ListBucket", INTAKE, {"s3:prefix": "drop/"})),
    ),
    **dict.fromkeys(
        ("Notify", "SweepThroughput"),
        (
            Call("s3:GetObject", "arn:aws:s3:::<Artifacts>/other.html"),
            Call("events:PutEvents", f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/other"),
        ),
    ),
}
"""What is next to what a function may do."""


def strangers(call: Call) -> Call | None:
    """The same call about a resource of another account or owner; None where there is no other."""
    resource = call.resource
    if resource == "*" or any(one in resource for one in WITHOUT_ACCOUNT):
        return None
    if ACCOUNT in resource:
        return call._replace(resource=resource.replace(ACCOUNT, STRANGER))
    if resource.startswith("arn:aws:s3:::"):
        return call._replace(resource=resource.replace("arn:aws:s3:::", "arn:aws:s3:::strangers-"))
    return call._replace(resource=f"strangers-{resource}")


def otherwise(call: Call) -> Iterator[Call]:
    """The same call with each of its conditions missing, or another."""
    for key, other in OTHERS.items():
        if key in call.context and not call.action.startswith(READS):
            rest = {name: value for name, value in call.context.items() if name != key}
            if call.action != "bedrock:TagResource" or "requesttag" in key:
                yield call._replace(context=rest)  # what is being made has no tags yet
            yield call._replace(context=rest | {key: other})


@pytest.fixture(scope="module")
def policies(resources: Resources) -> dict[str, list[Any]]:
    return functions_policies(resources)


@pytest.mark.parametrize("function", NEEDS)
def test_a_function_may_do_nothing_to_a_strangers_resource(
    policies: dict[str, list[Any]], function: str
) -> None:
    tried = [other for call in needs(function) if (other := strangers(call)) is not None]
    tried += BESIDE.get(function, ())

    assert [call for call in tried if is_allowed(policies, function, call)] == []


@pytest.mark.parametrize("function", NEEDS)
def test_a_function_may_do_nothing_under_other_conditions(
    policies: dict[str, list[Any]], function: str
) -> None:
    tried = [other for call in needs(function) for other in otherwise(call)]

    assert [call for call in tried if is_allowed(policies, function, call)] == []
