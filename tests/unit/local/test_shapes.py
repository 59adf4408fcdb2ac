from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from local.bedrock.shapes import problems, unknown

BEDROCK = botocore.session.get_session().get_service_model("bedrock")
JOB = {
    "jobName": "job", "customModelName": "model", "roleArn": "arn:aws:iam::111122223333:role/bedrock",
    "baseModelIdentifier": "amazon.nova-lite-v1:0:300k", "trainingDataConfig": {"s3Uri": "s3://bucket/k"},
    "outputDataConfig": {"s3Uri": "s3://bucket/o"},
}  # fmt: skip


def asked(**changes: Any) -> list[str]:
    shape = BEDROCK.operation_model("CreateModelCustomizationJob").input_shape
    return list(problems(shape, {**JOB, **changes}))


def test_a_request_that_aws_takes_has_no_problem() -> None:
    assert asked() == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"jobName": "no spaces, please"}, "regular expression"),
        ({"jobName": "j" * 64}, "length less than or equal to 63"),
        ({"customizationType": "TUNING"}, "enum value set"),
        ({"roleArn": None}, "must not be null"),
        ({"jobTags": [{"key": "k" * 129, "value": "v"}]}, "length less than or equal to 128"),
    ],
)
def test_what_aws_alone_would_refuse_is_found(change: dict[str, Any], said: str) -> None:
    (problem,) = asked(**change)

    assert said in problem


def test_an_answers_member_that_aws_does_not_have_is_found() -> None:
    shape = BEDROCK.operation_model("ListTagsForResource").output_shape

    assert list(unknown(shape, {"tags": [{"key": "a", "value": "b", "colour": "red"}]})) == [
        "tags.colour is not a member of Tag"
    ]
