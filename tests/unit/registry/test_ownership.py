"""Whose a name is: unrelated data does not take a model's place without somebody's approval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.datasets import jsonl, single_turn
from tests.unit.tables import spoil
from tunedrop import naming
from tunedrop.aws import Aws
from tunedrop.contracts import Dataset, DatasetFile, DeploymentSettings, Estimate
from tunedrop.errors import NameTaken
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.ownership import (
    STRETCH,
    check_before_promotion,
    put_by_hand,
    uncompared_with,
    unrelated_to,
)
from tunedrop.serving.production import Production
from tunedrop.stage import Stage

EXAMPLES = Path(__file__).parents[3] / "examples"
PERSONA = (EXAMPLES / "support-persona" / "train.jsonl").read_bytes()
EXPERT = (EXAMPLES / "domain-questions" / "train.jsonl").read_bytes()


@pytest.fixture
def aliases(aws: Aws, stage: Stage, registry: Registry) -> Aliases:
    aws.s3.create_bucket(Bucket=stage.artifacts_bucket)
    return Aliases(aws.ssm, aws.dynamodb, stage)


def dataset(aws: Aws, run_id: str, body: bytes) -> Dataset:
    key = f"runs/{run_id}/dataset/train.jsonl"
    aws.s3.put_object(Bucket="artifacts", Key=key, Body=body)
    return builders.dataset(train=DatasetFile(uri=f"s3://artifacts/{key}", records=1, tokens=1))


def promoted(aws: Aws, registry: Registry, aliases: Aliases, body: bytes) -> None:
    """A model in production under the name of `builders.run`, which has learned this."""
    registry.register(builders.run(run_id="earlier-0123456789"))
    registry.save("earlier-0123456789", dataset=dataset(aws, "earlier-0123456789", body))
    aliases.promote("persona", "earlier-0123456789", builders.MODEL_ARN, builders.DEPLOYMENT_ARN)


def asked(aws: Aws, registry: Registry, aliases: Aliases, body: bytes, **run: Any) -> str:
    return unrelated_to(aws.s3, registry, aliases, builders.run(**run), dataset(aws, "later", body))


ESTIMATE = Estimate(lines=(), low=1, likely=2, high=3, budget_usd=50)


def lines(body: bytes) -> list[bytes]:
    return body.splitlines(keepends=True)


def test_unrelated_data_under_a_name_in_production_is_told(
    aws: Aws, registry: Registry, aliases: Aliases
) -> None:
    promoted(aws, registry, aliases, PERSONA)

    assert asked(aws, registry, aliases, EXPERT) == "earlier-0123456789"


@pytest.mark.parametrize(
    "body",
    [PERSONA, PERSONA + EXPERT, b"".join(lines(PERSONA)[::-1]), b"".join(lines(PERSONA)[:40]) + EXPERT],
    ids=["the same", "grown", "in another order", "a tenth of it is left"],
)
def test_a_new_version_of_the_data_is_no_stranger(
    aws: Aws, registry: Registry, aliases: Aliases, body: bytes
) -> None:
    promoted(aws, registry, aliases, PERSONA)

    assert asked(aws, registry, aliases, body) == ""


def test_a_name_that_has_nothing_in_production_is_free(
    aws: Aws, registry: Registry, aliases: Aliases
) -> None:
    assert asked(aws, registry, aliases, EXPERT) == ""


@pytest.mark.parametrize(("body", "taken"), [(PERSONA, ""), (EXPERT, "earlier-0123456789")])
def test_who_tunes_a_model_further_needs_data_in_common_too(
    aws: Aws, registry: Registry, aliases: Aliases, body: bytes, taken: str
) -> None:
    """Whoever may upload may name any model by `from`: else it would be a way around the approval."""
    promoted(aws, registry, aliases, PERSONA)

    assert asked(aws, registry, aliases, body, parent_model=builders.MODEL_ARN) == taken


def test_data_that_is_gone_is_not_taken_for_related(aws: Aws, registry: Registry, aliases: Aliases) -> None:
    promoted(aws, registry, aliases, PERSONA)
    aws.s3.delete_object(Bucket="artifacts", Key="runs/earlier-0123456789/dataset/train.jsonl")

    assert asked(aws, registry, aliases, PERSONA) == "earlier-0123456789"


def test_of_large_files_stretches_are_compared(aws: Aws, registry: Registry, aliases: Aliases) -> None:
    large = jsonl(single_turn("large")) * 1
    large *= 1 + 10 * STRETCH // len(large)
    promoted(aws, registry, aliases, large)

    assert asked(aws, registry, aliases, large + EXPERT) == ""
    assert asked(aws, registry, aliases, EXPERT * (1 + 10 * STRETCH // len(EXPERT))) == "earlier-0123456789"


def test_a_name_that_was_taken_since_the_estimate_is_not_taken_away(
    aws: Aws, registry: Registry, aliases: Aliases
) -> None:
    """Two runs of one name at once: neither found anything in production when it was estimated."""
    run, data = builders.run(), dataset(aws, "later", EXPERT)
    registry.register(run)
    registry.save(run.run_id, estimate=ESTIMATE)
    check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)
    promoted(aws, registry, aliases, PERSONA)

    with pytest.raises(NameTaken, match="earlier-0123456789 was put into production"):
        check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)
    check_before_promotion(aws.s3, registry, aliases, run, dataset(aws, "alike", PERSONA), compared=True)

    approved = msgspec.structs.replace(ESTIMATE, unrelated_to="earlier-0123456789")
    registry.save(run.run_id, estimate=approved)
    check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)


@pytest.mark.parametrize(
    ("served_by", "uncompared"),
    [
        (builders.DEPLOYMENT_ARN, ""),
        (builders.MODEL_ARN, "earlier-0123456789"),
        ("", "earlier-0123456789"),
        ("withdrawn", ""),
    ],
)
def test_a_model_in_production_that_nothing_serves_is_not_replaced_uncompared_unless_approved(
    aws: Aws, registry: Registry, aliases: Aliases, served_by: str, uncompared: str
) -> None:
    """Its throughput has expired or was released, or somebody has deleted the parameter."""
    run, data = builders.run(), dataset(aws, "later", PERSONA)
    registry.register(run)
    promoted(aws, registry, aliases, PERSONA)
    if served_by == "withdrawn":
        aliases.withdraw("persona")
    elif served_by:
        aliases.promote("persona", "earlier-0123456789", builders.MODEL_ARN, served_by)
    else:
        aws.ssm.delete_parameter(Name=aliases.parameter("persona"))

    def check(*, compared: bool) -> None:
        check_before_promotion(aws.s3, registry, aliases, run, data, compared=compared)

    assert uncompared_with(aliases, run) == uncompared
    assert uncompared_with(aliases, builders.run(run_id="earlier-0123456789")) == ""
    check(compared=True)
    if served_by != "withdrawn":
        with pytest.raises(NameTaken, match="promote earlier-0123456789 --serve"):
            check(compared=False)
        approved = msgspec.structs.replace(ESTIMATE, uncompared_with="earlier-0123456789")
        registry.save(run.run_id, estimate=approved)
    check(compared=False)


@pytest.mark.parametrize("has_history", [False, True])
def test_what_somebody_has_put_into_production_by_hand_is_replaced_only_if_that_was_approved(
    aws: Aws, stage: Stage, registry: Registry, aliases: Aliases, has_history: bool
) -> None:
    """A model that was copied from another account, and that no run of this stage has trained."""
    run, data, copy = builders.run(), dataset(aws, "later", PERSONA), f"{builders.DEPLOYMENT_ARN}-copy"
    registry.register(run)
    registry.save(run.run_id, estimate=ESTIMATE)
    if has_history:
        promoted(aws, registry, aliases, PERSONA)
    assert put_by_hand(aliases, run) == ""
    aws.ssm.put_parameter(Name=aliases.parameter("persona"), Value=copy, Type="String", Overwrite=True)

    assert put_by_hand(aliases, run) == copy
    with pytest.raises(NameTaken, match=f"{copy} into production .* retry {run.run_id}"):
        check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)
    registry.save(run.run_id, estimate=msgspec.structs.replace(ESTIMATE, put_by_hand=copy))
    check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)


def by_hand(aws: Aws, aliases: Aliases, model_id: str) -> None:
    aws.ssm.put_parameter(Name=aliases.parameter("persona"), Value=model_id, Type="String", Overwrite=True)


def test_what_was_put_there_by_hand_after_its_own_model_is_not_replaced_by_a_retry(
    aws: Aws, registry: Registry, aliases: Aliases
) -> None:
    """A person has promoted the run, which was inconclusive, and then another model."""
    run, data, copy = builders.run(), dataset(aws, "later", PERSONA), f"{builders.DEPLOYMENT_ARN}-copy"
    registry.register(run)
    registry.save(run.run_id, estimate=ESTIMATE)
    aliases.promote("persona", run.run_id, builders.MODEL_ARN, builders.DEPLOYMENT_ARN)
    check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)
    by_hand(aws, aliases, copy)

    assert put_by_hand(aliases, run) == copy
    with pytest.raises(NameTaken, match=f"{copy} into production"):
        check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)


def test_a_model_that_somebody_has_returned_to_by_hand_is_what_is_in_production(
    aws: Aws, registry: Registry, aliases: Aliases
) -> None:
    """The head of the history is another run's, whose data is related."""
    promoted(aws, registry, aliases, EXPERT)
    registry.register(builders.run(run_id="head-0123456789"))
    registry.save("head-0123456789", dataset=dataset(aws, "head-0123456789", PERSONA))
    later = builders.MODEL_ARN.replace("abcdefghij12", "zzzzzzzzzz99")
    aliases.promote("persona", "head-0123456789", later, f"{builders.DEPLOYMENT_ARN}-new")
    run, data = builders.run(), dataset(aws, "later", PERSONA)
    registry.register(run)
    registry.save(run.run_id, estimate=ESTIMATE)
    assert asked(aws, registry, aliases, PERSONA) == ""

    by_hand(aws, aliases, builders.DEPLOYMENT_ARN)

    assert put_by_hand(aliases, run) == ""
    assert asked(aws, registry, aliases, PERSONA) == "earlier-0123456789"
    with pytest.raises(NameTaken, match="earlier-0123456789 was put into production"):
        check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)
    with pytest.raises(NameTaken, match="promote earlier-0123456789 --serve"):
        check_before_promotion(aws.s3, registry, aliases, run, data, compared=False)
    registry.start_step(run.run_id, "evaluate_model", "2026-11-23T10:00:00Z")
    with pytest.raises(NameTaken, match="while this run was evaluated, earlier-0123456789"):
        check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)


