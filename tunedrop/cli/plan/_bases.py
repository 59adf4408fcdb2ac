"""`bases`: lists the base models that can be tuned, with limits, prices and the live lifecycle if AWS
answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text

from tunedrop import catalog
from tunedrop.aws import Aws, explain
from tunedrop.aws.foundation_models import announced, why_closed
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.price_list import Item, usage_type
from tunedrop.catalog.source import Price
from tunedrop.catalog.tunable import obstacle, unused
from tunedrop.cli.exits import NO, USAGE, YES
from tunedrop.cli.failures import Format, fail
from tunedrop.cli.output import console, errors, print_json, table
from tunedrop.contracts import Method
from tunedrop.doctor.models import SOON
from tunedrop.serving import kinds
from tunedrop.training import engines

QUICK = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})

Live = Mapping[str, Mapping[str, Any]]
"""Bedrock's entries (ListFoundationModels) by model id, for the Regions queried."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """A method's limits: records, and tokens per record; 0 is no known limit."""

    min_records: int
    max_records: int
    max_record_tokens: int


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `tunedrop bases --format json`. Money in US dollars; None if no dated price is known.

    Attributes
    ----------
    engines
        What trains it, by the names of the setting `engines`; `needs`: what has to be there before a run.
    closed
        Why it cannot be tuned; empty if it can. `instead` then names an alternative.
    coming
        The lifecycle changes that Bedrock has announced.
    checked
        `live`: Bedrock was queried; `catalog`: as of the sources that the catalog names.
    missing_prices
        Usage types of AWS's price list without a dated price in the catalog.
    """

    base_model: str
    name: str
    regions: tuple[str, ...]
    methods: dict[str, Limits]
    engines: tuple[str, ...]
    needs: tuple[str, ...]
    served: tuple[str, ...]
    training_per_million_tokens: float | None
    training_per_image: float | None
    training_per_hour: float | None
    input_per_million_tokens: float | None
    output_per_million_tokens: float | None
    provisioned_per_unit_hour: float | None
    imported_per_unit_minute: float | None
    missing_prices: tuple[str, ...]
    closed: str
    instead: str
    coming: str
    checked: str


def reachable(profile: str | None) -> Aws | None:
    """The AWS clients; None without credentials."""
    try:
        session = boto3.Session(profile_name=profile)
        return Aws(session) if session.get_credentials() is not None else None
    except BotoCoreError as error:
        fail(explain(error), USAGE)


def show(method: Method | None, region: str | None, *, every: bool, aws: Aws | None, format_: Format) -> int:
    """Print the base models that can be tuned.

    Parameters
    ----------
    every
        Whether to include models that cannot be tuned, with the reason and an alternative.
    aws
        The clients to query; None uses only the catalog.

    Returns
    -------
    int
        0 if any model can be tuned, else 1.
    """
    live = _live(aws, region) if aws is not None else {}
    bases = [_base(one, method, region, live) for one in catalog.load().values()]
    wanted = [one for one in bases if every or not one.closed]
    if format_ is Format.json:
        print_json(wanted)
    else:
        _print(wanted, method, region)
    return YES if any(not one.closed for one in wanted) else NO


def _live(aws: Aws, region: str | None) -> dict[str, Mapping[str, Any]]:
    """The live entries of all Regions in the catalog; where AWS refuses, the catalog's apply."""
    found: dict[str, Mapping[str, Any]] = {}
    regions = [region] if region else sorted({name for one in catalog.tunable() for name in one.regions})
    for name in regions:
        try:
            client = aws.session.client("bedrock", region_name=name, config=QUICK)
            for one in client.list_foundation_models()["modelSummaries"]:
                found[one["modelId"]] = one
        except (ClientError, BotoCoreError) as error:
            errors.print(f"{name} could not be reached; using the catalog: {explain(error)}", style="yellow")
    return found


def _base(model: BaseModel, method: Method | None, region: str | None, live: Live) -> Base:
    entry = live.get(model.id) or live.get(model.lifecycle_id)
    now = datetime.now(UTC)
    closed = _closed(model, method, region, entry, now)
    prices = model.prices
    methods = [method] if method in model.methods else list(model.methods)
    billed = {engines.of(model, one).billed_by(one) for one in methods if not unused(model, one)}
    by_token = "token" in billed or not billed
    return Base(
        base_model=model.id,
        name=model.name,
        regions=model.regions,
        methods={
            name: Limits(
                min_records=rules.min_train_records,
                max_records=rules.max_train_records,
                max_record_tokens=rules.max_record_tokens,
            )
            for name, rules in model.methods.items()
            if closed or not unused(model, name)
        },
        engines=tuple(dict.fromkeys(model.engine_of(name) for name in model.methods)),
        needs=tuple(catalog.needs(model, method or "auto")),
        served=tuple(kind.title for kind in kinds.offered(model)),
        training_per_million_tokens=_usd(prices.training_per_million_tokens) if by_token else None,
        training_per_image=_usd(prices.training_per_image),
        training_per_hour=_usd(prices.training_per_hour),
        input_per_million_tokens=_usd(prices.input_per_million_tokens),
        output_per_million_tokens=_usd(prices.output_per_million_tokens),
        provisioned_per_unit_hour=_usd(prices.provisioned_per_unit_hour.get("none")),
        imported_per_unit_minute=_usd(prices.imported_per_unit_minute),
        missing_prices=tuple(_missing(model, billed)),
        closed=closed,
        instead=catalog.instead(model, method) if closed else "",
        coming=announced(entry, now, SOON) if entry is not None else "",
        checked="live" if entry is not None else "catalog",
    )


