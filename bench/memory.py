"""The memory that `tunedrop check` takes on all cores, duplicates included.

`python -m bench memory` checks 1 GB; `TUNEDROP_MEMORY_SIZE=10GB` more, which takes minutes and room on disk.
Memory is what all of its processes hold together, pages that they share counted once (Linux's PSS), every
moment while it runs.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.records import lines

SIZE = os.environ.get("TUNEDROP_MEMORY_SIZE", "1GB")
UNITS = {"MB": 10**6, "GB": 10**9}
BASE_MODEL = "meta.llama3-3-70b-instruct-v1:0:128k"
FORMAT = "converse"
MARK_AT_1_GB, MARK_AT_10_GB = 150, 300
DIFFERENT = 2_000
"""Records that are made; all others are one of them with another word in it, of letters."""

TWICE = 0.05
EVERY_SECONDS = 0.1

console = Console()


def main() -> int:
    """Write a file, check it, say what that took; 1 when it was more than the mark."""
    size = int(float(SIZE[:-2]) * UNITS[SIZE[-2:].upper()])
    mark = MARK_AT_1_GB if size <= 10**9 else MARK_AT_10_GB
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.jsonl"
        written = _write(file, size)
        started = time.monotonic()
        peak, largest, report = _peak(file)
        seconds = time.monotonic() - started
    table = Table(title=f"tunedrop check, {written / 1e9:.1f} GB on all cores")
    for column in (
        "records",
        "duplicates",
        "seconds",
        "peak, all processes (MB)",
        "largest process (MB)",
        "mark",
    ):
        table.add_column(column, justify="right")
    table.add_row(
        f"{report['records']:,}", f"{report['duplicates']:,}", f"{seconds:.1f}", f"{peak:,.0f}",
        f"{largest:,.0f}", f"{mark}",
    )  # fmt: skip
    console.print(table)
    return int(peak > mark)


def _write(path: Path, size: int) -> int:
    """Records of a given total size, a share of them duplicated."""
    rng = random.Random(11)
    patterns = [
        line.replace(b'"text": "', b'"text": "%b ', 2).replace(b'"%b ', b'"', 1)  # the prompt, not the system
        for line in (one.replace(b"%", b"%%") for one in lines(FORMAT, DIFFERENT))
    ]
    written, number = 0, 0
    with path.open("wb", buffering=1 << 20) as sink:
        while written < size:
            again = rng.random() < TWICE and number > 10_000
            which = rng.randrange(number - 10_000, number) if again else number
            number += not again
            written += sink.write(patterns[which % DIFFERENT] % _word(which))
    return written


def _word(number: int) -> bytes:
    """A word of seven letters, for each number another one."""
    letters = bytearray()
    for _ in range(7):
        number, place = divmod(number, 26)
        letters.append(97 + place)
    return bytes(letters)


def _peak(file: Path) -> tuple[float, float, dict[str, int]]:
    """The most megabytes that all processes held at one moment, and the largest one ever; and the report."""
    program = str(Path(sys.executable).with_name("tunedrop"))
    command = [program, "check", str(file), "--base-model", BASE_MODEL, "--format", "json"]
    peak = largest = 0.0
    with tempfile.TemporaryFile() as answer, subprocess.Popen(command, stdout=answer) as running:
        while running.poll() is None:
            held = [_held(process) for process in _family(running.pid)]
            peak = max(peak, sum(shared_once for shared_once, _ in held))
            largest = max([largest, *(resident for _, resident in held)])
            time.sleep(EVERY_SECONDS)
        answer.seek(0)
        return peak, largest, json.load(answer)


def _family(pid: int) -> Iterator[int]:
    """A process and those that it has started."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _held(pid: int) -> tuple[float, float]:
    """(PSS, RSS) of a process in MB; empty if it has ended."""
    try:
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return 0.0, 0.0
    kilobytes = {name: int(value.split()[0]) for name, value in (row.split(":") for row in rows)}
    return kilobytes["Pss"] * 1024 / 1e6, kilobytes["Rss"] * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(main())