def test_an_alias_behind_its_history_does_not_keep_its_run_from_completing_it(
    aws: Aws, registry: Registry, aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function that promotes died between the two: called again, it finds its own promotion."""
    promoted(aws, registry, aliases, PERSONA)
    run, data = builders.run(), dataset(aws, "later", PERSONA)
    registry.register(run)
    registry.save(run.run_id, estimate=ESTIMATE)
    with monkeypatch.context() as patch:
        patch.setattr(Aliases, "_write_parameter", lambda *_: None)
        aliases.promote("persona", run.run_id, builders.MODEL_ARN, f"{builders.DEPLOYMENT_ARN}-new")

    check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)
    assert put_by_hand(aliases, builders.run(run_id="another-0123456789")) == ""


@pytest.mark.parametrize(
    ("began", "compared"), [("09:59:59", False), ("10:00:00", False), ("10:00:01", True)]
)
def test_what_was_promoted_while_a_run_was_evaluated_is_not_replaced_uncompared(
    aws: Aws,
    registry: Registry,
    aliases: Aliases,
    monkeypatch: pytest.MonkeyPatch,
    began: str,
    compared: bool,
) -> None:
    run, data = builders.run(created_at="2026-11-23T09:00:00Z"), dataset(aws, "later", PERSONA)
    registry.register(run)
    registry.start_step(run.run_id, "evaluate_model", f"2026-11-23T{began}Z")
    registry.start_step(run.run_id, "evaluate_model", "2026-11-23T10:30:00Z")  # it goes on where it was
    with monkeypatch.context() as at:
        at.setattr("tunedrop.clock.now", lambda: "2026-11-23T10:00:00Z")
        promoted(aws, registry, aliases, PERSONA)

    if compared:
        check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)
        return
    with pytest.raises(NameTaken, match="the two were not compared"):
        check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)

    anew = msgspec.structs.replace(
        run, attempt=2, evaluation_attempt=2, resumed_at="2026-11-23T10:10:00Z", execution_arn="arn:again"
    )
    check_before_promotion(aws.s3, registry, aliases, anew, data, compared=True)


def test_a_model_in_production_whose_throughput_has_expired_meanwhile_was_compared(
    aws: Aws, registry: Registry, aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, data = builders.run(created_at="2026-11-23T09:00:00Z"), dataset(aws, "later", PERSONA)
    registry.register(run)
    registry.start_step(run.run_id, "evaluate_model", "2026-11-23T10:00:00Z")
    with monkeypatch.context() as at:
        at.setattr("tunedrop.clock.now", lambda: "2026-11-23T08:00:00Z")
        promoted(aws, registry, aliases, PERSONA)
        at.setattr("tunedrop.clock.now", lambda: "2026-11-23T10:10:00Z")
        aliases.promote("persona", "earlier-0123456789", builders.MODEL_ARN, builders.MODEL_ARN)

    check_before_promotion(aws.s3, registry, aliases, run, data, compared=True)


def test_a_name_that_has_the_alias_of_another_takes_nothing_from_it(
    aws: Aws, stage: Stage, registry: Registry, aliases: Aliases
) -> None:
    """The names of two tenants with one alias, found in half a second; for a given name it takes minutes."""
    theirs, mine = "team-a/support.,,:!;!", "team/a/support,;!,.;;"
    assert naming.alias(theirs) == naming.alias(mine)
    aliases.promote(theirs, "earlier-0123456789", builders.MODEL_ARN, builders.DEPLOYMENT_ARN)

    with pytest.raises(NameTaken, match="belongs to team-a/support"):
        asked(aws, registry, aliases, PERSONA, name=mine)
    with pytest.raises(NameTaken, match="belongs to team-a/support"):
        Production(aws, stage).promote(
            mine, "later-0123456789", builders.MODEL_ARN, None, DeploymentSettings(stable_arn=True)
        )

    assert aliases.current(theirs) == builders.DEPLOYMENT_ARN


@pytest.mark.parametrize("spoiled", ["run", "dataset"])
def test_a_model_whose_run_cannot_be_read_counts_as_unrelated(
    aws: Aws, stage: Stage, registry: Registry, aliases: Aliases, spoiled: str
) -> None:
    """The run of the same name ended with an error; now somebody is asked."""
    promoted(aws, registry, aliases, PERSONA)
    spoil(aws, stage.registry_table, {"pk": "RUN#earlier-0123456789", "sk": "RUN"}, spoiled)

    assert asked(aws, registry, aliases, PERSONA) == "earlier-0123456789"
