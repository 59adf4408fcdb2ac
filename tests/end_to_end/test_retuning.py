"""A run whose data has grown is tuned again, and the new model is measured against the one in production."""

from __future__ import annotations

from local.driver import Pipeline
from tests.datasets import jsonl, single_turn
from tunedrop.contracts import Evaluation
from tunedrop.registry import Record

MANIFEST = b"data: {train: train.jsonl}\nretune: {when_grown_by: 20%, at_most_every: 0s}\n"


def test_more_records_in_the_same_file_are_tuned_on_without_another_manifest(pipeline: Pipeline) -> None:
    first_half, more = jsonl(single_turn("grow")), jsonl(single_turn("grown"))
    pipeline.put("runs/growing/train.jsonl", first_half)
    version = pipeline.put("runs/growing/run.yaml", MANIFEST)
    first = pipeline.closed(pipeline.run_of("growing", version).run.run_id)

    pipeline.put("runs/growing/train.jsonl", first_half + more)
    next_run = pipeline.after_sweeps(lambda: successor(pipeline, first), "the next run")
    second = pipeline.closed(next_run.run.run_id)

    assert first.status == "promoted", first.failure
    assert second.run.source == first.run.source
    assert second.run.train.version_id != first.run.train.version_id
    evaluation = second.document("evaluation", Evaluation)
    assert evaluation is not None, second.failure
    assert evaluation.champion is not None
    assert len(pipeline.registry.named("growing")) == 2


def successor(pipeline: Pipeline, first: Record) -> Record | None:
    latest = pipeline.registry.named("growing")[0]
    return latest if latest.run.run_id != first.run.run_id else None
