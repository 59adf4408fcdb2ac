"""A score as a row says it."""

from __future__ import annotations

from tunedrop.contracts import Score


def at_a_glance(score: Score) -> str:
    """Base to tuned, and the interval of the difference.

    >>> at_a_glance(Score(metric="token_f1", base=0.3, tuned=0.6, difference=0.3, low=0.2, high=0.4))
    '0.300 → 0.600  +0.300 (+0.200 to +0.400)'
    """
    return f"{score.base:.3f} → {score.tuned:.3f}  {difference(score)}"


def difference(score: Score) -> str:
    """How much better the tuned model is, with the interval."""
    return f"{score.difference:+.3f} ({score.low:+.3f} to {score.high:+.3f})"
