"""Checking a dataset: every rule and statistic of ours, against parsers that check nothing, and pydantic.

All read the same files from disk, in one process, in turns in the same run. A format comes in pieces of a few
milliseconds' work; of each the best round counts, in CPU time, since other guests of a machine disturb longer
ones. On two cores the time is that of the clock.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson
from rich.console import Console
from rich.table import Table

from bench import kinds, records, strict
from bench.structs import STRUCTS
from tunedrop import catalog
from tunedrop.contracts import Method
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.processes import check_on_all_cores, cores
from tunedrop.dataset.sources.local import LocalFile

PIECES, PIECE = 12, 4_000_000
ROUNDS = 7
MARKS = [letter * times for letter in "abcdefghjlmopqrstuvw" for times in (1, 2)]
"""The file of the cores, of 2 GB, has all pieces of a format once with each of these before every prompt:
letters that weigh something in a likeness, so that all records differ."""
OF_PYDANTIC, OF_ONE_CORE = 1.5, 1.7
"""The marks."""


class Case(NamedTuple):
    """A format, and whom its records are to be trained on."""

    format: str
    base_model: str
    method: Method


CASES = (
    Case("prompt-completion", "meta.llama3-1-8b-instruct-v1:0:128k", "instruction"),
    Case("converse", "amazon.nova-lite-v1:0:300k", "single-turn"),
    Case("openai-chat", "amazon.nova-lite-v1:0:300k", "auto"),
    Case("text", "amazon.titan-text-express-v1:0:8k", "continued-pretraining"),
)
Work = Callable[[Path], object]
OURS = "tunedrop check: rules, statistics"
STRUCTURE, SAME_RULES = "pydantic, structure", "pydantic, the same rules"

console = Console(width=110)


def main() -> int:
    """Print the table; 1 when a mark is missed."""
    with tempfile.TemporaryDirectory() as folder:
        pieces = {case: _pieces(Path(folder), case.format) for case in CASES}
        rates = [_rates(case, files) for case, files in pieces.items()]
        of_one_core = _of_cores(Path(folder), pieces[CASES[0]])
    of_pydantic = _ratios(rates, SAME_RULES)
    _show(rates)
    met = [
        _said(f"at least {OF_PYDANTIC} times pydantic's", min(of_pydantic) >= OF_PYDANTIC),
    ]
    if of_one_core is not None:
        mark = f"two cores {of_one_core:.2f} times one for 2 GB, at least {OF_ONE_CORE}"
        met.append(_said(mark, of_one_core >= OF_ONE_CORE))
    return max(int(not all(met)), kinds.show())


def _ratios(rates: list[dict[str, float]], other: str) -> list[float]:
    return [one[OURS] / one[other] for one in rates]


def _show(rates: list[dict[str, float]]) -> None:
    title = f"{PIECES * PIECE // 1_000_000} MB a format, in one process: MB/s"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for header in ("", *(case.format for case in CASES)):
        table.add_column(header, justify="right" if header else "left")
    for name in rates[0]:
        table.add_row(name, *(f"{one[name]:,.0f}" for one in rates))
    for name in ("orjson, parse only", STRUCTURE, SAME_RULES):
        table.add_row(f"ours, of {name}", *(f"{ratio:.2f}" for ratio in _ratios(rates, name)))
    console.print(table)


def _said(mark: str, met: bool) -> bool:
    console.print(f"{mark}: {'met' if met else 'missed'}")
    return met


def _pieces(folder: Path, format_: str) -> list[Path]:
    """Files of some megabytes each, of different records."""
    lines, pieces = records.lines(format_, sys.maxsize), []
    for number in range(PIECES):
        piece, size = folder / f"{format_}-{number}.jsonl", 0
        with piece.open("wb") as file:
            while size < PIECE:
                size += file.write(next(lines))
        pieces.append(piece)
    return pieces


def _rates(case: Case, pieces: list[Path]) -> dict[str, float]:
    """MB/s of each."""
    asked = CheckOptions(base_model=catalog.find(case.base_model), method=case.method)
    works: dict[str, Work] = {
        "json, parse only": _parser(json.loads),
        "orjson, parse only": _parser(orjson.loads),
        "msgspec into structs, parse only": _parser(msgspec.json.Decoder(STRUCTS[case.format]).decode),
        STRUCTURE: strict.Checker(case.format).lines,
        SAME_RULES: strict.Checker(case.format, same_rules=True).lines,
        OURS: lambda path: check_files({"train": LocalFile(path)}, {"train": path.name}, asked),
    }
    size = sum(piece.stat().st_size for piece in pieces)
    seconds = dict.fromkeys(works, 0.0)
    for piece in pieces:
        best = dict.fromkeys(works, float("inf"))
        for _ in range(ROUNDS):
            for name, work in works.items():
                started = time.process_time()
                work(piece)
                best[name] = min(best[name], time.process_time() - started)
        for name, least in best.items():
            seconds[name] += least
    return {name: size / 1e6 / needed for name, needed in seconds.items()}


def _parser(parse: Callable[[bytes], Any]) -> Work:
    def work(path: Path) -> None:
        with path.open("rb") as lines:
            for line in lines:
                parse(line)

    return work


def _of_cores(folder: Path, pieces: list[Path]) -> float | None:
    """The speed-up by two processes; None with a single core."""
    if cores() < 2:
        return None
    whole = folder / "cores.jsonl"
    with whole.open("wb") as file:
        for mark in MARKS:
            file.writelines(_others(piece.read_bytes(), mark) for piece in pieces)
    best = {1: float("inf"), 2: float("inf")}
    for _ in range(5):
        for processes in best:
            started = time.perf_counter()
            check_on_all_cores({"train": whole}, CheckOptions(), processes=processes)
            best[processes] = min(best[processes], time.perf_counter() - started)
    return best[1] / best[2]


def _others(lines: bytes, mark: str) -> bytes:
    """The same lines as other records: duplicates are checked twice, in one process."""
    return lines.replace(b'"prompt": "', f'"prompt": "{mark} '.encode())


if __name__ == "__main__":
    raise SystemExit(main())
