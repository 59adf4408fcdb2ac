"""Continuous use: each new version of a dataset has to beat what is in production."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.calls import counted
from local.driver import Inbox, Pipeline, until
from local.embedded import Embedded
from local.outcomes import Outcomes
from tests import builders
from tests.datasets import ASKED, jsonl, single_turn
from tests.end_to_end.terminal import Tunedrop
from tunedrop import catalog, naming
from tunedrop.contracts import CompletedJob, Dataset, Estimate, Evaluation, Promotion, Released, Serving
from tunedrop.errors import ThroughputFailed, TransientError
from tunedrop.registry import Record
from tunedrop.registry.aliases import Aliases
from tunedrop.serving import throughput
from tunedrop.serving.sweep import in_service

RECORDS = single_turn("steady")
HELD_OUT_WAYS = (0, 7)
"""Two ways of asking for each of 24 topics: enough prompts for a verdict, which needs 30."""

MANIFEST = b"data: {train: train.jsonl, test: test.jsonl}\ndeployment: {stable_arn: true}\n"

NOT_PINNED = b"data: {train: train.jsonl, test: test.jsonl}\n"

ON_PROVISIONED = b"""
method: single-turn
base_model: amazon.titan-text-express-v1:0:8k
data: {train: train.jsonl, test: test.jsonl}
hyperparameters: {epoch_count: 5, learning_rate: 1e-4}
deployment: {mode: provisioned, keep_for: 8h, stable_arn: true}
"""
"""What has nothing but provisioned throughput, kept after the evaluation."""


@pytest.fixture(scope="module")
def outcomes(pipeline: Pipeline) -> Iterator[Outcomes]:
    found = Outcomes(pipeline.session)
    yield found
    found.close()


def tuned(
    pipeline: Pipeline, name: str, records: list[dict[str, object]], manifest: bytes = MANIFEST
) -> Record:
    """A run of this name on these records, measured on two ways of asking for every topic."""
    # Throughput that is kept costs more than a run may unasked.
    return pipeline.approved(submitted(pipeline, name, records, manifest))


def submitted(pipeline: Pipeline, name: str, records: list[dict[str, object]], manifest: bytes) -> str:
    """The same, once it has begun: its id."""
    trained = [one for index, one in enumerate(records) if index % len(ASKED) not in HELD_OUT_WAYS]
    held_out = [one for index, one in enumerate(RECORDS) if index % len(ASKED) in HELD_OUT_WAYS]
    pipeline.put(f"runs/{name}/train.jsonl", jsonl(trained))
    pipeline.put(f"runs/{name}/test.jsonl", jsonl(held_out))
    version = pipeline.put(f"runs/{name}/run.yaml", manifest)
    return pipeline.run_of(name, version).run.run_id


def listed_in_production(pipeline: Pipeline) -> str:
    """The table of models in production, on the page of all runs."""
    place = {"Bucket": pipeline.stage.artifacts_bucket, "Key": naming.INDEX_KEY}
    page = pipeline.aws.s3.get_object(**place)["Body"].read().decode()
    return str(page.partition("<h2>In production</h2>")[2].partition("</table>")[0])


def test_a_better_version_takes_the_place_of_the_one_before_behind_its_arn_and_rolls_back(
    pipeline: Pipeline, inbox: Inbox, outcomes: Outcomes, tunedrop: Tunedrop
) -> None:
    unlike = single_turn("another")[: 30 * len(ASKED)]
    first = tuned(pipeline, "steady", RECORDS[: 10 * len(ASKED)] + unlike[: 14 * len(ASKED)])
    second = tuned(pipeline, "steady", RECORDS)

    before, after = first.document("promotion", Promotion), second.document("promotion", Promotion)
    evaluation, released = second.document("evaluation", Evaluation), second.document("released", Released)
    assert before is not None, first.failure or first.document("evaluation", Evaluation)
    assert after is not None, second.failure or evaluation
    assert evaluation is not None
    assert evaluation.champion is not None
    assert evaluation.champion.difference > 0
    assert after.swapped
    assert after.model_id == before.model_id
    assert released is not None
    assert released.kept == (before.model_id,)
    assert serves(pipeline, before.model_id) == after.model_arn

    versions = json.loads(tunedrop("models", "steady", "--format", "json").stdout)
    assert [one["number"] for one in versions] == [2, 1]
    assert [one["standing"] for one in versions] == ["in production", "was in production"]
    assert versions[0]["dataset_hash"] != versions[1]["dataset_hash"]

    said = tunedrop("rollback", "steady", "--yes").stdout
    assert "the ARN is unchanged" in said
    assert serves(pipeline, before.model_id) == before.model_arn
    listed = listed_in_production(pipeline)
    assert first.run.run_id in listed
    assert second.run.run_id not in listed

    (heard,) = until(lambda: outcomes.of(second.run.run_id) or None, "the event of the outcome")
    (message,) = inbox.messages(second.run.run_id)
    assert (heard.outcome, heard.version, heard.stage) == ("promoted", "1", "local")
    assert heard.champion == evaluation.champion
    assert json.loads(message.attributes["detail"])["id"] == heard.id
    assert "Token F1" in message.subject


def test_provisioned_throughput_is_pointed_at_the_better_model_and_back(
    pipeline: Pipeline, tunedrop: Tunedrop
) -> None:
    unlike = single_turn("another")[: 14 * len(ASKED)]
    first = tuned(pipeline, "pinned", RECORDS[: 10 * len(ASKED)] + unlike, ON_PROVISIONED)
    second = tuned(pipeline, "pinned", RECORDS, ON_PROVISIONED)

    before, after = first.document("promotion", Promotion), second.document("promotion", Promotion)
    served, released = second.document("serving", Serving), second.document("released", Released)
    assert before is not None, first.failure or first.document("evaluation", Evaluation)
    assert after is not None, second.failure or second.document("evaluation", Evaluation)
    assert ":provisioned-model/" in before.model_id
    assert after.swapped, after.note
    assert after.model_id == before.model_id
    assert provisioned_for(pipeline, before.model_id) == after.model_arn
    assert served is not None
    assert released is not None
    assert (released.kept, released.released) == ((before.model_id,), (served.arn,))

    said = tunedrop("rollback", "pinned", "--yes").stdout

    assert "the ARN is unchanged" in said
    assert provisioned_for(pipeline, before.model_id) == before.model_arn
    refused = tunedrop("throughput", "release", before.model_id, code=1).stderr
    assert "is in production" in refused
    tunedrop("throughput", "release", before.model_id, "--production", "--yes")


def test_a_model_that_nothing_serves_is_brought_into_service_before_a_rollback(
    pipeline: Pipeline, tunedrop: Tunedrop
) -> None:
    first = tuned(pipeline, "returned", single_turn("returned")[: 10 * len(ASKED)] + RECORDS)
    second = tuned(pipeline, "returned", RECORDS + RECORDS[:6])
    if second.status != "promoted":  # its deployment was released
        tunedrop("promote", second.run.run_id, "--serve", "--yes")
        job = second.document("job", CompletedJob)
        promoted = pipeline.aws.ssm.get_parameter(Name=f"{pipeline.stage.alias_prefix}/returned")
        assert job is not None
        assert serves(pipeline, promoted["Parameter"]["Value"]) == job.model_arn
    before = first.document("promotion", Promotion)
    assert before is not None
    with suppress(ThroughputFailed, TransientError):  # the sweep may be first: no alias names it any more
        throughput.release(pipeline.aws.bedrock, before.model_id)
    until(
        lambda: before.model_id not in [one.arn for one in in_service(pipeline.aws, pipeline.stage)],
        "the release",
    )

    refused = tunedrop("rollback", "returned", "--yes", code=1).stderr
    assert "is not in service any more" in refused
    assert "tunedrop rollback returned --serve" in refused
    said = tunedrop("rollback", "returned", "--serve", "--yes").stdout

    alias = f"{pipeline.stage.alias_prefix}/returned"
    now = pipeline.aws.ssm.get_parameter(Name=alias)["Parameter"]["Value"]
    assert now in said
    assert now != before.model_id
    assert serves(pipeline, now) == before.model_arn


def test_the_estimate_has_the_number_of_answers_of_the_evaluation(
    pipeline: Pipeline, embedded: Embedded, examples: Path
) -> None:
    """Every turn of every conversation, and the model in production beside base and tuned."""
    example = examples / "assistant-conversation"
    lines = (example / "train.jsonl").read_bytes().splitlines(keepends=True)
    pipeline.finished(pipeline.submit(example, "asked-often"))
    before = counted(embedded.state / "calls.log")
    pipeline.put("runs/asked-often/train.jsonl", b"".join(lines[:-1]))
    version = pipeline.put("runs/asked-often/run.yaml", example / "run.yaml")

    second = pipeline.closed(pipeline.run_of("asked-often", version).run.run_id)

    estimate, dataset = second.document("estimate", Estimate), second.document("dataset", Dataset)
    evaluation = second.document("evaluation", Evaluation)
    assert estimate is not None
    assert evaluation is not None
    assert evaluation.champion is not None
    assert dataset is not None
    assert dataset.test is not None
    assert dataset.test.prompts is not None
    assert dataset.test.prompts.count > dataset.test.records
    calls = counted(embedded.state / "calls.log") - before
    asked = [calls[function, "bedrock:InvokeModel"] for function in ("evaluate_model", "evaluate_shard")]
    assert sum(asked) == estimate.evaluation_requests


def test_a_base_model_that_ends_soon_is_announced_by_the_sweep_once(
    pipeline: Pipeline, embedded: Embedded, inbox: Inbox
) -> None:
    base, today = catalog.find(pipeline.stage.default_base_model), datetime.now(UTC)
    model = f"arn:aws:bedrock:us-east-1:111122223333:custom-model/{base.id}/abcdefghij12"
    aliases = Aliases(pipeline.aws.ssm, pipeline.aws.dynamodb, pipeline.stage)
    promotion = aliases.promote("of-old", "of-old-1", model, builders.DEPLOYMENT_ARN)
    embedded.faults.set(end_of_life={base.lifecycle_id: (today + timedelta(days=60)).isoformat()})

    for _ in range(2):
        look_again_today(pipeline, today)
        swept = pipeline.session.client("lambda").invoke(FunctionName="tunedrop-local-sweep-throughput")
        assert "FunctionError" not in swept, swept["Payload"].read()

    (message,) = until(lambda: inbox.messages("of-old-1") or None, "the announcement")
    pipeline.aws.ssm.delete_parameter(Name=promotion.alias)
    assert message.attributes["event"] == "base-model-ends"
    assert message.attributes["ends_on"] == f"{today + timedelta(days=60):%Y-%m-%d}"
    assert promotion.alias in message.text


def look_again_today(pipeline: Pipeline, today: datetime) -> None:
    """The sweep looks at base models once a day."""
    key = {"pk": {"S": "ONCE#LIFECYCLE"}, "sk": {"S": f"{today:%Y-%m-%d}"}}
    pipeline.aws.dynamodb.delete_item(TableName=pipeline.stage.registry_table, Key=key)


def serves(pipeline: Pipeline, arn: str) -> str:
    answer = pipeline.aws.bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)
    return str(answer["modelArn"])


def provisioned_for(pipeline: Pipeline, arn: str) -> str:
    answer = pipeline.aws.bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
    return str(answer["modelArn"])


def test_what_was_deleted_outside_is_named_and_counts_as_no_model_in_production(
    pipeline: Pipeline, inbox: Inbox, tunedrop: Tunedrop
) -> None:
    bedrock = pipeline.aws.bedrock
    before = tuned(pipeline, "lost", RECORDS, NOT_PINNED).document("promotion", Promotion)
    assert before is not None
    bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=before.model_id)

    second = tuned(pipeline, "lost", RECORDS, NOT_PINNED)

    evaluation, after = second.document("evaluation", Evaluation), second.document("promotion", Promotion)
    assert evaluation is not None
    assert evaluation.production_gone == before.model_id
    assert after is not None, evaluation.reason
    (message,) = inbox.messages(second.run.run_id)
    assert f"The model in production, {before.model_id}, is gone" in message.text

    bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=after.model_id)
    assert "GONE: it was deleted" in tunedrop("models").stdout
    tunedrop("throughput", "release", after.model_id, "--yes", code=1)
    tunedrop("throughput", "release", after.model_id, "--production", "--yes")
    aliases = Aliases(pipeline.aws.ssm, pipeline.aws.dynamodb, pipeline.stage)
    assert aliases.current("lost") == after.model_arn


def test_what_nothing_serves_in_production_is_served_again_and_compared_before_it_is_replaced(
    pipeline: Pipeline, tunedrop: Tunedrop
) -> None:
    first = tuned(pipeline, "unserved", RECORDS, NOT_PINNED)
    before = first.document("promotion", Promotion)
    assert before is not None
    tunedrop("throughput", "release", before.model_id, "--production", "--yes")

    run_id = submitted(pipeline, "unserved", RECORDS, NOT_PINNED)
    pipeline.asked(run_id)
    held = pipeline.registry.get(run_id)
    estimate = held.document("estimate", Estimate) if held is not None else None
    assert estimate is not None
    assert estimate.uncompared_with == first.run.run_id
    (reason,) = estimate.approval_reasons
    _, _, serve = reason.rpartition(": tunedrop ")
    tunedrop(*serve.split(), "--yes")

    evaluation = pipeline.approved(run_id).document("evaluation", Evaluation)
    assert evaluation is not None
    assert evaluation.champion is not None
