"""record_notice: subscribes to the topic and records each published result.

SNS cannot be queried for what it has sent. A publisher without a response finds here whether its message was
delivered.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.services import logger, services, tracer
from lambdas.step import named_errors


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _: LambdaContext) -> None:
    for record in event["Records"]:
        attributes = {name: one["Value"] for name, one in record["Sns"]["MessageAttributes"].items()}
        with named_errors():
            services().registry.notices.confirm(attributes["run_id"], int(attributes["attempt"]))
