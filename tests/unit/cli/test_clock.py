"""Whose time it is: AWS's, where the clock of an operator's machine is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tunedrop import clock
from tunedrop.cli.deployed import Deployed


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    yield
    clock.follow(format_datetime(datetime.now(UTC), usegmt=True))


def off() -> float:
    """By how many seconds the clock is ahead of this machine's."""
    return (clock.read(clock.instant()) - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize(("wrong_by", "expected"), [(-240, -240), (240, 240), (3, 0), (-3, 0)])
def test_a_clock_that_is_wrong_by_minutes_follows_aws(wrong_by: int, expected: int) -> None:
    clock.follow(format_datetime(datetime.now(UTC) + timedelta(seconds=wrong_by), usegmt=True))

    assert abs(off() - expected) < 3
    assert abs(clock.seconds_between(clock.now(), clock.write(datetime.now(UTC))) + expected) < 3


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 30 Feb 2026 99:00:00 GMT", "2026-11-30T00:00:00"])
def test_what_is_no_date_changes_nothing(date: str) -> None:
    clock.follow(date)

    assert abs(off()) < 1


def test_a_command_follows_the_clock_of_its_stage(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: list[str] = []
    monkeypatch.setattr(clock, "follow", followed.append)

    assert deployed.stage.name == "test"

    assert len(followed) == 1
