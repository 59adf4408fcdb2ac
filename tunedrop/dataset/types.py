"""The types that every part of `tunedrop.dataset` shares.

A file as people have it (`Source`) is opened by `sources` into JSON lines in UTF-8 (`Opened`);
`check` scans those by ranges of bytes; each finding is mapped back to the place that people know (`Place`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from tunedrop.contracts import ReadOptions as ReadOptions
from tunedrop.dataset.rules.secrets import carries_secret
from tunedrop.intake.file_names import Split as Split

Target = Literal["prompt-completion", "converse", "openai-chat", "alpaca", "preference", "text", "csv"]
"""What records are converted into."""

MAX_SHOWN = 60


class Seen(msgspec.Struct, frozen=True):
    """One media object: its bytes, what it is by the first of them, an image's sides, a video's length in
    seconds; "" and 0 if unknown."""

    size: int
    format: str = ""
    width: int = 0
    height: int = 0
    seconds: float = 0


class Unseen(msgspec.Struct, frozen=True):
    """Why an object cannot be looked at: the rule that this breaks, and the reason."""

    code: str
    why: str


class MediaResolver(Protocol):
    """Where the media of a dataset lie."""

    def expect(self, uris: Iterable[str]) -> None:
        """Many that will be looked at: they may be fetched together."""

    def inspect(self, uri: str) -> Seen | Unseen | None:
        """An object; None if nothing can be said about it from here."""


class Source(Protocol):
    """The bytes of one file, which can be read again from any place. It must not change while it is read."""

    @property
    def size(self) -> int:
        """Bytes in all."""

    @property
    def resolver(self) -> MediaResolver | None:
        """Where the images and videos are that it refers to; None if nobody can look at them."""

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start to before stop, in pieces of any size; fewer only at the end of the file."""


class Place(msgspec.Struct, frozen=True):
    """Where a record stands: a line or row from 1; the sheet or member; the file, where several are one."""

    line: int
    part: str = ""
    file: str = ""

    def name(self, file: str) -> str:
        """What the file, sheet or member is called, where `file` is the name of all."""
        return "/".join(filter(None, (self.file or file, self.part)))


class Opened(Protocol):
    """A file of any container as JSON lines, one object a line, in UTF-8 without a byte-order mark.

    A row of a table is an object of its named cells, under the table's own names; `formats` knows which of
    them mean a prompt. Plain JSON lines are passed through: `source` is then the file itself.
    """

    @property
    def name(self) -> str:
        """What the file, or several as one, are called in findings."""

    @property
    def source(self) -> Source:
        """The JSON lines."""

    @property
    def containers(self) -> Mapping[str, int]:
        """What the files were, for people, and how many: {"table separated by commas": 2}."""

    @property
    def is_plain(self) -> bool:
        """Whether `source` is the file itself."""

    @property
    def problems(self) -> list[tuple[int, Problem]]:
        """(line of `source`, or 0 for the file; what is wrong): cells without a column, a broken end."""

    def place(self, line: int) -> Place:
        """Where a line of `source` stands in the file."""

    def close(self) -> None:
        """Give temporary space back."""


class Problem(NamedTuple):
    """Which rule a record breaks, and where: a JSON path; `value` is what stands there, shortened."""

    path: str
    code: str
    message: str
    value: str = ""
    expected: str = ""


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong: where, which rule, and what to do. `line` 0 is the whole file."""

    file: str
    line: int
    path: str
    code: str
    message: str
    value: str = ""
    expected: str = ""


def shorten(value: Any) -> str:
    """A value as it may be shown in a terminal or a page: short, without control characters or secrets."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode(errors="replace")
    return _shortened(text) if len(text) <= MAX_SHOWN else _shortened.__wrapped__(text)


@lru_cache(maxsize=1 << 12)
def _shortened(text: str) -> str:
    if carries_secret(text):
        return "(not shown: it looks like a secret)"
    return printable(text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…")


def printable(text: str) -> str:
    """A text that does nothing to a terminal: what controls it or turns its direction is escaped."""
    return (
        text
        if text.isprintable()
        else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
    )
