"""What goes wrong with Bedrock's evaluation jobs, and what the run is told."""

from __future__ import annotations

import pytest

from local.driver import Inbox, Message, Pipeline, until
from local.embedded import Embedded
from local.faults import A_DAY
from tests.datasets import jsonl, single_turn
from tunedrop.contracts import Evaluation
from tunedrop.registry import Record

JUDGE = "judge: {model: amazon.nova-pro-v1:0, via: evaluation-job}"


def submit(pipeline: Pipeline, name: str, evaluation: str) -> str:
    manifest = f"data: {{train: train.jsonl}}\nevaluation: {{{evaluation}, general_ability: false}}\n"
    pipeline.put(f"runs/{name}/train.jsonl", jsonl(single_turn(name)))
    pipeline.put(f"runs/{name}/run.yaml", manifest.encode())
    return name


def ended(pipeline: Pipeline, inbox: Inbox, name: str) -> tuple[Record, Evaluation, Message]:
    record = pipeline.finished(name)
    evaluation = record.document("evaluation", Evaluation)
    assert evaluation is not None, record.failure
    *_, message = inbox.messages(record.run.run_id)
    return record, evaluation, message


@pytest.mark.parametrize("whose", ["base", "tuned"])
def test_a_job_that_fails_leaves_a_run_inconclusive_that_it_was_to_decide(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox, whose: str
) -> None:
    embedded.faults.set(
        fail_evaluation={"name_has": f"tunedrop-{whose}-", "message": "no access to the judge"}
    )

    record, evaluation, message = ended(
        pipeline, inbox, submit(pipeline, f"judge-fails-{whose}", f"metric: judge, {JUDGE}")
    )

    assert record.status == message.attributes["outcome"] == "inconclusive"
    assert f"the evaluation job of the answers of {whose}: no access to the judge" in message.text
    assert evaluation.judged is not None
    assert evaluation.judged.failed == evaluation.records


def test_a_job_that_fails_is_left_out_where_another_metric_decides(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    embedded.faults.set(fail_evaluation={"name_has": "tunedrop-tuned-", "message": "no access to the judge"})

    record, evaluation, _ = ended(pipeline, inbox, submit(pipeline, "judge-beside", JUDGE))

    assert record.status == "promoted"
    assert "judge_rating" not in {one.metric for one in evaluation.scores}
    assert evaluation.judged is not None
    assert "no access to the judge" in evaluation.judged.reason
    report = pipeline.artifact(f"runs/{record.run.run_id}/report.html").decode()
    assert "no access to the judge" in report


def test_jobs_created_by_calls_that_broke_are_found_again(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    embedded.faults.set(
        calls=[
            {
                "operation": "CreateEvaluationJob",
                "times": 5,
                "error": "InternalServerException",
                "after_effect": True,
            }
        ]
    )

    record, evaluation, _ = ended(
        pipeline, inbox, submit(pipeline, "judge-breaks", f"metric: judge, {JUDGE}")
    )

    assert record.status == "promoted", evaluation.reason
    jobs = pipeline.aws.bedrock.list_evaluation_jobs(nameContains=record.run.run_id)["jobSummaries"]
    assert sorted(job["status"] for job in jobs) == ["Completed", "Completed"]


def test_a_run_that_is_stopped_while_it_is_judged_stops_its_jobs(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    embedded.faults.set(evaluation_minutes=A_DAY)
    run_id = pipeline.run_named(submit(pipeline, "judge-stopped", f"metric: judge, {JUDGE}")).run.run_id
    until(lambda: _is_judged(pipeline, run_id), "a run that is being judged")

    pipeline.stop(run_id)
    record = pipeline.closed(run_id)

    def jobs() -> list[str] | None:
        found = pipeline.aws.bedrock.list_evaluation_jobs(nameContains=run_id)["jobSummaries"]
        states = [job["status"] for job in found]
        return states if "Stopping" not in states else None

    assert record.status == "stopped"
    assert until(jobs, "jobs that have ended") == ["Stopped", "Stopped"]


def _is_judged(pipeline: Pipeline, run_id: str) -> bool | None:
    return any(step.step == "wait_for_judging" for step in pipeline.registry.steps(run_id)) or None
