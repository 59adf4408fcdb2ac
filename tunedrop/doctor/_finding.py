"""The result of one check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop.aws import code_of, explain
from tunedrop.aws.actions import action_of

State = Literal["good", "note", "unknown", "bad"]
"""`bad` will fail; `note` may fail, or remains to be done; `unknown` could not be read."""

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was checked, its state, and what to do if it is not good."""

    about: str
    name: str
    state: State
    detail: str
    hint: str = ""


def asked(about: str, name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of a check; if AWS refuses a call, a finding that it could not be read."""
    try:
        yield from check()
    except (ClientError, BotoCoreError) as error:
        yield Finding(
            about=about,
            name=name,
            state="unknown",
            detail=f"could not be read: {explain(error)}",
            hint=_hint(error),
        )


def _hint(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError) and code_of(error) in _DENIED:
        return f"Request permission for {action_of(error)}, or use another role"
    return ""
