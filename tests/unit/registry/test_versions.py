from __future__ import annotations

import pytest

from tests import builders
from tunedrop.aws import Aws
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.versions import versions
from tunedrop.stage import Stage

MODELS = [builders.MODEL_ARN, builders.MODEL_ARN.replace("abcdefghij12", "second000000")]


@pytest.fixture
def aliases(aws: Aws, stage: Stage, registry: Registry) -> Aliases:
    """Two trained versions of one name, and a run that trained nothing."""
    for number, model in enumerate(MODELS, 1):
        run = builders.run(
            run_id=f"persona-{number}", created_at=f"2026-11-2{number}T10:00:00Z", uploaded_by="jane"
        )
        registry.register(run)
        registry.save(
            run.run_id,
            job=builders.job(model_arn=model),
            dataset=builders.dataset(),
            evaluation=builders.evaluation(),
        )
        registry.note_cost(run.run_id, actual_usd=2.5)
        registry.end(run.run_id, "promoted", None)
    registry.register(builders.run(run_id="persona-3", created_at="2026-11-23T10:00:00Z"))
    return Aliases(aws.ssm, aws.dynamodb, stage)


def test_versions_are_numbered_from_the_oldest_and_listed_from_the_newest(
    registry: Registry, aliases: Aliases
) -> None:
    found = versions(registry, aliases, "persona")

    assert [(one.number, one.run_id) for one in found] == [(2, "persona-2"), (1, "persona-1")]


def test_a_version_says_whether_it_is_in_production(registry: Registry, aliases: Aliases) -> None:
    for number, model in enumerate(MODELS, 1):
        aliases.promote("persona", f"persona-{number}", model, f"{builders.DEPLOYMENT_ARN}{number}")

    second, first = versions(registry, aliases, "persona")

    assert (second.standing, first.standing) == ("in production", "was in production")
    assert (second.served_by, first.served_by) == (f"{builders.DEPLOYMENT_ARN}2", "")


def test_of_what_a_person_has_put_into_production_by_hand_the_version_is_told(
    aws: Aws, registry: Registry, aliases: Aliases
) -> None:
    for number, model in enumerate(MODELS, 1):
        aliases.promote("persona", f"persona-{number}", model, f"{builders.DEPLOYMENT_ARN}{number}")

    def standings(by_hand: str) -> list[tuple[str, str]]:
        alias = aliases.parameter("persona")
        aws.ssm.put_parameter(Name=alias, Value=by_hand, Type="String", Overwrite=True)
        return [(one.standing, one.served_by) for one in versions(registry, aliases, "persona")]

    was, first = ("was in production", ""), f"{builders.DEPLOYMENT_ARN}1"
    assert standings(first) == [was, ("in production", first)]
    assert standings("us.amazon.nova-lite-v1:0") == [was, was]


def test_a_version_has_its_lineage(registry: Registry, aliases: Aliases) -> None:
    version = versions(registry, aliases, "persona")[0]

    assert (version.dataset_hash, version.train_version) == ("0" * 64, "v-persona-2")
    assert (version.base_model, version.uploaded_by) == (builders.NOVA_LITE, "jane")
    assert version.hyperparameters["epochCount"] == "5"
    assert (version.job_arn, version.model_arn) == (builders.JOB_ARN, MODELS[1])
    assert version.score is not None
    assert (version.score.difference, version.cost_usd) == (0.3, 2.5)
