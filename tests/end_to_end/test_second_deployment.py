"""A stage is deployed again, with other settings, while runs wait and train: they end as they would have.

Its buckets are those of somebody else, whom it leaves them to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from local.driver import Pipeline
from local.embedded import Embedded, running, settings_with
from local.faults import A_DAY
from tests.end_to_end.runs import SECONDS, reached, submit, whole
from tunedrop import naming
from tunedrop.contracts import Estimate, Evaluation

KEEPS = (
    "account", "region", "intake_bucket", "artifacts_bucket", "registry_table", "waits_table", "topic_arn",
)  # fmt: skip
BUCKETS = {"intake_bucket": "company-uploads", "artifacts_bucket": "company-results"}
CHANGED = {
    "budget_usd": 0.01, "shard_concurrency": 2, "approval_timeout_seconds": 7200, "sweep_minutes": 10,
    "judge": "amazon.nova-pro-v1:0",
}  # fmt: skip


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """An embedded AWS of its own: other tests' stage keeps its settings."""
    folder = tmp_path_factory.mktemp("second-deployment")
    with patch.dict(os.environ), running(folder / "aws") as embedded:
        make_buckets(embedded.session().client("s3"))
        embedded.deploy(folder=settings_with(folder, **BUCKETS))
        yield embedded


def make_buckets(s3: Any) -> None:
    """As the settings' documentation says that they have to be."""
    for name in BUCKETS.values():
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket=BUCKETS["intake_bucket"], NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def names_of(pipeline: Pipeline) -> dict[str, str]:
    described = msgspec.to_builtins(pipeline.stage)
    return {key: described[key] for key in KEEPS}


def ended(pipeline: Pipeline, run_id: str) -> object:
    """How a run ended; where that is a failure, the failure."""
    record = pipeline.closed(run_id, SECONDS)
    return record.failure if record.status == "failed" else record.status


def by_the_stages_judge(pipeline: Pipeline) -> None:
    """A run that begins now is judged by the stage's judge, and has paid for that within its estimate."""
    record = pipeline.approved(submit(pipeline, "judged", b"data: {train: train.jsonl}\n"), SECONDS)
    evaluation, estimate = whole(record, "evaluation", Evaluation), whole(record, "estimate", Estimate)

    assert record.status == "promoted", evaluation.reason
    assert evaluation.metric == "judge"
    assert evaluation.judged is not None
    assert (evaluation.judged.model, evaluation.judged.failed) == ("us.amazon.nova-pro-v1:0", 0)
    (judging,) = [line for line in estimate.lines if line.item == "judging"]
    assert judging.likely > 0


def test_runs_in_flight_end_as_they_would_have(own: Embedded, tmp_path: Path) -> None:
    pipeline = Pipeline(own.session())
    before = names_of(pipeline)
    own.faults.set(training_minutes=20 * A_DAY)  # longer than a deployment
    trained = submit(pipeline, "trained", b"data: {train: train.jsonl}\n")
    stopped = submit(pipeline, "stopped", b"data: {train: train.jsonl}\n")
    unanswered = submit(pipeline, "unanswered", b"data: {train: train.jsonl}\nbudget_usd: 0.01\n")
    reached(pipeline, trained, "wait_for_training")
    reached(pipeline, stopped, "wait_for_training")
    reached(pipeline, unanswered, "wait_for_approval")

    own.deploy(folder=settings_with(tmp_path, **BUCKETS, **CHANGED))

    pipeline.read("local")
    assert names_of(pipeline) == before
    pipeline.stop(stopped)
    assert ended(pipeline, stopped) == "stopped"
    own.faults.set()
    pipeline.approve(unanswered)
    assert ended(pipeline, trained) == "promoted"
    assert ended(pipeline, unanswered) == "promoted"
    pipeline.retry(stopped)
    reached(pipeline, stopped, "wait_for_approval")  # the changed budget is that of what begins now
    pipeline.stop(stopped, 2)
    assert ended(pipeline, stopped) == "stopped"
    by_the_stages_judge(pipeline)
    own.destroy()
    assert pipeline.artifact(naming.report_key(trained)), "buckets of one's own stay as they are"
