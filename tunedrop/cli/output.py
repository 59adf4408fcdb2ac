"""Output of commands: text for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from tunedrop import clock, escaping
from tunedrop.cli.failures import Failed, Format, fail
from tunedrop.formatting.amounts import duration

__all__ = [
    "Failed", "Format", "answer", "blocks", "console", "errors", "fail", "labelled", "print_json", "table",
    "when",
]  # fmt: skip

SHORT = 12
"""A cell at most this much wider than its longest word stays on one line, before longer cells get more
room."""

PLAIN_WIDTH = 10_000
"""Width of tables in a pipe, so that each row stays on one line."""


class Output(Console):
    """A console that wraps lines in a terminal, never in a pipe, and escapes control characters."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    @property
    def size(self) -> ConsoleDimensions:
        return super().size if self.is_terminal else ConsoleDimensions(PLAIN_WIDTH, 25)

    @size.setter
    def size(self, size: tuple[int, int]) -> None:
        self._width, self._height = size

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does, without trailing spaces in a pipe."""
        if self.is_terminal:
            return super().print(*objects, **options)
        with self.capture() as captured:
            super().print(*objects, **options)
        self.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
        return None

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=escaping.lines(segment.text))


console = Output()
errors = Output(stderr=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(escaping.json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()) + "\n")


def answer(value: Any, sentence: str, format_: Format) -> None:
    """Print what a command has done: as a sentence, or as JSON."""
    if format_ is Format.json:
        print_json(value)
    else:
        console.print(sentence)


def when(moment: str) -> str:
    """A time in a terminal (`3 min ago`); unchanged in a pipe."""
    if not console.is_terminal:
        return moment
    seconds = clock.seconds_between(moment, clock.now())
    return f"{duration(seconds)} ago" if seconds >= 1 else "just now"


def blocks(entries: Iterable[tuple[str, Mapping[str, str]]]) -> None:
    """Facts as blocks instead of a table, which would break ARNs over lines."""
    for title, facts in entries:
        console.print(title, style="bold", soft_wrap=True)
        width = max(map(len, facts), default=0)
        for name, fact in facts.items():
            console.print(f"  {name:<{width}}  {fact}", soft_wrap=True)


def labelled(label: str | Text, text: str, indent: int = 0, style: str = "") -> None:
    """A label and its text, on one line if the terminal is wide enough.

    Parameters
    ----------
    indent
        Where a text that is too long begins, below its label; 0: beside its label, and continues there.
    """
    label = Text(label) if isinstance(label, str) else label
    if console.width >= label.cell_len + cell_len(text):
        console.print(label, Text(text, style), sep="")
    elif indent:
        console.print(label)
        console.print(Padding(Text(text, style), (0, 0, 0, indent)))
    else:
        grid = Table.grid()
        grid.add_row(label, Text(text, style))
        console.print(grid)


class Listing(Table):
    """A table that breaks no words; in a terminal too narrow for it, a list of each row's cells."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        cells = [[column.header, *column.cells] for column in self.columns]
        sizes = [[Measurement.get(console, options, cell) for cell in column] for column in cells]
        most = [max(one.maximum for one in column) for column in sizes]
        least = [
            high if column.no_wrap else max(one.minimum for one in size)
            for column, size, high in zip(self.columns, sizes, most, strict=True)
        ]
        gaps = sum(self.padding[1] for _ in self.columns[1:])
        if (spare := options.max_width - gaps - sum(least)) < 0:
            yield from self._lists()
            return
        # Narrow columns get what they need; the others share the rest.
        wants = sorted(range(len(least)), key=lambda place: most[place] - least[place])
        for left, place in zip(range(len(wants), 0, -1), wants, strict=True):
            more = min(most[place] - least[place], max(spare // left, min(spare, SHORT)))
            self.columns[place].width = least[place] + more
            spare -= more
        yield from super().__rich_console__(console, options)

    def _lists(self) -> RenderResult:
        first, *others = self.columns
        for place, title in enumerate(first.cells):
            yield title
            facts = Table.grid(padding=(0, 2, 0, 0))
            facts.add_column(style="dim", no_wrap=True)
            facts.add_column(overflow="fold")
            for column in others:
                if (cell := list(column.cells)[place]) not in ("", None):
                    facts.add_row(column.header, cell)
            yield Padding(facts, (0, 0, 0, 2))


def table(*headers: str, right: Sequence[str] = ()) -> Table:
    """A table without borders, whose first column is never truncated.

    Parameters
    ----------
    right
        The headers of right-aligned columns, such as numbers.
    """
    made = Listing(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False, pad_edge=False)
    for index, header in enumerate(headers):
        justify: Literal["left", "right"] = "right" if header in right else "left"
        made.add_column(header, justify=justify, no_wrap=index == 0, overflow="fold")
    return made
