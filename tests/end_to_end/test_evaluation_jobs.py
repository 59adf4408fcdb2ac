"""Bedrock's own evaluation jobs as the judge: what they said, read from notification and registry alone."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from local.driver import Inbox, Pipeline, until
from local.embedded import Embedded
from local.faults import A_DAY
from tests.datasets import jsonl, many_held_out, single_turn
from tests.end_to_end.terminal import Tunedrop
from tunedrop.contracts import Evaluation, RunEnded
from tunedrop.registry import Record

JUDGE = "amazon.nova-pro-v1:0"


def ended(
    pipeline: Pipeline, inbox: Inbox, name: str, judge: str, records: list[dict[str, Any]] | None = None
) -> tuple[Record, Evaluation, str, RunEnded]:
    """A run that the judge decides, when it has ended: record, evaluation, and what the message says."""
    manifest = (
        "data: {train: train.jsonl}\n"
        f"evaluation: {{metric: judge, judge: {judge}, general_ability: false}}\n"
    )  # fmt: skip
    pipeline.put(f"runs/{name}/train.jsonl", jsonl(records or single_turn(name)))
    version = pipeline.put(f"runs/{name}/run.yaml", manifest.encode())
    record = pipeline.closed(pipeline.run_of(name, version).run.run_id)
    evaluation = record.document("evaluation", Evaluation)
    assert evaluation is not None, record.failure
    *_, message = inbox.messages(record.run.run_id)
    return record, evaluation, message.text, msgspec.json.decode(message.attributes["detail"], type=RunEnded)


def test_its_ratings_decide_with_an_interval_like_any_other_score(pipeline: Pipeline, inbox: Inbox) -> None:
    judge = f"{{model: {JUDGE}, via: evaluation-job}}"

    record, evaluation, text, told = ended(pipeline, inbox, "rated-by-jobs", judge)

    assert record.status == "promoted", evaluation.reason
    score = evaluation.decisive
    assert score is not None
    assert score.metric == told.metric == "judge_rating"
    assert 0 <= score.base < score.tuned <= 1
    assert 0 < score.low <= score.difference <= score.high
    assert "Judge's rating rose from" in text
    assert [one for one in told.scores if one.metric == "judge_rating"] == [score]
    judged = evaluation.judged
    assert judged is not None
    assert (judged.via, judged.failed) == ("evaluation-job", 0)
    assert judged.wins > judged.losses
    assert judged.input_tokens > 0
    steps = [one.step for one in pipeline.registry.steps(record.run.run_id)]
    assert "wait_for_judging" in steps


def test_the_answers_that_were_rated_and_their_ratings_are_among_the_runs_files(
    pipeline: Pipeline, inbox: Inbox
) -> None:
    judge = f"{{model: {JUDGE}, via: evaluation-job, rubric: Name the part that was asked for.}}"

    record, evaluation, _, _ = ended(pipeline, inbox, "by-rubric", judge)

    lines = pipeline.artifact(f"runs/{record.run.run_id}/predictions.jsonl").splitlines()
    judgements = [json.loads(line)["judgement"] for line in lines]
    rated = pipeline.artifact(
        f"runs/{record.run.run_id}/judging/tunedrop-tuned-{record.run.run_id}-1.jsonl"
    ).splitlines()
    assert len(rated) == evaluation.records
    assert {value for one in judgements for value in one["ratings"].values()} <= {0, 0.25, 0.5, 0.75, 1}
    assert any("tuned: The response has" in why for one in judgements for why in one["reasons"])


def test_answers_from_shards_are_rated_too(pipeline: Pipeline, inbox: Inbox) -> None:
    judge = f"{{model: {JUDGE}, via: evaluation-job}}"
    records = [*single_turn("rated-shards"), *many_held_out("rated-shards")]

    record, evaluation, _, _ = ended(pipeline, inbox, "rated-shards", judge, records)

    assert record.status == "promoted", evaluation.reason
    assert evaluation.judged is not None
    assert evaluation.judged.failed == 0


def test_the_model_in_production_is_rated_beside_the_two(pipeline: Pipeline, inbox: Inbox) -> None:
    judge = f"{{model: {JUDGE}, via: evaluation-job}}"
    first, _, _, _ = ended(pipeline, inbox, "rated-again", judge)

    _, evaluation, text, _ = ended(
        pipeline, inbox, "rated-again", judge, [*single_turn("rated-again"), *many_held_out("rated-again")]
    )

    assert first.status == "promoted"
    assert evaluation.champion is not None
    assert evaluation.champion.metric == "judge_rating"
    assert "the model in production scores" in text


def test_teardown_of_a_run_that_is_being_judged_stops_its_jobs(
    embedded: Embedded, pipeline: Pipeline, tunedrop: Tunedrop
) -> None:
    embedded.faults.set(evaluation_minutes=A_DAY)
    name, judge = "torn-down", f"{{model: {JUDGE}, via: evaluation-job}}"
    pipeline.put(f"runs/{name}/t.jsonl", jsonl(single_turn(name)))
    pipeline.put(
        f"runs/{name}/run.yaml", f"data: {{train: t.jsonl}}\nevaluation: {{judge: {judge}}}\n".encode()
    )
    run_id = pipeline.run_named(name).run.run_id
    until(
        lambda: any(one.step == "wait_for_judging" for one in pipeline.registry.steps(run_id)) or None,
        "a run that is being judged",
    )

    jobs = pipeline.aws.bedrock.list_evaluation_jobs(nameContains=run_id)["jobSummaries"]

    said = tunedrop("teardown", run_id, "--yes").stdout

    assert len(jobs) == 2
    # The closing of a stopped run may have stopped them first; either way they are gone, a day too early.
    assert all(f"deleted   {job['jobArn']}" in said for job in jobs), said
    assert pipeline.aws.bedrock.list_evaluation_jobs(nameContains=run_id)["jobSummaries"] == []
    assert pipeline.closed(run_id).status == "stopped"


def test_a_judge_that_does_not_exist_is_refused_before_anything_is_paid(
    pipeline: Pipeline, inbox: Inbox
) -> None:
    name = "no-such-judge"
    manifest = "data: {train: t.jsonl}\nevaluation: {judge: {model: nobody.knows-v1, via: evaluation-job}}\n"
    pipeline.put(f"runs/{name}/t.jsonl", jsonl(single_turn(name)))
    pipeline.put(f"runs/{name}/run.yaml", manifest.encode())

    record = pipeline.finished(name)

    *_, message = inbox.messages(record.run.run_id)
    assert record.status == "refused"
    assert "the judge nobody.knows-v1 does not exist in us-east-1" in message.text
