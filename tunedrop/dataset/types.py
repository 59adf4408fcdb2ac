"""The types that all parts of `tunedrop.dataset` share.

`sources` opens an original file (`Source`) as JSON lines in UTF-8 (`Opened`); `check` scans these by ranges
of bytes; each finding is mapped back to its place in the original file (`Place`).
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
"""The formats that records can be converted to."""

CHUNK = 1 << 17
"""Bytes of a file on this machine that are read and checked at once: small enough for the cache of a core."""

MAX_SHOWN = 60


class Seen(msgspec.Struct, frozen=True):
    """One media object: its size in bytes, its format by the first of them, an image's dimensions, a video's
    duration in seconds; "" and 0 if unknown."""

    size: int
    format: str = ""
    width: int = 0
    height: int = 0
    seconds: float = 0


class Unseen(msgspec.Struct, frozen=True):
    """Why an object cannot be inspected: the rule that this violates, and the reason."""

    code: str
    why: str


class MediaResolver(Protocol):
    """Finds and inspects the media of a dataset."""

    def expect(self, uris: Iterable[str]) -> None:
        """Announce media that will be inspected, so that they can be fetched together."""

    def inspect(self, uri: str) -> Seen | Unseen | None:
        """Inspect an object; None if that is not possible from here."""


class Source(Protocol):
    """The bytes of a file, which can be read repeatedly from any position. It must not change meanwhile."""

    @property
    def size(self) -> int:
        """Bytes in all."""

    @property
    def resolver(self) -> MediaResolver | None:
        """Resolves the media that it refers to; None if they cannot be inspected."""

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, in pieces of any size; fewer only at the end of the
        file."""


class Place(msgspec.Struct, frozen=True):
    """The place of a record: a line or row from 1; the sheet or archive member; the file, if there are
    several."""

    line: int
    part: str = ""
    file: str = ""

    def name(self, file: str) -> str:
        """The name of the file, sheet or archive member; `file` is the name of the whole dataset file."""
        return "/".join(filter(None, (self.file or file, self.part)))


class Opened(Protocol):
    """A file of any container as JSON lines, one object a line, in UTF-8 without a byte-order mark.

    A row of a table is an object with the table's own column names; `formats` knows which of them mean a
    prompt. Plain JSON lines are not converted: `source` is then the file itself.
    """

    @property
    def name(self) -> str:
        """The name of the file, or of several as one, in findings."""

    @property
    def source(self) -> Source:
        """The JSON lines."""

    @property
    def containers(self) -> Mapping[str, int]:
        """How the files were read, for people, with their numbers: {"table separated by commas": 2}."""

    @property
    def is_plain(self) -> bool:
        """Whether `source` is the file itself."""

    @property
    def problems(self) -> list[tuple[int, Problem]]:
        """(line of `source`, or 0 for the file; problem), such as cells without a column or a damaged end."""

    def place(self, line: int) -> Place:
        """The place of a line of `source` in the original file."""

    def close(self) -> None:
        """Give temporary space back."""


class Problem(NamedTuple):
    """The rule that a record violates, and the JSON path; `value` is the value there, shortened."""

    path: str
    code: str
    message: str
    value: str = ""
    expected: str = ""


class Finding(msgspec.Struct, frozen=True):
    """One finding: the place, the rule, and what to do. `line` 0 is the whole file."""

    file: str
    line: int
    path: str
    code: str
    message: str
    value: str = ""
    expected: str = ""


def shorten(value: Any) -> str:
    """A value for display in a terminal or a page: short, without control characters or secrets."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode(errors="replace")
    return _shortened(text) if len(text) <= MAX_SHOWN else _shortened.__wrapped__(text)


@lru_cache(maxsize=1 << 12)
def _shortened(text: str) -> str:
    if carries_secret(text):
        return "(not shown: it looks like a secret)"
    return printable(text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…")


def printable(text: str) -> str:
    """A text that is safe to display: control characters and direction marks are escaped."""
    return (
        text
        if text.isprintable()
        else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
    )
