"""Links that open a run's files in a browser, according to the stage's setting `report_links`.

`console` opens the S3 console, which requires a sign-in; its address is the one that the console's share
button gives (read 2026-11-25), not a documented one. `presigned` opens the file itself for a limited time; it
expires earlier if the credentials of the Lambda function do (S3 user guide, ShareObjectPreSignedURL). An
address is that of a server for the bucket with its own sign-in, such as CloudFront.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, quote_plus

from tunedrop.stage import Stage


def to(s3: Any, stage: Stage, key: str) -> str:
    """A link to a file of the artifacts bucket, for a message."""
    if stage.report_links == "presigned":
        place = {"Bucket": stage.artifacts_bucket, "Key": key}
        seconds = 3600 * stage.report_link_hours
        return str(s3.generate_presigned_url("get_object", Params=place, ExpiresIn=seconds))
    return lasting(stage, key)


def lasting(stage: Stage, key: str) -> str:
    """A link that does not expire."""
    if stage.report_links.startswith("https://"):
        return f"{stage.report_links.rstrip('/')}/{quote(key)}"
    return console(stage, key)


def console(stage: Stage, key: str) -> str:
    """The file of the artifacts bucket in the S3 console."""
    return object_in_console(stage, stage.artifacts_bucket, key)


def object_in_console(stage: Stage, bucket: str, key: str, version_id: str = "") -> str:
    """An object of any bucket in the S3 console; invalid Unicode in its key is replaced."""
    version = f"&versionId={_quoted(version_id)}" if version_id else ""
    return (
        f"https://{stage.region}.console.aws.amazon.com/s3/object/{_quoted(bucket)}"
        f"?region={stage.region}&prefix={_quoted(key)}{version}"
    )


def folder_in_console(stage: Stage, prefix: str) -> str:
    """A folder of the artifacts bucket in the S3 console."""
    return (
        f"https://{stage.region}.console.aws.amazon.com/s3/buckets/{stage.artifacts_bucket}"
        f"?region={stage.region}&prefix={_quoted(prefix)}"
    )


def _quoted(text: str) -> str:
    return quote_plus(text, errors="replace")
