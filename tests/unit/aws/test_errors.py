"""What AWS's errors mean."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.retries import standard

from tests.unit.fake_bedrock import refusal
from tunedrop.aws import as_error, is_forbidden, is_missing, is_transient
from tunedrop.errors import AwsRefused


@pytest.mark.parametrize(
    "code", ["NoSuchKey", "NoSuchVersion", "404", "ResourceNotFoundException", "ParameterNotFound"]
)
def test_what_is_gone_is_missing(code: str) -> None:
    """S3 answers NoSuchVersion for a version that a lifecycle rule has removed (S3 API, error responses)."""
    assert is_missing(refusal(code, status=404))


@pytest.mark.parametrize("code", ["AccessDenied", "ThrottlingException", "NoSuchUpload"])
def test_what_is_refused_or_busy_is_not_missing(code: str) -> None:
    assert not is_missing(refusal(code))


SERVICES = ("s3", "bedrock", "bedrock-runtime", "dynamodb", "stepfunctions", "sns", "ssm", "iam", "lambda",
            "events", "pricing", "service-quotas", "sagemaker")  # fmt: skip


def codes_of(service: str) -> set[str]:
    """Every error code of a service, by botocore's model of it."""
    shapes = botocore.session.get_session().get_service_model(service).error_shapes
    return {str(shape.error_code or shape.name) for shape in shapes}


@pytest.mark.parametrize("service", SERVICES)
def test_every_throttle_of_a_service_is_tried_again(service: str) -> None:
    throttles = {one for one in codes_of(service) if "throttl" in one.lower()}

    assert [one for one in throttles if not is_transient(refusal(one))] == []


def test_a_spent_quota_of_a_day_is_not_tried_again() -> None:
    """Bedrock's messages as others have got them (minorun365/agent-book, issue 29; RooCodeInc/Roo-Code, issue
    5050): the first is over tomorrow, the second in a minute."""
    spent = refusal(
        "ThrottlingException", "Too many tokens per day, please wait before trying again.", status=429
    )
    busy = refusal("ThrottlingException", "Too many tokens, please wait before trying again.", status=429)

    assert [is_transient(one) for one in (spent, busy)] == [False, True]


def test_what_the_sdk_tries_again_the_workflow_tries_again() -> None:
    theirs = (
        *standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
        *standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES,
        "TooManyUpdates", "TransactionConflictException", "ModelTimeoutException",
    )  # fmt: skip

    assert [one for one in theirs if not is_transient(refusal(one))] == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_denial_of_a_service_is_a_missing_permission(service: str) -> None:
    ours = {one for one in codes_of(service) if one.lower().startswith(("accessdenied", "kmsaccessdenied"))}

    assert [one for one in ours if not is_forbidden(refusal(one))] == []


@pytest.mark.parametrize(
    "code",
    ["KMS.DisabledException", "KMS.NotFoundException", "KMS.KMSInvalidStateException", "InvalidObjectState"],
)
def test_a_key_that_is_gone_and_an_object_in_an_archive_end_a_run(code: str) -> None:
    """S3's codes for a key that is disabled, deleted or pending deletion, and for a class of storage that has
    to be restored first: no later try would help. That these are its codes is a belief."""
    assert isinstance(as_error(refusal(code)), AwsRefused)
