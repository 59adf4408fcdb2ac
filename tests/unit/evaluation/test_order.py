"""Whether words stand in order: tables of what may be moved, and the pairs counted one by one."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop.evaluation.answers import order

TWELVE = [f"w{number}" for number in range(12)]
OTHERS = [f"o{number}" for number in range(12)]


@pytest.mark.parametrize(
    ("expected", "given_", "score"),
    [
        (TWELVE, TWELVE, 1.0),
        (TWELVE, [word for pair in zip(TWELVE, OTHERS, strict=True) for word in pair], 1.0),  # words between
        (TWELVE, TWELVE[::-1], 0.0),
        (TWELVE, TWELVE[6:] + TWELVE[:6], 1.0),  # one piece stands elsewhere
        (TWELVE, [*TWELVE[8:], *TWELVE[4:8], *TWELVE[:4]], 0.0),
        # A word that is said again says nothing of the order, in either text.
        (TWELVE, [*TWELVE, "w0"], 1.0),
        ([*TWELVE, "w0"], TWELVE, 1.0),
        (TWELVE, OTHERS, 1.0),  # nothing in common has no order
        (TWELVE, [*TWELVE[1::-1], *OTHERS], 1.0),  # two anchors
        (TWELVE, [TWELVE[0], *OTHERS, *TWELVE[1:3]], 1.0),  # four, and in order
        ([], TWELVE, 1.0),
    ],
)
def test_common_words_are_in_order(expected: list[str], given_: list[str], score: float) -> None:
    assert order.in_order(expected, given_) == pytest.approx(score)


def test_more_differences_are_tolerated_in_a_paraphrase() -> None:
    """Two words that moved by two places."""
    moved = [TWELVE[place] for place in (2, 0, 1, 3, 4, 5, 6, 7, 8, 11, 9, 10)]

    assert 0 < order.in_order(TWELVE, moved) < order.in_order([*TWELVE, *OTHERS[:3]], moved) < 1


@given(st.lists(st.integers(0, 1_000), min_size=2, max_size=30, unique=True))
def test_the_correlation_is_kendalls(places: list[int]) -> None:
    pairs = list(combinations(places, 2))
    in_order = sum(first < second for first, second in pairs)

    assert order._kendall(places) == pytest.approx((in_order - (len(pairs) - in_order)) / len(pairs))


@pytest.mark.parametrize(
    ("reference", "answer", "same"),
    [
        ("red apples, green pears and nails", "nails, red apples and green pears", True),
        ("- oil the chain\n- pump the tyres", "- pump the tyres\n- oil the chain", True),
        ("الخبز، الماء، الملح", "الملح، الخبز، الماء", True),
        ("3 apples, 4 pears", "4 apples, 3 pears", False),
        ("Ann pays. Ben sleeps.", "Ben pays. Ann sleeps.", False),
        ("We need salt, pepper, oil and thyme.", "We need oil, salt, thyme and pepper.", True),
        ("salt, oil, thyme, sage, dill", "oil, sage, anise, salt, thyme", True),
        ("We need salt, pepper and oil in town", "We need oil, pepper and salt in town", False),
        ("Ann, 23, Bergen; Ben, 41, Lyon", "Ben, 41, Lyon; Ann, 23, Bergen", True),
        ("Ann, 23, Bergen; Ben, 41, Lyon", "Ann, Bergen, 23; Ben, 41, Lyon", True),
        ("Ann, 23, Bergen; Ben, 41, Lyon", "Ann, 41, Bergen; Ben, 23, Lyon", False),
        ("Now, Ann is 23, in Lyon, Ben is 41, in Cork", "Now, Ann is 41, in Lyon, Ben is 23, in Cork", False),
    ],
)
def test_enumerations_have_no_order(reference: str, answer: str, same: bool) -> None:
    assert order.same_members(reference, answer) == same
