"""evaluate_model around evaluation jobs: they are made of answers that are kept, and waited for."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import FakeBedrock, refusal
from tunedrop import catalog, naming
from tunedrop.aws import Aws
from tunedrop.contracts import Evaluation, EvaluationSettings, ImportedBase, JudgeSettings
from tunedrop.dataset.prepare.held_out import HeldOut, Message
from tunedrop.evaluation.inference import predictions
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.task import EvaluationTask
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.steps.evaluate_model import evaluate_model

ARN = "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abcdefghij12"
JUDGE = JudgeSettings(model="amazon.nova-pro-v1:0", via="evaluation-job")
PROMPTS = 12


class Asked(EvaluationTask, frozen=True, kw_only=True):
    """A task whose models answer at once."""

    def questions(self, aws_: Aws) -> list[HeldOut]:
        return [
            HeldOut(record=number, turn=0, system="", messages=(Message("user", "q"),), reference="a b")
            for number in range(PROMPTS)
        ]

    def ask(
        self, aws_: Aws, questions: Sequence[HeldOut], per_minute: float, deadline: float
    ) -> Iterator[Prediction]:
        for one in questions:
            yield Prediction(
                record=one.record,
                turn=0,
                prompt="q",
                reference="a b",
                base=Answer(text="a"),
                tuned=Answer(text="a b"),
            )


@pytest.fixture
def task(aws: Aws) -> Asked:
    stage = builders.stage()
    aws.s3.create_bucket(Bucket=stage.artifacts_bucket)
    aws.bedrock = FakeBedrock(
        list_evaluation_jobs={"jobSummaries": []}, create_evaluation_job={"jobArn": ARN}
    )
    run = builders.run(evaluation=EvaluationSettings(metric="judge", judge=JUDGE))
    return Asked(
        stage=stage,
        run=run,
        dataset=builders.dataset(),
        serving=builders.serving(),
        base_model=catalog.find(builders.LLAMA_3_3),
    )


def test_what_took_long_to_ask_is_decided_by_a_call_of_its_own(
    aws: Any, task: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that runs out of time while it decides is called again, and would ask and pay again."""
    quiet = msgspec.structs.replace(task, run=builders.run())
    monkeypatch.setattr(EvaluationTask, "examples", lambda *_: [])

    asked = evaluate_model(aws, quiet, 0, deadline=0.0, decide_until=0.0)
    decided = evaluate_model(aws, quiet, asked.next_record, deadline=0.0, decide_until=0.0)

    assert (asked.done, asked.next_record) == (False, PROMPTS)
    assert decided.done
    assert evaluate_model(aws, quiet, 0, deadline=0.0).done


def test_jobs_are_made_only_of_answers_that_a_retry_finds_again(aws: Any, task: Asked) -> None:
    asked = evaluate_model(aws, task, 0, deadline=0.0)

    assert (asked.done, asked.next_record, asked.judge_job_arn) == (False, PROMPTS, "")
    assert not aws.bedrock.called("create_evaluation_job")


def test_the_run_then_waits_for_a_job(aws: Any, task: Asked) -> None:
    evaluate_model(aws, task, 0, deadline=0.0)

    waiting = evaluate_model(aws, task, PROMPTS, deadline=0.0)

    assert (waiting.done, waiting.judge_job_arn) == (False, ARN)
    assert len(aws.bedrock.called("create_evaluation_job")) == 2


PRODUCTION = "arn:aws:bedrock:us-east-1:111122223333:custom-model-deployment/champion0000"
ABSENT = Answer(error="The specified resource ARN was not found (ResourceNotFoundException)")


class AgainstProduction(Asked, frozen=True, kw_only=True):
    """The same, against a model in production that does not answer."""

    def ask(self, *arguments: Any) -> Iterator[Prediction]:
        for one in super().ask(*arguments):
            yield msgspec.structs.replace(one, champion=ABSENT)


def conclude(aws: Any, task: Asked, about_it: Any, production: str = PRODUCTION) -> Evaluation:
    run = msgspec.structs.replace(task.run, evaluation=EvaluationSettings())
    fields = {name: getattr(task, name) for name in EvaluationTask.__struct_fields__} | {"run": run}
    aws.bedrock = FakeBedrock(get_custom_model_deployment=about_it)
    aws.s3.put_object(
        Bucket=task.stage.artifacts_bucket, Key=naming.place_of(task.dataset.train.uri)[1], Body=b"{}"
    )
    Aliases(aws.ssm, aws.dynamodb, task.stage).promote(run.name, "earlier", "model", production)
    return evaluate_model(aws, AgainstProduction(**fields), 0, deadline=0.0)


