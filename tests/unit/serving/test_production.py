"""Promotion and rollback, by the alias and behind a stable ARN, against a Bedrock that remembers."""

from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tests.unit.fake_bedrock import refusal
from tunedrop import clock
from tunedrop.aws import Aws
from tunedrop.contracts import DeploymentSettings
from tunedrop.errors import NotKept, ThroughputFailed, TransientError
from tunedrop.registry import Registry
from tunedrop.serving.production import Moved, NotServed, Production
from tunedrop.stage import Stage

FIRST = builders.MODEL_ARN
SECOND = builders.MODEL_ARN.replace("abcdefghij12", "second000000")
FIRST_AT = builders.DEPLOYMENT_ARN
SECOND_AT = builders.DEPLOYMENT_ARN.replace("abcdefghij12", "second000000")
STABLE, MOVING = DeploymentSettings(stable_arn=True), DeploymentSettings()


class Deployments:
    """Custom model deployments whose swaps take one look to finish; `fails` makes them fail."""

    def __init__(self) -> None:
        self.models = {FIRST_AT: FIRST, SECOND_AT: SECOND}
        self.updates: dict[str, tuple[str, str]] = {}
        self.provisioned: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.units = 1
        self.fails = False

    def get_provisioned_model_throughput(self, provisionedModelId: str) -> dict[str, Any]:  # noqa: N803
        model_arn = self.provisioned[provisionedModelId]
        return {"status": "InService", "modelArn": model_arn, "modelUnits": self.units}

    def update_provisioned_model_throughput(self, provisionedModelId: str, desiredModelId: str) -> None:  # noqa: N803
        self.provisioned[provisionedModelId] = desiredModelId

    def get_custom_model_deployment(self, customModelDeploymentIdentifier: str) -> dict[str, Any]:  # noqa: N803
        arn = customModelDeploymentIdentifier
        if arn not in self.models:
            raise refusal("ResourceNotFoundException")
        desired, status = self.updates.get(arn, (self.models[arn], ""))
        found = {"status": "Active", "modelArn": self.models[arn]}
        if status == "Updating":
            self.updates[arn] = (desired, "UpdateFailed" if self.fails else "UpdateCompleted")
            self.models[arn] = self.models[arn] if self.fails else desired
        return found | ({"updateDetails": {"modelArn": desired, "updateStatus": status}} if status else {})

    def update_custom_model_deployment(self, customModelDeploymentIdentifier: str, modelArn: str) -> None:  # noqa: N803
        self.updates[customModelDeploymentIdentifier] = (modelArn, "Updating")

    def tag_resource(self, resourceARN: str, tags: list[dict[str, str]]) -> None:  # noqa: N803
        self.tags |= {f"{resourceARN} {tag['key']}": tag["value"] for tag in tags}

    def list_tags_for_resource(self, resourceARN: str) -> dict[str, Any]:  # noqa: N803
        of = ((name.split(), value) for name, value in self.tags.items())
        return {"tags": [{"key": key, "value": value} for (arn, key), value in of if arn == resourceARN]}


@pytest.fixture
def deployments(aws: Aws) -> Deployments:
    found = Deployments()
    aws.bedrock = found
    return found


@pytest.fixture
def production(aws: Aws, stage: Stage, registry: Registry, deployments: Deployments) -> Production:
    """The first model in production."""
    made = Production(aws, stage)
    made.promote("persona", "persona-1", FIRST, FIRST_AT, MOVING)
    return made


def waited(step: Any) -> Any:
    """What a step gives, once Bedrock has finished."""
    for _ in range(5):
        try:
            return step()
        except TransientError:
            continue
    raise AssertionError("it never ended")


def test_a_promotion_moves_the_alias_and_keeps_the_history(production: Production) -> None:
    promotion = production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)

    assert production.aliases.current("persona") == SECOND_AT
    assert (promotion.model_id, promotion.previous_model_arn) == (SECOND_AT, FIRST)
    assert [one.run_id for one in production.aliases.history("persona")] == ["persona-2", "persona-1"]


def test_a_model_that_nothing_serves_takes_no_place_of_one_that_is_served(
    production: Production, deployments: Deployments
) -> None:
    with pytest.raises(NotKept, match="tunedrop promote persona-2 --serve --stage test"):
        production.promote("persona", "persona-2", SECOND, None, MOVING)
    assert production.aliases.current("persona") == FIRST_AT
    assert [one.run_id for one in production.aliases.history("persona")] == ["persona-1"]

    del deployments.models[FIRST_AT]  # from now on applications get errors anyway
    assert production.promote("persona", "persona-2", SECOND, None, MOVING).model_id == SECOND


