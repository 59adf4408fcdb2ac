"""Progress bars with rate and remaining time, on stderr, if it is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tunedrop.cli.output import errors

Advance = Callable[[int], object]
"""Called with the number of newly processed bytes, from any thread."""


@contextmanager
def bytes_done(what: str, total: int, then: str = "") -> Iterator[Advance]:
    """A progress bar of processed bytes; nothing is drawn unless stderr is a terminal.

    Parameters
    ----------
    then
        What follows once all bytes are processed, for the bar's description.
    """
    if not errors.is_terminal:
        yield lambda _: None
        return
    from rich.progress import (  # needed only for a terminal
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(what, total=total)

        def advance(count: int) -> None:
            progress.advance(task, count)
            if then and progress.tasks[task].finished:
                progress.update(task, description=then)

        yield advance


def counted(chunks: Iterable[bytes], advance: Advance) -> Iterator[bytes]:
    """The same chunks; each is reported once it has been processed."""
    for chunk in chunks:
        yield chunk
        advance(len(chunk))


def size_of(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
