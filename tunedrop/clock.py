"""Times of the pipeline: UTC, ISO 8601, whole seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

MAX_DURATION_DAYS = 366
"""Maximum duration in a manifest: longer than any commitment, short enough to catch a wrong unit."""


TOLERATED = timedelta(seconds=5)
"""How far a clock may be off: an answer takes its time, and its date has whole seconds."""

_behind = timedelta()


def follow(date: str) -> None:
    """Follow AWS's clock from now on, if this machine's is off by more than `TOLERATED`.

    AWS accepts requests of a clock that is five minutes off (SigV4), and leases, claims and histories in its
    tables are compared with what other machines have written.

    Parameters
    ----------
    date
        The `Date` header of a response of AWS; others are ignored.
    """
    from email.utils import parsedate_to_datetime

    global _behind
    try:
        ahead = parsedate_to_datetime(date) - datetime.now(UTC)
    except (ValueError, TypeError):
        return
    _behind = ahead if abs(ahead) > TOLERATED else timedelta()


def _now() -> datetime:
    return datetime.now(UTC) + _behind


def now() -> str:
    """The current time, such as `2026-11-23T18:30:05Z`."""
    return write(_now())


def instant(moment: datetime | None = None) -> str:
    """A time, or the current one, with microseconds, for ordering within a second."""
    return (moment or _now()).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def today() -> str:
    """The current day in UTC, such as `2026-11-23`."""
    return f"{_now():%Y-%m-%d}"


def write(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(text: str) -> datetime:
    return datetime.fromisoformat(text)


def at(text: str) -> str:
    """A day or time entered by people, in UTC unless it has a zone, in the format of runs.

    >>> at("2026-11-01"), at("2026-11-01T10:30+02:00")
    ('2026-11-01T00:00:00Z', '2026-11-01T08:30:00Z')

    Raises
    ------
    ValueError
        If it is neither.
    """
    moment = read(text)
    return write(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def for_people(text: str) -> str:
    """A time for people, in UTC, such as `23 Nov 2026, 18:30:05`."""
    return f"{read(text):%d %b %Y, %H:%M:%S}".lstrip("0") if text else ""


def after(text: str, seconds: float) -> str:
    """The time `seconds` after another."""
    return write(read(text) + timedelta(seconds=seconds))


def seconds_between(start: str, end: str) -> float:
    return (read(end) - read(start)).total_seconds()


def duration_seconds(text: str) -> int:
    """The seconds of a duration such as `90s`, `30m`, `2h` or `3d`.

    Raises
    ------
    ValueError
        If the text is not a whole number with one of these units, or more than `MAX_DURATION_DAYS`.
    """
    match = re.fullmatch(r"\s*(\d{1,9})\s*([smhd])\s*", text)
    if not match:
        raise ValueError(f"{text!r} is not a duration; write a number and s, m, h or d, such as 2h")
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > MAX_DURATION_DAYS * _UNITS["d"]:
        raise ValueError(f"{text!r} is too long; a duration is at most {MAX_DURATION_DAYS}d")
    return seconds


def about(seconds: float) -> str:
    """An approximate duration: `less than a minute`, `about 12 minutes`, `about 3 hours`."""
    if seconds < 60:
        return "less than a minute"
    if seconds < 90 * 60:
        minutes = round(seconds / 60)
        return f"about {minutes} minute{'s' if minutes > 1 else ''}"
    return f"about {seconds / 3600:.0f} hours" if seconds < 36 * 3600 else f"about {seconds / 86400:.0f} days"
