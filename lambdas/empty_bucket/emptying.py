"""Empties a bucket: deletes all versions and delete markers, and prevents new objects meanwhile."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import naming
from tunedrop.aws import code_of, is_missing


def empty(s3: Any, bucket: str) -> int:
    """Delete everything in a bucket; returns the number of deleted versions. A missing bucket is empty.

    A bucket without the tag of those that go with their stack stays as it is: its stage was changed to keep
    its data.

    Raises
    ------
    RuntimeError
        If S3 did not delete some of them; the message names the first.
    """
    try:
        if not _goes_with_its_stack(s3, bucket):
            return 0
        _refuse_new_objects(s3, bucket)
        return _delete_versions(s3, bucket)
    except ClientError as error:
        if code_of(error) == "NoSuchBucket" or is_missing(error):
            return 0
        raise


def _goes_with_its_stack(s3: Any, bucket: str) -> bool:
    try:
        tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if code_of(error) == "NoSuchTagSet":
            return False
        raise
    return any(one["Key"] == naming.REMOVAL_TAG for one in tags)


def _refuse_new_objects(s3: Any, bucket: str) -> None:
    """Access logs still arrive hours after the requests that they record (S3 user guide, ServerLogs)."""
    closed = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "NothingNewWhileItIsDeleted",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
        ],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(closed))


def _delete_versions(s3: Any, bucket: str) -> int:
    deleted = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        if not objects:
            continue
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        if failed := answer.get("Errors"):
            first = failed[0]
            raise RuntimeError(
                f"{len(failed)} objects of {bucket} could not be deleted, the first {first.get('Key')}: "
                f"{first.get('Message') or first.get('Code')}"
            )
        deleted += len(objects)
    return deleted
