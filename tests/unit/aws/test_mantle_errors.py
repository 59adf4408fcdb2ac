"""What answers of bedrock-mantle mean, also those that no service of AWS has written."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.aws import Aws


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Any:
        yield self._body


def refused(client: Any, status: int, body: bytes, operation: str = "list_files") -> ClientError:
    """How an answer of this status and body is raised."""
    client.meta.events.register_first(
        "before-send.bedrock-mantle", lambda **_: AWSResponse("", status, {}, _Raw(body))
    )
    asked = {"model": "m", "training_file": "f", "method": {}} if operation.startswith("create") else {}
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(**asked)
    error: ClientError = raised.value
    return error


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws.mantle


@pytest.mark.parametrize(
    "body", [b"", b"<html>busy</html>", b'{"message": "slow down"}', b'{"error": "slow down"}', b"[]"]
)
@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_status_that_passes_is_transient_whatever_its_body(client: Any, status: int, body: bytes) -> None:
    assert aws.is_transient(refused(client, status, body))


@pytest.mark.parametrize(
    ("body", "operation", "full"),
    [
        (b'{"error": {"message": "Quota exceeded: too many jobs"}}', "create_fine_tuning_job", True),
        (b'{"error": {"message": "no", "code": "insufficient_quota"}}', "create_fine_tuning_job", True),
        (b'{"error": {"message": "tokens per minute quota"}}', "create_fine_tuning_job", False),
        (b'{"error": {"message": "request rate over quota"}}', "create_fine_tuning_job", False),
        (b'{"error": {"message": "Quota exceeded: too many jobs"}}', "list_fine_tuning_jobs", False),
    ],
)
def test_a_quota_is_full_only_where_a_job_is_refused(
    client: Any, body: bytes, operation: str, full: bool
) -> None:
    error = refused(client, 429, body, operation)

    assert (aws.code_of(error) == "ServiceQuotaExceededException") is full
    assert aws.is_transient(error) is not full


@pytest.mark.parametrize(
    ("body", "transient"),
    [(b'{"error": {"message": "The security token is expired"}}', True), (b'{"message": "no key"}', False)],
)
def test_an_expired_token_is_another_try_and_a_missing_one_a_permission(
    client: Any, body: bytes, transient: bool
) -> None:
    error = refused(client, 401, body)

    assert aws.is_transient(error) is transient
    assert aws.is_forbidden(error) is not transient
