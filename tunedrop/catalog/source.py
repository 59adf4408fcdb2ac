"""Where a figure of the catalog was read, and a price."""

from __future__ import annotations

import msgspec


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a fact was read, and when (YYYY-MM-DD). `doubt` says what the sources disagree about."""

    page: str
    read_on: str
    doubt: str = ""


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list price in US dollars; the unit is named by the field that holds it.

    `doubt` says what is uncertain about it, such as a rate derived from an example.
    """

    usd: float
    source: str
    priced_on: str
    doubt: str = ""
