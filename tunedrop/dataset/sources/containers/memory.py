"""Limits what reading one file may take of this process's memory.

Archives, workbooks, a line or an object without end can stand for any amount, and the libraries that read
them have no limits. Lambda ends a function that takes too much, and nobody is told which file it was.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST = 1 << 30
"""Bytes; the functions that read datasets have 2 GB."""

_lock = threading.Lock()
_inside = 0
_before = (-1, -1)


@contextmanager
def limited() -> Iterator[None]:
    """Within the block this process may allocate `MOST` bytes more, where the system can tell and limit that
    (on Linux; belief: in Lambda too). More is a MemoryError.

    Blocks in several threads share the limit of the first; the last one that ends lifts it. Lifting it takes
    no memory, since there may be none.
    """
    global _inside, _before
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[5])  # data and stack (proc_pid_statm(5))
    except (ImportError, OSError):
        yield
        return
    with _lock:
        if not _inside:
            _before = soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
            most = pages * resource.getpagesize() + MOST
            if soft != resource.RLIM_INFINITY:
                most = min(most, soft)
            resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                resource.setrlimit(resource.RLIMIT_DATA, _before)