def test_what_is_gone_from_production_counts_as_none_and_is_named(
    aws: Any, task: Asked, registry: Registry
) -> None:
    found = conclude(aws, task, refusal("ResourceNotFoundException"))

    assert found.production_gone == PRODUCTION
    assert "model in production failed" not in found.reason


def test_what_is_there_and_does_not_answer_is_not_gone(aws: Any, task: Asked, registry: Registry) -> None:
    found = conclude(aws, task, {"status": "Active"})

    assert found.production_gone == ""


def test_whether_what_another_account_serves_is_there_is_not_asked(
    aws: Any, task: Asked, registry: Registry
) -> None:
    elsewhere = PRODUCTION.replace("111122223333", "444455556666")

    found = conclude(aws, task, refusal("AccessDeniedException", status=403), production=elsewhere)

    assert found.production_gone == ""
    assert aws.bedrock.called("get_custom_model_deployment") == []


def test_a_base_model_in_production_is_not_expected_among_serving_resources(
    aws: Any, task: Asked, registry: Registry
) -> None:
    found = conclude(aws, task, {"status": "Active"}, production="amazon.nova-lite-v1:0")

    assert found.production_gone == ""


def test_without_its_base_model_nothing_is_evaluated_or_promoted(aws: Any, task: Asked) -> None:
    base = ImportedBase(failure="Bedrock could not import it: out of luck")
    fields = {name: getattr(task, name) for name in EvaluationTask.__struct_fields__}
    found = evaluate_model(
        aws,
        EvaluationTask(**fields | {"serving": builders.serving(base=base)}),  # asking would need AWS
        0,
        deadline=0.0,
    )

    assert (found.done, found.verdict, found.rejected_for) == (True, "inconclusive", "base model")
    assert found.reason == (
        "the base model Llama 3.3 70B Instruct could not be asked: Bedrock could not import it: out of luck"
    )
    kept = aws.s3.get_object(Bucket=task.stage.artifacts_bucket, Key=naming.evaluation_key(task.run.run_id))
    assert msgspec.json.decode(kept["Body"].read(), type=Evaluation) == found


def test_an_imported_base_model_is_called_by_its_own_arn(task: Asked) -> None:
    assert task.base_id == catalog.find(builders.LLAMA_3_3).inference_id
    fields = {name: getattr(task, name) for name in EvaluationTask.__struct_fields__}
    imported = EvaluationTask(**fields | {"serving": builders.serving(base=ImportedBase(arn="an ARN"))})

    assert imported.base_id == "an ARN"


class Lambda:
    """A grader that likes long answers."""

    def __init__(self) -> None:
        self.calls = 0

    def invoke(self, **call: Any) -> dict[str, Any]:
        self.calls += 1
        graded = [
            {"id": one["id"], "aggregate_reward_score": len(one["messages"][-1]["content"]) / 3}
            for one in json.loads(call["Payload"])
        ]
        return {"Payload": io.BytesIO(json.dumps(graded).encode())}


def test_answers_are_kept_and_then_graded_once(aws: Any, task: Asked, registry: Registry) -> None:
    run = msgspec.structs.replace(task.run, evaluation=EvaluationSettings(), grader="arn:grader")
    fields = {name: getattr(task, name) for name in EvaluationTask.__struct_fields__} | {"run": run}
    bucket, grader = task.stage.artifacts_bucket, Lambda()
    aws.grader = grader
    for file in (task.dataset.train, task.dataset.test):
        assert file is not None
        aws.s3.put_object(
            Bucket=bucket, Key=naming.place_of(file.uri)[1], Body=b'{"messages": []}\n' * PROMPTS
        )

    asked = evaluate_model(aws, Asked(**fields), 0, deadline=0.0)

    assert (asked.done, asked.next_record, grader.calls) == (False, PROMPTS, 0)

    found = evaluate_model(aws, Asked(**fields), PROMPTS, deadline=0.0)

    kept = predictions.read(aws.s3, bucket, naming.predictions_key(run.run_id))
    assert (found.done, found.metric) == (True, "reward")
    assert kept[0].rewards == {"base": pytest.approx(1 / 3), "tuned": 1}
    assert kept[0].scores["tuned"]["accuracy"] == 1
    assert grader.calls == 2
