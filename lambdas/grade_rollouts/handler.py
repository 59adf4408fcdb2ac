"""grade_rollouts: the reward function of training jobs that cannot call a run's grader directly."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.services import logger, services, tracer
from tunedrop.evaluation.reinforcement import rollouts

MARGIN_SECONDS = 30.0
"""The time reserved for the response."""


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: list[dict[str, Any]], context: LambdaContext) -> dict[str, Any]:
    seconds = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    answer = rollouts.graded(services().aws.grader, services().stage, event, seconds)
    if answer["statusCode"] != rollouts.GRADED:
        logger.error("not graded", extra={"answer": answer["body"]})
    return answer
