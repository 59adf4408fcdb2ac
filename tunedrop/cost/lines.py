"""A line of a bill: an amount of something at the catalog's price, low, likely and high."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tunedrop import catalog
from tunedrop.catalog.model import Prices
from tunedrop.catalog.source import Price
from tunedrop.contracts import CostLine
from tunedrop.dataset.rules.record import BYTES_PER_TOKEN

HOURS_A_MONTH = 730
"""A month in forecasts: a twelfth of a year."""

FEWEST_TOKENS, MOST_TOKENS = 0.8, 2.1
"""The actual number of tokens divided by the estimate from bytes, measured on 25 kinds of text with two
public tokenizers (see `tunedrop.dataset.check.report.TokenEstimate`)."""

DENSE_TOKENS = 1.0
"""Tokens of a byte of digits, punctuation or a rare script, at most (tests/unit/cost/test_tokens.py)."""


class Tokens(msgspec.Struct, frozen=True):
    """A number of tokens: minimum, likely, maximum."""

    low: float
    likely: float
    high: float

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.low + other.low, self.likely + other.likely, self.high + other.high)


def estimated(tokens: float, dense: float = 0.0) -> Tokens:
    """The range of a number of tokens estimated from bytes, of which `dense` may be a token each."""
    others = max(0.0, tokens - dense / BYTES_PER_TOKEN)
    return Tokens(tokens * FEWEST_TOKENS, tokens, others * MOST_TOKENS + dense * DENSE_TOKENS)


def per_million(
    item: str, price: Price | None, tokens: Tokens, basis: str, times: float = 1.0, sku: str = ""
) -> CostLine:
    """A line for tokens, at a price per million."""
    low, likely, high = (one * times / 1e6 for one in (tokens.low, tokens.likely, tokens.high))
    return ranged(item, price, low, likely, high, basis, "per 1M tokens", sku)


PricesOf = Callable[[str], Prices]
"""The prices of a judge or teacher by model id; empty if unknown."""


def of_catalog(model: str) -> Prices:
    """The catalog's prices; it contains only models that can be tuned."""
    try:
        return catalog.find(model).prices
    except LookupError:
        return Prices()


def priced(item: str, price: Price | None, amount: float, basis: str, unit: str, sku: str = "") -> CostLine:
    """A line of a bill: `amount` at the catalog's price; without a price its cost is 0 and its source empty.

    Parameters
    ----------
    sku
        The usage type of AWS's price list, shown if the price is missing.
    """
    return ranged(item, price, amount, amount, amount, basis, unit, sku)


def ranged(
    item: str, price: Price | None, low: float, likely: float, high: float, basis: str, unit: str,
    sku: str = "",
) -> CostLine:  # fmt: skip
    """The same for an amount with separate minimum and maximum."""
    if price is None:
        missing = f"; no dated price is known{f' of {sku}' if sku else ''}"
        return CostLine(item=item, low=0.0, likely=0.0, high=0.0, basis=basis + missing, sku=sku)
    return CostLine(
        item=item,
        low=low * price.usd,
        likely=likely * price.usd,
        high=high * price.usd,
        basis=f"{basis} at {price.usd:g} USD {unit}",
        source=price.source,
        priced_on=price.priced_on,
    )
