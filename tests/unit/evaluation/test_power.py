"""What people are told of a test set before anything is paid."""

from __future__ import annotations

from tunedrop.evaluation.statistics import power


def test_too_few_conversations_are_reported_as_inconclusive() -> None:
    assert power.in_words(29, 0.02, 0.95).startswith(
        "29 conversations, too few for a verdict, which needs 30"
    )


def test_the_level_of_an_attempt_is_written_with_few_digits() -> None:
    assert [str(power.alpha_of(confidence)) for confidence in (0.95, 0.9, 0.8)] == ["0.02", "0.04", "0.08"]
    assert str(power.alpha_of(0.95, 2)) == "0.0025"


def test_the_reported_improvement_is_detectable_with_this_number() -> None:
    told = power.in_words(400, 0.02, 0.95)

    shown = power.detectable(400, 0.02, 0.95)
    assert f"an improvement of {shown:.0%} or more" in told
    assert power.records_for(shown + 0.001, 0.02, 0.95) <= 400 < power.records_for(shown - 0.005, 0.02, 0.95)
