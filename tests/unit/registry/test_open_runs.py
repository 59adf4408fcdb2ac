from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import msgspec
import pytest

from tests import builders
from tunedrop.aws import Aws
from tunedrop.registry import Registry, open_runs
from tunedrop.registry.open_runs import OpenRuns
from tunedrop.stage import Stage


def of(aws: Aws, stage: Stage, registry: Registry, most: int) -> OpenRuns:
    stage = msgspec.structs.replace(stage, max_open_runs=most, tenants={"north": (), "south": ()})
    return OpenRuns(aws.dynamodb, stage, registry)


def begin(registry: Registry, *run_ids: str) -> None:
    for run_id in run_ids:
        assert registry.register(builders.run(run_id=run_id, execution_arn=f"arn:{run_id}"))


def test_as_many_runs_as_may_be_have_a_place(aws: Aws, stage: Stage, registry: Registry) -> None:
    begin(registry, "a", "b", "c")
    places = of(aws, stage, registry, 2)

    assert [places.take("", one) for one in ("a", "b", "c")] == [True, True, False]


def test_a_step_that_is_tried_again_keeps_its_place(aws: Aws, stage: Stage, registry: Registry) -> None:
    begin(registry, "a", "b")
    places = of(aws, stage, registry, 1)

    assert [places.take("", one) for one in ("a", "a", "b", "a")] == [True, True, False, True]


@pytest.mark.parametrize("outcome", ["promoted", "rejected", "refused", "failed", "stopped"])
def test_a_run_that_has_ended_leaves_its_place(
    aws: Aws, stage: Stage, registry: Registry, outcome: str
) -> None:
    begin(registry, "a", "b")
    places = of(aws, stage, registry, 1)
    places.take("", "a")
    registry.end("a", outcome, None)

    assert places.take("", "b")


def test_of_many_runs_those_are_asked_about_until_one_has_ended(
    aws: Aws, stage: Stage, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload to a full stage reads no more rows than it has to: the function has a minute."""
    names = [f"run-{number:03}" for number in range(50)]
    begin(registry, *names, "zulu")
    places = of(aws, stage, registry, len(names))
    for name in names:
        places.take("", name)
    registry.end("run-001", "promoted", None)
    asked, is_open = list[str](), registry.is_open
    monkeypatch.setattr(registry, "is_open", lambda run_id: (asked.append(run_id), is_open(run_id))[1])

    assert places.take("", "zulu")
    assert asked == ["run-000", "run-001"]


def test_one_tenant_takes_no_place_of_another(aws: Aws, stage: Stage, registry: Registry) -> None:
    begin(registry, "a", "b")
    places = of(aws, stage, registry, 1)

    assert places.take("north", "a")
    assert places.take("south", "b")


def test_the_last_place_is_taken_once_whoever_comes_at_the_same_time(
    aws: Aws, stage: Stage, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB applies one write to an item after the other; moto does not, between threads."""
    update, one_by_one = aws.dynamodb.update_item, Lock()

    def in_turn(**arguments: Any) -> Any:
        with one_by_one:
            return update(**arguments)

    monkeypatch.setattr(aws.dynamodb, "update_item", in_turn)
    names = [f"run-{number}" for number in range(12)]
    begin(registry, *names)
    places = of(aws, stage, registry, 5)

    with ThreadPoolExecutor(12) as pool:
        taken = list(pool.map(lambda name: places.take("", name), names))

    assert sum(taken) == 5


def test_an_old_run_that_was_retried_is_found_behind_many_newer_ones(
    aws: Aws, stage: Stage, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_runs, "LOOK_BACK", 2)
    for day, run_id in enumerate(("oldest", "old", "closed", "newest"), start=1):
        run = builders.run(run_id=run_id, execution_arn=run_id, created_at=f"2026-11-0{day}T00:00:00Z")
        assert registry.register(run)
    registry.end("closed", "rejected", None)
    places = of(aws, stage, registry, 5)
    assert all(places.take(tenant, one) for tenant, one in (("north", "oldest"), ("", "old"), ("", "closed")))

    assert [one.run.run_id for one in places.records()] == ["newest", "old", "oldest"]


def test_an_open_run_that_cannot_be_read_hides_no_other(
    aws: Aws, stage: Stage, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_runs, "LOOK_BACK", 0)
    begin(registry, "broken", "whole")
    places = of(aws, stage, registry, 5)
    assert all(places.take("", one) for one in ("broken", "whole"))
    aws.dynamodb.update_item(
        TableName=stage.registry_table,
        Key={"pk": {"S": "RUN#broken"}, "sk": {"S": "RUN"}},
        UpdateExpression="SET #run = :text",
        ExpressionAttributeNames={"#run": "run"},
        ExpressionAttributeValues={":text": {"S": "{"}},
    )

    assert [one.run.run_id for one in places.records()] == ["whole"]
    assert list(registry.unreadable) == ["broken"]


def test_an_unreadable_row_keeps_nobody_from_a_place(aws: Aws, stage: Stage, registry: Registry) -> None:
    """As soon as all places were taken, every upload was refused for it."""
    begin(registry, "a", "b", "c")
    places = of(aws, stage, registry, 2)
    assert [places.take("", one) for one in ("a", "b")] == [True, True]
    aws.dynamodb.update_item(
        TableName=stage.registry_table, Key={"pk": {"S": "RUN#a"}, "sk": {"S": "RUN"}},
        UpdateExpression="SET #run = :none", ExpressionAttributeNames={"#run": "run"},
        ExpressionAttributeValues={":none": {"S": "{"}},
    )  # fmt: skip

    assert not places.take("", "c")
    registry.end("b", "promoted", None)
    assert places.take("", "c")
    assert [one.run.run_id for one in registry.named("persona")] == ["c", "b"]
    assert set(registry.unreadable) == {"a"}
