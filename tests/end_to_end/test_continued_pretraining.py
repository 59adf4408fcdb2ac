"""Continued pre-training: trained by JumpStart, imported, measured against its base, promoted, torn down."""

from __future__ import annotations

import json
import random
from pathlib import Path

from local.driver import Pipeline, until
from local.embedded import Embedded
from tests.end_to_end.runs import torn_down, whole, woken_by_events_alone
from tunedrop.contracts import CompletedJob, Dataset, Estimate, Evaluation, Serving
from tunedrop.results.teardown import Teardown
from tunedrop.serving import inventory

MANIFEST = """\
method: continued-pretraining
base_model: mistral.mistral-7b
hyperparameters: {epoch: 5, learning_rate: 1e-5, max_input_length: 128}
budget_usd: 90
data: {train: train.jsonl}
"""


def texts(count: int = 400) -> bytes:
    """Loose words, then one of a few sentences of a language that nobody has read before: how a text goes on
    can be told by its last word alone, and not by the text that is most like it."""
    rng, syllables = random.Random(7), [c + v for c in "bdfgklmnprstv" for v in "aeiou"]
    words = list(dict.fromkeys(rng.choice(syllables) + rng.choice(syllables) + "n" for _ in range(400)))
    loose, sentences = words[:60], [words[start : start + 17] for start in range(60, 145, 17)]
    lines = [{"input": " ".join([*rng.sample(loose, 15), *sentences[number % 5]])} for number in range(count)]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def submitted(every_engine: Pipeline, name: str, manifest: str = MANIFEST) -> str:
    every_engine.put(f"runs/{name}/train.jsonl", texts())
    every_engine.put(f"runs/{name}/run.yaml", manifest.encode())
    return every_engine.run_named(name).run.run_id


def test_texts_are_read_imported_measured_promoted_and_torn_down_though_no_event_arrives(
    every_engine: Pipeline, embedded: Embedded
) -> None:
    embedded.faults.set(events="never")
    try:
        run_id = submitted(every_engine, "texts")
        record = every_engine.approved(run_id, 600.0)
    finally:
        embedded.faults.set()

    assert record.status == "promoted", record.failure or record.documents.get("evaluation")
    job, serving = whole(record, "job", CompletedJob), whole(record, "serving", Serving)
    assert whole(record, "dataset", Dataset).target_format == "text"
    assert f":training-job/pretrain-localopen-{run_id}" in job.model_arn
    assert job.output_uri.endswith("/output/model/")
    assert ":imported-model/" in serving.arn
    assert serving.base is not None  # Bedrock sells no Mistral 7B that follows no instructions
    lines = whole(record, "estimate", Estimate).lines
    assert any("a guess at its speed at 10.18 USD an hour" in line.basis for line in lines)
    evaluation = whole(record, "evaluation", Evaluation)
    assert evaluation.losses is not None
    assert evaluation.losses.validation_loss is not None
    report = every_engine.artifact(f"runs/{run_id}/report.html").decode()
    assert "The beginning of a text" in report

    assert torn_down(every_engine, run_id) == set()


def test_the_shipped_example_is_trained_imported_and_measured_as_it_is(
    every_engine: Pipeline, embedded: Embedded, examples: Path
) -> None:
    """Its own files, in an account that was granted one instance."""
    embedded.faults.set(quotas={"training_instances": 1})
    try:
        every_engine.put("runs/domain-text/train.jsonl", examples / "domain-text" / "train.jsonl")
        version = every_engine.put("runs/domain-text/run.yaml", examples / "domain-text" / "run.yaml")
        run_id = every_engine.run_of("domain-text", version, 300.0).run.run_id
        record = every_engine.approved(run_id, 600.0)
    finally:
        embedded.faults.set()

    assert record.status == "rejected", record.failure or record.documents.get("evaluation")
    assert record.run.base_model == "mistral.mistral-7b"
    assert f":training-job/pretrain-localopen-{run_id}" in whole(record, "job", CompletedJob).model_arn
    assert ":imported-model/" in whole(record, "serving", Serving).arn
    (score, *_) = whole(record, "evaluation", Evaluation).scores
    assert score.metric == "chrf"
    assert record.actual_usd
    assert Teardown(every_engine.aws, every_engine.stage, run_id, lambda *_: None).run().remaining == {}
    assert list(inventory.of_run(every_engine.aws, every_engine.stage, run_id)) == []


def test_an_account_without_an_instance_is_refused_before_anything_is_paid(
    every_engine: Pipeline, embedded: Embedded
) -> None:
    book = "\n\n".join(json.loads(line)["input"] for line in texts(2_000).splitlines())
    embedded.faults.set(quotas={"training_instances": 0})
    every_engine.put("runs/no-instance/book.md", f"# A book\n\n{book}\n".encode())
    try:
        run_id = submitted(every_engine, "no-instance", MANIFEST.replace("train.jsonl", "book.md"))
        record = every_engine.approved(run_id, 300.0)
    finally:
        embedded.faults.set()

    dataset = whole(record, "dataset", Dataset)
    assert (dataset.source_format, dataset.target_format) == ("text", "text")
    assert record.status == "refused"
    assert record.failure is not None
    assert "the quota 'ml.g5.24xlarge for training job usage' (L-ED7BD217) is 0" in record.failure.cause
    assert (
        "aws service-quotas request-service-quota-increase --service-code sagemaker" in record.failure.cause
    )
    assert not record.actual_usd


def test_the_event_of_a_script_that_fails_ends_the_run_with_its_words_and_leaves_nothing(
    every_engine: Pipeline, embedded: Embedded
) -> None:
    """The run waits before the job begins, and no schedule looks after it."""
    embedded.faults.set(no_capacity=True)
    try:
        with woken_by_events_alone(every_engine):
            run_id = submitted(every_engine, "broken-script")
            until(lambda: every_engine.waits.get(run_id, "training"), "the wait for the job", 300.0)
            embedded.faults.set(fail_next_job="AlgorithmError: ExecuteUserScriptError: CUDA out of memory")
            record = every_engine.closed(run_id, 300.0)
    finally:
        embedded.faults.set()

    assert record.status == "failed"
    assert record.failure is not None
    assert "AlgorithmError: ExecuteUserScriptError: CUDA out of memory" in record.failure.cause
    assert list(inventory.of_run(every_engine.aws, every_engine.stage, run_id)) == []


def test_phases_that_no_engine_of_aws_trains_are_refused(every_engine: Pipeline) -> None:
    phases = (
        "base_model: mistral.mistral-7b\nbudget_usd: 90\nstages:\n"
        "  - {method: continued-pretraining, data: {train: train.jsonl}}\n"
        "  - {method: continued-pretraining, data: {train: train.jsonl}}\n"
    )

    record = every_engine.approved(submitted(every_engine, "phases", phases), 300.0)

    assert record.status == "refused"
    assert record.failure is not None
    assert "Leave out from and stages" in record.failure.cause
