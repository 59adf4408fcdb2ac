"""export_run: sends a run to the stage's MLflow server, on the event of its end."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.services import Services, logger, services, tracer
from lambdas.step import named_errors
from tunedrop.results import mlflow


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, str]:
    here = services()
    with named_errors():
        server = mlflow.Server(here.stage.mlflow_tracking_uri, _authorization(here))
        address = mlflow.export(here.aws, here.stage, here.registry, event["detail"]["run_id"], server)
    logger.info("exported", extra={"address": address})
    return {"address": address}


def _authorization(here: Services) -> str:
    """The header in the stage's SecureString parameter, such as `Bearer …`; not cached, because it may
    change."""
    name = here.stage.mlflow_header_parameter
    if not name:
        return ""
    answer = here.aws.ssm.get_parameter(Name=name, WithDecryption=True)
    return str(answer["Parameter"]["Value"]).strip()
