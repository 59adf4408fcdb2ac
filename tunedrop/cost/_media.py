"""The tokens of images, videos and documents, as far as AWS documents them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import CostLine
from tunedrop.cost.lines import Tokens
from tunedrop.formatting.counts import counted


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The media in records: their tokens, a description, and counts of those with undocumented tokens, by
    kind."""

    tokens: Tokens = Tokens(0, 0, 0)
    words: str = ""
    unknown: dict[str, int] = {}

    def left_out(self, item: str) -> Iterator[CostLine]:
        """A line without a price for each kind that is not in the estimate of `item`."""
        for kind, count in self.unknown.items():
            basis = f"not in it: {counted(count, kind)}; no dated source says how many tokens one is"
            yield CostLine(item=f"{kind}s in {item}", low=0.0, likely=0.0, high=0.0, basis=basis)


def shown_in(media: Mapping[str, int], base_model: BaseModel) -> Shown:
    """The tokens of media, by kind."""
    tokens, words, unknown = Tokens(0, 0, 0), "", {}
    limits = {"image": base_model.images, "video": base_model.videos, "document": base_model.documents}
    for kind, count in media.items():
        each = taken.tokens if (taken := limits[kind]) is not None else None
        if each is None:
            unknown[kind] = count
            continue
        tokens += Tokens(count * each.low, count * each.likely, count * each.high)
        words += f" and {counted(count, kind)} of {each} tokens"
    return Shown(tokens=tokens, words=words, unknown=unknown)
