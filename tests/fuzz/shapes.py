"""Every known shape in every container and encoding, with keys put anywhere; not a part of `make test`.

    python -m tests.fuzz.shapes 600 SEED

For so many seconds, also texts between spaces, and tables with a message a row. Each record that goes in is
written or refused, each value that was put in is written or listed, and the check counts the same records. A
failure prints the records that caused it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.situations import READ, table
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.options import CheckOptions
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
        changed = [_changed(chance.choice(shapes), chance) for _ in range(chance.randint(1, 5))]
        records = [record for record, _ in changed]
        body = _laid_out(records, chance).encode(chance.choice(ENCODINGS))
        packed = chance.choice(PACKERS)(body)
        files += 1
        if why := wrong(packed, len(records)) or "".join(map(lost, changed)):
            failed += 1
            print(why, records, flush=True)
        rows, count = _messages(chance)
        if why := wrong(table(rows), count, "a.csv"):
            failed += 1
            print(why, rows, flush=True)
    print(f"{files:,} files, {failed} wrong")
    return int(failed > 0)


def _first(body: bytes, name: str) -> dict[str, Any] | None:
    """The first record of a file of JSON lines."""
    try:
        found = json.loads(body.splitlines()[0]) if name.endswith(".jsonl") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _objects(value: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Every object of a record, and the keys that lead to it."""
    if isinstance(value, dict):
        yield value, keys
        for key, one in value.items():
            yield from _objects(one, (*keys, key))
    for one in value if isinstance(value, list) else ():
        yield from _objects(one, keys)


def _changed(record: dict[str, Any], chance: random.Random) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The record with a key in one of its objects, and the keys that lead there; at times also with spaces
    around one of its texts."""
    found: dict[str, Any] = json.loads(json.dumps(record))
    texts = [(one, key) for one, _ in _objects(found) for key, text in one.items() if isinstance(text, str)]
    if texts and chance.random() < 0.3:
        one, key = chance.choice(texts)
        one[key] = f"{chance.choice(('', ' '))}{one[key]}{chance.choice((' ', chr(10)))}"
    place, keys = chance.choice(list(_objects(found)))
    place["a_key"] = chance.choice(VALUES)
    return found, (*keys, "a_key")


def _laid_out(records: list[dict[str, Any]], chance: random.Random) -> str:
    indent = chance.choice([None, 1])
    texts = [json.dumps(one, indent=indent, ensure_ascii=chance.random() < 0.5) for one in records]
    if len(texts) > 1 and chance.random() < 0.3:
        return "[" + chance.choice([",", ",\n"]).join(texts) + "]"
    return chance.choice(["\n", "\r\n"]).join([*texts, ""])


def _messages(chance: random.Random) -> tuple[list[list[Any]], int]:
    """The rows of a table with a message a row, and how many records and errors it has: a record for each
    conversation, and an error for each row that stands apart from its own."""
    rows: list[list[Any]] = []
    for number in range(1, chance.randint(2, 6)):
        rows += [[number, at, ("user", "assistant")[at % 2], MARK] for at in range(chance.randint(1, 5))]
    if chance.random() < 0.5:
        chance.shuffle(rows)
    seen: set[int] = set()
    current, count = 0, 0
    for number, *_ in rows:
        count += number != current
        current = current if number in seen else number
        seen.add(number)
    return [["conversation_id", "turn", "role", "content"], *rows], count


def wrong(packed: bytes, count: int, name: str = "a.jsonl") -> str:
    """What is wrong with how a file is read; empty where nothing is."""
    sink = io.BytesIO()
    file = opened(Held(packed), name, ReadOptions(), sink, lambda: Held(sink.getvalue()))
    report = check_files({"train": file.source}, {"train": "a.jsonl"}, CheckOptions(), opened={"train": file})
    for target in ("converse", "openai-chat"):
        written = io.BytesIO()
        done = convert(file.source.chunks(0, file.source.size), written, target)
        if done.read != done.written + done.refusals:
            return f"{target}: {done.read} read, {done.written} written, {done.refusals} refused"
        if report.records + report.by_code.get("TD009", 0) != count or done.read != count:
            return f"{target}: {count} records, {report.records} checked, {done.read} converted"
    return ""


def lost(changed: tuple[dict[str, Any], tuple[str, ...]]) -> str:
    """What was neither written nor listed of a record; empty where all was."""
    record, keys = changed
    for target in ("converse", "openai-chat"):
        written = io.BytesIO()
        done = convert([json.dumps(record).encode() + b"\n"], written, target)
        listed = {_PARTS.split(what.partition(" was left out")[0])[-1] for what in done.lost}
        if done.written and MARK.encode() not in written.getvalue() and listed.isdisjoint(keys):
            return f"{target}: {'.'.join(keys)} is neither written nor listed: {sorted(done.lost)} "
    return ""


_PARTS = re.compile(r"[.\[\]]+(?=\w)|\[\]$")


if __name__ == "__main__":
    raise SystemExit(main())