@pytest.mark.parametrize(
    "by_hand", [FIRST_AT.replace("111122223333", "444455556666"), "us.amazon.nova-lite-v1:0"]
)
def test_a_model_that_nothing_serves_takes_no_place_of_what_another_account_or_bedrock_serves(
    aws: Aws, production: Production, by_hand: str
) -> None:
    name = production.aliases.parameter("persona")
    aws.ssm.put_parameter(Name=name, Value=by_hand, Type="String", Overwrite=True)

    with pytest.raises(NotKept):
        production.promote("persona", "persona-2", SECOND, None, MOVING)

    aws.ssm.put_parameter(Name=name, Value=FIRST, Type="String", Overwrite=True)  # which nothing serves
    assert production.promote("persona", "persona-2", SECOND, None, MOVING).model_id == SECOND


def test_a_person_may_put_a_model_into_production_that_nothing_serves(production: Production) -> None:
    production.promote("persona", "persona-2", SECOND, None, MOVING, by_hand=True)

    assert production.aliases.current("persona") == SECOND


@pytest.mark.parametrize(("keep", "tagged"), [(3_600, True), (None, False), (0, False)])
def test_throughput_is_kept_for_as_long_as_was_estimated_from_its_promotion_on(
    production: Production, deployments: Deployments, keep: int | None, tagged: bool
) -> None:
    """Its expiry was a limit for the evaluation, and lay hours behind what the run asks for and pays."""
    deployments.provisioned = {builders.PROVISIONED_ARN: SECOND}
    settings = DeploymentSettings(keep_for_seconds=keep)
    before = clock.now()

    promoted = production.promote("persona", "persona-2", SECOND, builders.PROVISIONED_ARN, settings)

    expires = deployments.tags.get(f"{builders.PROVISIONED_ARN} tunedrop:expires", "")
    assert bool(expires) is tagged
    assert promoted.kept_until == expires
    if tagged:
        assert clock.after(before, 3_600) <= expires <= clock.after(clock.now(), 3_600)


@pytest.mark.parametrize(
    ("mode", "keep", "paid_until", "longer"),
    [
        ("provisioned", 3_600, "2099-01-01T00:00:00Z", False),
        ("provisioned", 3_600, "2026-01-01T00:00:00Z", True),
        ("provisioned", None, "2099-01-01T00:00:00Z", False),
        # Evaluated on demand and not bought for: the estimate counts no hours.
        ("auto", 3_600, "2026-01-01T00:00:00Z", False),
        ("on-demand", 3_600, "2026-01-01T00:00:00Z", False),
    ],
)
def test_behind_a_stable_arn_throughput_ends_when_the_runs_have_paid_for(
    aws: Aws, stage: Stage, registry: Registry, deployments: Deployments, mode: Any, keep: int | None,
    paid_until: str, longer: bool,
) -> None:  # fmt: skip
    """It ended within hours, whatever the run before had asked for: without `keep_for`, and with a shorter
    one. And it was kept as long as a run asked that had paid nothing for it."""
    arn = builders.PROVISIONED_ARN
    production = Production(aws, stage)
    deployments.provisioned = {arn: FIRST}
    production.promote("persona", "persona-1", FIRST, arn, DeploymentSettings(keep_for_seconds=7_200))
    deployments.tags[f"{arn} tunedrop:expires"] = paid_until
    settings = DeploymentSettings(mode=mode, stable_arn=True, keep_for_seconds=keep)

    promoted = waited(lambda: production.promote("persona", "persona-2", SECOND, None, settings))

    assert promoted.swapped
    assert promoted.paid_until == (paid_until if promoted.kept_until else "")
    assert deployments.tags[f"{arn} tunedrop:run"] == "persona-2"
    assert bool(promoted.kept_until) is (bool(keep) and mode == "provisioned")
    expires = deployments.tags[f"{arn} tunedrop:expires"]
    assert expires == (promoted.kept_until or paid_until)
    assert (expires != paid_until) is longer
    again = production.promote("persona", "persona-2", SECOND, None, settings)
    assert again.paid_until == ""  # the expiry may be its own by now


