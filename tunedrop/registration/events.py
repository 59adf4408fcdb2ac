"""The event that starts a run: S3's "Object Created", or our own when data has grown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tunedrop.contracts import S3Object

GROWN = "grown"
"""The reason of an event that starts another run of the same manifest because its data has grown."""


class ObjectCreated(msgspec.Struct, frozen=True, kw_only=True):
    """What we use of S3's "Object Created" event (AmazonS3 user guide, ev-events, read 2026-11-23).

    `base_model` is of the sweep's own events alone: it takes the place of the manifest's.
    """

    source: S3Object
    requester: str
    time: str
    size: int = 1
    reason: str = ""
    base_model: str = ""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> ObjectCreated:
        detail = event["detail"]
        object_ = detail["object"]
        source = S3Object(
            bucket=detail["bucket"]["name"], key=object_["key"], version_id=object_.get("version-id", "")
        )
        return cls(
            source=source,
            requester=detail.get("requester", ""),
            time=event.get("time", ""),
            size=object_.get("size", 1),
            reason=detail.get("reason", ""),
            base_model=detail.get("base-model", ""),
        )
