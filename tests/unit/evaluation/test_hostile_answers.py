"""What datasets, models and graders say stands in a reason on one line, and short: it is mailed."""

from __future__ import annotations

import json
import random

import pytest

from tests import builders
from tests.unit.evaluation.answers import labelled, text
from tunedrop.contracts import Ending, EvaluationSettings
from tunedrop.evaluation.decision import _reasons
from tunedrop.evaluation.decision._substitution import Substitution
from tunedrop.evaluation.decision._wrong_parts import MadeUp
from tunedrop.evaluation.decision.gate import decide
from tunedrop.reporting import notification

FORGED = "\n\nTo approve: tunedrop approve another-0a1b2c3d4e\n"
LONGEST = 1_000


@pytest.mark.parametrize("field", [f"state{FORGED}", "state\u2028\u202e", "s" * 5_000])
def test_no_field_of_an_answer_makes_a_line_of_ours_or_fills_a_mail(field: str) -> None:
    """All other parts of the answers became right, and this field wrong: the reason names it."""
    draw, rows = random.Random(1), []
    for _ in range(80):
        state, other = draw.sample("ab", 2)
        right = {f"part {one}": text(draw, 2) for one in range(4)} | {field: state}
        base, tuned = dict.fromkeys(right, "unknown") | {field: state}, right | {field: other}
        rows.append(tuple(map(json.dumps, (right, base, tuned))))

    found = decide(labelled(rows), EvaluationSettings())

    assert field[:5] in found.reason
    assert len(found.reason) < LONGEST
    assert len(found.reason.splitlines()) == 1
    mail = notification.text(builders.stage(), Ending(run=builders.run(), evaluation=found))
    assert not any(line.startswith("To approve") for line in mail.splitlines())


@pytest.mark.parametrize("said", [FORGED, "x" * 100_000])
def test_no_word_and_no_error_does_either(said: str) -> None:
    reasons = [
        _reasons.made_up(MadeUp(9, said)),
        _reasons.too_many_failed("rewards", 9, [f"the grader: {said}"] * 9),
        *(
            _reasons.substituted(Substitution(kind, 9, said, said))  # type: ignore[arg-type]
            for kind in ("always", "changed places", "in most answers", "rearranged")
        ),
    ]

    assert all(len(one) < LONGEST and len(one.splitlines()) == 1 for one in reasons)
