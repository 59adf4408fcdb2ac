"""Closing a run: who is told, once, and what of it programs can read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests import builders
from tests.unit.fake_bedrock import refusal
from tests.unit.tables import make_registry_table
from tunedrop import clock, naming
from tunedrop.aws import Aws
from tunedrop.contracts import (
    ActualCost,
    DeploymentSettings,
    Ending,
    Estimate,
    Evaluation,
    EvaluationSettings,
    Failure,
    JudgeSettings,
    Promotion,
    PromptShard,
    RunEnded,
    StartedJob,
)
from tunedrop.errors import TransientError
from tunedrop.evaluation import shards
from tunedrop.evaluation.inference import predictions
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Judgement, Prediction
from tunedrop.registration.resuming import resume
from tunedrop.registry import Registry
from tunedrop.registry.aliases import Aliases
from tunedrop.registry.spending import Spending, month_of
from tunedrop.reporting import chat, notification
from tunedrop.results import unfinished
from tunedrop.results.artifacts import read_text
from tunedrop.results.close import close
from tunedrop.results.collect import ending_of
from tunedrop.stage import Stage
from tunedrop.steps import notify

PROMOTED = Ending(
    run=builders.run(),
    dataset=builders.dataset(),
    job=builders.job(),
    evaluation=builders.evaluation(),
    promotion=Promotion(alias="/tunedrop/test/models/persona", model_arn=builders.MODEL_ARN),
)

ANSWERED = Prediction(
    record=1, turn=0, prompt="Where is it?", reference="In the shed.", base=Answer(text="No."),
    tuned=Answer(text="In the shed."),
)  # fmt: skip


@pytest.fixture
def told(aws: Aws) -> Stage:
    """A stage whose topic, bucket and registry are there, with the run of `PROMOTED` open in it."""
    topic = aws.sns.create_topic(Name="tunedrop")["TopicArn"]
    stage = builders.stage(topic_arn=topic)
    aws.s3.create_bucket(Bucket=stage.artifacts_bucket)
    make_registry_table(aws, stage)
    Registry(aws.dynamodb, stage.registry_table).register(PROMOTED.run)
    return stage


@pytest.fixture
def entries(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is put on the event bus."""
    found: list[dict[str, Any]] = []
    put = aws.events.put_events

    def record(**request: Any) -> Any:
        found.extend(request["Entries"])
        return put(**request)

    monkeypatch.setattr(aws.events, "put_events", record)
    return found


def closed(aws: Aws, stage: Stage, report: str = "<html>") -> Registry:
    registry = Registry(aws.dynamodb, stage.registry_table)
    close(aws, stage, registry, PROMOTED, report)
    return registry


def test_the_outcome_is_an_event_with_a_versioned_detail(
    aws: Aws, told: Stage, entries: list[dict[str, Any]]
) -> None:
    closed(aws, told)

    (entry,) = entries
    detail = msgspec.json.decode(entry["Detail"], type=RunEnded)
    assert (entry["Source"], entry["DetailType"]) == ("tunedrop", "Tunedrop Run Ended")
    assert (entry["EventBusName"], detail.version) == ("default", "1")
    assert (detail.id, detail.outcome) == ("persona-0123456789-1", "promoted")
    assert detail.scores[0].difference == 0.3
    assert detail.report_uri == "s3://artifacts/runs/persona-0123456789/report.html"
    assert builders.MODEL_ARN in entry["Resources"]


def test_a_run_that_is_closed_twice_is_told_once(
    aws: Aws, told: Stage, entries: list[dict[str, Any]]
) -> None:
    registry = closed(aws, told)
    notice = close(aws, told, registry, PROMOTED, "<html>")

    assert len(entries) == 1
    assert not notice.sent


