"""Keys and tokens that must neither be trained on nor shown in a finding, which names only their kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SECRETS: dict[str, re.Pattern[str]] = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[0-9A-Za-z]{36,}\b"),
    "an API key": re.compile(r"\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[0-9A-Za-z]{20,}\b"),
    "a Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}"),
    "a JSON web token": re.compile(r"(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
}
"""No pattern reads any text more than a few times, because a match can only start at the beginning of a
word."""


def secrets_in(text: str) -> Iterator[str]:
    """The kinds of secrets that a text seems to contain."""
    for name, pattern in _SECRETS.items():
        if pattern.search(text):
            yield name


def carries_secret(text: str) -> bool:
    """Whether a text seems to contain a secret."""
    return any(True for _ in secrets_in(text))
