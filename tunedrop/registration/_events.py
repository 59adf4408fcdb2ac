"""The event that starts a run: S3's "Object Created", or our own when data has grown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tunedrop.contracts import S3Object

GROWN = "grown"
"""The reason of an event that starts another run of the same manifest because its data has grown."""


SWEEP = "tunedrop.sweep"
"""The source of the sweep's events."""


class ObjectCreated(msgspec.Struct, frozen=True, kw_only=True):
    """The used parts of S3's "Object Created" event (AmazonS3 user guide, ev-events, read 2026-11-23).

    Only the sweep's own events have `reason` and `base_model`: why it starts a run, and a base model that
    replaces the manifest's. The `reason` of S3's events, such as `PutObject`, means something else.
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
        object_, ours = detail["object"], detail if event.get("source") == SWEEP else {}
        source = S3Object(
            bucket=detail["bucket"]["name"], key=object_["key"], version_id=object_.get("version-id", "")
        )
        return cls(
            source=source,
            requester=detail.get("requester", ""),
            time=event.get("time", ""),
            size=object_.get("size", 1),
            reason=ours.get("reason", ""),
            base_model=ours.get("base-model", ""),
        )