def test_an_event_that_the_bus_did_not_take_is_tried_again(
    aws: Aws, told: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
    monkeypatch.setattr(aws.events, "put_events", lambda **_: refused)

    with pytest.raises(TransientError, match="InternalFailure"):
        closed(aws, told)

    record = Registry(aws.dynamodb, told.registry_table).get(PROMOTED.run.run_id)
    assert record is not None
    assert record.is_open


def test_a_bus_that_is_gone_keeps_nobody_from_being_told(
    aws: Aws, told: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[dict[str, Any]] = []
    monkeypatch.setattr(aws.sns, "publish", lambda **message: published.append(message))
    monkeypatch.setattr(aws.events, "put_events", _die)

    for _ in range(2):
        with pytest.raises(Died):
            closed(aws, told)

    assert len(published) == 1


def test_a_run_whose_base_model_the_catalog_has_lost_ends_and_costs_what_was_estimated(
    aws: Aws, told: Stage, entries: list[dict[str, Any]]
) -> None:
    """It stayed open for ever, and nobody was notified."""
    registry, spending = (
        Registry(aws.dynamodb, told.registry_table), Spending(aws.dynamodb, told.registry_table),
    )  # fmt: skip
    run = builders.run(run_id="lost-0123456789", name="lost", base_model="amazon.gone-v1:0")
    registry.register(run)
    estimate = Estimate(lines=(), low=1.0, likely=2.0, high=3.0, budget_usd=10.0)
    failure = Failure(error="LookupError", cause="base model 'amazon.gone-v1:0' is not in the catalog")
    ending = Ending(run=run, dataset=builders.dataset(), estimate=estimate, failure=failure)
    started = StartedJob(outcome="started", job_arn=builders.JOB_ARN)

    for usd, one in ((0.0, ending), (2.0, msgspec.structs.replace(ending, started=started))):
        assert notify.end(aws, told, registry, spending, one).outcome == "failed"
        assert spending.read(month_of(clock.now())).counted() == usd
    record = registry.get(run.run_id)
    assert record is not None
    assert (record.status, record.actual_usd) == ("failed", 2.0)
    assert len(entries) == 1


def test_throughput_that_stays_in_production_counts_in_the_month_until_it_is_released(
    aws: Aws, told: Stage, entries: list[dict[str, Any]]
) -> None:
    del entries
    registry, spending = (
        Registry(aws.dynamodb, told.registry_table), Spending(aws.dynamodb, told.registry_table),
    )  # fmt: skip
    run = builders.run(
        run_id="kept-0123456789", name="kept", base_model=builders.LLAMA_3_1,
        deployment=DeploymentSettings(mode="provisioned", keep_for_seconds=36_000),
    )  # fmt: skip
    registry.register(run)
    promotion = Promotion(
        alias="/tunedrop/test/models/kept", model_arn=builders.MODEL_ARN, model_id=builders.PROVISIONED_ARN,
        kept_until=clock.after(clock.now(), 36_000),
    )  # fmt: skip
    serving = builders.serving(way="provisioned", arn=builders.PROVISIONED_ARN, created_at=clock.now())
    ending = Ending(
        run=run, serving=serving, evaluation=builders.evaluation(), promotion=promotion,
        dataset=builders.dataset(),
    )  # fmt: skip

    notify.end(aws, told, registry, spending, ending)

    month = spending.read(month_of(clock.now())).runs[run.run_id]
    assert month.committed == pytest.approx(10 * 24.0, rel=0.01)
    assert month.spent < 1


def test_a_bus_that_does_not_exist_keeps_no_run_open(
    aws: Aws, told: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would count against the stage's open runs for ever."""
    monkeypatch.setattr(aws.events, "put_events", _raises(refusal("ResourceNotFoundException")))

    closed(aws, told)

    record = Registry(aws.dynamodb, told.registry_table).get(PROMOTED.run.run_id)
    assert record is not None
    assert record.status == "promoted"


def test_a_history_that_cannot_be_read_keeps_no_run_open(
    aws: Aws, told: Stage, entries: list[dict[str, Any]]
) -> None:
    """Nobody was told of any run of the name that had trained a model."""
    registry, spending = (
        Registry(aws.dynamodb, told.registry_table), Spending(aws.dynamodb, told.registry_table),
    )  # fmt: skip
    aws.dynamodb.put_item(
        TableName=told.registry_table,
        Item={"pk": {"S": "ALIAS#persona"}, "sk": {"S": "2026-11-01T00:00:00Z#x"}, "model": {"S": "{}"}},
    )
    rejected = builders.evaluation(verdict="reject")

    notice = notify.end(
        aws, told, registry, spending, msgspec.structs.replace(PROMOTED, promotion=None, evaluation=rejected)
    )

    assert (notice.outcome, notice.sent) == ("rejected", True)
    assert len(entries) == 1


def test_a_promotion_whose_alias_could_not_be_written_is_told_as_the_history_has_it(
    aws: Aws, told: Stage, entries: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For want of ssm:PutParameter in all tries. The sweep writes the alias once it may; the run was told as
    failed."""
    registry, spending = (
        Registry(aws.dynamodb, told.registry_table), Spending(aws.dynamodb, told.registry_table),
    )  # fmt: skip
    aliases = Aliases(aws.ssm, aws.dynamodb, told)
    with monkeypatch.context() as forbidden:
        forbidden.setattr(aws.ssm, "put_parameter", _die)
        with pytest.raises(Died):
            aliases.promote("persona", PROMOTED.run.run_id, builders.MODEL_ARN, builders.DEPLOYMENT_ARN)
    failure = Failure(error="PermissionMissing", cause="PutParameter: AccessDenied", step="promote_model")

    ending = msgspec.structs.replace(PROMOTED, promotion=None, failure=failure)
    notice = notify.end(aws, told, registry, spending, ending)

    record = registry.get(PROMOTED.run.run_id)
    assert record is not None
    assert (notice.outcome, record.status) == ("promoted", "promoted")
    promotion = record.document("promotion", Promotion)
    assert promotion is not None
    assert "PutParameter: AccessDenied" in promotion.note


def test_summary_and_report_are_among_the_files(aws: Aws, told: Stage, entries: list[dict[str, Any]]) -> None:
    closed(aws, told, report="<html>\ud800")

    def text(key: str) -> str:
        return str(aws.s3.get_object(Bucket=told.artifacts_bucket, Key=key)["Body"].read().decode())

    assert text(naming.report_key(PROMOTED.run.run_id)) == "<html>?"
    assert "| Token F1 | 0.300 | 0.600 |" in text(naming.summary_key(PROMOTED.run.run_id))


def test_the_notification_carries_the_same_detail_as_the_event(
    aws: Aws, told: Stage, entries: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[dict[str, Any]] = []
    monkeypatch.setattr(aws.sns, "publish", lambda **message: published.append(message))

    closed(aws, told)

    (message,) = published
    attribute = message["MessageAttributes"]["detail"]["StringValue"]
    assert json.loads(attribute) == json.loads(entries[0]["Detail"])


def test_a_run_is_told_and_on_the_bus_before_it_is_closed(
    aws: Aws, told: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who dies between the two tries again: a closed run that nobody heard of would stay so."""
    registry = Registry(aws.dynamodb, told.registry_table)
    order: list[tuple[str, bool]] = []

    def watched(name: str, call: Any) -> Any:
        def act(**request: Any) -> Any:
            record = registry.get(PROMOTED.run.run_id)
            order.append((name, record is not None and record.is_open))
            return call(**request)

        return act

    monkeypatch.setattr(aws.events, "put_events", watched("event", aws.events.put_events))
    monkeypatch.setattr(aws.sns, "publish", watched("message", aws.sns.publish))

    closed(aws, told)

    assert order == [("message", True), ("event", True)]
    record = registry.get(PROMOTED.run.run_id)
    assert record is not None
    assert not record.is_open


@pytest.mark.parametrize("first_told", [True, False])
def test_a_run_whose_execution_was_ended_while_it_was_told_ends_as_it_was_told(
    aws: Aws, told: Stage, entries: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, first_told: bool
) -> None:
    registry, spending = (
        Registry(aws.dynamodb, told.registry_table),
        Spending(aws.dynamodb, told.registry_table),
    )
    inconclusive = msgspec.structs.replace(
        PROMOTED, promotion=None, evaluation=builders.evaluation(verdict="inconclusive")
    )
    with monkeypatch.context() as dying:
        dying.setattr(*(registry, "end") if first_told else (registry.notices, "claim"), _die)
        with pytest.raises(Died):
            notify.end(aws, told, registry, spending, inconclusive)

    stopped = Failure(error="RunStopped", cause="stopped: by the console")
    notice = notify.end(aws, told, registry, spending, msgspec.structs.replace(inconclusive, failure=stopped))

    record = registry.get(PROMOTED.run.run_id)
    assert record is not None
    assert (notice.outcome, record.status, record.failure) == ("inconclusive", "inconclusive", None)
    assert {json.loads(one["Detail"])["outcome"] for one in entries} == {"inconclusive"}
    assert notice.sent is not first_told


class Died(Exception):
    """The function was killed."""


def _raises(error: Exception) -> Any:
    def call(**_: Any) -> None:
        raise error

    return call


def _die(*_: Any, **__: Any) -> None:
    raise Died


def test_the_next_attempt_ends_as_it_ends(aws: Aws, told: Stage) -> None:
    registry, run = Registry(aws.dynamodb, told.registry_table), PROMOTED.run
    failed = Failure(error="AwsRefused", cause="denied")
    assert registry.ended_as(run, failed) == registry.ended_as(run, None) == failed
    registry.end(run.run_id, "failed", failed)

    again = msgspec.structs.replace(run, attempt=2, execution_arn="arn:again")
    registry.reopen(again)

    assert registry.ended_as(again, None) is None


def test_who_closes_an_attempt_after_the_next_has_begun_neither_ends_it_nor_says_how(
    aws: Aws, told: Stage
) -> None:
    """Two sweeps at once, and a retry between them."""
    registry, run = Registry(aws.dynamodb, told.registry_table), PROMOTED.run
    late = msgspec.structs.replace(PROMOTED, promotion=None, failure=Failure(error="RunError", cause="gone"))
    close(aws, told, registry, late, "")
    again = msgspec.structs.replace(run, attempt=2, execution_arn="arn:again")
    registry.reopen(again)

    registry.ended_as(run, late.failure)
    close(aws, told, registry, late, "")

    record = registry.get(run.run_id)
    assert record is not None
    assert record.is_open
    assert registry.ended_as(again, None) is None


STOPPED = Failure(error="RunStopped", cause="stopped by somebody", step="evaluate_model")
PARTS = tuple(PromptShard(start=at, stop=at + 1, requests_per_minute=1) for at in range(2))


@pytest.mark.parametrize("in_shards", [(), PARTS])
def test_what_a_stopped_evaluation_was_answered_has_been_spent(
    aws: Aws, told: Stage, in_shards: tuple[PromptShard, ...]
) -> None:
    """And is counted once by a retry that goes on with these answers."""
    judge = JudgeSettings(model="us.amazon.nova-pro-v1:0")
    run = builders.run(base_model=builders.LLAMA_3_3, evaluation=EvaluationSettings(judge=judge))
    tokens = {"input_tokens": 500_000, "output_tokens": 100_000}
    answer, said = Answer(text="No.", **tokens), Judgement(**tokens)
    one = msgspec.structs.replace(ANSWERED, base=answer, tuned=answer, judgement=said)
    keys = [shards.key(run, builders.MODEL_ARN, part) for part in in_shards]
    for key in keys or [naming.predictions_key(run.run_id)]:
        predictions.write(aws.s3, told.artifacts_bucket, key, [one] * (1 if keys else 2))
    registry = Registry(aws.dynamodb, told.registry_table)
    spending = Spending(aws.dynamodb, told.registry_table)
    registry.register(run)
    evaluation = Evaluation(done=False, next_record=0 if keys else 2, shards=in_shards)
    ending = Ending(run=run, serving=builders.serving(), evaluation=evaluation, failure=STOPPED)

    notify.end(aws, told, registry, spending, ending)

    def counted() -> float:
        return spending.read(month_of(clock.now())).runs[run.run_id].spent

    record = registry.get(run.run_id)
    assert record is not None
    cost = record.document("cost", ActualCost)
    assert cost is not None
    assert {line.item: line.basis.split()[0] for line in cost.lines if line.likely} == {
        "evaluation, prompts": "2,000,000", "evaluation, answers": "400,000",
        "judging, prompts": "1,000,000", "judging, judgements": "200,000",
    }  # fmt: skip
    assert counted() == pytest.approx(cost.likely)
    again = resume(aws, registry, record, "arn:again", "1", "").run
    assert again.attempt == 2

    notify.end(aws, told, registry, spending, msgspec.structs.replace(ending, run=again))

    assert counted() == pytest.approx(cost.likely)


@pytest.mark.parametrize(("attempt", "written"), [(1, True), (2, True), (3, False)])
def test_what_the_first_call_of_an_evaluation_had_kept_counts_although_it_did_not_end(
    aws: Aws, told: Stage, attempt: int, *, written: bool
) -> None:
    """Answers that an earlier attempt had kept were paid for by that one."""
    since = {1: "", 2: "2026-01-01T00:00:00Z", 3: "2999-01-01T00:00:00Z"}[attempt]
    run = builders.run(base_model=builders.LLAMA_3_3, attempt=attempt, resumed_at=since)
    answer = Answer(text="No.", input_tokens=500_000, output_tokens=100_000)
    kept = msgspec.structs.replace(ANSWERED, base=answer, tuned=answer)
    predictions.write(aws.s3, told.artifacts_bucket, naming.predictions_key(run.run_id), [kept])
    ending = Ending(run=run, serving=builders.serving(), failure=STOPPED)

    asked = unfinished.counted(aws.s3, told, ending)

    assert (asked.input_tokens if asked else 0) == (1_000_000 if written else 0)


@pytest.mark.parametrize("kept", [b'{"base": {"output_tokens": "many"}}', b"\xff", b"{"])
def test_answers_that_cannot_be_read_keep_no_run_open(aws: Aws, told: Stage, kept: bytes) -> None:
    run = builders.run(base_model=builders.LLAMA_3_3)
    key = naming.predictions_key(run.run_id)
    aws.s3.put_object(Bucket=told.artifacts_bucket, Key=key, Body=kept)
    registry = Registry(aws.dynamodb, told.registry_table)
    registry.register(run)
    unfinished_ = Evaluation(done=False, next_record=1)
    ending = Ending(run=run, serving=builders.serving(), evaluation=unfinished_, failure=STOPPED)

    notify.end(aws, told, registry, Spending(aws.dynamodb, told.registry_table), ending)

    record = registry.get(run.run_id)
    assert record is not None
    assert not record.is_open


def test_answers_whose_tokens_the_release_before_had_not_counted_cost_nothing(aws: Aws, told: Stage) -> None:
    run, answer = builders.run(), {"text": "No.", "input_tokens": 7, "output_tokens": None}
    line = json.dumps({"base": answer, "tuned": answer | {"output_tokens": 3}}).encode()
    aws.s3.put_object(Bucket=told.artifacts_bucket, Key=naming.predictions_key(run.run_id), Body=line)
    ending = Ending(run=run, serving=builders.serving(), evaluation=Evaluation(done=False, next_record=1))

    asked = unfinished.counted(aws.s3, told, ending)

    assert asked is not None
    assert (asked.input_tokens, asked.output_tokens) == (14, 3)


@pytest.mark.parametrize("began", [False, True])
def test_a_retry_that_is_refused_is_told_with_the_verdict_that_stays(
    aws: Aws, told: Stage, *, began: bool
) -> None:
    registry, run = Registry(aws.dynamodb, told.registry_table), PROMOTED.run
    inconclusive = builders.evaluation(verdict="inconclusive", needed=60)
    answers = naming.predictions_key(run.run_id)
    predictions.write(aws.s3, told.artifacts_bucket, answers, [ANSWERED])
    registry.save(run.run_id, evaluation=inconclusive, job=builders.job())
    registry.end(run.run_id, "inconclusive", None)
    again = msgspec.structs.replace(
        run, attempt=2, evaluation_attempt=2, execution_arn="arn:again", resumed_at="2026-11-24T00:00:00Z"
    )
    before = registry.get(run.run_id)
    assert before is not None
    registry.reopen(again, before.verdict)
    if began:
        registry.start_step(run.run_id, "evaluate_model", "2026-11-24T00:00:01Z")
    refused = Failure(error="TooManyRuns", cause="200 runs are open", step="register_run")

    spending = Spending(aws.dynamodb, told.registry_table)
    notice = notify.end(aws, told, registry, spending, Ending(run=again, job=builders.job(), failure=refused))

    record = registry.get(run.run_id)
    assert record is not None
    assert (notice.outcome, record.status, record.failure) == ("refused", "refused", refused)
    ending = msgspec.structs.replace(ending_of(record), dataset=builders.dataset())
    stays = "The verdict of attempt 1 stays: inconclusive, Token F1 0.300 to 0.600 (+0.300)."
    assert stays in notification.text(told, ending)
    assert stays in chat.message(told, ending)["content"]["description"]
    written = {
        key: read_text(aws.s3, told, key(run.run_id)) for key in (naming.summary_key, naming.report_key)
    }
    assert "The verdict of attempt 1 stays" in written[naming.summary_key]
    report = written[naming.report_key]
    assert "The verdict of attempt 1 stays" in report
    assert '<section id="scores">' in report
    assert (ANSWERED.reference in report) is not began
