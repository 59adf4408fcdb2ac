"""Evaluation in shards gives what one function would have given, whatever dies on the way."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import msgspec
import pytest
from moto import mock_aws

from tests import builders
from tests.datasets import jsonl, single_turn
from tests.unit.fake_bedrock import Answer, FakeBedrock, refusal
from tests.unit.tables import make_registry_table
from tunedrop import catalog, naming
from tunedrop.contracts import DatasetFile, Evaluation, EvaluationSettings, JudgeSettings, PromptShard
from tunedrop.evaluation import shards
from tunedrop.evaluation.inference import ask, predictions
from tunedrop.evaluation.task import EvaluationTask
from tunedrop.steps.evaluate_model import evaluate_model

PROMPTS = 144
TRAIN_KEY = "runs/persona-0123456789/dataset/train.jsonl"
TEST_KEY = "runs/persona-0123456789/dataset/test.jsonl"
SPOKEN = {
    "output": {"message": {"content": [{"text": "part1 goes into slot1"}]}},
    "usage": {"inputTokens": 3, "outputTokens": 1},
    "metrics": {"latencyMs": 7},
}


class FakeAws:
    """S3, SSM and DynamoDB of moto; a Bedrock that says what a test tells it to."""

    def __init__(self, *answers: Answer) -> None:
        self.s3 = boto3.client("s3", "us-east-1")
        self.ssm = boto3.client("ssm", "us-east-1")
        self.dynamodb = boto3.client("dynamodb", "us-east-1")
        self.bedrock_runtime = FakeBedrock(converse=list(answers) or SPOKEN)

    @property
    def asked(self) -> int:
        return len(self.bedrock_runtime.called("converse"))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(ask.RateLimiter, "wait", lambda _: None)
    with mock_aws():
        fake = FakeAws()
        fake.s3.create_bucket(Bucket="artifacts")
        make_registry_table(fake, builders.stage())  # type: ignore[arg-type]
        records = single_turn("sharded")
        fake.s3.put_object(Bucket="artifacts", Key=TEST_KEY, Body=jsonl(records[:PROMPTS]))
        fake.s3.put_object(Bucket="artifacts", Key=TRAIN_KEY, Body=jsonl(records[PROMPTS:]))
        yield fake


def task(**stage: Any) -> EvaluationTask:
    held_out = DatasetFile(uri=f"s3://artifacts/{TEST_KEY}", records=PROMPTS, tokens=1)
    return EvaluationTask(
        stage=builders.stage(evaluation_shard_prompts=50, **stage),
        run=builders.run(evaluation=EvaluationSettings(max_prompts=1_000, general_ability=False)),
        dataset=builders.dataset(test=held_out),
        serving=builders.serving(),
        base_model=catalog.find(builders.LLAMA_3_3),
    )


def soon() -> float:
    return time.monotonic() + 60


def evaluated(aws: Any, task: EvaluationTask) -> Evaluation:
    """What the workflow does: every shard until it is done, then the step again."""
    first = evaluate_model(aws, task, 0, soon())
    for shard in first.shards:
        while not shards.evaluate_shard(aws, task, shard, soon()).done:
            pass
    return evaluate_model(aws, task, first.next_record, soon()) if first.shards else first


def kept(aws: Any, task: EvaluationTask) -> list[predictions.Prediction]:
    return predictions.read(aws.s3, "artifacts", naming.predictions_key(task.run.run_id))


def judging(one: EvaluationTask, **judge: Any) -> EvaluationTask:
    settings = EvaluationSettings(
        max_prompts=1_000, general_ability=False, judge=JudgeSettings(model="judge", **judge)
    )
    return msgspec.structs.replace(one, run=msgspec.structs.replace(one.run, evaluation=settings))


def asked_of(aws: Any, model: str) -> int:
    return sum(call["modelId"] == model for call in aws.bedrock_runtime.called("converse"))


class Speaking(FakeBedrock):
    """Each model has its own answer; a judge prefers the first of two."""

    def converse(self, **asked: Any) -> dict[str, Any]:
        self.calls.append(("converse", asked))
        (first, *_) = asked["messages"]
        case = first["content"][0]["text"].removeprefix("Case number: ").partition("\n")[0]
        verdict = json.dumps({"case": case, "winner": "1"})
        text = verdict if asked["modelId"] == "judge" else f"the answer of {asked['modelId']}"
        return {**SPOKEN, "output": {"message": {"content": [{"text": text}]}}}


@pytest.mark.parametrize(("labels", "judged"), [(0, True), (50, True), (PROMPTS, False)])
def test_the_stages_judge_is_called_for_open_text_alone(aws: Any, labels: int, judged: bool) -> None:
    """Also in shards, of which the first may have nothing but labels."""
    records = single_turn("sharded")[:PROMPTS]
    for number, record in enumerate(records[:labels]):
        record["messages"][-1]["content"][0]["text"] = ("refund", "delivery", "complaint")[number % 3]
    aws.s3.put_object(Bucket="artifacts", Key=TEST_KEY, Body=jsonl(records))
    aws.bedrock_runtime = Speaking()

    found = evaluated(aws, judging(task(), open_text_only=True))

    assert asked_of(aws, "judge") == (2 * PROMPTS if judged else 0)
    assert found.metric == ("judge" if judged else "accuracy")
    assert (found.judged is not None) == judged


def test_a_judge_that_a_manifest_names_is_called_for_labels_too(aws: Any) -> None:
    one = judging(task())

    assert one.on(one.questions(aws)).run.evaluation.judge is not None


@pytest.mark.parametrize("prompts", [51, 144, 1_000, 99_999])
@pytest.mark.parametrize("per_minute", [0, 161, 400, 6_000])
def test_shards_hold_every_prompt_once_and_share_the_pace(prompts: int, per_minute: int) -> None:
    planned = shards.plan(prompts, builders.stage(evaluation_shard_prompts=50), per_minute)

    assert [n for shard in planned for n in range(shard.start, shard.stop)] == list(range(prompts))
    assert sum(shard.requests_per_minute for shard in planned) == pytest.approx(per_minute)
    assert len(planned) <= builders.stage().shard_concurrency


def test_an_account_with_four_requests_a_minute_uses_no_shards() -> None:
    assert shards.plan(10_000, builders.stage(), per_minute=4) == ()


def test_shards_decide_as_one_function_would(aws: Any) -> None:
    sharded = evaluated(aws, task())
    in_shards = kept(aws, task())

    alone = evaluated(aws, task(evaluation_requests_per_minute=4))

    same = {"base_speed": None, "tuned_speed": None}
    assert msgspec.structs.replace(sharded, **same) == msgspec.structs.replace(alone, **same)
    assert in_shards == kept(aws, task())
    assert len(in_shards) == PROMPTS


def test_before_its_shards_are_done_nothing_is_decided(aws: Any) -> None:
    first = evaluate_model(aws, task(), 0, soon())
    shards.evaluate_shard(aws, task(), first.shards[0], soon())

    second = evaluate_model(aws, task(), 0, soon())

    assert aws.asked == 2 * first.shards[0].stop
    assert not second.done
    assert second.shards == first.shards


def test_a_shard_that_runs_out_of_time_continues_later(aws: Any) -> None:
    shard = PromptShard(start=50, stop=100, requests_per_minute=0)

    first = shards.evaluate_shard(aws, task(), shard, deadline=0.0)
    second = shards.evaluate_shard(aws, task(), shard, soon())

    assert (first.done, first.prompts) == (False, 0)
    assert (second.done, second.prompts) == (True, 50)


def test_a_shard_that_dies_loses_only_what_it_has_not_saved(
    aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SAVE_SECONDS", 0.0)
    shard = PromptShard(start=0, stop=50, requests_per_minute=0)
    aws.bedrock_runtime = FakeBedrock(converse=[*[SPOKEN] * 60, MemoryError()])
    with pytest.raises(MemoryError):
        shards.evaluate_shard(aws, task(), shard, soon())

    aws.bedrock_runtime = FakeBedrock(converse=SPOKEN)
    again = shards.evaluate_shard(aws, task(), shard, soon())

    assert again.done
    assert 0 < aws.asked <= 2 * (50 - 24)  # three rounds of eight, at least, had been kept


def test_a_prompt_that_stays_failed_is_counted_and_its_pair_left_out(aws: Any) -> None:
    aws.bedrock_runtime = FakeBedrock(converse=[refusal("ValidationException"), SPOKEN])

    evaluation = evaluated(aws, task())

    assert evaluation.failed_prompts == 1
    assert evaluation.records == PROMPTS - 1
    assert len(kept(aws, task())) == PROMPTS


def test_answers_of_another_model_are_not_taken_for_this_ones(aws: Any) -> None:
    evaluated(aws, task())
    other = msgspec.structs.replace(task(), serving=builders.serving(model_arn="another"))

    assert not evaluate_model(aws, other, 0, soon()).done
