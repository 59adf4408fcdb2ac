"""Confirmation prompts. Without a terminal, nothing counts as a yes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from tunedrop.cli.exits import INTERRUPTED, NO, USAGE
from tunedrop.cli.failures import Failed, fail


def is_interactive() -> bool:
    """Whether somebody sits at a terminal: questions go to stderr, answers come from stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, *, otherwise: str, yes: bool = False, flag: str = "--yes") -> None:
    """Go on only when somebody says yes.

    Parameters
    ----------
    otherwise
        What is true when the command ends here, such as `nothing was deleted`.
    yes
        Whether the question was answered on the command line already, by `flag`.
    """
    if yes:
        return
    if not is_interactive():
        fail(f"{otherwise}: without a terminal, say {flag}", USAGE, question)
    with if_interrupted(otherwise):
        if not typer.confirm(question, err=True):
            fail(otherwise, NO)


@contextmanager
def if_interrupted(sentence: str, next_: str = "") -> Iterator[None]:
    """Say what is true when Ctrl-C or Ctrl-D ends the block, and what goes on.

    Parameters
    ----------
    next_
        The command to go on with.
    """
    try:
        yield
    except (KeyboardInterrupt, EOFError, typer.Abort):
        raise Failed(f"interrupted: {sentence}", INTERRUPTED, next_) from None
