"""Prices from AWS's Price List API, read on a schedule and stored by the stage.

The catalog's dated prices are the fallback; if they differ, the topic is notified once per difference. AWS
keeps SKUs of retired models, so a price does not mean that a model can be tuned.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Iterable, Iterator
from typing import Any, get_args

import msgspec

from tunedrop import catalog, clock
from tunedrop.aws import Aws
from tunedrop.aws.subjects import attributes, subject
from tunedrop.catalog.model import BaseModel, Prices
from tunedrop.catalog.price_list import (
    PROVISIONED,
    SERVICE,
    SERVICE_OF_INSTANCES,
    Item,
    instance_hours,
    usage_type,
)
from tunedrop.catalog.source import Price
from tunedrop.contracts import Commitment
from tunedrop.cost.lines import PricesOf, of_catalog
from tunedrop.registry import Registry
from tunedrop.stage import Stage

_log = logging.getLogger(__name__)

SOURCE = "AWS Price List API"

DOCUMENT = "prices"
"""The name of the price list in the registry."""

PER_TOKEN: tuple[Item, ...] = ("training", "input", "output", "custom input", "custom output")
"""The catalog's prices per million tokens."""

TOKENS = {"1k tokens": 1_000, "1m tokens": 1_000_000}
"""The units of AWS's token prices: the first in most rows, the second in some (rows of the price list
recorded by a public project, 2026-07-27)."""

ALIKE = 0.001
"""Prices that differ by less than this share count as equal."""


class PriceList(msgspec.Struct, frozen=True, kw_only=True):
    """Prices in US dollars by usage type: per 1,000 tokens, per month, per hour or minute and unit."""

    region: str
    read_at: str
    usd: dict[str, float]


def refresh(aws: Aws, stage: Stage, registry: Registry) -> list[str]:
    """Read and store the price list, and notify the topic of differences from the catalog; returns them."""
    found = read(aws.pricing, stage.region)
    registry.keep(DOCUMENT, msgspec.json.encode(found).decode())
    differences = list(drift(found))
    which = hashlib.sha256("\n".join(differences).encode()).hexdigest()[:16]
    if differences and not registry.is_claimed("PRICES", which):
        _publish(aws.sns, stage, differences)
        registry.claim("PRICES", which)
    return differences


def usage_types(region: str) -> dict[str, Item]:
    """The usage types of the catalog's prices in a Region, and the price that each stands for."""
    return {
        usage_type(model, item, region): item for model in catalog.load().values() for item in get_args(Item)
    }


def read(client: Any, region: str) -> PriceList:
    """The prices of the catalog's base models in a Region, by GetProducts."""
    wanted = usage_types(region)
    hours = sorted({instance_hours(model, region) for model in catalog.load().values()} - {""})
    products = [*_products(client, SERVICE, regionCode=region)]
    for name in hours:
        products += _products(client, SERVICE_OF_INSTANCES, regionCode=region, usagetype=name)
    usd = {}
    for product in products:
        name, price, unit = _price(product)
        if name and name in wanted and price is not None:
            tokens = TOKENS.get(unit.lower(), 0) if wanted[name] in PER_TOKEN else 1_000
            if tokens:  # ignore unknown units, which may differ by a factor of a thousand
                usd[name] = price * 1_000 / tokens
    return PriceList(region=region, read_at=clock.now(), usd=usd)


def _products(client: Any, service: str, **attributes: str) -> Iterator[dict[str, Any]]:
    """The products of a service that have these attributes."""
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in attributes.items()]
    for page in client.get_paginator("get_products").paginate(ServiceCode=service, Filters=filters):
        yield from map(json.loads, page["PriceList"])


def _price(product: dict[str, Any]) -> tuple[str, float | None, str]:
    """A product's usage type, on-demand price and unit; None if it has several prices, or none."""
    name = str(product.get("product", {}).get("attributes", {}).get("usagetype", ""))
    found = {
        (float(dimension["pricePerUnit"]["USD"]), str(dimension.get("unit", "")))
        for term in product.get("terms", {}).get("OnDemand", {}).values()
        for dimension in term.get("priceDimensions", {}).values()
        if "USD" in dimension.get("pricePerUnit", {})
    }
    price, unit = found.pop() if len(found) == 1 else (0.0, "")
    # A price of zero would let a run pass every budget.
    return name, price if math.isfinite(price) and price > 0 else None, unit


