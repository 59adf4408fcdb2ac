"""Predictions in the artifacts bucket, one per line, so that no prompt is processed twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws
from tunedrop.evaluation.inference.evaluate import Prediction


def decode(text: bytes) -> list[Prediction]:
    """Predictions as the lines of predictions.jsonl."""
    return [msgspec.json.decode(line, type=Prediction) for line in text.splitlines() if line]


def read(s3: Any, bucket: str, key: str) -> list[Prediction]:
    """The predictions in an object; empty if it does not exist."""
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if aws.is_missing(error):
            return []
        raise
    return decode(answer["Body"].read())


def write(s3: Any, bucket: str, key: str, predictions: Sequence[Prediction]) -> None:
    """Replace the predictions in an object."""
    body = b"".join(msgspec.json.encode(one) + b"\n" for one in predictions)
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/jsonl")
