"""Files of any container as JSON lines, alone or several as one dataset: `tunedrop.dataset.types.Opened`."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import BinaryIO, cast

import msgspec

from tunedrop.dataset.sources.containers import reading
from tunedrop.dataset.sources.containers.places import Places
from tunedrop.dataset.types import MediaResolver, Place, Problem, ReadOptions, Source

_AT_ONCE = 1 << 20


class SourceFile(io.RawIOBase):
    """A source as a file object."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        base = (0, self._place, self._source.size)[whence]
        self._place = max(0, base + place)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        stop = min(self._place + len(buffer), self._source.size)
        filled = 0
        for chunk in self._source.chunks(self._place, stop):
            buffer[filled : filled + len(chunk)] = chunk
            filled += len(chunk)
        self._place += filled
        return filled


def file_of(source: Source) -> BinaryIO:
    """A source as a file object that reads ahead."""
    return cast(BinaryIO, io.BufferedReader(SourceFile(source), _AT_ONCE))


class OpenedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file as JSON lines."""

    name: str
    source: Source
    container: str = "JSON lines"
    is_plain: bool = True
    problems: list[tuple[int, Problem]] = []
    places: Places | None = None
    on_close: Callable[[], object] = lambda: None

    @property
    def containers(self) -> Mapping[str, int]:
        """How the files were read, and how many of each kind there are."""
        return {self.container: 1}

    def place(self, line: int) -> Place:
        """The place of a line of `source` in the original file."""
        return self.places.of(line) if self.places is not None and line else Place(line)

    def close(self) -> None:
        """Give temporary space back."""
        self.on_close()


class JoinedSource:
    """Several files as one: each begins on a line of its own."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._parts: list[Source] = []
        for source in sources:
            if source.size:
                self._parts.append(source)
                if b"".join(source.chunks(source.size - 1, source.size)) != b"\n":
                    self._parts.append(_LineEnd())
        self.starts = [0, *accumulate(one.size for one in self._parts)]
        self.size = self.starts[-1]
        self.resolver: MediaResolver | None = sources[0].resolver if sources else None

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start to before stop."""
        first = max(0, bisect_right(self.starts, start) - 1)
        for part, (begin, end) in zip(self._parts[first:], pairwise(self.starts[first:]), strict=False):
            if begin >= stop:
                return
            yield from part.chunks(max(0, start - begin), min(stop, end) - begin)


class _LineEnd:
    """The line feed that is added to a file without a final line end."""

    size = 1
    resolver: MediaResolver | None = None

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        yield b"\n"[start:stop]


class OpenedFiles:
    """Several files that form one dataset."""

    def __init__(self, files: Sequence[OpenedFile]) -> None:
        self._files = files
        self.name = f"{files[0].name} and {len(files) - 1:,} more"
        self.source: Source = JoinedSource([one.source for one in files])
        self.containers: Mapping[str, int] = Counter(one.container for one in files)
        self.is_plain = False
        self._first: list[int] = []

    @property
    def problems(self) -> list[tuple[int, Problem]]:
        """The problems of the files themselves."""
        return [
            (0, problem._replace(message=f"{one.name}: {problem.message}"))
            for one in self._files
            for _, problem in one.problems
        ]

    def place(self, line: int) -> Place:
        """The place of a line in its own file; the lines of the files are counted on first use."""
        if not line:
            return Place(0, file=self.name)
        first = self._first_lines()
        index = bisect_right(first, line - 1) - 1
        one = self._files[index]
        place = one.place(line - first[index])
        return Place(place.line, place.part, one.name)

    def close(self) -> None:
        """Give temporary space back."""
        for one in self._files:
            one.close()

    def _first_lines(self) -> list[int]:
        """The number of lines before each file."""
        if not self._first:
            self._first = [0, *accumulate(_lines(one.source) for one in self._files[:-1])]
        return self._first


def _lines(source: Source) -> int:
    count, last = 0, b""
    for chunk in source.chunks(0, source.size):
        count += chunk.count(b"\n")
        last = chunk[-1:] or last
    return count + (last not in (b"", b"\n"))


def opened(
    source: Source,
    name: str,
    options: ReadOptions,
    sink: BinaryIO,
    keep: Callable[[], Source],
    most_bytes: int = reading.MOST_BYTES,
) -> OpenedFile:
    """A file as JSON lines: the file itself if it consists of them, else a converted copy.

    Parameters
    ----------
    sink
        Receives the converted JSON lines; `keep` makes a source of them.
    most_bytes
        The maximum size of the JSON lines.
    """
    found = reading.read(file_of(source), name, sink, options, most_bytes)
    if found.places is None:
        return OpenedFile(name=name, source=source)
    return OpenedFile(
        name=name,
        source=keep(),
        container="; ".join(found.steps) or "JSON lines",
        is_plain=False,
        problems=[(0, Problem("", code, message)) for code, message in found.warnings],
        places=found.places,
    )
