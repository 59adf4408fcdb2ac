"""grade_answers: the grader that comes with a stage; Bedrock calls it while it tunes by reinforcement."""

from __future__ import annotations

from typing import Any

import msgspec
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.services import logger, tracer
from tunedrop.evaluation.grading import grade


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: list[dict[str, Any]], _: LambdaContext) -> list[dict[str, Any]]:
    grades = grade(event)
    logger.info("graded", extra={"answers": len(grades)})
    return [msgspec.to_builtins(one) for one in grades]
