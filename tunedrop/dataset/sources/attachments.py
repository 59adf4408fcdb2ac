"""Finds the files next to a dataset that its records refer to, which are uploaded with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tunedrop.dataset import formats
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.sources import media
from tunedrop.dataset.types import Source

_SIGNS = re.compile(rb'"uri"|"image|\\u00[24-7]|\.(?:png|jpe?g|gif|webp)\\*"', re.IGNORECASE)
"""Every line that refers to a file contains one of these: a key, or the end of its name, possibly escaped."""


def named_beside(source: Source) -> Iterator[str]:
    """The paths of files next to a dataset that its well-formed records refer to, each once, in order."""
    found = set[str]()
    for block in lines.blocks(source, 0, source.size):
        if _SIGNS.search(block.body) is None:
            continue
        for raw in lines.split(lines.body_of(block)):
            for path in _named(lines.parse(0, raw).record):
                if path not in found:
                    found.add(path)
                    yield path


def _named(record: Mapping[str, Any]) -> Iterator[str]:
    reading = formats.read(record)
    if reading.conversation is None:
        return
    for reference in media.references(reading.conversation, reading.format):
        path = media.beside(reference.uri)
        if path is not None:
            yield path
