"""What a name stands for: the parameter, the history behind it, and what may not be deleted for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests import builders
from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.errors import TransientError
from tunedrop.registry import Registry, claims
from tunedrop.registry.aliases import Aliases
from tunedrop.stage import Stage

FIRST, SECOND, THIRD = (f"{builders.MODEL_ARN[:-1]}{last}" for last in "198")
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


@pytest.mark.parametrize("ending", ["copy", "copy-0a1b2c3d"])
def test_what_somebody_wrote_by_hand_is_withdrawn_whatever_its_alias_ends_in(
    aws: Aws, stage: Stage, aliases: Aliases, ending: str
) -> None:
    """A name that ends as an alias with a hash has another alias than itself."""
    by_hand = f"{stage.alias_prefix}/{ending}"
    aliases.promote(NAME, "run-1", FIRST, HERE)
    aws.ssm.put_parameter(Name=by_hand, Value=THERE, Type="String")

    assert aliases.withdraw_at(by_hand) == aliases.withdraw_at(by_hand) == by_hand
    assert aliases.all() == {PARAMETER: HERE}
    assert aliases.withdraw_at(PARAMETER) == PARAMETER
    assert stands_for(aliases)[0] == (FIRST, "")


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


@pytest.mark.parametrize("before", [{}, {PARAMETER: THERE}])
def test_a_promotion_that_has_only_begun_protects_what_it_is_about_to_name(
    aws: Aws, aliases: Aliases, monkeypatch: pytest.MonkeyPatch, before: dict[str, str]
) -> None:
    """History first: the process died before it wrote the parameter."""
    if before:
        aliases.promote(NAME, "run-0", SECOND, THERE)
    monkeypatch.setattr(aliases, "_write_parameter", lambda _: None)
    aliases.promote(NAME, "run-1", FIRST, HERE)

    assert aliases.all() == before
    assert aliases.naming(HERE, NAME) == aliases.naming(FIRST, NAME) == PARAMETER
    aliases.withdraw(NAME)
    assert aliases.naming(HERE, NAME) == ""


def test_what_a_person_has_replaced_by_hand_is_not_named_any_more(aws: Aws, aliases: Aliases) -> None:
    aliases.promote(NAME, "run-1", FIRST, HERE)
    aws.ssm.put_parameter(Name=PARAMETER, Value=THERE, Type="String", Overwrite=True)

    assert [aliases.naming(one, NAME) for one in (HERE, FIRST, THERE)] == ["", "", PARAMETER]
    assert aliases.runs() == {}


def written_by_hand(aws: Aws, model_id: str) -> None:
    aws.ssm.put_parameter(Name=PARAMETER, Value=model_id, Type="String", Overwrite=True)


def test_a_promotion_keeps_in_the_history_which_model_a_person_had_returned_to(
    aws: Aws, aliases: Aliases
) -> None:
    aliases.promote(NAME, "run-1", FIRST, HERE)
    aliases.promote(NAME, "run-2", SECOND, THERE)
    written_by_hand(aws, HERE)

    third = aliases.promote(NAME, "run-3", THIRD, "third")

    assert third.previous_model_arn == FIRST
    assert aliases.promote(NAME, "run-3", THIRD, "third") == third
    assert stands_for(aliases) == [(THIRD, "third"), (FIRST, HERE), (SECOND, THERE), (FIRST, HERE)]


def test_a_model_that_no_run_has_made_stays_out_of_the_history(aws: Aws, aliases: Aliases) -> None:
    aliases.promote(NAME, "run-1", FIRST, HERE)
    written_by_hand(aws, THERE)

    assert aliases.promote(NAME, "run-3", THIRD, "third").previous_model_arn == FIRST
    assert stands_for(aliases) == [(THIRD, "third"), (FIRST, HERE)]


@pytest.mark.parametrize(
    ("by_hand", "withdrawn"), [(HERE, (FIRST, "")), ("somebody's", ("", "")), (THERE, (SECOND, ""))]
)
def test_what_is_withdrawn_is_what_the_parameter_named(
    aws: Aws, aliases: Aliases, by_hand: str, withdrawn: tuple[str, str]
) -> None:
    """So that one can return to what the history names, which was not withdrawn."""
    aliases.promote(NAME, "run-1", FIRST, HERE)
    aliases.promote(NAME, "run-2", SECOND, THERE)
    written_by_hand(aws, by_hand)

    assert aliases.withdraw(NAME) == aliases.withdraw_at(PARAMETER) == PARAMETER

    assert stands_for(aliases) == [withdrawn, (SECOND, THERE), (FIRST, HERE)]
    assert aliases.all() == {}


def test_the_end_of_what_served_before_undoes_no_promotion_whose_writer_died(
    aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    aliases.promote(NAME, "run-1", FIRST, HERE)
    with monkeypatch.context() as died:
        died.setattr(aliases, "_write_parameter", lambda _: None)
        aliases.promote(NAME, "run-2", SECOND, THERE)

    aliases.stand_for_model(PARAMETER, HERE)

    assert stands_for(aliases) == [(SECOND, THERE), (FIRST, HERE)]
    assert aliases.current(NAME) == THERE


def test_a_name_whose_model_was_deleted_stands_for_nothing_once_its_throughput_ends(
    aws: Aws, stage: Stage, aliases: Aliases
) -> None:
    aliases.promote(NAME, "run-1", FIRST, HERE)
    gone = claims.Claims(aws.dynamodb, stage.registry_table)
    gone.begin_removal(FIRST)
    gone.end_removal(FIRST)

    aliases.stand_for_model(PARAMETER, HERE)

    assert aliases.current(NAME) is None


def test_a_run_whose_model_a_person_has_returned_to_is_in_production(aws: Aws, aliases: Aliases) -> None:
    aliases.promote(NAME, "run-1", FIRST, HERE)
    aliases.promote(NAME, "run-2", SECOND, THERE)
    aws.ssm.put_parameter(Name=PARAMETER, Value=HERE, Type="String", Overwrite=True)

    assert aliases.runs() == {"run-1": PARAMETER}


@pytest.mark.parametrize(
    ("before", "end", "expected"),
    [
        (True, "promote", {PARAMETER: THERE}),
        (True, "withdraw", {}),
        (False, "promote", {PARAMETER: THERE}),  # the first promotion of a name
    ],
)
def test_a_parameter_whose_writer_died_after_the_history_is_settled_once(
    aws: Aws,
    stage: Stage,
    aliases: Aliases,
    monkeypatch: pytest.MonkeyPatch,
    before: bool,
    end: str,
    expected: dict[str, str],
) -> None:
    if before:
        aliases.promote(NAME, "run-1", FIRST, HERE)
    with monkeypatch.context() as dying:
        dying.setattr(aliases, "_write_parameter", _die)
        with pytest.raises(SystemExit):
            aliases.promote(NAME, "run-2", SECOND, THERE) if end == "promote" else aliases.withdraw(NAME)
    others = Aliases(aws.ssm, aws.dynamodb, stage)

    assert others.all() == ({PARAMETER: HERE} if before else {})
    assert others.unsettled() == []  # whoever writes it may be at work
    monkeypatch.setattr(claims, "LEASE_SECONDS", -1)
    assert [others.settle(one) for one in others.unsettled()] == [True]
    assert others.unsettled() == []
    assert others.all() == expected


def _die(_: str) -> None:
    raise SystemExit


@pytest.mark.parametrize("by_hand", [THERE, HERE])
def test_a_parameter_that_somebody_wrote_by_hand_since_is_not_settled(
    aws: Aws, aliases: Aliases, monkeypatch: pytest.MonkeyPatch, by_hand: str
) -> None:
    monkeypatch.setattr(claims, "LEASE_SECONDS", -1)
    with monkeypatch.context() as earlier:
        earlier.setattr(clock, "now", lambda: "2026-11-01T00:00:00Z")
        earlier.setattr(aliases, "_write_parameter", _die)
        with pytest.raises(SystemExit):
            aliases.promote(NAME, "run-1", FIRST, HERE)
    aws.ssm.put_parameter(Name=PARAMETER, Value=by_hand, Type="String", Overwrite=True)
    aws.ssm.put_parameter(Name=f"{PARAMETER}-2", Value=THERE, Type="String")

    assert [aliases.settle(one) for one in aliases.unsettled()] == [False]
    assert aliases.all() == {PARAMETER: by_hand, f"{PARAMETER}-2": THERE}
    assert aliases.unsettled() == []


def test_nothing_is_left_to_settle_of_whoever_was_not_interrupted(
    aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEASE_SECONDS", -1)
    aliases.promote(NAME, "run-1", FIRST, HERE)
    aliases.promote("another", "run-2", SECOND, THERE)
    aliases.withdraw(NAME)

    assert aliases.unsettled() == []


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_promotion_from_a_machine_whose_clock_is_wrong_has_its_place(
    aliases: Aliases, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """AWS accepts requests of a clock that is five minutes off (SigV4)."""
    right = clock.instant
    for number, off in enumerate([0, minutes, 0]):
        wrong = datetime.now(UTC) + timedelta(minutes=off)
        monkeypatch.setattr(clock, "instant", lambda moment=None, wrong=wrong: right(moment or wrong))
        model = f"{builders.MODEL_ARN[:-1]}{number}"
        aliases.promote(NAME, f"run-{number}", model, model)

        assert aliases.current(NAME) == aliases.history(NAME)[0].model_id == model


def test_of_two_promotions_in_one_microsecond_the_second_is_the_newer(
    aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, now = clock.instant, datetime.now(UTC)
    monkeypatch.setattr(clock, "instant", lambda moment=None: right(moment or now))
    for run_id in ("run-9", "run-1"):  # their order as texts is the other one
        aliases.promote(NAME, run_id, f"{builders.MODEL_ARN[:-1]}{run_id[-1]}", run_id)

    assert [one.run_id for one in aliases.history(NAME)] == ["run-1", "run-9"]


def test_one_process_at_a_time_promotes_a_name(aliases: Aliases, monkeypatch: pytest.MonkeyPatch) -> None:
    with aliases.alone(NAME, "run-1"), aliases.alone(NAME, "run-1"), aliases.alone("another", "run-2"):
        pass  # a repeated try, and another name
    with (
        aliases.alone(NAME, "run-1"),
        pytest.raises(TransientError, match="just being promoted"),
        aliases.alone(NAME, "run-2"),
    ):
        pass
    with aliases.alone(NAME, "run-2"):
        monkeypatch.setattr(claims, "LEASE_SECONDS", -1)
        with aliases.alone(NAME, "run-3"):  # who held it must have died
            pass


def test_whoever_was_too_slow_does_not_let_go_of_what_another_holds(
    aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = aliases.alone(NAME, "run-1")
    slow.__enter__()
    with monkeypatch.context() as later:
        later.setattr(claims, "LEASE_SECONDS", -1)
        held = aliases.alone(NAME, "run-2")
        held.__enter__()

    slow.__exit__(None, None, None)

    with pytest.raises(TransientError), aliases.alone(NAME, "run-3"):
        pass


PACKAGE = "arn:aws:sagemaker:us-east-1:111122223333:model-package/tunedrop-test-qwen3-4b/1"
PRETRAINED = "arn:aws:sagemaker:us-east-1:111122223333:training-job/pretrain-test-persona-0123456789"
IMPORTED = "arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghij12"


@pytest.mark.parametrize(
    ("model_arn", "served_by"),
    [(FIRST, HERE), (FIRST, builders.PROVISIONED_ARN), (PACKAGE, IMPORTED), (PRETRAINED, IMPORTED)],
)
def test_a_model_in_production_can_be_asked_while_something_serves_it(
    aliases: Aliases, model_arn: str, served_by: str
) -> None:
    assert aliases.champion(NAME) is None
    aliases.promote(NAME, "run-1", model_arn, served_by)
    assert aliases.champion(NAME) == served_by

    aliases.promote(NAME, "run-1", model_arn, model_arn)

    assert aliases.champion(NAME) is None
