"""The same records with the same settings are not paid for twice, unless somebody says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tests.unit.tables import spoil
from tunedrop.aws import Aws
from tunedrop.errors import AlreadyTrained, TransientError
from tunedrop.registry import Registry
from tunedrop.registry.trainings import Trainings
from tunedrop.stage import Stage

FIRST = builders.run(run_id="persona-0123456789", execution_arn="first")


@pytest.fixture
def trainings(aws: Aws, stage: Stage, registry: Registry) -> Trainings:
    made = Trainings(aws.dynamodb, stage.registry_table, registry)
    registry.register(FIRST)
    made.claim(FIRST, builders.dataset())
    return made


def claim(
    trainings: Trainings, content: str = "0" * 64, run_id: str = "persona-9999999999", **changes: Any
) -> None:
    run = builders.run(run_id=run_id, execution_arn=run_id, **changes)
    trainings.claim(run, builders.dataset(content_hash=content))


def is_claimed(trainings: Trainings, registry: Registry, run_id: str, **changes: Any) -> bool:
    """Whether these records and settings are that run's, so that another's upload is refused for it."""
    registry.register(builders.run(run_id=run_id, execution_arn=run_id), again=True)
    with pytest.raises(AlreadyTrained, match=f"{run_id} is training"):
        claim(trainings, run_id="persona-5555555555", **changes)
    return True


def test_a_repeated_upload_is_refused_while_the_first_is_training(trainings: Trainings) -> None:
    with pytest.raises(AlreadyTrained, match="persona-0123456789 is training the same records"):
        claim(trainings)


def test_a_repeated_upload_is_refused_after_the_first_was_trained(
    trainings: Trainings, registry: Registry
) -> None:
    registry.save(FIRST.run_id, job=builders.job())
    registry.end(FIRST.run_id, "promoted", None)

    with pytest.raises(AlreadyTrained, match="has trained the same records"):
        claim(trainings)


@pytest.mark.parametrize(
    "changes",
    [
        {"again": True},
        {"name": "another"},
        {"hyperparameters": {"epochCount": "9"}},
        {"base_model": builders.LLAMA_3_1},
        {"content": "1" * 64},
    ],
    ids=lambda one: next(iter(one)),
)
def test_who_says_again_or_asks_for_something_else_is_trained(
    trainings: Trainings, registry: Registry, changes: dict[str, Any]
) -> None:
    claim(trainings, **changes)

    assert is_claimed(trainings, registry, "persona-9999999999", **changes | {"again": False})


def test_another_budget_is_the_same_training(trainings: Trainings) -> None:
    with pytest.raises(AlreadyTrained):
        claim(trainings, budget_usd=9_999.0)


def test_what_has_come_to_nothing_may_be_tried_by_another_run(
    trainings: Trainings, registry: Registry
) -> None:
    registry.end(FIRST.run_id, "refused", None)

    claim(trainings)

    assert is_claimed(trainings, registry, "persona-9999999999")


def test_a_model_that_was_deleted_may_be_trained_once_more(trainings: Trainings, registry: Registry) -> None:
    registry.save(FIRST.run_id, job=builders.job())
    registry.end(FIRST.run_id, "promoted", None)
    registry.note_gone(FIRST.run_id, builders.MODEL_ARN)

    claim(trainings)

    assert is_claimed(trainings, registry, "persona-9999999999")


def test_a_run_keeps_what_it_has_claimed_however_often_it_comes_by(
    trainings: Trainings, registry: Registry
) -> None:
    for _ in range(3):
        trainings.claim(FIRST, builders.dataset())

    assert is_claimed(trainings, registry, FIRST.run_id)


@pytest.mark.parametrize("seen", ["", "persona-1111111111"])
def test_of_two_runs_that_have_read_the_same_one_claims_the_training(
    trainings: Trainings, monkeypatch: pytest.MonkeyPatch, seen: str
) -> None:
    monkeypatch.setattr(trainings, "_claimed_by", lambda _: seen)

    with pytest.raises(TransientError, match="claims the same training"):
        claim(trainings)


@pytest.mark.parametrize("spoiled", ["run", "job"])
def test_a_run_that_cannot_be_read_refuses_no_other(
    aws: Aws, stage: Stage, trainings: Trainings, registry: Registry, spoiled: str
) -> None:
    registry.end(FIRST.run_id, "failed", None)
    spoil(aws, stage.registry_table, {"pk": f"RUN#{FIRST.run_id}", "sk": "RUN"}, spoiled)

    claim(trainings)

    assert is_claimed(trainings, registry, "persona-9999999999")
