"""Subjects and attributes of SNS messages; subscriptions filter on the attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

MAX_SUBJECT = 99
"""A subject is UTF-8 without line breaks or control characters, of fewer than 100 characters (SNS API
reference, Publish, read 2026-11-29)."""

NOTIFY = "notify"
"""The attribute with the additional recipients of a message."""


def subject(text: str) -> str:
    """A text as an SNS subject: on one line, truncated if too long."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= MAX_SUBJECT else line[: MAX_SUBJECT - 3] + "..."


def attributes(values: Mapping[str, str], notify: Sequence[str] = ()) -> dict[str, dict[str, str]]:
    """Message attributes in the format of Publish.

    Parameters
    ----------
    notify
        Groups and addresses whose subscriptions receive this message too.
    """
    found = {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
    if notify:
        found[NOTIFY] = {"DataType": "String.Array", "StringValue": json.dumps(list(notify))}
    return found
