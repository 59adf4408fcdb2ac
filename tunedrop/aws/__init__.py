"""The AWS clients, and the meaning of their errors."""

from tunedrop.aws._clients import (
    GRADER_SECONDS,
    TRANSIENT_CODES,
    Aws,
    as_error,
    code_of,
    condition_failed,
    explain,
    is_forbidden,
    is_missing,
    is_refused,
    is_spent_for_the_day,
    is_transient,
    message_of,
    pin_of,
    stopped,
    version_of,
)

__all__ = [
    "GRADER_SECONDS",
    "TRANSIENT_CODES",
    "Aws",
    "as_error",
    "code_of",
    "condition_failed",
    "explain",
    "is_forbidden",
    "is_missing",
    "is_refused",
    "is_spent_for_the_day",
    "is_transient",
    "message_of",
    "pin_of",
    "stopped",
    "version_of",
]
