"""Closing a run: the report, the registry's last word, one notification, one event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import naming
from tunedrop.aws import Aws, is_missing
from tunedrop.contracts import Ending, Notice
from tunedrop.ending.outcome import for_people, outcome_of
from tunedrop.registry import Registry
from tunedrop.reporting import notification, summary
from tunedrop.stage import Stage

EVENT_SOURCE = "tunedrop"
EVENT_DETAIL_TYPE = "Tunedrop Run Ended"


def close(aws: Aws, stage: Stage, registry: Registry, ending: Ending, report: str) -> Notice:
    """Tell once how a run has ended, and close it: a closed run is one that its owner has heard of.

    Parameters
    ----------
    report
        The HTML report; empty when it could not be made.
    """
    ending = for_people(ending)
    run, outcome = ending.run, outcome_of(ending)
    report_uri = _write(aws, stage, ending, report)
    notice = Notice(
        run_id=run.run_id,
        outcome=outcome,
        subject=notification.subject(ending),
        sent=registry.claim_notification(run.run_id),
        report_uri=report_uri,
    )
    if notice.sent:
        try:
            _publish(aws, stage, ending)
            _emit(aws, stage, ending, notice)
        except Exception:
            registry.give_back_notification(run.run_id)
            raise
    registry.end(run.run_id, outcome, ending.failure)
    return notice


def read_json(s3: Any, stage: Stage, key: str) -> Any:
    """A JSON document of the artifacts bucket, or None when the run has not come to it."""
    text = read_text(s3, stage, key)
    return msgspec.json.decode(text) if text else None


def read_text(s3: Any, stage: Stage, key: str) -> str:
    """A text of the artifacts bucket; empty when it is not there."""
    try:
        body: bytes = s3.get_object(Bucket=stage.artifacts_bucket, Key=key)["Body"].read()
    except ClientError as error:
        if is_missing(error):
            return ""
        raise
    return body.decode()


def metrics_files(s3: Any, stage: Stage, ending: Ending) -> Iterator[tuple[str, str]]:
    """Bedrock's metrics files of the run's job, as (key, text)."""
    prefix = naming.training_prefix(ending.run.run_id)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=stage.artifacts_bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if item["Key"].endswith(".csv"):
                yield item["Key"], read_text(s3, stage, item["Key"])


def _write(aws: Aws, stage: Stage, ending: Ending, report: str) -> str:
    run_id = ending.run.run_id
    files = [(naming.summary_key(run_id), summary.markdown(ending), "text/markdown")]
    if report:
        files.append((naming.report_key(run_id), report, "text/html"))
    for key, text, kind in files:
        aws.s3.put_object(
            Bucket=stage.artifacts_bucket, Key=key, Body=text.encode(), ContentType=f"{kind}; charset=utf-8"
        )
    return naming.uri(stage.artifacts_bucket, naming.report_key(run_id)) if report else ""


def _publish(aws: Aws, stage: Stage, ending: Ending) -> None:
    aws.sns.publish(
        TopicArn=stage.topic_arn,
        Subject=notification.subject(ending),
        Message=notification.text(ending),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value}
            for name, value in notification.attributes(ending).items()
        },
    )


def _emit(aws: Aws, stage: Stage, ending: Ending, notice: Notice) -> None:
    detail = notification.as_json(ending) | {"stage": stage.name, "report": notice.report_uri}
    aws.events.put_events(
        Entries=[
            {
                "Source": EVENT_SOURCE,
                "DetailType": EVENT_DETAIL_TYPE,
                "Detail": msgspec.json.encode(detail).decode(),
            }
        ]
    )
