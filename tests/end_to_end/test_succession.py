"""The base model of a model in production becomes Legacy: the stage tunes its successor, and asks first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from local.driver import Pipeline, until
from local.embedded import Embedded
from tests.end_to_end.runs import submit, whole
from tunedrop import catalog
from tunedrop.contracts import Estimate, Evaluation, Promotion
from tunedrop.registry import Record
from tunedrop.registry.aliases import Aliases
from tunedrop.results.teardown import Teardown

TITAN, SUCCESSOR = "amazon.titan-text-express-v1:0:8k", "amazon.nova-micro-v1:0:128k"
SECONDS = 600.0
MANIFEST = f"""
base_model: {TITAN}
method: single-turn
hyperparameters: {{epoch_count: 5, learning_rate: 1e-4}}
deployment: {{keep_for: 1h}}
data: {{train: train.jsonl}}
""".encode()


@pytest.fixture
def stage(every_engine: Pipeline, embedded: Embedded) -> Iterator[Pipeline]:
    """A stage with the setting `succession`, which afterwards serves nothing."""
    yield every_engine
    embedded.faults.set()
    assert Teardown(every_engine.aws, every_engine.stage, None, lambda *_: None).run().remaining == {}


def test_a_legacy_base_model_is_followed_by_a_run_on_its_successor_measured_against_production(
    stage: Pipeline, embedded: Embedded
) -> None:
    first = stage.approved(submit(stage, "succeeded", MANIFEST), SECONDS)
    assert first.status == "promoted", first.failure
    ends = datetime.now(UTC) + timedelta(days=60)
    embedded.faults.set(end_of_life={catalog.find(TITAN).lifecycle_id: ends.isoformat()})

    for _ in range(2):
        sweep_today(stage)
    run = until(lambda: successor_of(stage, first), "the run on the successor", SECONDS).run
    asked = stage.asked(run.run_id)
    held = stage.registry.get(run.run_id)

    assert (run.base_model, run.succeeds, run.name) == (SUCCESSOR, TITAN, "succeeded")
    assert asked.kind == "approval"
    assert held is not None
    assert not held.actual_usd
    reasons = whole(held, "estimate", Estimate).approval_reasons
    assert any(f"replaces {TITAN}, which is Legacy" in one for one in reasons)
    in_production = whole(first, "promotion", Promotion)
    assert current(stage) == in_production.model_id

    second = stage.approved(run.run_id, SECONDS)

    evaluation = whole(second, "evaluation", Evaluation)
    assert evaluation.champion is not None
    assert len(stage.registry.named("succeeded")) == 2
    if second.status == "promoted":
        assert current(stage) == whole(second, "promotion", Promotion).model_id != in_production.model_id
    else:
        assert current(stage) == in_production.model_id


def sweep_today(stage: Pipeline) -> None:
    """The sweep looks at base models once a day."""
    key = {"pk": {"S": "ONCE#SUCCESSION"}, "sk": {"S": f"{datetime.now(UTC):%Y-%m-%d}"}}
    stage.aws.dynamodb.delete_item(TableName=stage.stage.registry_table, Key=key)
    swept = stage.session.client("lambda").invoke(
        FunctionName=f"tunedrop-{stage.stage.name}-sweep-throughput"
    )
    assert "FunctionError" not in swept, swept["Payload"].read()


def successor_of(stage: Pipeline, first: Record) -> Record | None:
    """The latest run of the name, where it is another."""
    latest = stage.registry.named("succeeded")[0]
    return latest if latest.run.run_id != first.run.run_id else None


def current(stage: Pipeline) -> str | None:
    """What the name's alias stands for."""
    return Aliases(stage.aws.ssm, stage.aws.dynamodb, stage.stage).current("succeeded")
