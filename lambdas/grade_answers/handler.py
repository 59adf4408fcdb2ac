"""grade_answers: the built-in grader; Bedrock calls it during reinforcement fine-tuning."""

from __future__ import annotations

from typing import Any

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.services import logger, tracer
from tunedrop.evaluation.reinforcement.grading import grade


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: list[dict[str, Any]], _: LambdaContext) -> list[dict[str, Any]]:
    grades = grade(event)
    logger.info("graded", extra={"answers": len(grades)})
    return [msgspec.to_builtins(one) for one in grades]
