"""The meaning of SageMaker's error responses."""

from __future__ import annotations

from botocore.exceptions import ClientError

from tunedrop import aws

_MISSING = ("not found", "does not exist", "could not find")
"""Parts of SageMaker's messages for what is not there, whose code is ValidationException (reported by public
projects; Describe operations declare ResourceNotFound too)."""


def is_missing(error: ClientError) -> bool:
    """Whether SageMaker says that the thing asked for does not exist."""
    code, message = aws.code_of(error), aws.message_of(error).lower()
    return code in ("ResourceNotFound", "ResourceNotFoundException") or (
        code == "ValidationException" and any(part in message for part in _MISSING)
    )
