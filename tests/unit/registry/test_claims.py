"""Promotion and deletion exclude each other: whose claim holds, as a table; and for how long."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, nullcontext

import pytest

from tests import builders
from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.errors import ModelDeleted, TransientError
from tunedrop.registry import Registry
from tunedrop.registry.claims import LEASE_SECONDS, Claims
from tunedrop.stage import Stage

MODEL, SERVED_BY = builders.MODEL_ARN, builders.DEPLOYMENT_ARN
NOW = "2026-11-29T12:00:00Z"


@pytest.fixture
def claims(aws: Aws, stage: Stage, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Claims:
    del registry  # makes the table
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return Claims(aws.dynamodb, stage.registry_table)


def promote(claims: Claims) -> None:
    with claims.promoting(SERVED_BY, MODEL):
        pass


def promote_and_die(claims: Claims) -> None:
    with pytest.raises(KeyboardInterrupt), claims.promoting(SERVED_BY, MODEL):
        raise KeyboardInterrupt


def begin_removal(claims: Claims) -> None:
    assert claims.begin_removal(MODEL)


def begin_removal_of_what_serves(claims: Claims) -> None:
    assert claims.begin_removal(SERVED_BY)


def remove(claims: Claims) -> None:
    assert claims.begin_removal(MODEL)
    claims.end_removal(MODEL)


def give_up(claims: Claims) -> None:
    assert claims.begin_removal(MODEL)
    claims.give_up_removal(MODEL)


@pytest.mark.parametrize(
    ("before", "seconds", "refusal"),
    [
        (promote, 0, None),
        (promote_and_die, 0, None),  # a retry of its step goes on
        (begin_removal, 0, TransientError),
        (begin_removal, LEASE_SECONDS, TransientError),
        (begin_removal, LEASE_SECONDS + 1, None),
        (begin_removal_of_what_serves, 0, TransientError),
        (give_up, 0, None),
        (remove, 0, ModelDeleted),
        (remove, 10 * LEASE_SECONDS, ModelDeleted),  # for good
    ],
)
def test_a_model_is_promoted_unless_somebody_deletes_it(
    claims: Claims, monkeypatch: pytest.MonkeyPatch, before: Callable[[Claims], None], seconds: int,
    refusal: type[Exception] | None,
) -> None:  # fmt: skip
    before(claims)
    monkeypatch.setattr(clock, "now", lambda: clock.after(NOW, seconds))

    with pytest.raises(refusal) if refusal else nullcontext():
        promote(claims)


@pytest.mark.parametrize(
    ("before", "seconds", "may_remove"),
    [
        (promote, 0, True),
        (promote_and_die, 0, False),  # it may have written half
        (promote_and_die, LEASE_SECONDS, False),
        (promote_and_die, LEASE_SECONDS + 1, True),
        (begin_removal, 0, True),  # a retry of its step goes on
        (remove, 0, True),
    ],
)
def test_a_model_is_deleted_unless_somebody_promotes_it(
    claims: Claims, monkeypatch: pytest.MonkeyPatch, before: Callable[[Claims], None], seconds: int,
    may_remove: bool,
) -> None:  # fmt: skip
    before(claims)
    monkeypatch.setattr(clock, "now", lambda: clock.after(NOW, seconds))

    assert claims.begin_removal(MODEL) is may_remove


def test_nothing_is_deleted_while_it_is_promoted(claims: Claims) -> None:
    with claims.promoting(SERVED_BY, MODEL, MODEL):
        assert not claims.begin_removal(SERVED_BY)
        assert not claims.begin_removal(MODEL)
    assert claims.begin_removal(SERVED_BY)
    assert claims.begin_removal(MODEL)


@pytest.mark.parametrize(
    ("who", "seconds", "may"),
    [
        ("first", 0, True),  # a retry of its step goes on
        ("second", 0, False),
        ("second", LEASE_SECONDS, False),
        ("second", LEASE_SECONDS + 1, True),
    ],
)
def test_a_name_is_held_by_one_until_its_lease_has_ended(
    claims: Claims, monkeypatch: pytest.MonkeyPatch, who: str, seconds: int, may: bool
) -> None:
    with claims.alone("persona", "first"):
        monkeypatch.setattr(clock, "now", lambda: clock.after(NOW, seconds))
        with nullcontext() if may else pytest.raises(TransientError), claims.alone("persona", who):
            pass


def test_whose_lease_has_ended_does_not_let_go_what_another_holds(
    claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as second:
        with claims.alone("persona", "first"):
            monkeypatch.setattr(clock, "now", lambda: clock.after(NOW, LEASE_SECONDS + 1))
            second.enter_context(claims.alone("persona", "second"))
        with pytest.raises(TransientError), claims.alone("persona", "third"):
            pass
    with claims.alone("persona", "third"):
        pass


def test_what_failed_lets_its_name_go(claims: Claims) -> None:
    with pytest.raises(KeyboardInterrupt), claims.alone("persona", "first"):
        raise KeyboardInterrupt

    with claims.alone("persona", "second"):
        pass
