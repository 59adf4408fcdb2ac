"""The catalog of base models: methods, limits, serving, prices, each with its source and date."""

from __future__ import annotations

import math
from collections.abc import Iterator

from docs.reference.tables import page, table
from tunedrop import catalog
from tunedrop.catalog.method import Hyperparameter
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.source import Price
from tunedrop.dataset.rules.blocks import MEDIA, taken
from tunedrop.serving import kinds

_HEAD = """This page lists the base models of the catalog (`tunedrop/catalog/models/`, one file per model).
Before a run costs anything, preflight also asks Bedrock whether the model is active, whether you have access,
and whether the Region can customize it. Prices are list prices in US dollars with the date they were read;
without a dated price, the estimate says so and the run asks for approval. The limits of datasets are listed
with the [rules](../rules.md)."""


def markdown() -> str:
    """An overview, then a section for each model."""
    models = catalog.load().values()
    overview = table(
        ("base model", "methods", "engine", "served", "Regions", "training, a million tokens"),
        (
            (
                f"[`{one.id}`](#{_anchor(one)})",
                ", ".join(one.methods),
                ", ".join(dict.fromkeys(map(one.engine_of, one.methods))),
                _ways(one),
                ", ".join(one.regions),
                _usd(one.prices.training_per_million_tokens),
            )
            for one in models
        ),
    )
    return page("# Base models", _HEAD, overview, *(_model(one) for one in models))


def _tokens_of_media(one: BaseModel) -> Iterator[str]:
    """What estimates reckon an image with, where a page says it."""
    for kind in MEDIA:
        for media in filter(None, {taken(kind, rules, one) for rules in one.methods.values()}):
            if media.tokens is not None:
                source = media.tokens.source
                said = f"An estimate counts {media.tokens} tokens for one {kind}"
                yield f"{said}: {source.page} ({source.read_on}); {source.doubt}."


def _model(one: BaseModel) -> list[str]:
    sources = [
        one.source,
        one.lifecycle.source,
        one.serving.source,
        *(rules.source for rules in one.methods.values()),
    ]
    doubts = sorted({source.doubt for source in sources} - {""})
    doubted = [f"In doubt: {doubt}." for doubt in doubts]
    notes = [f"- {note}" for note in (*one.notes, *_tokens_of_media(one), *doubted)]
    hyperparameters = table(
        ("hyperparameter", "takes", "default"),
        (
            (f"`{name}`", _takes(value), f"`{value.written(value.default)}`")
            for name, value in one.hyperparameters.items()
        ),
    )
    return [
        f"## {one.name} {{ #{_anchor(one)} }}",
        "",
        f"`{one.id}`; {_asked(one)}. Source: {one.source.page} ({one.source.read_on}).",
        "",
        *_lifecycle(one),
        *hyperparameters,
        *table(("price", "USD", "read on", "source"), _prices(one)),
        *notes,
        *([""] if notes else []),
    ]


def _asked(one: BaseModel) -> str:
    return f"asked as `{one.inference_id}`" if one.inference_id else "imported to be asked"


def _lifecycle(one: BaseModel) -> list[str]:
    """Why it cannot be tuned any more; days of the catalog, so that the page is the same every day."""
    life = one.lifecycle
    if not life.legacy_since:
        return []
    ends = f", ends on {life.ends_on}" if life.ends_on else ""
    instead = f" Take {catalog.find(life.successor).name}." if life.successor else ""
    return [f"**Legacy since {life.legacy_since}{ends}:** no new job starts on it.{instead}", ""]


def _prices(one: BaseModel) -> list[tuple[str, str, str, str]]:
    prices = one.prices
    named = [
        ("training, a million tokens", prices.training_per_million_tokens),
        ("training, an image seen", prices.training_per_image),
        ("training, an hour", prices.training_per_hour),
        ("storage, a month", prices.storage_per_month),
        ("input, a million tokens", prices.input_per_million_tokens),
        ("output, a million tokens", prices.output_per_million_tokens),
        ("input of a tuned model", prices.custom_input_per_million_tokens),
        ("output of a tuned model", prices.custom_output_per_million_tokens),
        ("imported, a unit and minute", prices.imported_per_unit_minute),
        ("imported, storage of a unit, a month", prices.imported_storage_per_unit_month),
        *(
            (f"provisioned throughput, a unit and hour, commitment {term}", price)
            for term, price in prices.provisioned_per_unit_hour.items()
        ),
    ]
    every = (
        "training, a million tokens", "storage, a month",
        "input, a million tokens", "output, a million tokens",
    )  # fmt: skip
    return [(name, *_dated(price)) for name, price in named if price is not None or name in every]


def _dated(price: Price | None) -> tuple[str, str, str]:
    return (
        (
            f"{price.usd:g}" if price.usd < 0.1 else f"{price.usd:,.3f}".removesuffix("0"),
            price.priced_on,
            price.source,
        )
        if price
        else ("no dated price known", "", "")
    )


def _takes(one: Hyperparameter) -> str:
    if one.type == "word":
        return ", ".join(f"`{word}`" for word in one.words)
    if one.values:
        return ", ".join(f"{value:g}" for value in one.values)
    kind = "whole numbers" if one.type == "int" else "numbers"
    return f"{kind} from {one.minimum:g}" + (f" to {one.maximum:g}" if math.isfinite(one.maximum) else "")


def _ways(one: BaseModel) -> str:
    return ", ".join(kind.title for kind in kinds.offered(one))


def _usd(price: Price | None) -> str:
    return f"{price.usd:,.2f} ({price.priced_on})" if price is not None else "no dated price known"


def _anchor(one: BaseModel) -> str:
    """Without what follows a colon, but for an entry that is told from another by it."""
    name = one.id if one.variant_of else one.id.partition(":")[0]
    return name.replace(".", "-").replace(":", "-")