def current(registry: Registry, stage: Stage, base_model: BaseModel) -> BaseModel:
    """The base model with prices from the stage's price list, if there are any; else the catalog's."""
    found = _stored(registry)
    if found is None:
        return base_model
    return msgspec.structs.replace(base_model, prices=with_prices(base_model, found, stage.region))


def lookup(registry: Registry, stage: Stage) -> PricesOf:
    """The prices of a judge or teacher by id, from the stage's price list if it has them."""
    found = _stored(registry)
    if found is None:
        return of_catalog

    def prices_of(model: str) -> Prices:
        try:
            return with_prices(catalog.find(model), found, stage.region)
        except LookupError:
            return Prices()

    return prices_of


def _stored(registry: Registry) -> PriceList | None:
    """The stage's price list; None if it has none, or none that can be read."""
    try:
        text = registry.kept(DOCUMENT)
        return msgspec.json.decode(text, type=PriceList) if text is not None else None
    except (msgspec.MsgspecError, KeyError):
        _log.exception("the stage's price list cannot be read: the catalog's prices count")
        return None


def with_prices(model: BaseModel, found: PriceList, region: str) -> Prices:
    """The catalog's prices, replaced by those of the price list if it has them."""
    prices, hourly = model.prices, dict(model.prices.provisioned_per_unit_hour)
    changed: dict[str, Price] = {}
    for item in get_args(Item):
        usd = found.usd.get(usage_type(model, item, region))
        if usd is None:
            continue
        price = Price(usd=_unit(item, usd), source=SOURCE, priced_on=found.read_at[:10])
        if item in _FIELDS:
            changed[_FIELDS[item]] = price
        else:
            hourly |= {term: price for term, one in PROVISIONED.items() if one == item}
    return msgspec.structs.replace(prices, provisioned_per_unit_hour=hourly, **changed)


def drift(found: PriceList) -> Iterator[str]:
    """A sentence for each price that differs from the catalog's or is missing there."""
    for model in catalog.tunable(region=found.region):
        new = with_prices(model, found, found.region)
        for what, before, after in _pairs(model.prices, new):
            if after is None or after.source != SOURCE:
                continue
            if before is None:
                yield f"{model.name}, {what}: {after.usd:g} USD; the catalog has none"
            elif abs(before.usd - after.usd) > ALIKE * max(before.usd, after.usd):
                known = f"the catalog has {before.usd:g} of {before.priced_on}"
                yield f"{model.name}, {what}: {after.usd:g} USD; {known}"


def _pairs(before: Prices, after: Prices) -> Iterable[tuple[str, Price | None, Price | None]]:
    for item, field in _FIELDS.items():
        yield item, getattr(before, field), getattr(after, field)
    for term in get_args(Commitment):
        hours = before.provisioned_per_unit_hour.get(term), after.provisioned_per_unit_hour.get(term)
        yield f"provisioned throughput, commitment {term}", *hours


_FIELDS: dict[Item, str] = {
    "training": "training_per_million_tokens",
    "training hours": "training_per_hour",
    "storage": "storage_per_month",
    "input": "input_per_million_tokens",
    "output": "output_per_million_tokens",
    "custom input": "custom_input_per_million_tokens",
    "custom output": "custom_output_per_million_tokens",
    "imported": "imported_per_unit_minute",
}


def _unit(item: Item, usd: float) -> float:
    """A price in the catalog's unit."""
    return round(usd * 1_000, 9) if item in PER_TOKEN else usd


def _publish(sns: Any, stage: Stage, differences: list[str]) -> None:
    sns.publish(
        TopicArn=stage.topic_arn,
        Subject=subject(f"Tunedrop: {len(differences)} prices differ from the catalog"),
        Message="AWS's price list has other prices than Tunedrop's catalog. Estimates of this stage use the "
        "price list; commands without a stage use the catalog until it is brought up to date.\n\n"
        + "\n".join(f"- {one}" for one in differences)
        + "\n",
        MessageAttributes=attributes({"event": "prices-changed", "stage": stage.name}),
    )
