"""Checking files of this machine on all of its cores: one process a core, the report of one pass."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tunedrop.dataset.alike import SPLITS
from tunedrop.dataset.asked import Asked
from tunedrop.dataset.conclude import conclude
from tunedrop.dataset.file_rules import Split
from tunedrop.dataset.partial import Partial, Range, examine, ranges
from tunedrop.dataset.report import Report
from tunedrop.dataset.source import LocalFile, Source

RANGE = 8 << 20
"""Bytes a process is given at once: some 50 ms of work."""
FEWEST_BYTES = 32 << 20
"""Less than this is checked before other processes would have started."""
WAITING = 3
"""So many ranges a process are given out beforehand; it bounds how many results wait in memory."""

Advance = Callable[[int], object]


def check_on_all_cores(
    files: Mapping[Split, Path], asked: Asked, advance: Advance = lambda _: None, processes: int = 0
) -> Report:
    """Check the files of a dataset.

    Parameters
    ----------
    advance
        Told of each number of bytes that has been checked.
    processes
        0: one a core, where the files are big enough for it to be quicker.
    """
    sources = {split: LocalFile(files[split]) for split in SPLITS if split in files}
    names = {split: path.name for split, path in files.items()}
    size = sum(source.size for source in sources.values())
    count = processes or (_cores() if size >= FEWEST_BYTES else 1)
    parts = [range_ for split, source in sources.items() for range_ in ranges(split, source, RANGE)]
    found = _here(sources, parts, asked) if count == 1 else _elsewhere(sources, parts, asked, count)
    return conclude(_told(found, parts, advance), sources, names, asked)


def _cores() -> int:
    """How many this process may use; macOS does not tell that, but how many there are."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def _told(partials: Iterator[Partial], parts: list[Range], advance: Advance) -> Iterator[Partial]:
    for partial, part in zip(partials, parts, strict=True):
        advance(part.stop - part.start)
        yield partial


def _here(sources: Mapping[Split, Source], parts: list[Range], asked: Asked) -> Iterator[Partial]:
    return (examine(sources[part.split], part, asked) for part in parts)


def _elsewhere(
    sources: Mapping[Split, Source], parts: list[Range], asked: Asked, processes: int
) -> Iterator[Partial]:
    """The partial results in the order of their ranges. Whatever ends this, ends the processes."""
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads of a progress bar
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, context, _begin, (sources, asked))
    waiting: deque[Future[bytes]] = deque()
    decoder = msgspec.msgpack.Decoder(Partial)
    try:
        for part in parts:
            with _interrupts_held():
                waiting.append(pool.submit(_examine, part))
            if len(waiting) > WAITING * processes:
                yield decoder.decode(waiting.popleft().result())
        while waiting:
            yield decoder.decode(waiting.popleft().result())
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C reaches all processes of a terminal; those that begin here never see it, and are ended by us."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_given: tuple[Mapping[Split, Source], Asked]
"""In each of the processes: what is the same for all ranges."""


def _begin(sources: Mapping[Split, Source], asked: Asked) -> None:
    global _given
    _given = (sources, asked)


def _examine(part: Range) -> bytes:
    sources, asked = _given
    return msgspec.msgpack.encode(examine(sources[part.split], part, asked))
