"""record_notice: subscribes to the topic and records each published result.

SNS cannot be queried for what it has sent. A publisher without a response finds here whether its message was
delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.services import logger, services, tracer
from lambdas.step import named_errors
from tunedrop.stage import Stage


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _: LambdaContext) -> None:
    here = services()
    for record in event["Records"]:
        received = _result(record["Sns"], here.stage)
        with named_errors():
            if received is None or not here.registry.notices.confirm(*received):
                logger.warning("this is not a result that somebody is publishing now")


def _result(message: Mapping[str, Any], stage: Stage) -> tuple[str, int] | None:
    """The run and the attempt that a message is about; None if it is no result of this stage.

    Whoever may publish to the topic chooses the attributes.
    """
    said = {name: str(one.get("Value")) for name, one in message.get("MessageAttributes", {}).items()}
    run_id, attempt = said.get("run_id", ""), said.get("attempt", "")
    is_ours = (message.get("TopicArn"), said.get("stage")) == (stage.topic_arn, stage.name)
    is_attempt = attempt.isascii() and attempt.isdecimal() and len(attempt) < 10
    return (run_id, int(attempt)) if is_ours and run_id and is_attempt else None
