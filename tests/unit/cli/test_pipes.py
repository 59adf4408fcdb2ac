"""Tables are as wide as their text in a pipe, and as wide as the terminal in one."""

from __future__ import annotations

import io

import pytest
from rich.text import Text

from tunedrop.cli import output


def test_a_table_in_a_pipe_has_no_spaces_that_fill_a_line() -> None:
    console = output.Output()
    console.file = io.StringIO()
    made = output.table("run", "status")
    made.add_row("roses", "completed")

    console.print(made)

    assert max(map(len, console.file.getvalue().splitlines())) < 30


@pytest.mark.parametrize("width", [30, 60, 90, 140])
def test_a_narrow_terminal_breaks_no_word(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = output.Output()
    monkeypatch.setattr(terminal, "_force_terminal", True)
    terminal.size = width, 25
    listing = output.table("base model", "methods", "state", "in", right=("in",))
    listing.add_row(
        "its answers to others", "fine-tuning, distillation, reinforcement", "can be tuned", "0.06"
    )

    with terminal.capture() as captured:
        terminal.print(listing)

    printed = captured.get()
    words = ("its answers to others", "fine-tuning,", "distillation,", "reinforcement", "0.06", "methods")
    assert all(word in printed for word in words)
    assert max(map(len, Text.from_ansi(printed).plain.splitlines())) <= width
