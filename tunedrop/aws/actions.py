"""The IAM action that a refused call needs, to be requested from an administrator."""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

_NAMED = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)")
"""Most services name the action in the message (IAM user guide, troubleshoot_access-denied)."""

OTHER_NAMES = {
    "CompleteMultipartUpload": "s3:PutObject",
    "Converse": "bedrock:InvokeModel",
    "CopyObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "DeleteObjects": "s3:DeleteObjectVersion",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "Invoke": "lambda:InvokeFunction",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListObjectVersions": "s3:ListBucketVersions",
    "ListObjectsV2": "s3:ListBucket",
    "ListParts": "s3:ListMultipartUploadParts",
    "TransactWriteItems": "dynamodb:PutItem and dynamodb:UpdateItem",
    "UploadPart": "s3:PutObject",
    "UploadPartCopy": "s3:PutObject",
}
"""Operations whose action has another name (Service Authorization Reference). The response to a HEAD request
has no message."""


def action_of(error: ClientError) -> str:
    """The action that would have allowed a refused call, such as `s3:ListBucket` for a HeadBucket."""
    named = _NAMED.search(str(error.response.get("Error", {}).get("Message", "")))
    return named[1] if named else OTHER_NAMES.get(error.operation_name, error.operation_name)
