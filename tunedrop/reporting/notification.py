"""The one message that a run ends with: readable as an email, filterable and parseable by programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tunedrop import naming
from tunedrop.contracts import Ending, Outcome
from tunedrop.cost.words import in_words
from tunedrop.ending.outcome import outcome_of
from tunedrop.evaluation.metrics import TITLES

MAX_SUBJECT = 100
"""SNS: a subject is ASCII and at most 100 characters (API reference, Publish, read 2026-11-23)."""

_HEADLINES: dict[Outcome, str] = {
    "promoted": "is better than its base model and in production",
    "rejected": "is not better than its base model",
    "undecided": "could not be told from its base model",
    "failed": "failed",
    "stopped": "was stopped",
    "refused": "was refused before anything was paid",
}


def headline(ending: Ending) -> str:
    """How the run has ended, in half a sentence."""
    return _HEADLINES[outcome_of(ending)]


def subject(ending: Ending) -> str:
    """The subject of the email."""
    text = f"Tunedrop: {ending.run.run_id} {headline(ending)}"
    return text.encode("ascii", "replace").decode()[:MAX_SUBJECT]


def text(ending: Ending) -> str:
    """The email: the outcome first, then why, what it cost, where to read on, what to do next."""
    run = ending.run
    parts = [
        f"{run.run_id} {headline(ending)}.",
        "\n".join(why(ending)),
        "\n".join(_facts(ending)),
        "\n".join(next_steps(ending)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def attributes(ending: Ending) -> dict[str, str]:
    """Message attributes that a subscription can filter on."""
    found = {
        "event": "run-ended",
        "run_id": ending.run.run_id,
        "attempt": str(ending.run.attempt),
        "outcome": outcome_of(ending),
        "base_model": ending.run.base_model or "none",
    }
    return found | ({"method": ending.dataset.method} if ending.dataset is not None else {})


def as_json(ending: Ending) -> dict[str, Any]:
    """The same for a program: the contracts themselves, and the outcome."""
    return {"outcome": outcome_of(ending), **msgspec.to_builtins(ending)}


def why(ending: Ending) -> Iterator[str]:
    """The cause of a failure, or the verdict and the scores."""
    if ending.failure is not None:
        yield ending.failure.cause
        return
    if ending.evaluation is not None:
        yield f"{ending.evaluation.reason}."
        if ending.evaluation.verdict == "undecided":
            yield f"About {ending.evaluation.needed} held-out records would tell."
        for score in ending.evaluation.scores:
            title = TITLES.get(score.metric, score.metric)
            yield (
                f"  {title:<18} base {score.base:.3f}  tuned {score.tuned:.3f}  "
                f"difference {score.difference:+.3f} ({score.low:+.3f} to {score.high:+.3f})"
            )
        if (champion := ending.evaluation.champion) is not None:
            yield (
                f"  In production now: {champion.base:.3f}; this model {champion.tuned:.3f} "
                f"({champion.low:+.3f} to {champion.high:+.3f})"
            )


def _facts(ending: Ending) -> Iterator[str]:
    run, dataset = ending.run, ending.dataset
    yield f"Base model: {run.base_model or 'not resolved'}"
    if dataset is not None:
        held_out = dataset.test.records if dataset.test is not None else 0
        yield (
            f"Dataset:    {run.train.uri} ({dataset.method}; {dataset.train.records:,} records trained on, "
            f"{held_out:,} held out, {dataset.warning_count} warnings)"
        )
    if ending.cost is not None and ending.cost.lines:
        yield f"Cost:       {in_words(ending.cost)}"
    if ending.estimate is not None:
        yield f"Estimated:  {in_words(ending.estimate)}, budget {run.budget_usd:.2f} USD"
    if ending.released is not None:
        for arn in ending.released.kept:
            yield f"Serving:    {arn}"
        for failure in ending.released.failed:
            yield f"STILL BILLS, release it by hand: {failure}"


def next_steps(ending: Ending) -> Iterator[str]:
    """What its owner can do now."""
    run = ending.run
    if ending.promotion is not None:
        yield f"Applications read the modelId from the SSM parameter {ending.promotion.alias}."
    match outcome_of(ending):
        case "refused":
            yield "Cure what is named above and upload it again; nothing has been paid."
        case "failed":
            yield f"When the cause is cured: tunedrop retry {run.run_id}"
        case "rejected":
            yield "The base model stays in use. The report shows the best and the worst answers."
        case "undecided":
            yield "Add held-out records (data.test in the manifest) and upload it again."
    yield f"Report: tunedrop report {run.run_id} ({naming.report_key(run.run_id)} in the artifacts bucket)"
