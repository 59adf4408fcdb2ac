"""Errors that a run can end with, and exit codes, from where they are defined."""

from __future__ import annotations

from docs.reference.tables import page, table
from tunedrop import errors
from tunedrop.cli.exits import MEANINGS
from tunedrop.schemas.docstrings import summary

_HEAD = """A run that cannot go on ends with one of these errors. Its message says what is wrong, where, and
how to cure it; it stands in the notification, in `tunedrop show`, and as the cause of the Step Functions
execution. A run that was *refused* is yours to cure, by changing what was dropped; nothing has been paid.
After a *failed* one, cure the cause and `tunedrop retry RUN`: it goes on where it was."""


def markdown() -> str:
    """Errors by name, and exit codes by number."""
    kinds = [
        one for one in vars(errors).values() if isinstance(one, type) and errors.RunError in one.__bases__
    ]
    rows = ((f"`{one.__name__}`", summary(one), _ends(one.__name__)) for one in kinds)
    return page(
        "# Errors and exit codes",
        _HEAD,
        table(("error", "what it means", "the run ends as"), rows),
        "Throttling, errors of AWS's services and resources still in motion end no run: they are tried "
        "again, by the SDK, then by Step Functions with growing pauses.",
        "## Exit codes",
        "Of every `tunedrop` command. Findings go to standard output, errors to standard error.",
        table(("code", "what it means"), ((str(code), meaning) for code, meaning in MEANINGS.items())),
    )


def _ends(name: str) -> str:
    if name == errors.RunStopped.__name__:
        return "stopped"
    return "refused" if name in errors.REFUSALS else "failed"
