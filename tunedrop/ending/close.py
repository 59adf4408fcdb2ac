"""Closing a run: the report, the registry's last word, one notification, one event."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tunedrop import aws, catalog, clock, naming
from tunedrop.aws import Aws
from tunedrop.contracts import Ending, Notice
from tunedrop.cost.actual import actual
from tunedrop.ending.outcome import for_people, outcome_of
from tunedrop.errors import TransientError
from tunedrop.registry import Registry
from tunedrop.reporting import chat, notification, summary
from tunedrop.stage import Stage

EVENT_SOURCE = "tunedrop"
EVENT_DETAIL_TYPE = "Tunedrop Run Ended"


def close(aws_: Aws, stage: Stage, registry: Registry, ending: Ending, report: str) -> Notice:
    """Tell once how a run has ended, and close it: a closed run is one that its owner has heard of.

    Parameters
    ----------
    report
        The HTML report; empty when it could not be made.
    """
    ending = for_people(ending)
    run, outcome = ending.run, outcome_of(ending)
    report_uri = _write(aws_, stage, ending, report)
    _emit(aws_, stage, registry, ending, report_uri)
    sent = _publish(aws_, stage, registry, ending)
    registry.end(run.run_id, outcome, ending.failure)
    return Notice(
        run_id=run.run_id,
        outcome=outcome,
        subject=notification.subject(ending),
        sent=sent,
        report_uri=report_uri,
    )


def with_cost(registry: Registry, ending: Ending) -> Ending:
    """The same with what the run has cost, which the registry keeps beside the estimate."""
    base_model = catalog.find(ending.run.base_model) if ending.run.base_model else None
    cost = actual(ending, base_model, clock.now())
    registry.save(ending.run.run_id, cost=cost)
    registry.note_cost(ending.run.run_id, actual_usd=cost.likely)
    return msgspec.structs.replace(ending, cost=cost)


def read_json(s3: Any, stage: Stage, key: str) -> Any:
    """A JSON document of the artifacts bucket, or None when the run has not come to it."""
    text = read_text(s3, stage, key)
    return msgspec.json.decode(text) if text else None


def read_text(s3: Any, stage: Stage, key: str) -> str:
    """A text of the artifacts bucket; empty when it is not there."""
    try:
        body: bytes = s3.get_object(Bucket=stage.artifacts_bucket, Key=key)["Body"].read()
    except ClientError as error:
        if aws.is_missing(error):
            return ""
        raise
    return body.decode()


def metrics_files(s3: Any, stage: Stage, ending: Ending) -> Iterator[tuple[str, str]]:
    """Bedrock's metrics files of the job that has given the run its model, as (key, text)."""
    job = ending.job
    prefix = naming.key_of(job.output_uri) if job is not None else naming.training_prefix(ending.run.run_id)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=stage.artifacts_bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if item["Key"].endswith(".csv"):
                yield item["Key"], read_text(s3, stage, item["Key"])


def _write(aws_: Aws, stage: Stage, ending: Ending, report: str) -> str:
    run_id = ending.run.run_id
    files = [(naming.summary_key(run_id), summary.markdown(ending), "text/markdown")]
    if report:
        files.append((naming.report_key(run_id), report, "text/html"))
    for key, text, kind in files:
        aws_.s3.put_object(
            Bucket=stage.artifacts_bucket, Key=key, Body=text.encode(), ContentType=f"{kind}; charset=utf-8"
        )
    return naming.uri(stage.artifacts_bucket, naming.report_key(run_id)) if report else ""


def _publish(aws_: Aws, stage: Stage, registry: Registry, ending: Ending) -> bool:
    """Publish the notification, unless it was published before.

    A Publish without an answer may have been heard, and SNS cannot be asked. Such a try is neither repeated
    nor forgotten: the next one waits for the receipt that record_notice writes.

    Raises
    ------
    TransientError
        When it is not known yet whether an earlier try was heard.
    """
    run = ending.run
    match registry.begin_notice(run.run_id, run.attempt):
        case "told":
            return False
        case "unsure":
            raise TransientError("it is not known yet whether an earlier notification was heard")
    try:
        aws_.sns.publish(
            TopicArn=stage.topic_arn,
            Subject=notification.subject(ending),
            Message=notification.text(ending),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in notification.attributes(ending).items()
            },
        )
    except ClientError as error:
        if aws.is_refused(error):
            registry.give_back_notice(run.run_id)
        raise
    registry.confirm_notice(run.run_id, run.attempt)
    _chat(aws_, stage, ending)
    return True


def _chat(aws_: Aws, stage: Stage, ending: Ending) -> None:
    """Tell the chat channel too; that it could not be told does not keep a run from closing."""
    if not stage.chat_topic_arn:
        return
    body = msgspec.json.encode(chat.message(ending, stage.name)).decode()
    try:
        aws_.sns.publish(TopicArn=stage.chat_topic_arn, Message=body)
    except (ClientError, BotoCoreError):
        logging.getLogger(__name__).exception("the chat channel could not be told")


def _emit(aws_: Aws, stage: Stage, registry: Registry, ending: Ending, report_uri: str) -> None:
    """Put the outcome on the event bus; at least once, as EventBridge itself delivers."""
    run = ending.run
    record = registry.get(run.run_id)
    if record is not None and record.emitted_attempt == run.attempt:
        return
    detail = notification.as_json(ending) | {"stage": stage.name, "report": report_uri}
    aws_.events.put_events(
        Entries=[
            {
                "Source": EVENT_SOURCE,
                "DetailType": EVENT_DETAIL_TYPE,
                "Detail": msgspec.json.encode(detail).decode(),
            }
        ]
    )
    registry.mark_emitted(run.run_id, run.attempt)
