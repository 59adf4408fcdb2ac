"""Open weights: trained by SageMaker AI, imported into Bedrock, measured against the base, torn down."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import pytest

from local.driver import Pipeline
from local.embedded import Embedded
from tests.datasets import jsonl, single_turn
from tunedrop.contracts import CompletedJob, Estimate, Serving
from tunedrop.registry import Record
from tunedrop.results.teardown import Teardown
from tunedrop.serving import inventory

Shape = TypeVar("Shape", bound=msgspec.Struct)


@pytest.fixture(scope="module")
def weights(embedded: Embedded) -> Pipeline:
    """A stage that may use every engine, beside the one of the other tests."""
    embedded.deploy("localopen", "us-east-1")
    return Pipeline(embedded.session(), "localopen")


def submitted(weights: Pipeline, name: str, manifest: str) -> str:
    weights.put(f"runs/{name}/train.jsonl", jsonl(single_turn(name)))
    weights.put(f"runs/{name}/run.yaml", f"{manifest}\ndata: {{train: train.jsonl}}\n".encode())
    return weights.run_named(name).run.run_id


def refused(weights: Pipeline, name: str, manifest: str) -> str:
    """Why a run of such a manifest was refused; it has cost nothing."""
    record = weights.closed(submitted(weights, name, manifest))
    assert record.status == "refused"
    assert record.failure is not None
    assert not record.actual_usd
    return record.failure.cause


def test_open_weights_are_trained_imported_measured_promoted_and_torn_down(weights: Pipeline) -> None:
    run_id = submitted(weights, "open", "base_model: qwen.qwen3-32b\nmethod: single-turn\nbudget_usd: 90")

    record = weights.approved(run_id, 600.0)

    assert record.status == "promoted", record.failure
    job, serving = whole(record, "job", CompletedJob), whole(record, "serving", Serving)
    assert ":model-package/" in job.model_arn
    assert ":imported-model/" in serving.arn
    assert serving.units > 0
    assert any("imported model" in line.item for line in whole(record, "estimate", Estimate).lines)
    assert "<think>" not in weights.artifact(f"runs/{run_id}/predictions.jsonl").decode()
    assert weights.artifact(f"runs/{run_id}/report.html")
    mine = {one.kind for one in inventory.of_run(weights.aws, weights.stage, run_id)}
    assert mine == {"imported model", "trained model"}

    done = Teardown(weights.aws, weights.stage, run_id, lambda *_: None).run()

    assert done.remaining == {}
    assert list(inventory.of_run(weights.aws, weights.stage, run_id)) == []
    left = weights.aws.s3.list_object_versions(
        Bucket=weights.stage.artifacts_bucket, Prefix=f"runs/{run_id}/training/"
    )
    assert [one["Key"] for one in left.get("Versions", []) if "hf_merged" in one["Key"]] == []


def test_a_base_model_that_cannot_be_compared_refuses_the_run(weights: Pipeline) -> None:
    said = refused(weights, "uncompared", "base_model: qwen.qwen3-8b")

    assert "Qwen3 8B is not sold on demand in Bedrock" in said
    assert "Take qwen.qwen3-32b" in said  # of the same family, which Bedrock sells


def test_what_no_engine_trains_is_refused_at_the_drop(weights: Pipeline) -> None:
    said = refused(weights, "gemma", "base_model: google.gemma-4-31b")

    assert "'google.gemma-4-31b' cannot be tuned: Bedrock imports no model of its architecture" in said


def whole(record: Record, name: str, shape: type[Shape]) -> Shape:
    found = record.document(name, shape)
    assert found is not None
    return found
