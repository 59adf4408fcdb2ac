"""Confirmation prompts. Without a terminal the answer is no."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

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
        if not typer.confirm(question, err=True):
            fail(otherwise, NO)


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
