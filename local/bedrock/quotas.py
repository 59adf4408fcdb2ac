"""Service Quotas of the embedded AWS: what its Bedrock really enforces, under AWS's codes.

Quotas that this Bedrock does not know are not listed, as AWS lists none that a Region does not have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from local.bedrock.world import Quotas
from local.ministack import Response

_TARGET = "ServiceQuotasV20190624."


class ServiceQuotas:
    """Answers ListServiceQuotas and ListAWSDefaultServiceQuotas for Bedrock."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    async def handle_request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Response:
        del method, path, query_params
        operation = str(headers.get("x-amz-target", "")).removeprefix(_TARGET)
        asked = json.loads(body or b"{}")
        if operation in ("ListServiceQuotas", "ListAWSDefaultServiceQuotas"):
            quotas = list(self._listed()) if asked.get("ServiceCode") == "bedrock" else []
            return _answer(200, {"Quotas": quotas})
        return _answer(
            400, {"__type": "InvalidParameterValueException", "Message": f"{operation} is not here"}
        )

    def reset(self) -> None:
        """Quotas are part of the account: nothing to forget."""

    def _listed(self) -> Iterator[dict[str, Any]]:
        for code, name, value, adjustable in (
            (
                "L-0406044C",
                "(Model customization) Scheduled customization jobs",
                self._quotas.customization_jobs,
                False,
            ),
            (
                "L-1EF80F3E",
                "(Model customization) Total custom model deployments",
                self._quotas.deployments,
                True,
            ),
            (
                "L-BE77399C",
                "Model units no-commitment Provisioned Throughputs across custom models",
                self._quotas.model_units,
                True,
            ),
            (
                "L-3632DE15",
                "Model units per provisioned model for Meta Llama 3.1 8B Instruct",
                self._quotas.model_units,
                True,
            ),
        ):
            yield {
                "ServiceCode": "bedrock",
                "QuotaCode": code,
                "QuotaName": name,
                "Value": float(value),
                "Adjustable": adjustable,
            }


def _answer(status: int, document: Mapping[str, Any]) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()