@pytest.mark.parametrize(
    ("mode", "asked", "swapped"), [("provisioned", 1, False), ("provisioned", 10, True), ("auto", 1, True)]
)
def test_a_run_keeps_no_more_model_units_behind_a_stable_arn_than_it_has_paid_for(
    aws: Aws, stage: Stage, registry: Registry, deployments: Deployments, mode: Any, asked: int, swapped: bool
) -> None:
    """Ten stayed for the run's `keep_for`, and its estimate had counted one. A run on demand keeps none."""
    there, own = builders.PROVISIONED_ARN, f"{builders.PROVISIONED_ARN}-own"
    production = Production(aws, stage)
    deployments.provisioned, deployments.units = {there: FIRST, own: SECOND}, 10
    production.promote("persona", "persona-1", FIRST, there, DeploymentSettings(keep_for_seconds=7_200))
    settings = DeploymentSettings(mode=mode, model_units=asked, stable_arn=True, keep_for_seconds=3_600)

    promoted = waited(lambda: production.promote("persona", "persona-2", SECOND, own, settings))

    assert promoted.swapped is swapped
    assert production.aliases.current("persona") == (there if swapped else own)
    assert ("has 10 model units" in promoted.note) is not swapped


def test_what_is_free_while_idle_has_no_end(production: Production, deployments: Deployments) -> None:
    kept = DeploymentSettings(keep_for_seconds=3_600)

    promoted = production.promote("persona", "persona-2", SECOND, SECOND_AT, kept)

    assert (promoted.kept_until, deployments.tags) == ("", {})


def test_behind_a_stable_arn_the_model_changes_and_the_alias_does_not(
    production: Production, deployments: Deployments
) -> None:
    promotion = waited(lambda: production.promote("persona", "persona-2", SECOND, SECOND_AT, STABLE))

    assert promotion.swapped
    assert production.aliases.current("persona") == FIRST_AT
    assert deployments.models[FIRST_AT] == SECOND
    assert deployments.tags[f"{FIRST_AT} tunedrop:run"] == "persona-2"
    assert production.aliases.history("persona")[0].model_arn == SECOND


def test_a_promotion_that_is_repeated_after_its_swap_changes_nothing(production: Production) -> None:
    for _ in range(2):
        waited(lambda: production.promote("persona", "persona-2", SECOND, SECOND_AT, STABLE))

    assert len(production.aliases.history("persona")) == 2


def test_a_swap_that_fails_falls_back_to_moving_the_alias(
    production: Production, deployments: Deployments
) -> None:
    deployments.fails = True

    promotion = waited(lambda: production.promote("persona", "persona-2", SECOND, SECOND_AT, STABLE))

    assert not promotion.swapped
    assert "the alias moved to another ARN instead" in promotion.note
    assert production.aliases.current("persona") == SECOND_AT


def test_a_rollback_swaps_back_behind_the_same_arn(production: Production, deployments: Deployments) -> None:
    waited(lambda: production.promote("persona", "persona-2", SECOND, SECOND_AT, STABLE))

    promotion = waited(lambda: production.rollback("persona", production.earlier("persona")))

    assert promotion.swapped
    assert (promotion.model_arn, promotion.model_id) == (FIRST, FIRST_AT)
    assert deployments.models[FIRST_AT] == FIRST


def test_a_rollback_moves_the_alias_to_what_still_serves_the_earlier_model(production: Production) -> None:
    production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)

    promotion = production.rollback("persona", production.earlier("persona"))

    assert (promotion.model_arn, promotion.model_id) == (FIRST, FIRST_AT)
    assert production.aliases.current("persona") == FIRST_AT


def test_a_rollback_to_a_model_that_nothing_serves_is_refused_and_changes_nothing(
    production: Production, deployments: Deployments
) -> None:
    production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)
    del deployments.models[FIRST_AT]

    with pytest.raises(NotServed, match="of run persona-1, is not in service any more"):
        production.rollback("persona", production.earlier("persona"))

    assert production.aliases.current("persona") == SECOND_AT


def test_a_rollback_does_not_trust_an_arn_that_serves_another_model_by_now(
    production: Production, deployments: Deployments
) -> None:
    production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)
    deployments.models[FIRST_AT] = SECOND

    with pytest.raises(NotServed):
        production.rollback("persona", production.earlier("persona"))


def test_an_earlier_model_that_was_brought_into_service_again_is_returned_to(
    production: Production, deployments: Deployments
) -> None:
    production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)
    del deployments.models[FIRST_AT]
    deployments.models["arn:aws:bedrock:us-east-1:1:custom-model-deployment/again0000000"] = FIRST

    promotion = production.rollback(
        "persona",
        production.earlier("persona"),
        "arn:aws:bedrock:us-east-1:1:custom-model-deployment/again0000000",
    )

    assert promotion.model_id.endswith("again0000000")


