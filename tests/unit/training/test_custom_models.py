"""The end of a custom model, and whether one is there."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests import builders
from tests.unit.fake_bedrock import Answer, FakeBedrock, refusal
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.training.engines.bedrock import custom_models

MODEL = builders.MODEL_ARN
MISSING = refusal("ResourceNotFoundException")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, True),
        (MISSING, False),
        (refusal("ConflictException"), TransientError),  # something still serves it
        (refusal("ThrottlingException", status=429), TransientError),
        (refusal("InternalServerException", status=500), TransientError),
        (refusal("AccessDeniedException"), ThroughputFailed),
        (refusal("ValidationException"), ThroughputFailed),
    ],
)
def test_a_model_is_deleted_or_it_is_said_whether_to_try_again(
    answer: Answer, expected: bool | type[Exception]
) -> None:
    bedrock = FakeBedrock(delete_custom_model=answer)
    if isinstance(expected, bool):
        assert custom_models.delete(bedrock, MODEL) is expected
    else:
        with pytest.raises(expected):
            custom_models.delete(bedrock, MODEL)
    assert bedrock.called("delete_custom_model") == [{"modelIdentifier": MODEL}]


@pytest.mark.parametrize(
    ("answer", "status"),
    [({"modelStatus": "Creating"}, "Creating"), ({}, "Active"), (MISSING, "")],
)
def test_a_model_has_the_status_that_bedrock_gives_it(answer: Answer, status: str) -> None:
    assert custom_models.status(FakeBedrock(get_custom_model=answer), MODEL) == status


def test_a_model_that_may_not_be_asked_about_is_not_taken_for_gone() -> None:
    with pytest.raises(ClientError):
        custom_models.status(FakeBedrock(get_custom_model=refusal("AccessDeniedException")), MODEL)
