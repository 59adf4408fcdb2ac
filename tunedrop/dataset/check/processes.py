"""Checks local files on all cores, with the same report as a single pass."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TypeVar

import msgspec

from tunedrop.dataset.check.merge import merge_ranges
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.check.results import Range, RangeResult, ranges
from tunedrop.dataset.check.scan import scan_range
from tunedrop.dataset.duplicates.candidates import SPLITS
from tunedrop.dataset.sources.local import LocalFile
from tunedrop.dataset.types import Opened, Source, Split

RANGE = 8 << 20
"""Bytes per task: about 20 ms of work."""
FEWEST_BYTES = 32 << 20
"""Smaller datasets are checked in one process, before others would have started."""
WAITING = 2
"""The number of tasks queued in advance for each worker process. The main process works too, and does
everything until the workers have started."""
MOST_RESULTS = 64
"""Results that may wait in memory for their turn, besides the queued tasks."""

Advance = Callable[[int], object]

Task = TypeVar("Task")


def check_on_all_cores(
    files: Mapping[Split, Path | Opened],
    asked: CheckOptions,
    advance: Advance = lambda _: None,
    processes: int = 0,
) -> Report:
    """Check the files of a dataset.

    Parameters
    ----------
    files
        JSON lines files, or files of other kinds, opened as JSON lines.
    advance
        Called with numbers of checked bytes.
    processes
        0: one per core, if the files are large enough for this to be faster.
    """
    opened = {split: file for split, file in files.items() if not isinstance(file, Path)}
    paths = {split: file for split, file in files.items() if isinstance(file, Path)}
    in_order: list[Split] = [split for split in SPLITS if split in files]
    sources: dict[Split, Source] = {
        split: opened[split].source if split in opened else LocalFile(paths[split]) for split in in_order
    }
    bare = [file.name for file in files.values()]
    names = {
        split: str(file) if isinstance(file, Path) and bare.count(file.name) > 1 else file.name
        for split, file in files.items()
    }
    size = sum(source.size for source in sources.values())
    count = processes or (cores() if size >= FEWEST_BYTES else 1)
    parts = [range_ for split, source in sources.items() for range_ in ranges(split, source, RANGE)]
    if count == 1:
        return merge_ranges(
            _told(_here(sources, parts, asked), parts, advance), sources, names, asked, opened
        )
    decode = msgspec.msgpack.Decoder(RangeResult).decode
    with _processes(count - 1, sources, asked) as pool:
        found = map(decode, _each(pool, _examine, parts, count - 1))
        return merge_ranges(_told(found, parts, advance), sources, names, asked, opened)


def cores() -> int:
    """The number of cores that this process may use; on macOS, all cores."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def _told(partials: Iterator[RangeResult], parts: list[Range], advance: Advance) -> Iterator[RangeResult]:
    for partial, part in zip(partials, parts, strict=True):
        advance(part.stop - part.start)
        yield partial


def _here(sources: Mapping[Split, Source], parts: list[Range], asked: CheckOptions) -> Iterator[RangeResult]:
    return (scan_range(sources[part.split], part, asked) for part in parts)


@contextmanager
def _processes(
    count: int, sources: Mapping[Split, Source], asked: CheckOptions
) -> Iterator[ProcessPoolExecutor]:
    """Worker processes that have the files, like this process; they end when the block does."""
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads of the progress bar
    with _no_module_of_this_folder():
        end = context.Event()
        pool = ProcessPoolExecutor(count, context, _begin, (sources, asked, end))
        _begin(sources, asked, end)
        try:
            yield pool
        finally:
            end.set()
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _no_module_of_this_folder() -> Iterator[None]:
    """Keep new processes from importing from the current folder: a `struct.py` in somebody else's data folder
    would be executed."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTHONSAFEPATH"]
        if before is not None:
            os.environ["PYTHONSAFEPATH"] = before


def _each(
    pool: ProcessPoolExecutor, do: Callable[[Task], bytes], tasks: Iterable[Task], others: int
) -> Iterator[bytes]:
    """The results of tasks, in order, from this or other processes."""
    results: deque[Future[bytes]] = deque()
    most_given = WAITING * others
    for task in tasks:
        if sum(not one.done() for one in results) < most_given:
            with _interrupts_held(), _without_main():
                results.append(pool.submit(do, task))
        else:
            results.append(Future())
            results[-1].set_result(do(task))
        while results and (results[0].done() or len(results) > MOST_RESULTS + most_given):
            yield results.popleft().result()
    while results:
        yield results.popleft().result()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let processes that start in this block ignore Ctrl-C, which reaches all processes of a terminal; we end
    them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep spawned processes from importing the main module, the whole command line, which they do not need:
    25 MB and half a second each."""
    main = sys.modules["__main__"]
    hidden = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    main.__dict__.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        main.__dict__.update(hidden)


class _UntilTheEnd:
    """A source whose reading fails once the check has ended."""

    def __init__(self, file: Source, end: Event) -> None:
        self._file = file
        self._end = end
        self.size = file.size
        self.resolver = file.resolver

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        for chunk in self._file.chunks(start, stop):
            if self._end.is_set():
                raise _EndedError
            yield chunk


class _EndedError(Exception):
    """The result is no longer needed."""


_given: tuple[Mapping[Split, Source], CheckOptions]
"""In a worker process: keep what is the same for all ranges."""


def _begin(files: Mapping[Split, Source], asked: CheckOptions, end: Event) -> None:
    global _given
    _given = ({split: _UntilTheEnd(file, end) for split, file in files.items()}, asked)


def _examine(part: Range) -> bytes:
    sources, asked = _given
    return msgspec.msgpack.encode(scan_range(sources[part.split], part, asked))
