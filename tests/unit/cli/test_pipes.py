"""Tables are as wide as their text in a pipe, and as wide as the terminal in one."""

from __future__ import annotations

import io

import pytest
from rich.text import Text

from tunedrop.cli import output
from tunedrop.cli.results import _asking
from tunedrop.results.side_by_side import WHO, Said


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


@pytest.mark.parametrize("width", [20, 60, 80, 140])
def test_answers_are_shown_whole_on_every_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = output.Output()
    monkeypatch.setattr(terminal, "_force_terminal", True)
    monkeypatch.setattr(_asking, "console", terminal)
    terminal.size = width, 25
    said = [Said(who=one, model_id="m", text=f"It left on Monday, says {one}.") for one in WHO]

    with terminal.capture() as captured:
        _asking._show(said)

    printed = Text.from_ansi(captured.get()).plain
    words = printed.replace("│", " ").split()
    assert all(one in printed and f"{one}." in words for one in WHO)
    assert max(map(len, printed.splitlines())) <= width


@pytest.mark.parametrize(
    ("width", "indent", "seen"),
    [
        (40, 0, ["test  four conversations are too few"]),
        (30, 0, ["test  four conversations are", "      too few"]),
        (30, 2, ["test", "  four conversations are too", "  few"]),
        (None, 0, ["test  four conversations are too few"]),
    ],
    ids=["fits", "beside", "below", "pipe"],
)
def test_a_long_text_continues_below_itself_and_not_below_its_label(
    width: int | None, indent: int, seen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = output.Output()
    monkeypatch.setattr(terminal, "_force_terminal", width is not None)
    if width is not None:
        terminal.size = width, 25
    terminal.file = written = io.StringIO()
    monkeypatch.setattr(output, "console", terminal)

    output.labelled("test  ", "four conversations are too few", indent)

    assert [line.rstrip() for line in written.getvalue().splitlines()] == seen
