"""empty_bucket: empties a bucket before CloudFormation deletes it; a custom resource's function.

CloudFormation waits for a response PUT to the request's ResponseURL (CloudFormation guide,
crpg-ref-responses, read 2026-11-29).
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.empty_bucket.emptying import empty
from lambdas.services import logger, services, tracer


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _: LambdaContext) -> None:
    bucket, reason = event["ResourceProperties"]["BucketName"], ""
    if event["RequestType"] == "Delete":
        try:
            logger.info("emptied", extra={"bucket": bucket, "versions": empty(services().aws.s3, bucket)})
        except Exception as error:
            logger.exception("not emptied")
            reason = f"{bucket} could not be emptied: {error}"
    _answer(event, bucket, reason)


def _answer(event: dict[str, Any], bucket: str, reason: str) -> None:
    answer = {
        "Status": "FAILED" if reason else "SUCCESS",
        "Reason": reason[:1000],
        "PhysicalResourceId": f"emptied-{bucket}",
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")  # noqa: S310
    request.add_header("Content-Type", "")
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310
