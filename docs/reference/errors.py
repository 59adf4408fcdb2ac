"""The reference of a run's errors and of exit codes, generated from their definitions."""

from __future__ import annotations

from docs.reference.tables import page, table
from tunedrop import errors
from tunedrop.cli.exits import MEANINGS
from tunedrop.schemas.docstrings import summary

_HEAD = """A run that cannot continue ends with one of these errors. The message says what is wrong, where,
and how to fix it. It appears in the notification, in `tunedrop show`, and as the cause of the Step Functions
execution. If a run was *refused*, change the upload; that attempt has billed nothing. If it *failed*, fix the
cause and run `tunedrop retry RUN` to resume it."""


def markdown() -> str:
    """Errors by name, and exit codes by number."""
    kinds = [
        one for one in vars(errors).values() if isinstance(one, type) and errors.RunError in one.__bases__
    ]
    rows = ((f"`{one.__name__}`", summary(one), _ends(one.__name__)) for one in kinds)
    return page(
        "# Errors and exit codes",
        _HEAD,
        table(("error", "meaning", "the run ends as"), rows),
        "Throttling, errors of AWS services and resources in transition do not end a run: the SDK and then "
        "Step Functions retry them with backoff.",
        "## Exit codes",
        "All `tunedrop` commands use these exit codes. Findings go to standard output, errors to standard "
        "error.",
        table(("code", "meaning"), ((str(code), meaning) for code, meaning in MEANINGS.items())),
    )


def _ends(name: str) -> str:
    if name == errors.RunStopped.__name__:
        return "stopped"
    return "refused" if name in errors.REFUSALS else "failed"
