"""What AWS's errors mean."""

from __future__ import annotations

import pytest

from tests.unit.fake_bedrock import refusal
from tunedrop.aws import is_missing


@pytest.mark.parametrize(
    "code", ["NoSuchKey", "NoSuchVersion", "404", "ResourceNotFoundException", "ParameterNotFound"]
)
def test_what_is_gone_is_missing(code: str) -> None:
    """S3 answers NoSuchVersion for a version that a lifecycle rule has removed (S3 API, error responses)."""
    assert is_missing(refusal(code, status=404))


@pytest.mark.parametrize("code", ["AccessDenied", "ThrottlingException", "NoSuchUpload"])
def test_what_is_refused_or_busy_is_not_missing(code: str) -> None:
    assert not is_missing(refusal(code))