def test_a_rollback_given_twice_at_once_is_done_once(production: Production) -> None:
    """Two terminals, or a double click: the second would return to the model that was withdrawn."""
    production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)
    seen = production.earlier("persona")
    production.rollback("persona", seen)

    with pytest.raises(Moved, match="changed meanwhile"):
        production.rollback("persona", seen)

    assert production.aliases.current("persona") == FIRST_AT


def test_a_rollback_that_was_interrupted_is_completed_when_it_is_repeated(
    production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The history says where to return to; the alias does not yet."""
    production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)
    with monkeypatch.context() as dying:
        dying.setattr(production.aliases, "_write_parameter", lambda _: None)
        production.rollback("persona", production.earlier("persona"))
    assert production.aliases.current("persona") == SECOND_AT

    now, earlier = seen = production.earlier("persona")
    production.rollback("persona", seen)

    assert (now.model_id, earlier.model_id) == (SECOND_AT, FIRST_AT)
    assert production.aliases.current("persona") == FIRST_AT


def test_a_rollback_of_what_was_written_by_hand_returns_to_what_was_promoted(
    production: Production,
) -> None:
    parameter = production.aliases.parameter("persona")
    production.aliases._ssm.put_parameter(Name=parameter, Value=SECOND_AT, Overwrite=True)

    now, earlier = seen = production.earlier("persona")
    production.rollback("persona", seen)

    assert (now.run_id, now.model_id, earlier.model_id) == ("", SECOND_AT, FIRST_AT)
    assert production.aliases.current("persona") == FIRST_AT


@pytest.mark.parametrize("by_hand", [f"{FIRST_AT}-copy", FIRST_AT])
def test_a_rollback_names_what_was_written_by_hand_after_a_withdrawal(
    production: Production, by_hand: str
) -> None:
    """It said that nothing was in production, and replaced it."""
    production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)
    production.aliases.withdraw("persona")
    parameter = production.aliases.parameter("persona")
    production.aliases._ssm.put_parameter(Name=parameter, Value=by_hand, Type="String")

    if by_hand == FIRST_AT:  # the one to return to is there already
        with pytest.raises(LookupError, match="no earlier model"):
            production.earlier("persona")
        return
    now, earlier = production.earlier("persona")

    assert (now.run_id, now.model_id, earlier.model_id) == ("", by_hand, FIRST_AT)


def test_a_rollback_of_a_name_whose_alias_is_anothers_changes_nothing(production: Production) -> None:
    theirs, mine = "team-a/support.,,:!;!", "team/a/support,;!,.;;"
    for model, deployment in ((FIRST, FIRST_AT), (SECOND, SECOND_AT)):
        production.aliases.promote(theirs, "run-0123456789", model, deployment)

    with pytest.raises(LookupError, match="belongs to team-a/support"):
        production.earlier(mine)

    head = production.aliases.history(theirs)[0]
    assert (head.name, production.aliases.current(theirs)) == (theirs, SECOND_AT)
    assert production.earlier(theirs)[1].model_arn == FIRST


def test_a_name_with_one_model_has_nothing_to_return_to(production: Production) -> None:
    with pytest.raises(LookupError, match="persona has no earlier model"):
        production.rollback("persona", production.earlier("persona"))


def test_of_two_that_promote_at_once_alias_and_history_name_the_same(
    production: Production, deployments: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = production.aliases._ssm.put_parameter
    third = SECOND_AT.replace("second", "third0")
    deployments.models[third] = f"{SECOND}3"
    others = [("persona-3", third)]

    def meanwhile(**parameter: Any) -> Any:
        """Another promotion gets between the history and the parameter."""
        if others:
            run_id, arn = others.pop()
            production.promote("persona", run_id, f"{SECOND}3", arn, MOVING)
        return write(**parameter)

    monkeypatch.setattr(production.aliases._ssm, "put_parameter", meanwhile)
    production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)

    assert production.aliases.current("persona") == production.aliases.history("persona")[0].model_id


def test_what_was_deleted_meanwhile_is_not_promoted(production: Production, deployments: Deployments) -> None:
    del deployments.models[SECOND_AT]

    with pytest.raises(ThroughputFailed, match="was deleted while the run needed it"):
        production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)

    assert production.aliases.current("persona") == FIRST_AT
    assert len(production.aliases.history("persona")) == 1


@pytest.mark.parametrize("name", ["persona", "ana/persona", "Käse", "a-0123abcd"])
def test_what_stops_serving_leaves_its_name_to_the_model_itself(production: Production, name: str) -> None:
    production.promote(name, "later-1", SECOND, SECOND_AT, MOVING)

    production.stand_down(SECOND_AT)

    assert production.aliases.current(name) == SECOND
    assert (production.aliases.history(name)[0].name, len(production.aliases.all())) == (
        name,
        1 if name == "persona" else 2,
    )


def test_an_alias_written_by_hand_names_nothing_once_what_it_names_goes(
    production: Production, aws: Aws, stage: Stage
) -> None:
    by_hand = f"{stage.alias_prefix}/by-hand"
    aws.ssm.put_parameter(Name=by_hand, Value=SECOND_AT, Type="String")

    production.stand_down(SECOND_AT)

    assert by_hand not in production.aliases.all()


@pytest.mark.parametrize("by_hand", [FIRST_AT, "us.amazon.nova-lite-v1:0", None])
def test_what_stops_serving_leaves_what_somebody_wrote_instead(
    production: Production, aws: Aws, by_hand: str | None
) -> None:
    """The name's history still has what goes: it is released all the same (`aliases.naming`)."""
    production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)
    parameter = production.aliases.parameter("persona")
    if by_hand is None:
        aws.ssm.delete_parameter(Name=parameter)
    else:
        aws.ssm.put_parameter(Name=parameter, Value=by_hand, Type="String", Overwrite=True)

    production.stand_down(SECOND_AT, "persona")

    assert production.aliases.current("persona") == by_hand
    assert production.aliases.naming(SECOND_AT, "persona") == ""
    intended = production.aliases.intended("persona")
    assert intended is not None
    assert intended.model_id == (by_hand or SECOND)


