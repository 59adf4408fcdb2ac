"""The outcome of a run, in one word."""

from __future__ import annotations

import msgspec

from tunedrop.contracts import Ending, Outcome
from tunedrop.errors import REFUSALS, RunStopped, plain_cause

_VERDICTS: dict[str, Outcome] = {"promote": "promoted", "reject": "rejected", "inconclusive": "inconclusive"}


def outcome_of(ending: Ending) -> Outcome:
    """`refused` if the user can fix the cause, `failed` if not; else the evaluation's verdict.

    A run whose model is in production is `promoted`, even if something failed afterwards.
    """
    if ending.promotion is not None:
        return "promoted"
    if ending.failure is not None:
        if ending.failure.error == RunStopped.__name__:
            return "stopped"
        return "refused" if ending.failure.error in REFUSALS else "failed"
    return _VERDICTS[ending.evaluation.verdict] if ending.evaluation is not None else "failed"


def after_promotion(ending: Ending) -> Ending:
    """Turn a failure after the promotion into a note."""
    failure, promotion = ending.failure, ending.promotion
    if failure is None or promotion is None:
        return ending
    step = f" in the step {failure.step}" if failure.step else ""
    note = (
        f"the model is in production, though the run failed afterwards{step}: {plain_cause(failure.cause)}. "
        "The next sweep releases its remaining resources"
    )
    promotion = msgspec.structs.replace(promotion, note="; ".join(filter(None, (promotion.note, note))))
    return msgspec.structs.replace(ending, failure=None, promotion=promotion)


def for_people(ending: Ending) -> Ending:
    """The same with a failure's cause without its stack trace."""
    if ending.failure is None:
        return ending
    failure = msgspec.structs.replace(ending.failure, cause=plain_cause(ending.failure.cause))
    return msgspec.structs.replace(ending, failure=failure)
