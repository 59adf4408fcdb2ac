"""refresh_prices: reads Bedrock's prices from AWS's price list, once a day."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.services import logger, services, tracer
from lambdas.step import named_errors
from tunedrop.cost import prices


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, list[str]]:
    here = services()
    with named_errors():
        differences = prices.refresh(here.aws, here.stage, here.registry)
    if differences:
        logger.warning("prices differ from the catalog", extra={"differences": differences})
    return {"differences": differences}
