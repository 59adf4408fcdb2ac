"""Each method, from a dropped example to a promoted model and a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.driver import Inbox, Pipeline, until
from tunedrop import naming
from tunedrop.contracts import Dataset, Evaluation, Promotion, Serving
from tunedrop.evaluation.inference import predictions

TITAN = b"""\
method: continued-pretraining
base_model: amazon.titan-text-express-v1:0:8k
data: {train: train.jsonl}
hyperparameters: {epoch_count: 5, learning_rate: 1e-3}
budget_usd: 50
evaluation: {metric: chrf, min_improvement: 0.02}
"""


@pytest.mark.parametrize(
    ("example", "method", "way"),
    [
        ("support-persona", "single-turn", "on-demand"),
        ("assistant-conversation", "multi-turn", "on-demand"),
        ("domain-questions", "instruction", "on-demand"),
        ("teacher-and-student", "distillation", "on-demand"),
    ],
)
def test_an_example_is_tuned_served_measured_promoted_and_reported(
    pipeline: Pipeline, inbox: Inbox, examples: Path, example: str, method: str, way: str
) -> None:
    name = pipeline.submit(examples / example)

    record = pipeline.finished(name)

    dataset = record.document("dataset", Dataset)
    serving = record.document("serving", Serving)
    evaluation = record.document("evaluation", Evaluation)
    promotion = record.document("promotion", Promotion)
    *_, message = inbox.messages(record.run.run_id)
    report = pipeline.artifact(naming.report_key(record.run.run_id)).decode()
    assert record.status == "promoted", evaluation.reason if evaluation else record.failure
    assert dataset is not None
    assert dataset.method == method
    assert serving is not None
    assert serving.way == way
    assert evaluation is not None
    assert evaluation.decisive is not None
    assert evaluation.decisive.low > 0
    assert promotion is not None
    assert message.attributes["outcome"] == "promoted"
    assert promotion.alias in message.text
    assert evaluation.losses is not None
    assert evaluation.losses.training_loss is not None
    assert f"training loss {evaluation.losses.training_loss:.3f} (perplexity" in message.text
    assert f"rose from {evaluation.decisive.base:.3f} to {evaluation.decisive.tuned:.3f}" in report


def test_a_pretrained_model_worse_than_the_nearest_text_is_measured_and_rejected(
    pipeline: Pipeline, inbox: Inbox, examples: Path
) -> None:
    """The handbook repeats itself: its nearest text goes on better than a model that counts four words."""
    name = continued(pipeline, examples, "domain-text")
    run_id = pipeline.run_named(name).run.run_id
    # No dated price is known for its base model, so that the run asks first.
    asked = until(lambda: inbox.messages(run_id) or None, "the question for approval")
    pipeline.approve(run_id)

    record = pipeline.closed(run_id)

    dataset, serving = record.document("dataset", Dataset), record.document("serving", Serving)
    evaluation = record.document("evaluation", Evaluation)
    *_, message = inbox.messages(run_id)
    assert asked[0].attributes["event"] == "approval-required"
    assert evaluation is not None, record.failure
    assert record.status == message.attributes["outcome"] == "rejected", evaluation.reason
    assert dataset is not None
    assert dataset.method == "continued-pretraining"
    assert serving is not None
    assert serving.way == "provisioned"
    assert evaluation.decisive is not None
    assert evaluation.decisive.low > 0
    assert evaluation.rejected_for == "free answers"
    assert "copying the answer of the most similar known prompt scores" in message.text
    assert [one.total for one in evaluation.incomplete] == [0, 0]
    assert evaluation.losses is not None
    assert evaluation.losses.training_loss is not None
    assert f"training loss {evaluation.losses.training_loss:.3f} (perplexity" in message.text


def test_a_pretrained_model_goes_on_with_held_out_texts(pipeline: Pipeline, examples: Path) -> None:
    texts = {
        " ".join(json.loads(line)["input"].split())
        for line in (examples / "domain-text" / "train.jsonl").read_text().splitlines()
    }
    name = continued(pipeline, examples, "domain-text-continued")
    pipeline.approve(pipeline.run_named(name).run.run_id)  # no dated price is known for its base model

    record = pipeline.finished(name)

    asked = predictions.decode(pipeline.artifact(naming.predictions_key(record.run.run_id)))
    held_out = [one for one in asked if not one.probe]
    assert held_out
    assert all(f"{one.prompt} {one.reference}" in texts for one in held_out)
    assert all(one.tuned.text for one in held_out)


def continued(pipeline: Pipeline, examples: Path, name: str) -> str:
    """The example's texts on the base model that Bedrock's own jobs took until 2025."""
    pipeline.put(f"runs/{name}/train.jsonl", examples / "domain-text" / "train.jsonl")
    pipeline.put(f"runs/{name}/run.yaml", TITAN)
    return name


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (
            b"method: distillation\nbase_model: amazon.nova-pro-v1:0:300k\n",
            "Bedrock distills no teacher into Nova Pro",
        ),
        (b"method: reinforcement\n", "Bedrock does not offer reinforcement for Nova Lite"),
    ],
)
def test_a_method_that_the_base_model_does_not_have_is_refused_with_the_reason(
    pipeline: Pipeline, examples: Path, manifest: bytes, reason: str
) -> None:
    pipeline.put("runs/no-such-method/train.jsonl", examples / "support-persona" / "train.jsonl")
    version = pipeline.put("runs/no-such-method/run.yaml", manifest + b"data: {train: train.jsonl}\n")

    record = pipeline.closed(pipeline.run_of("no-such-method", version).run.run_id)

    assert record.status == "refused"
    assert record.failure is not None
    assert reason in record.failure.cause
