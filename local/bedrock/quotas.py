"""Service Quotas of the embedded AWS: the quotas that its Bedrock enforces, under AWS's codes.

Quotas that this Bedrock does not enforce are not listed, as AWS lists only those of the Region.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from local.bedrock.world import World
from local.ministack import Response

_TARGET = "ServiceQuotasV20190624."


LISTED = (
    ("L-0406044C", "customization_jobs", "(Model customization) Scheduled customization jobs", False),
    ("L-CB5B847D", "custom_models", "(Model customization) Custom models per account", True),
    ("L-1EF80F3E", "deployments", "(Model customization) Total number of custom model deployments", True),
    (
        "L-BE77399C",
        "model_units",
        "Model units no-commitment Provisioned Throughputs across custom models",
        True,
    ),
    ("L-45B04988", "imported_models", "Imported models per account", True),
    ("L-5F098EFA", "import_jobs", "Concurrent model import jobs", False),
    ("L-3632DE15", "model_units", "Model units per provisioned model for Meta Llama 3.1 8B Instruct", True),
)
"""Code, what it counts, name, and whether it can be raised (AWS General Reference, Bedrock quotas)."""

OF_TRAINING = (("L-ED7BD217", "training_instances", "ml.g5.24xlarge for training job usage", True),)
"""Of SageMaker's some two thousand, the one that runs meet (AWS General Reference, SageMaker AI quotas)."""


class ServiceQuotas:
    """Answers ListServiceQuotas and ListAWSDefaultServiceQuotas for Bedrock and SageMaker's instances."""

    def __init__(self, world: World) -> None:
        self._quota = world.quota

    async def handle_request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Response:
        del method, path, query_params
        operation = str(headers.get("x-amz-target", "")).removeprefix(_TARGET)
        asked = json.loads(body or b"{}")
        if operation in ("ListServiceQuotas", "ListAWSDefaultServiceQuotas"):
            quotas = list(self._listed(asked.get("ServiceCode", "")))
            return _answer(200, {"Quotas": quotas})
        return _answer(
            400, {"__type": "InvalidParameterValueException", "Message": f"{operation} is not here"}
        )

    def reset(self) -> None:
        """Quotas belong to the account, and are not part of the state."""

    def _listed(self, service: str) -> Iterator[dict[str, Any]]:
        for code, quota, name, adjustable in {"bedrock": LISTED, "sagemaker": OF_TRAINING}.get(service, ()):
            yield {
                "ServiceCode": service,
                "QuotaCode": code,
                "QuotaName": name,
                "Value": float(self._quota(quota)),
                "Adjustable": adjustable,
            }


def _answer(status: int, document: Mapping[str, Any]) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()
