"""Where the user finds a line: in which file, sheet or archive member, and at which line or row there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tunedrop.dataset.duplicates.candidates import Place
from tunedrop.dataset.types import Opened, Problem, Split


class Places:
    """Translates line numbers of a dataset's files.

    Parameters
    ----------
    names
        The names of the files in findings.
    opened
        The readers of files other than plain JSON lines.
    """

    def __init__(self, names: Mapping[Split, str], opened: Mapping[Split, Opened]) -> None:
        self._names = names
        self._opened = opened

    def of(self, split: Split, number: int) -> tuple[str, int]:
        """The name of the file, sheet or archive member that a line is in, and the line or row there."""
        if split not in self._opened:
            return self._names[split], number
        place = self._opened[split].place(number)
        return place.name(self._names[split]), place.line

    def written(self, place: Place) -> str:
        """A record's place in words, for the finding of another record."""
        name, line = self.of(place.split, place.line)
        return f"line {line} of {place.split if name == self._names[place.split] else name}"

    def plain_name(self, split: Split) -> str:
        """The name of a file of plain JSON lines; empty for any other file."""
        is_plain = split not in self._opened or self._opened[split].is_plain
        return self._names[split] if is_plain else ""

    def problems(self, split: Split) -> Iterable[tuple[int, Problem]]:
        """The problems that the reader of a file has found, with their lines."""
        return self._opened[split].problems if split in self._opened else ()
