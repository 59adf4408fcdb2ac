"""What a reason names where the words are right and what they say is not."""

from __future__ import annotations

import pytest

from tunedrop.evaluation.answers.content import most_contradicted

REFERENCE = "The shop in Ghent opens at 9 on Monday and sells old bread to people"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (REFERENCE.replace("opens", "never opens"), "negation"),
        (REFERENCE.replace("9", "8"), "numbers"),
        (" ".join(reversed(REFERENCE.split())), "order"),
    ],
)
def test_the_commonest_contradiction_is_counted(answer: str, kind: str) -> None:
    assert most_contradicted([REFERENCE] * 10, [answer] * 6 + [REFERENCE] * 4) == (kind, 6)


def test_a_clause_with_a_no_may_be_left_out() -> None:
    with_clause = f"{REFERENCE}. If this does not help, write again"

    assert most_contradicted([with_clause] * 10, [f"{REFERENCE}. We wish you a nice day"] * 10) is None
    assert most_contradicted([with_clause] * 10, [with_clause.replace(" not", "")] * 10) == ("negation", 10)


def test_few_contradictions_are_not_named() -> None:
    wrong = REFERENCE.replace("9", "8")

    assert most_contradicted([REFERENCE] * 20, [wrong] + [REFERENCE] * 19) is None
