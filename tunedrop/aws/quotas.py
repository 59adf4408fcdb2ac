"""Bedrock's service quotas in this account and Region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tunedrop.aws import Aws


class Quota(msgspec.Struct, frozen=True):
    """One quota of this account in this Region."""

    code: str
    name: str
    value: float
    adjustable: bool = False


Quotas = Mapping[str, Quota]
"""The quotas by code; one that Service Quotas does not list is missing."""


class Shortage(msgspec.Struct, frozen=True):
    """A quota that leaves too little room: what is used, what is needed in all, and what else to say."""

    quota: Quota
    used: int
    needed: int
    note: str = ""


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What a quota counts, how many of that there are, and how many there are in all with one run more.

    `quota` and its `service`'s code if it is not one of Bedrock's, which are known by their code.
    """

    code: str
    counts: str
    used: int
    needed: int
    quota: Quota | None = None
    service: str = "bedrock"


def read(aws_: Aws) -> dict[str, Quota]:
    """The quotas by code: this account's own values, else the defaults.

    Raises
    ------
    ClientError
        When Service Quotas refuses to say.
    """
    client = aws_.service_quotas
    found: dict[str, Quota] = {}
    for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode="bedrock"):
            found |= {one["QuotaCode"]: _quota(one) for one in page["Quotas"]}
    return found


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
