"""Everything that the registry has about a run, as one value."""

from __future__ import annotations

import msgspec

from tunedrop.contracts import Ending
from tunedrop.registry import Record


def ending_of(record: Record) -> Ending:
    """The run with each contract that it has produced; missing ones are None."""
    fields = {field.name: field.type for field in msgspec.structs.fields(Ending)}
    documents = {
        name: msgspec.json.decode(text, type=fields[name])
        for name, text in record.documents.items()
        if name in fields
    }
    return Ending(run=record.run, failure=record.failure, **documents)