def _closed(
    model: BaseModel,
    method: Method | None,
    region: str | None,
    entry: Mapping[str, Any] | None,
    now: datetime,
) -> str:
    """Why it cannot be tuned: as Bedrock says if it was queried about this, else as the catalog says."""
    engine = catalog.engines()[model.engine_of(method or "auto")]
    offered = method in (None, *model.methods) and region in (None, *model.regions)
    if entry is not None and engine.tunes_foundation_models and offered:
        return why_closed(entry, now)
    return obstacle(model, method=method, region=region)


def _missing(model: BaseModel, billed: Collection[str]) -> Iterable[str]:
    """The SKUs of prices that an estimate needs and the catalog lacks; some SKUs are unknown."""
    prices = model.prices
    needed: list[tuple[Item, Price | None]] = []
    if "image" in billed:
        needed.append(("training", prices.training_per_image))
    if "token" in billed:
        needed.append(("training", prices.training_per_million_tokens))
    if model.inference_id:  # another one is imported to be compared with, and billed by its units
        needed += [("input", prices.input_per_million_tokens), ("output", prices.output_per_million_tokens)]
    if "hour" in billed:
        needed.append(("training hours", prices.training_per_hour))
    if "imported" in model.serving.ways:
        needed.append(("imported", prices.imported_per_unit_minute))
    missing = [item for item, price in needed if price is None]
    known = {item: sku for item in missing if (sku := usage_type(model, item))}
    unknown = ", ".join(item for item in missing if item not in known)
    return [*known.values(), *([f"{model.name}: {unknown} (usage types unknown)"] if unknown else [])]


def _usd(price: Price | None) -> float | None:
    return price.usd if price is not None else None


def _amount(usd: float | None) -> str:
    return "?" if usd is None else f"{usd:g}"


def _training(one: Base) -> str:
    """The price of a million tokens, or of an image or an instance hour if only that is known."""
    if one.training_per_image is not None:
        return f"{one.training_per_image:g}/image"
    if one.training_per_million_tokens is None and one.training_per_hour is not None:
        return f"{one.training_per_hour:g}/h"
    return _amount(one.training_per_million_tokens)


def _served(one: Base) -> str:
    """The serving modes, and what a unit of an imported model costs a minute."""
    rate = one.imported_per_unit_minute
    return ", ".join(one.served) + ("" if rate is None else f" ({rate:g}/unit min)")


def _print(bases: list[Base], method: Method | None, region: str | None) -> None:
    if not any(not one.closed for one in bases):
        here = f"No base model can be tuned in {region}. " if region else ""
        console.print(f"{here}{catalog.instead(None, method)}")
    if bases:
        money = ["training", "in", "out"]
        columns = ("base model", "Region", "methods", "engine", "records", "served")
        listing = table(*columns, *money, "state", right=money)
        for one in bases:
            listing.add_row(
                one.base_model,
                ", ".join(one.regions),
                method or _methods(one),
                ", ".join(one.engines),
                _records(one, method),
                _served(one),
                _training(one),
                _amount(one.input_per_million_tokens),
                _amount(one.output_per_million_tokens),
                Text(one.closed or one.coming or "can be tuned", style="red" if one.closed else ""),
            )
        console.print(listing)
        console.print(
            "training, in and out: US dollars a million tokens (/h: an hour; /unit min: a unit and minute)",
            style="dim",
        )
    for one in bases:
        if one.needs and not one.closed:
            console.print(f"{one.base_model} needs {'; '.join(one.needs)}", style="dim")
    for one in bases:
        if one.missing_prices and not one.closed:
            console.print(f"no dated price: {', '.join(one.missing_prices)}", style="dim")
    asked = sum(one.checked == "live" for one in bases)
    said = (
        f"Bedrock answered for {asked} of {len(bases)}"
        if asked
        else "From the catalog: Bedrock was not queried"
    )
    console.print(f"{said}. Limits of records: docs/rules.md", style="dim")


def _methods(one: Base) -> str:
    """The methods; the three SFT formats count as one."""
    examples = ("instruction", "single-turn", "multi-turn")
    names = [name for name in one.methods if name not in examples]
    return ", ".join((["fine-tuning"] if len(names) < len(one.methods) else []) + names)


def _records(one: Base, method: Method | None) -> str:
    limits = one.methods.get(method) if method is not None else next(iter(one.methods.values()), None)
    return f"{limits.min_records:,} to {limits.max_records:,}" if limits is not None else ""
