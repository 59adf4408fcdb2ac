"""The Price List API of the embedded AWS: rows of AWS's list from public sources (`price-list.json`).

Their values are AWS's, each with its source; the form around them is that of GetProducts in botocore's
recorded example.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from local.ministack import Response

_TARGET = "AWSPriceListService.GetProducts"


class PriceListService:
    """Answers GetProducts in us-east-1, on one page."""

    async def handle_request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Response:
        del method, path, query_params
        asked = json.loads(body or b"{}")
        if headers.get("x-amz-target") != _TARGET:
            return _answer(400, {"__type": "InvalidParameterException", "Message": "not here"})
        wanted = {one["Field"]: one["Value"] for one in asked.get("Filters", [])}
        wanted["servicecode"] = asked.get("ServiceCode", "")
        found = [
            text
            for text in products(recorded())
            if wanted.items() <= json.loads(text)["product"]["attributes"].items()
        ]
        return _answer(200, {"FormatVersion": "aws_v1", "PriceList": found})

    def reset(self) -> None:
        """Prices are AWS's, and not part of the state."""


def recorded() -> list[dict[str, str]]:
    """The rows: usage type, US dollars, unit, who quoted them when, and the service, if it is not Bedrock."""
    text = (resources.files("local.bedrock") / "price-list.json").read_text("utf-8")
    rows: list[dict[str, str]] = json.loads(text)["rows"]
    return rows


def products(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Rows as GetProducts gives them, each a JSON text."""
    return [json.dumps(_product(f"SKU{number}", row)) for number, row in enumerate(rows)]


def _product(sku: str, row: Mapping[str, str]) -> dict[str, Any]:
    term, rate = f"{sku}.JRTCKXETXF", f"{sku}.JRTCKXETXF.6YS6EN2CT7"
    dimension = {"unit": row["unit"], "rateCode": rate, "pricePerUnit": {"USD": row["usd"]}}
    service = row.get("servicecode", "AmazonBedrock")
    attributes = {
        "servicecode": service,
        "regionCode": "us-east-1",
        "usagetype": row["usagetype"],
    }
    return {
        "product": {"productFamily": "Amazon Bedrock", "attributes": attributes, "sku": sku},
        "serviceCode": service,
        "terms": {"OnDemand": {term: {"sku": sku, "priceDimensions": {rate: dimension}}}},
    }


def _answer(status: int, document: Mapping[str, Any]) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()
