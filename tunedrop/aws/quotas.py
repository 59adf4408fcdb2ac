"""Bedrock's service quotas in this account and Region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tunedrop.aws import Aws


class Quota(msgspec.Struct, frozen=True):
    """One quota of this account in this Region."""

    code: str
    name: str
    value: float
    adjustable: bool = False

    @property
    def amount(self) -> str:
        """Its value with thousands separators: `144,000,000`."""
        return f"{self.value:,.10g}"


MOST_A_PAGE = 100
"""The maximum of `MaxResults` (botocore's service model of service-quotas)."""

Quotas = Mapping[str, Quota]
"""The quotas by code; one that Service Quotas does not list is missing."""


class Shortage(msgspec.Struct, frozen=True):
    """A quota that is too small for a run.

    `used` is the amount in use, `needed` the total with this run; `note` is added to the message. `cure` is
    the remedy; if empty, it is to delete something.
    """

    quota: Quota
    used: int
    needed: int
    note: str = ""
    cure: str = ""


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """The use of a quota: what it counts, the amount in use, and the total with one more run.

    Quotas of Bedrock need only their `code`; others also `quota` and the code of their `service`. `cure` is
    the remedy; if empty, it is to delete something.
    """

    code: str
    counts: str
    used: int
    needed: int
    quota: Quota | None = None
    service: str = "bedrock"
    cure: str = ""


def read(aws_: Aws) -> dict[str, Quota]:
    """The quotas by code: this account's own values, else the defaults.

    Raises
    ------
    ClientError
        If Service Quotas refuses the request.
    """
    found: dict[str, Quota] = {}
    for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
        listed = each(aws_.service_quotas, operation, "bedrock")
        found |= {one["QuotaCode"]: _quota(one) for one in listed}
    return found


def each(client: Any, operation: str, service: str) -> Iterator[dict[str, Any]]:
    """The quotas of a service from a list operation, in pages of maximum size: Bedrock has a thousand quotas,
    and a page has few by default.

    Raises
    ------
    ClientError
        If Service Quotas refuses the request.
    """
    pages = client.get_paginator(operation)
    for page in pages.paginate(ServiceCode=service, PaginationConfig={"PageSize": MOST_A_PAGE}):
        yield from page["Quotas"]


def request(code: str, value: int, region: str, service: str = "bedrock") -> str:
    """The command that requests an increase of a quota, by its code."""
    return (
        f"aws service-quotas request-service-quota-increase --service-code {service} "
        f"--quota-code {code} --desired-value {value} --region {region}"
    )


def _quota(answer: dict[str, Any]) -> Quota:
    return Quota(
        answer["QuotaCode"], answer["QuotaName"], float(answer["Value"]), bool(answer.get("Adjustable"))
    )
