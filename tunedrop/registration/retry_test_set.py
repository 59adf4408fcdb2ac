"""The current test set for the retry of an inconclusive run."""

from __future__ import annotations

from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tunedrop import aws, intake
from tunedrop.contracts import Run, S3Object


def as_it_is_now(s3: Any, run: Run) -> Run:
    """The run with the latest version of its test files or, if its test set was split off the training file,
    with the additional file in the run's folder. A file that no longer exists stays as it was.
    """
    if run.test is not None:
        first, *more = (_latest(s3, one) or one for one in run.test.objects)
        return msgspec.structs.replace(run, test=msgspec.structs.replace(first, more=tuple(more)))
    beside = _latest(s3, S3Object(bucket=run.source.bucket, key=intake.more_test_key(run.run_id)))
    return msgspec.structs.replace(run, more_test=beside or run.more_test)


def _latest(s3: Any, object_: S3Object) -> S3Object | None:
    try:
        head = s3.head_object(Bucket=object_.bucket, Key=object_.key)
    except ClientError as error:
        if aws.is_missing(error):
            return None
        raise
    return msgspec.structs.replace(object_, **aws.pin_of(head))
