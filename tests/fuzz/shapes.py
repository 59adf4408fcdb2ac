"""Every known shape in every container and encoding, with keys put anywhere; not a part of `make test`.

    python -m tests.fuzz.shapes 600 SEED

For so many seconds. Each record that goes in is written or refused, each value that was put in is written or
listed, and the check counts the same records. A failure prints the records that caused it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.situations import READ
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.options import Asked
from tunedrop.dataset.sources.local import Held
from tunedrop.dataset.sources.opened import opened
from tunedrop.dataset.tools.convert import convert
from tunedrop.dataset.types import ReadOptions

MARK = "somebody else's"
VALUES: tuple[Any, ...] = ({"of": MARK}, MARK, [MARK], f"{MARK}\n", {"list": [1, MARK]})
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
PACKERS = (bytes, gzip.compress, bz2.compress, lzma.compress)


def main() -> int:
    """Fuzz for so many seconds."""
    seconds, chance = float(sys.argv[1]), random.Random(int(sys.argv[2]))
    shapes = [record for body, name, _ in READ.values() if (record := _first(body, name))]
    ends, files, failed = time.monotonic() + seconds, 0, 0
    while time.monotonic() < ends:
        records = [_changed(chance.choice(shapes), chance) for _ in range(chance.randint(1, 5))]
        body = _laid_out(records, chance).encode(chance.choice(ENCODINGS))
        packed = chance.choice(PACKERS)(body)
        files += 1
        if why := wrong(packed, len(records)):
            failed += 1
            print(why, records, flush=True)
    print(f"{files:,} files, {failed} wrong")
    return int(failed > 0)


def _first(body: bytes, name: str) -> dict[str, Any] | None:
    """The first record of a file of JSON lines."""
    try:
        found = json.loads(body.splitlines()[0]) if name.endswith(".jsonl") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(one)


def _changed(record: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The record with a key in one of its objects."""
    found: dict[str, Any] = json.loads(json.dumps(record))
    chance.choice(list(_objects(found)))["a_key"] = chance.choice(VALUES)
    return found


def _laid_out(records: list[dict[str, Any]], chance: random.Random) -> str:
    indent = chance.choice([None, 1])
    texts = [json.dumps(one, indent=indent, ensure_ascii=chance.random() < 0.5) for one in records]
    if len(texts) > 1 and chance.random() < 0.3:
        return "[" + chance.choice([",", ",\n"]).join(texts) + "]"
    return chance.choice(["\n", "\r\n"]).join([*texts, ""])


def wrong(packed: bytes, count: int) -> str:
    """What is wrong with how a file is read; empty where nothing is."""
    sink = io.BytesIO()
    file = opened(Held(packed), "a.jsonl", ReadOptions(), sink, lambda: Held(sink.getvalue()))
    report = check_files({"train": file.source}, {"train": "a.jsonl"}, Asked(), opened={"train": file})
    for target in ("converse", "openai-chat"):
        written = io.BytesIO()
        done = convert(file.source.chunks(0, file.source.size), written, target)
        if done.read != done.written + done.refusals:
            return f"{target}: {done.read} read, {done.written} written, {done.refusals} refused"
        if report.records != count or done.read != count:
            return f"{target}: {count} records, {report.records} checked, {done.read} converted"
        notes = [note.what for note in done.lost.values()]
        counted = sum(note.count for note in done.lost.values())
        kept = written.getvalue().count(MARK.encode())
        if kept + counted < done.written:
            return f"{target}: {done.written} written, {kept} values in them, {notes} listed"
    return ""


if __name__ == "__main__":
    raise SystemExit(main())
