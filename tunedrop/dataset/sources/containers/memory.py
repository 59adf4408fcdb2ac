"""Limits what reading one file may take of this process's memory.

Archives, workbooks, a line or an object without end can stand for any amount, and the libraries that read
them have no limits. Lambda ends a function that takes too much, and nobody is told which file it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST = 1 << 30
"""Bytes; the functions that read datasets have 2 GB."""


@contextmanager
def limited() -> Iterator[None]:
    """Within the block this process may allocate `MOST` bytes more, where the system can tell and limit that
    (on Linux; belief: in Lambda too). More is a MemoryError.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[5])  # data and stack (proc_pid_statm(5))
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = pages * resource.getpagesize() + MOST
    if resource.RLIM_INFINITY not in (soft, hard):
        most = min(most, soft)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
