"""What a name stands for: the parameter, the history behind it, and what may not be deleted for it."""

from __future__ import annotations

import pytest

from tests import builders
from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.stage import Stage

FIRST, SECOND = builders.MODEL_ARN, f"{builders.MODEL_ARN[:-1]}9"
HERE, THERE = builders.DEPLOYMENT_ARN, f"{builders.DEPLOYMENT_ARN[:-1]}9"
NAME, PARAMETER = "persona", "/tunedrop/test/models/persona"


@pytest.fixture
def aliases(aws: Aws, stage: Stage, registry: Registry) -> Aliases:
    del registry  # makes the table
    return Aliases(aws.ssm, aws.dynamodb, stage)


def stands_for(aliases: Aliases) -> list[tuple[str, str]]:
    return [(one.model_arn, one.model_id) for one in aliases.history(NAME)]


def test_the_parameter_names_what_serves_and_a_repeated_promotion_changes_nothing(aliases: Aliases) -> None:
    first = aliases.promote(NAME, "run-1", FIRST, HERE)
    again = aliases.promote(NAME, "run-1", FIRST, HERE)
    second = aliases.promote(NAME, "run-2", SECOND, THERE, swapped=True, note="a note")
    repeated = aliases.promote(NAME, "run-2", SECOND, THERE, swapped=True, note="a note")

    assert first == again
    assert second == repeated
    assert (first.alias, first.model_id, first.previous_model_arn) == (PARAMETER, HERE, "")
    assert (second.previous_model_arn, second.swapped, second.note) == (FIRST, True, "a note")
    assert stands_for(aliases) == [(SECOND, THERE), (FIRST, HERE)]
    assert aliases.all() == {PARAMETER: THERE}
    assert aliases.runs() == {"run-2": PARAMETER}


def test_another_arn_for_the_same_model_is_another_entry(aliases: Aliases) -> None:
    aliases.promote(NAME, "run-1", FIRST, HERE)
    aliases.promote(NAME, "run-1", FIRST, FIRST)

    assert stands_for(aliases) == [(FIRST, FIRST), (FIRST, HERE)]


def test_a_name_that_was_withdrawn_stands_for_nothing_and_keeps_its_history(aliases: Aliases) -> None:
    aliases.promote(NAME, "run-1", FIRST, HERE)

    assert aliases.withdraw(NAME) == aliases.withdraw(NAME) == PARAMETER

    assert stands_for(aliases) == [(FIRST, ""), (FIRST, HERE)]
    assert (aliases.current(NAME), aliases.all(), aliases.runs()) == (None, {}, {})
    assert aliases.promote(NAME, "run-2", SECOND, THERE).previous_model_arn == ""


def test_a_parameter_that_somebody_wrote_by_hand_can_be_withdrawn(aws: Aws, aliases: Aliases) -> None:
    aws.ssm.put_parameter(Name=PARAMETER, Value=HERE, Type="String")

    assert aliases.name_at(PARAMETER) == NAME
    assert aliases.withdraw(NAME) == PARAMETER
    assert aliases.all() == {}
    assert aliases.withdraw(NAME) == PARAMETER


@pytest.mark.parametrize(
    ("asked", "name", "named"),
    [
        (THERE, "", True),
        (THERE, NAME, True),
        (SECOND, NAME, True),  # the model at the head of the history
        (SECOND, "", False),
        (SECOND, "another", False),
        (HERE, NAME, False),  # what it stood for before
        (FIRST, NAME, False),
    ],
)
def test_what_an_alias_names_is_known_by_the_parameter_and_by_the_history(
    aliases: Aliases, asked: str, name: str, named: bool
) -> None:
    aliases.promote(NAME, "run-1", FIRST, HERE)
    aliases.promote(NAME, "run-2", SECOND, THERE)

    assert aliases.naming(asked, name) == (PARAMETER if named else "")


def test_a_promotion_that_has_only_begun_protects_what_it_is_about_to_name(
    aws: Aws, aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """History first: the process died before it wrote the parameter."""
    monkeypatch.setattr(aliases, "_write_parameter", lambda _: None)
    aliases.promote(NAME, "run-1", FIRST, HERE)

    assert aliases.all() == {}
    assert aliases.naming(HERE, NAME) == aliases.naming(FIRST, NAME) == PARAMETER
    aliases.withdraw(NAME)
    assert aliases.naming(HERE, NAME) == ""


@pytest.mark.parametrize(("end", "expected"), [("promote", {PARAMETER: THERE}), ("withdraw", {})])
def test_a_parameter_whose_writer_died_after_the_history_is_settled_once(
    aws: Aws,
    stage: Stage,
    aliases: Aliases,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    expected: dict[str, str],
) -> None:
    aliases.promote(NAME, "run-1", FIRST, HERE)
    with monkeypatch.context() as dying:
        dying.setattr(aliases, "_write_parameter", lambda _: None)
        if end == "promote":
            aliases.promote(NAME, "run-2", SECOND, THERE)
        else:
            aliases.withdraw(NAME)
    others = Aliases(aws.ssm, aws.dynamodb, stage)

    assert others.all() == {PARAMETER: HERE}
    assert [others.settle(PARAMETER), others.settle(PARAMETER)] == [True, False]
    assert others.all() == expected


def test_a_parameter_that_somebody_wrote_by_hand_since_is_not_settled(
    aws: Aws, aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(clock, "now", lambda: "2026-11-01T00:00:00Z")
        aliases.promote(NAME, "run-1", FIRST, HERE)
    aws.ssm.put_parameter(Name=PARAMETER, Value=THERE, Type="String", Overwrite=True)
    aws.ssm.put_parameter(Name=f"{PARAMETER}-2", Value=THERE, Type="String")

    assert [aliases.settle(PARAMETER), aliases.settle(f"{PARAMETER}-2")] == [False, False]
    assert aliases.all() == {PARAMETER: THERE, f"{PARAMETER}-2": THERE}


@pytest.mark.parametrize(
    ("model_id", "champion"),
    [(HERE, HERE), (builders.PROVISIONED_ARN, builders.PROVISIONED_ARN), (FIRST, None)],
)
def test_a_model_in_production_can_be_asked_while_something_serves_it(
    aliases: Aliases, model_id: str, champion: str | None
) -> None:
    assert aliases.champion(NAME) is None
    aliases.promote(NAME, "run-1", FIRST, model_id)

    assert aliases.champion(NAME) == champion
