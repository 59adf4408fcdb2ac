"""The images, videos and documents that a base model accepts."""

from __future__ import annotations

import msgspec

from tunedrop.catalog.source import Source


class MediaTokens(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many tokens an image, video or document is billed as: minimum, likely, maximum."""

    low: int
    likely: int
    high: int
    source: Source

    def __str__(self) -> str:
        return f"{self.low:,}" if self.low == self.high else f"{self.low:,} to {self.high:,}"


class Media(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Images or videos that a base model accepts; 0 is no known limit.

    On `doubtful_formats` the sources disagree; `size_is_doubtful` if no page documents it. `max_seconds` is
    for videos. `tokens` is None if no page documents them.
    """

    formats: tuple[str, ...]
    source: Source
    doubtful_formats: tuple[str, ...] = ()
    max_per_message: int = 0
    max_bytes: int = 0
    size_is_doubtful: bool = False
    max_seconds: int = 0
    min_pixels_a_side: int = 0
    max_pixels_a_side: int = 0
    max_pixels: int = 0
    max_aspect_ratio: float = 0
    tokens: MediaTokens | None = None
