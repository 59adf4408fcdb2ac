"""Subjects of SNS messages."""

from __future__ import annotations

MAX_SUBJECT = 99
"""A subject is UTF-8 without line breaks or control characters, of fewer than 100 characters (SNS API
reference, Publish, read 2026-11-29)."""


def subject(text: str) -> str:
    """A text as SNS takes it as a subject: on one line, cut where it is too long."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= MAX_SUBJECT else line[: MAX_SUBJECT - 3] + "..."
