"""The result of a run in words, for the email, the chat, the summary and the report."""

from __future__ import annotations

import msgspec

from tunedrop.contracts import Ending, Evaluation, Outcome, Reason, Score
from tunedrop.evaluation.scoring.metrics import TITLES
from tunedrop.reporting.outcome import outcome_of

_HEADLINES: dict[Outcome, str] = {
    "promoted": "is better than its base model and in production",
    "rejected": "is not better than its base model",
    "inconclusive": "is not distinguishable from its base model",
    "failed": "failed",
    "stopped": "was stopped",
    "refused": "was refused before anything was paid",
}
_REJECTIONS: dict[Reason, str] = {
    "free answers": "is no better than a trivial baseline",
    "content": "has a better format, but less correct content",
    "guarded metric": "is better than its base model on one metric, and worse on another",
    "general ability": "has learned its task, but lost general ability",
    "model in production": "is better than its base model, but not than the model in production",
}
_DOUBTS: dict[Reason, str] = {
    "free answers": "is not clearly better than a trivial baseline",
    "content": "has a better format, but its content is not clearly better",
    "guarded metric": "is better than its base model on one metric, and may be worse on another",
    "general ability": "has learned its task, but may have lost general ability",
    "model in production": "is not clearly better than the model in production",
    "part": "is better than its base model on average, but worse in part of its answers",
    "reading": "may be better than its base model, which only a reader can tell",
    "failures": "could not be compared with its base model",
    "base model": "could not be compared with its base model",
    "silent production": "is better than its base model, but the model in production did not answer",
}
"""Of inconclusive runs, where more than records is missing."""


def headline(ending: Ending) -> str:
    """How the run has ended, in half a sentence."""
    outcome, found = outcome_of(ending), ending.evaluation
    if outcome == "refused" and ending.run.is_reevaluated:
        return "was not re-evaluated"
    if outcome == "refused" and has_paid(ending):
        return "was refused before anything more was paid"
    if found is None:
        return _HEADLINES[outcome]
    usual = _undecided(found) if outcome == "inconclusive" else _HEADLINES[outcome]
    return obstacle(outcome, found.rejected_for) or usual


def obstacle(outcome: str, reason: Reason) -> str:
    """What prevented a promotion, in half a sentence; empty if only the deciding score did."""
    said = {"rejected": _REJECTIONS, "inconclusive": _DOUBTS}.get(outcome, {})
    return said.get(reason, "")


def _undecided(found: Evaluation) -> str:
    """Of an evaluation that more records might have decided, if there were enough of them."""
    if found.decisive is None or found.decisive.low <= 0:
        return _HEADLINES["inconclusive"]
    return (
        "has too few test records for a verdict"
        if found.needed
        else "is better than its base model, but perhaps by too little"
    )


def has_paid(ending: Ending) -> bool:
    """Whether the run had cost something when it was refused: its training, or an earlier attempt."""
    return ending.job is not None or bool(ending.run.spent_before_usd)


def title_of(score: Score) -> str:
    """What people call its metric."""
    return TITLES.get(score.metric, score.metric)


def deciding(ending: Ending) -> Score | None:
    """The score that decided; None if it has not come to that."""
    return ending.evaluation.decisive if ending.evaluation is not None else None


def number(score: Score) -> str:
    """The deciding number at a glance: `Token F1 0.312 to 0.618 (+0.306)`."""
    return f"{title_of(score)} {score.base:.3f} to {score.tuned:.3f} ({score.difference:+.3f})"


def at_a_glance(ending: Ending) -> str:
    """What decided, in so few words that a subject holds them; empty for a run that was not evaluated."""
    found, score = ending.evaluation, deciding(ending)
    if found is None:
        return ""
    if score is not None and found.champion is not None and found.rejected_for == "model in production":
        return f"{title_of(score)} {score.tuned:.3f}, in production {found.champion.base:.3f}"
    if found.verdict == "inconclusive" and not found.needed:
        reason = found.reason.rpartition("; but ")[2] if found.rejected_for else found.reason
        return reason.partition(";")[0]
    if score is None:
        return ""
    if found.rejected_for == "general ability" and found.general is not None:
        return number(found.general)
    return number(score)


def losses(ending: Ending) -> str:
    """The losses that the training ended with, and why one is missing; empty for a run that has none."""
    found = ending.evaluation.losses if ending.evaluation is not None else None
    if found is None:
        return ""
    known = (
        ("training loss", found.training_loss, found.training_perplexity),
        ("validation loss", found.validation_loss, found.validation_perplexity),
    )
    told = [
        f"{name} {loss:.3f}" + (f" (perplexity {perplexity:.2f})" if perplexity is not None else "")
        for name, loss, perplexity in known
        if loss is not None
    ]
    return "; ".join(part for part in (", ".join(told), found.missing) if part)


def sentence(ending: Ending) -> str:
    """The verdict in a sentence with its number and interval, and one more where what was in production is
    gone; empty for a run that was not evaluated."""
    if ending.evaluation is None or ending.failure is not None:
        return ""
    return " ".join(part for part in (_decided(ending), _gone_from_production(ending)) if part)


def standing(ending: Ending) -> str:
    """The verdict of an earlier attempt in a sentence, if this one has ended without its own; else empty."""
    earlier = ending.standing
    if earlier is None:
        return ""
    glance = at_a_glance(msgspec.structs.replace(ending, evaluation=earlier.evaluation))
    return (
        f"The verdict of attempt {earlier.attempt} stays: {earlier.outcome}{f', {glance}' if glance else ''}."
    )


def _decided(ending: Ending) -> str:
    found, score = ending.evaluation, deciding(ending)
    if found is None:
        return ""
    if score is None or found.verdict != "promote":
        return f"{found.reason[:1].upper()}{found.reason[1:].rstrip('.')}."
    moved = "went" if abs(score.difference) < 0.0005 else "rose" if score.difference > 0 else "fell"
    return (
        f"{title_of(score)} {moved} from {score.base:.3f} to {score.tuned:.3f} on "
        f"{found.records:,} held-out prompts, a difference of {score.difference:+.3f} "
        f"({ending.run.evaluation.confidence:.0%} interval {score.low:+.3f} to {score.high:+.3f})."
    )


def _gone_from_production(ending: Ending) -> str:
    gone = ending.evaluation.production_gone if ending.evaluation is not None else ""
    if not gone:
        return ""
    now = "this model replaced it" if ending.promotion is not None else "its alias still names it"
    return (
        f"The model in production, {gone}, is gone: it was deleted outside Tunedrop. Nothing was compared "
        f"with it; {now}."
    )
