from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import builders
from tunedrop.aws import Aws
from tunedrop.registry import Registry
from tunedrop.registry.open_runs import OpenRuns
from tunedrop.stage import Stage


def of(aws: Aws, stage: Stage, registry: Registry, most: int) -> OpenRuns:
    return OpenRuns(aws.dynamodb, stage.registry_table, registry, most)


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
    asked, get = list[str](), registry.get
    monkeypatch.setattr(registry, "get", lambda run_id: (asked.append(run_id), get(run_id))[1])

    assert places.take("", "zulu")
    assert asked == ["run-000", "run-001"]


def test_one_tenant_takes_no_place_of_another(aws: Aws, stage: Stage, registry: Registry) -> None:
    begin(registry, "a", "b")
    places = of(aws, stage, registry, 1)

    assert places.take("north", "a")
    assert places.take("south", "b")


def test_the_last_place_is_taken_once_whoever_comes_at_the_same_time(
    aws: Aws, stage: Stage, registry: Registry
) -> None:
    names = [f"run-{number}" for number in range(12)]
    begin(registry, *names)
    places = of(aws, stage, registry, 5)

    with ThreadPoolExecutor(12) as pool:
        taken = list(pool.map(lambda name: places.take("", name), names))

    assert sum(taken) == 5