def dies(**_: Any) -> None:
    raise RuntimeError


def test_what_stops_serving_before_its_alias_was_written_is_written_as_its_model(
    production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The promotion died between the history and the parameter, which still has the model before."""
    with monkeypatch.context() as dying:
        dying.setattr(production.aliases._ssm, "put_parameter", dies)
        with pytest.raises(RuntimeError):
            production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)

    production.stand_down(SECOND_AT, "persona")

    assert production.aliases.current("persona") == SECOND


def test_what_somebody_returned_to_by_hand_stands_for_its_own_model_once_it_goes(
    production: Production, aws: Aws
) -> None:
    production.promote("persona", "persona-2", SECOND, SECOND_AT, MOVING)
    parameter = production.aliases.parameter("persona")
    aws.ssm.put_parameter(Name=parameter, Value=FIRST_AT, Type="String", Overwrite=True)

    production.stand_down(FIRST_AT)

    assert production.aliases.current("persona") == FIRST


def test_what_stops_serving_waits_for_a_promotion_of_its_name(production: Production) -> None:
    with (
        production.aliases.alone("persona", "another run"),
        pytest.raises(TransientError, match="just being promoted"),
    ):
        production.stand_down(FIRST_AT)

    assert production.aliases.current("persona") == FIRST_AT


def test_an_arn_that_somebody_wrote_to_the_alias_is_not_swapped(
    production: Production, deployments: Deployments, aws: Aws
) -> None:
    """It may be what another name has in production."""
    parameter = production.aliases.parameter("persona-eu")
    aws.ssm.put_parameter(Name=parameter, Value=FIRST_AT, Type="String")

    promotion = production.promote("persona-eu", "persona-eu-1", SECOND, SECOND_AT, STABLE)

    assert (promotion.swapped, promotion.model_id) == (False, SECOND_AT)
    assert "written to the alias by hand" in promotion.note
    assert deployments.models[FIRST_AT] == FIRST


# --- what an attempt has put into production, whatever became of its step

BEGAN, AGAIN = "2026-11-23T10:00:00Z", "2026-11-25T10:00:00Z"
THIRD = builders.MODEL_ARN.replace("abcdefghij12", "third0000000")
MINE, OTHERS = ("persona-1", FIRST, FIRST_AT), ("persona-2", SECOND, SECOND_AT)


@pytest.mark.parametrize(
    ("promoted", "resumed_at", "expected"),
    [
        ([], "", None),
        ([("2026-11-24T00:00:00Z", MINE)], "", (FIRST_AT, "", False, "")),
        (
            [("2026-11-22T00:00:00Z", OTHERS), ("2026-11-24T00:00:00Z", MINE)],
            "", (FIRST_AT, SECOND, False, ""),
        ),
        # Behind the same ARN: it was swapped.
        (
            [
                ("2026-11-22T00:00:00Z", ("persona-2", SECOND, FIRST_AT)),
                ("2026-11-24T00:00:00Z", MINE),
            ],
            "", (FIRST_AT, SECOND, True, ""),
        ),
        ([("2026-11-24T00:00:00Z", MINE)], AGAIN, None),  # before this attempt: by a person's hand
        ([("2026-11-24T00:00:00Z", OTHERS)], "", None),
        (
            [("2026-11-24T00:00:00Z", MINE), ("2026-11-24T01:00:00Z", OTHERS)],
            "", (FIRST_AT, "", False, "another model has taken its place since"),
        ),
        (
            [
                ("2026-11-22T00:00:00Z", ("persona-3", THIRD, SECOND_AT)),
                ("2026-11-24T00:00:00Z", MINE),
                ("2026-11-24T01:00:00Z", OTHERS),
            ],
            "", (FIRST_AT, THIRD, False, "another model has taken its place since"),
        ),
        ([("2026-11-24T00:00:00Z", MINE), ("2026-11-24T01:00:00Z", OTHERS)], AGAIN, None),
        # Another run's promotion of this very model is not this run's.
        ([("2026-11-24T00:00:00Z", ("persona-2", FIRST, FIRST_AT))], "", None),
    ],
)  # fmt: skip
def test_what_an_attempt_has_promoted_is_told_by_the_history(
    aws: Aws, stage: Stage, registry: Registry, deployments: Deployments, monkeypatch: pytest.MonkeyPatch,
    promoted: list[tuple[str, tuple[str, str, str]]], resumed_at: str,
    expected: tuple[str, str, bool, str] | None,
) -> None:  # fmt: skip
    del registry, deployments
    production = Production(aws, stage)
    for moment, (run_id, model, served_by) in promoted:
        with monkeypatch.context() as then:
            then.setattr("tunedrop.clock.now", lambda moment=moment: moment)
            then.setattr("tunedrop.clock.instant", lambda moment=moment: moment)
            production.aliases.promote("persona", run_id, model, served_by)
    run = builders.run(run_id="persona-1", created_at=BEGAN, resumed_at=resumed_at)

    found = production.settled(run, FIRST)

    assert (found and (found.model_id, found.previous_model_arn, found.swapped, found.note)) == expected


def test_what_a_person_has_written_since_a_promotion_stays_when_its_run_ends(production: Production) -> None:
    parameter = production.aliases.parameter("persona")
    production.aliases._ssm.put_parameter(Name=parameter, Value=SECOND_AT, Overwrite=True)

    found = production.settled(builders.run(run_id="persona-1", created_at=BEGAN), FIRST)

    assert found is not None
    assert (found.model_id, found.note) == (FIRST_AT, "another model has taken its place since")
    assert production.aliases.current("persona") == SECOND_AT


@pytest.mark.parametrize("is_there", [True, False])
def test_a_swap_that_nobody_has_noted_is_found_behind_the_stable_arn(
    production: Production, deployments: Deployments, is_there: bool
) -> None:
    """The step died after Bedrock had put the model behind the ARN, and before it wrote the history."""
    if is_there:
        deployments.models[FIRST_AT] = SECOND
    run = builders.run(run_id="persona-2", deployment=STABLE)

    found = production.settled(run, SECOND)

    assert (found is not None) is is_there
    assert production.settled(builders.run(run_id="persona-3"), SECOND) is None  # its ARN need not stay
    if found is not None:
        assert (found.model_id, found.swapped) == (FIRST_AT, True)
        assert deployments.tags[f"{FIRST_AT} tunedrop:run"] == "persona-2"


def test_a_swap_that_still_goes_on_is_waited_for_and_then_noted(
    production: Production, deployments: Deployments
) -> None:
    deployments.updates[FIRST_AT] = (SECOND, "Updating")
    run = builders.run(run_id="persona-2", deployment=STABLE)

    with pytest.raises(TransientError, match="is being pointed at"):
        production.settled(run, SECOND)
    found = production.settled(run, SECOND)

    assert found is not None
    assert (found.model_id, found.previous_model_arn, found.swapped) == (FIRST_AT, FIRST, True)
