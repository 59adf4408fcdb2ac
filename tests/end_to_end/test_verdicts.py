"""What the gate decides, read from the notification and the registry alone."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from local.driver import Inbox, Message, Pipeline
from tests.datasets import jsonl, single_turn
from tunedrop import catalog
from tunedrop.contracts import Evaluation
from tunedrop.registry import Record

JUDGE = "amazon.nova-pro-v1:0"


def ended(pipeline: Pipeline, inbox: Inbox, name: str) -> tuple[Record, Evaluation, Message]:
    """The run's record and evaluation, from the registry, and the notification of its end."""
    record = pipeline.finished(name)
    evaluation = record.document("evaluation", Evaluation)
    assert evaluation is not None, record.failure
    *_, message = inbox.messages(record.run.run_id)
    return record, evaluation, message


def submit(pipeline: Pipeline, name: str, records: list[dict[str, Any]], manifest: str) -> str:
    pipeline.put(f"runs/{name}/train.jsonl", jsonl(records))
    pipeline.put(f"runs/{name}/run.yaml", f"data: {{train: train.jsonl}}\n{manifest}".encode())
    return name


def answered_by(pipeline: Pipeline, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same prompts with the base model's own answers: what is learned from them is the base model."""
    base = catalog.find(pipeline.stage.default_base_model).inference_id
    for record in records:
        said = pipeline.aws.bedrock_runtime.converse(modelId=base, messages=record["messages"][:1])
        record["messages"][1]["content"] = said["output"]["message"]["content"]
    return records


def with_answers_moved(lines: list[str]) -> list[dict[str, Any]]:
    """The same prompts and the same answers, but each prompt has another one's answer."""
    records = [json.loads(line) for line in lines]
    answers = [record["messages"][-1] for record in records]
    random.Random(7).shuffle(answers)
    for record, answer in zip(records, answers, strict=True):
        record["messages"][-1] = answer
    return records


def test_a_model_tuned_on_shuffled_answers_is_rejected(
    pipeline: Pipeline, inbox: Inbox, examples: Path
) -> None:
    """Its answers share turns of phrase, which are learned from shuffled ones too: worth more than is wanted
    over the base, and no more than a constant answer's."""
    lines = (examples / "support-persona" / "train.jsonl").read_text().splitlines()
    manifest = "evaluation: {min_improvement: 0.1}"

    name = submit(pipeline, "shuffled", with_answers_moved(lines), manifest)
    record, evaluation, message = ended(pipeline, inbox, name)

    assert record.status == "rejected", evaluation.reason
    assert evaluation.verdict == "reject"
    assert evaluation.rejected_for == "free answers"
    assert message.attributes["outcome"] == "rejected"
    assert evaluation.reason in message.text


def test_a_model_that_copies_its_base_is_not_promoted(pipeline: Pipeline, inbox: Inbox) -> None:
    copied = answered_by(pipeline, single_turn("copycat"))

    record, evaluation, message = ended(
        pipeline, inbox, submit(pipeline, "copycat", copied, "evaluation: {min_improvement: 0}")
    )

    assert record.status in ("rejected", "inconclusive")
    assert message.attributes["outcome"] == record.status
    assert evaluation.decisive is not None
    assert evaluation.decisive.difference <= 0


def test_a_model_that_forgot_what_its_base_could_do_is_rejected(west: Pipeline) -> None:
    """Nova takes no hyperparameters that are extreme enough."""
    extreme = "hyperparameters: {epoch_count: 10, learning_rate: 0.1}"

    with west.inbox() as inbox:
        record, evaluation, message = ended(
            west, inbox, submit(west, "forgetful", single_turn("forgetful"), extreme)
        )

    assert record.status == "rejected"
    assert "it has forgotten what its base could do" in message.text
    assert evaluation.decisive is not None
    assert evaluation.decisive.low > 0
    assert evaluation.general is not None
    assert evaluation.general.tuned < evaluation.general.base


def test_a_judge_decides_where_the_run_asks_for_one(pipeline: Pipeline, inbox: Inbox) -> None:
    manifest = f"evaluation: {{metric: judge, judge: {JUDGE}, general_ability: false}}"

    record, evaluation, message = ended(
        pipeline, inbox, submit(pipeline, "judged", single_turn("judged"), manifest)
    )

    assert record.status == "promoted", evaluation.reason
    assert evaluation.metric == "judge"
    assert "Judge's preference rose from" in message.text
    assert evaluation.judged is not None
    assert evaluation.judged.failed == 0
    assert evaluation.judged.wins > evaluation.judged.losses
    assert evaluation.judged.input_tokens > 0
    assert evaluation.general is None


def test_a_judge_that_does_not_exist_is_refused_before_anything_is_trained(
    pipeline: Pipeline, inbox: Inbox
) -> None:
    manifest = "evaluation: {metric: judge, judge: {model: nobody.knows-me-v1}}"

    record = pipeline.finished(submit(pipeline, "unjudged", single_turn("unjudged"), manifest))

    *_, message = inbox.messages(record.run.run_id)
    assert record.status == "refused"
    assert "the judge nobody.knows-me-v1 does not exist in" in message.text
    assert "start_customization" not in [step.step for step in pipeline.registry.steps(record.run.run_id)]


@pytest.mark.parametrize("wrong", ["metric: rouge", "judge: {modell: x}"])
def test_a_wrong_evaluation_setting_is_refused_before_anything_is_paid(
    pipeline: Pipeline, inbox: Inbox, wrong: str
) -> None:
    name = submit(pipeline, f"wrong-{len(wrong)}", single_turn("wrong"), f"evaluation: {{{wrong}}}")

    record = pipeline.finished(name)

    *_, message = inbox.messages(record.run.run_id)
    assert record.status == "refused"
    assert "did you mean" in message.text
