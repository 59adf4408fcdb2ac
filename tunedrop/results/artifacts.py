"""Reads and writes the files of a run in the artifacts bucket."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws, naming
from tunedrop.aws import Aws
from tunedrop.stage import Stage


def read_text(s3: Any, stage: Stage, key: str) -> str:
    """A text file of the artifacts bucket; empty if it does not exist."""
    try:
        body: bytes = s3.get_object(Bucket=stage.artifacts_bucket, Key=key)["Body"].read()
    except ClientError as error:
        if aws.is_missing(error):
            return ""
        raise
    return body.decode()


def write_text(aws_: Aws, stage: Stage, key: str, text: str, kind: str) -> str:
    """Write a text file with a media type such as `text/html`; returns its URI."""
    aws_.s3.put_object(
        Bucket=stage.artifacts_bucket,
        Key=key,
        # JSON can contain lone surrogates, which UTF-8 cannot encode.
        Body=text.encode(errors="replace"),
        ContentType=f"{kind}; charset=utf-8",
    )
    return naming.uri(stage.artifacts_bucket, key)
