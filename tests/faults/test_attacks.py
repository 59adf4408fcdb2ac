"""A stage under attack: unreadable objects, hostile keys, places that start nothing, a full quota."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import arro3.core
import arro3.io
import pytest

from local.driver import Inbox, Message, Pipeline, until
from local.embedded import Embedded
from tests.datasets import jsonl, single_turn
from tunedrop import escaping, intake, naming
from tunedrop.contracts import CompletedJob
from tunedrop.registry import Record

SECONDS = 400.0
OWN_KEY = {
    "SSECustomerAlgorithm": "AES256",
    "SSECustomerKey": base64.b64encode(b"k" * 32).decode(),
    "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(b"k" * 32).digest()).decode(),
}


@pytest.fixture(scope="module")
def healthy(pipeline: Pipeline) -> Record:
    """A run among the broken ones, and a model for the tests that need one."""
    for number, unreadable in enumerate((ssec, deleted)):
        unreadable(pipeline, f"drop/broken-{number}.jsonl")
    for key in ("runs/forgot/train.jsonl", "runs/nobody-0123456789/approve/1-0a", "elsewhere/a.jsonl"):
        pipeline.put(key, b"{}")
    return pipeline.finished(pipeline.drop("healthy", jsonl(single_turn("healthy"))), SECONDS)


def ssec(pipeline: Pipeline, key: str) -> None:
    """Encrypted by a key that only its uploader has."""
    pipeline.aws.s3.put_object(Bucket=pipeline.stage.intake_bucket, Key=key, Body=b"{}", **OWN_KEY)


def deleted(pipeline: Pipeline, key: str) -> None:
    """The version that was uploaded goes before anybody has read it."""
    version = pipeline.put(key, b"{}")
    pipeline.aws.s3.delete_object(Bucket=pipeline.stage.intake_bucket, Key=key, VersionId=version)


def test_what_cannot_be_read_ends_in_a_run_and_delays_no_other(
    embedded: Embedded, pipeline: Pipeline, healthy: Record, inbox: Inbox
) -> None:
    assert healthy.status == "promoted", healthy.failure
    for number in range(2):
        record = pipeline.finished(f"broken-{number}", SECONDS)
        assert record.status in ("refused", "failed"), record
        assert record.failure is not None


def test_an_upload_that_starts_nothing_is_reported_in_a_message(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    pipeline.put("runs/nothing/train.jsonl", b"{}")

    def told() -> Message | None:
        return next((one for one in inbox.all() if "runs/nothing/" in one.text), None)

    message = pipeline.after_sweeps(told, "a message about what starts nothing", SECONDS)
    assert message.attributes["event"] == "upload-starts-nothing"
    assert "run.yaml" in message.text


def test_a_run_queues_for_a_deployment_until_another_one_goes(
    embedded: Embedded, pipeline: Pipeline, healthy: Record
) -> None:
    bedrock, job = pipeline.aws.bedrock, healthy.document("job", CompletedJob)
    assert job is not None
    other = bedrock.create_custom_model_deployment(
        modelDeploymentName="somebody-elses", modelArn=job.model_arn, tags=naming.tags("another", "theirs"),
    )["customModelDeploymentArn"]  # fmt: skip
    until(lambda: _is_active(bedrock, other), "an active deployment", SECONDS)
    there = len(bedrock.list_custom_model_deployments()["modelDeploymentSummaries"])
    embedded.faults.set(quotas={"deployments": there})

    run_id = pipeline.run_named(pipeline.drop("queued", jsonl(single_turn("queued"))), SECONDS).run.run_id
    until(lambda: pipeline.waits.get(run_id, "deployment"), "a run that queues", SECONDS)
    bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=other)

    record = pipeline.closed(run_id, SECONDS)
    assert record.status == "promoted", record.failure


def _is_active(bedrock: Any, arn: str) -> bool | None:
    found = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=arn)
    return found["status"] == "Active" or None


HOSTILE = (
    "{% $states.context.Execution.Id %}",
    "$$.Task.Token,$(id)`id`",
    "<img src=x onerror=alert(1)>&amp;",
    "=HYPERLINK(1)\t\u202egnp.exe",
    "漢字 Größe 🎉 e\u0301",
    "é" * 480,
    "constructor.__proto__",
    " ",
)
"""Names that mean something to what may read them: JSONata, shells, HTML, spreadsheets, terminals, mail."""


def test_a_dataset_under_any_name_is_trained_promoted_and_reported(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    name = HOSTILE[0]
    version = pipeline.put(f"drop/{name}.jsonl", jsonl(single_turn("hostile")))
    record = pipeline.closed(pipeline.run_of(name, version, SECONDS).run.run_id, SECONDS)

    assert record.status == "promoted", record.failure
    (message,) = [one for one in inbox.messages(record.run.run_id) if one.attributes["event"] == "run-ended"]
    assert message.attributes["name"] == name
    assert pipeline.aws.ssm.get_parameter(Name=alias_of(pipeline, name))["Parameter"]["Value"]


def alias_of(pipeline: Pipeline, name: str) -> str:
    return f"{pipeline.stage.alias_prefix}/{naming.alias(name)}"


def test_whatever_the_key_an_upload_ends_in_one_run_and_one_message_on_lines_of_ours(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    keys = [key for name in HOSTILE for key in (f"drop/{name}.jsonl", f"runs/{name}/run.yaml")]
    uploads = {key: pipeline.put(key, b"\xff: [") for key in keys}

    for key, version in uploads.items():
        name = intake.read_key(key, ()).name
        record = pipeline.closed(pipeline.run_of(name, version, SECONDS).run.run_id, SECONDS)
        assert record.status == "refused", (key, record)
        (message,) = inbox.messages(record.run.run_id)
        assert escaping.lines(message.text) == message.text
        assert message.subject.isprintable()
        assert len(message.subject) <= 100
        runs = [one.run for one in pipeline.registry.named(name) if one.run.source.version_id == version]
        assert [one.run_id for one in runs] == [record.run.run_id]


def test_an_upload_that_is_overwritten_and_deleted_at_once_is_one_run_a_version(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    versions = [pipeline.put("drop/raced.jsonl", b"{}\n" * number) for number in range(1, 5)]
    for version in versions[::2]:
        pipeline.aws.s3.delete_object(
            Bucket=pipeline.stage.intake_bucket, Key="drop/raced.jsonl", VersionId=version
        )

    for version in versions:
        run_id = pipeline.run_of("raced", version, SECONDS).run.run_id
        assert pipeline.closed(run_id, SECONDS).status in ("refused", "failed")
        assert len(inbox.messages(run_id)) == 1


def test_a_parquet_file_is_read_by_a_process_of_the_function(embedded: Embedded, pipeline: Pipeline) -> None:
    """Whose memory is limited (`tests/unit/dataset/test_parquet_bombs.py`)."""
    turns = [[one["content"][0]["text"] for one in row["messages"]] for row in single_turn("columnar")]
    texts = zip(("prompt", "completion"), zip(*turns, strict=True), strict=True)
    columns = {name: arro3.core.Array(list(given), arro3.core.DataType.utf8()) for name, given in texts}
    arro3.io.write_parquet(arro3.core.Table.from_pydict(columns), file := io.BytesIO())
    version = pipeline.put("drop/columnar.parquet", file.getvalue())

    record = pipeline.closed(pipeline.run_of("columnar", version, SECONDS).run.run_id, SECONDS)

    assert record.status == "promoted", record.failure


def test_an_approval_that_names_another_run_or_comes_before_its_question_approves_nothing(
    embedded: Embedded, pipeline: Pipeline, inbox: Inbox
) -> None:
    """And whoever put it is told, with the key that would have approved."""

    manifest = b"data: {train: train.jsonl}\nbudget_usd: 0.01\n"
    asked = {}
    for name in ("mine", "theirs"):
        pipeline.put(f"runs/{name}/train.jsonl", jsonl(single_turn(name)))
        version = pipeline.put(f"runs/{name}/run.yaml", manifest)
        run_id = pipeline.run_of(name, version, SECONDS).run.run_id
        for code in ("1-", "1-0000000000", "*", "1", "approve"):
            pipeline.put(intake.signal_key(run_id, "approve", code), b"yes")
        asked[run_id] = pipeline.asked(run_id).subject
    (mine, my_subject), (theirs, their_subject) = asked.items()
    for subject in (
        my_subject.replace(mine, theirs), their_subject.replace(theirs, mine), my_subject + "/",
        my_subject.upper(), my_subject + "0", my_subject[:-1],
    ):  # fmt: skip
        pipeline.put(subject, b"yes")
    pipeline.put(my_subject, b"no")

    assert pipeline.closed(mine, SECONDS).status == "promoted"
    assert pipeline.waits.get(theirs, "approval")

    def told() -> Message | None:
        right = f"approves nothing; the run waits for {their_subject}\n"
        return next((one for one in inbox.all() if right in one.text), None)

    assert pipeline.after_sweeps(told, "a message about wrong approvals", SECONDS)
    pipeline.stop(theirs)
    assert pipeline.closed(theirs, SECONDS).status == "stopped"
