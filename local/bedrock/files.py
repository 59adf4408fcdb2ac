"""Reads and writes the S3 objects of a customization job, with its role."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from local.bedrock.learner import Step
from tunedrop.catalog.model import BaseModel
from tunedrop.naming import place_of


class JobFailed(Exception):
    """A job's failureMessage, in Bedrock's words."""


def probe_output(s3: Any, job: dict[str, Any]) -> None:
    bucket, prefix = place_of(job["outputDataConfig"]["s3Uri"])
    key = f"{prefix.rstrip('/')}/.write_access_check_file.tmp"
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    except ClientError as error:
        raise JobFailed(
            f"Could not validate PutObject permissions to access Amazon S3 bucket: {bucket} at key {key}. "
            f"({error.response['Error']['Code']})"
        ) from error


def read_records(s3: Any, uri: str, base: BaseModel) -> list[dict[str, Any]]:
    bucket, key = place_of(uri)
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise JobFailed(
            f"Could not validate GetObject permissions to access Amazon S3 bucket: {bucket} at key {key}. "
            f"({error.response['Error']['Code']})"
        ) from error
    records = []
    for line in body.splitlines():  # of bytes: in a string, U+2028 would end a line too
        try:
            record = json.loads(line)
        except ValueError as error:
            raise JobFailed(f"Unable to parse Amazon S3 file {key}. It must conform to JSONL.") from error
        records.append(record)
    formats = {rules.format for rules in base.methods.values()}
    wanted = {
        "converse": "messages",
        "openai-chat": "messages",
        "prompt-completion": "completion",
        "text": "input",
    }
    keys = {wanted[name] for name in formats if name in wanted}
    if not records or not all(isinstance(one, dict) and keys & set(one) for one in records):
        raise JobFailed(
            f"Input data at {uri} must follow the format of {base.id}: {' or '.join(sorted(keys))}."
        )
    _look_at_media(s3, uri, records)
    return records


def _look_at_media(s3: Any, uri: str, records: Sequence[dict[str, Any]]) -> None:
    """Nova's guide: images and videos lie in the dataset's bucket, where the role can read them."""
    found = {
        block[kind]["source"]["s3Location"]["uri"]
        for record in records
        for message in record.get("messages", ())
        for block in message["content"]
        for kind in ("image", "video", "document")
        if kind in block
    }
    strangers = [one for one in found if place_of(one)[0] != place_of(uri)[0]]
    if strangers:
        raise JobFailed(f"{strangers[0]} is not in the bucket of the dataset, {uri}.")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: _look_at(s3, one), sorted(found)))


def _look_at(s3: Any, uri: str) -> None:
    bucket, key = place_of(uri)
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise JobFailed(
            f"Could not validate GetObject permissions to access Amazon S3 bucket: {bucket} at key {key}. "
            f"({error.response['Error']['Code']})"
        ) from error


def write_input_status(s3: Any, job: dict[str, Any], counts: Mapping[str, int]) -> None:
    """Bedrock's file about the records that it accepted; the path is from a public report."""
    bucket, prefix = place_of(job["outputDataConfig"]["s3Uri"])
    root = f"{prefix.rstrip('/')}/model-customization-job-{job['jobArn'].rpartition('/')[2]}"
    header = (
        "fileName", "totalProcessedRecordCount", "acceptedRecordCount", "partiallyAcceptedRecordCount",
        "rejectedRecordCount",
    )  # fmt: skip
    rows = [(name, count, count, 0, 0) for name, count in counts.items()]
    key = f"{root}/input_status/training/manifest.report.csv"
    s3.put_object(Bucket=bucket, Key=key, Body=_csv(header, rows))


def write_metrics(s3: Any, job: dict[str, Any], steps: Sequence[Step], losses: Sequence[float]) -> None:
    bucket, prefix = place_of(job["outputDataConfig"]["s3Uri"])
    root = f"{prefix.rstrip('/')}/model-customization-job-{job['jobArn'].rpartition('/')[2]}"
    rows = [(one.number, one.epoch, f"{one.loss:.6f}", f"{math.exp(min(one.loss, 50)):.6f}") for one in steps]
    training = _csv(("step_number", "epoch_number", "training_loss", "perplexity"), rows)
    s3.put_object(
        Bucket=bucket, Key=f"{root}/training_artifacts/step_wise_training_metrics.csv", Body=training
    )
    if losses:
        last = {step.epoch: step.number for step in steps}
        rows = [
            (last.get(epoch, epoch), epoch, f"{loss:.6f}", f"{math.exp(min(loss, 50)):.6f}")
            for epoch, loss in enumerate(losses)
        ]
        validation = _csv(("step_number", "epoch_number", "validation_loss", "perplexity"), rows)
        key = f"{root}/validation_artifacts/post_fine_tuning_validation/validation_metrics.csv"
        s3.put_object(Bucket=bucket, Key=key, Body=validation)


def _csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()
