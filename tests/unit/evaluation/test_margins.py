"""How far a guard lets a metric fall: at each margin, above and below it, sure and not sure."""

from __future__ import annotations

import pytest

from tunedrop.contracts import Score
from tunedrop.evaluation.decision import _guards


@pytest.mark.parametrize(
    ("difference", "high", "fallen"),
    [
        (-0.021, -0.001, True),
        (-0.02, -0.001, False),  # at the margin
        (-0.019, -0.001, False),
        (-0.021, 0.0, False),  # it may be chance
        (-0.5, 0.001, False),
        (0.5, 0.9, False),
    ],
)
@pytest.mark.parametrize("margin", ["GUARD_MARGIN", "GENERAL_MARGIN"])
def test_a_metric_has_fallen_when_it_surely_did_and_by_more_than_two_points(
    margin: str, difference: float, high: float, fallen: bool
) -> None:
    score = Score(metric="chrf", base=0.5, tuned=0.5, difference=difference, low=-0.9, high=high)

    assert _guards._has_fallen(score, getattr(_guards, margin)) == fallen


def test_what_is_guarded_and_how_far_the_other_margins_are() -> None:
    """A change of one of these is a change of what is promoted."""
    assert _guards.GUARDED == ("rouge_l", "chrf", "json_valid", "macro_f1")
    assert (_guards.CONTENT_MARGIN, _guards.PRODUCTION_MARGIN, _guards.MOST_FAILED) == (0.05, 0.02, 0.1)
