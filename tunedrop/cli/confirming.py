"""Confirmation prompts. Without a terminal the answer is no."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from tunedrop import escaping
from tunedrop.cli.exits import INTERRUPTED, NO, USAGE
from tunedrop.cli.failures import Failed, fail


def is_interactive() -> bool:
    """Whether questions can be asked: they go to stderr, answers come from stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, *, otherwise: str, yes: bool = False, flag: str = "--yes") -> None:
    """Continue only if the user confirms.

    Parameters
    ----------
    otherwise
        The message if the user declines, such as `nothing was deleted`.
    yes
        Whether `flag` on the command line has already confirmed.
    """
    if yes:
        return
    if not is_interactive():
        fail(f"{otherwise}: without a terminal, say {flag}", USAGE, question)
    with if_interrupted(otherwise):
        if not typer.confirm(escaping.lines(_wrapped(question)), err=True):
            fail(otherwise, NO)


def _wrapped(question: str) -> str:
    """A question whose lines break between words, also in a narrow terminal."""
    width = shutil.get_terminal_size().columns - len(" [y/N]: ")
    return "\n".join(
        textwrap.fill(line, max(width, 20), break_long_words=False, break_on_hyphens=False)
        for line in question.splitlines()
    )


@contextmanager
def if_interrupted(sentence: str | Callable[[], str], next_: str = "") -> Iterator[None]:
    """End the command with a message when Ctrl-C or Ctrl-D interrupts the block.

    Parameters
    ----------
    sentence
        What goes on, or a function that knows it by then.
    next_
        The command that continues.
    """
    try:
        yield
    except (KeyboardInterrupt, EOFError, typer.Abort):
        said = sentence if isinstance(sentence, str) else sentence()
        raise Failed(f"interrupted: {said}", INTERRUPTED, next_) from None
