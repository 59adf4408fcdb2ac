from __future__ import annotations

import pytest

from tests import builders
from tunedrop import catalog
from tunedrop.contracts import EvaluationSettings
from tunedrop.evaluation.speed import minutes_to_evaluate, requests_per_minute


def test_a_slow_accounts_evaluation_is_known_to_be_long() -> None:
    settings = EvaluationSettings()

    assert minutes_to_evaluate(builders.dataset(), settings, per_minute=4) == pytest.approx(2 * 40 / 4)
    assert minutes_to_evaluate(builders.dataset(), settings, per_minute=0) is None


def test_the_stages_pace_overrides_the_documented_one() -> None:
    model = catalog.find("amazon.nova-lite-v1:0:300k")

    assert requests_per_minute(builders.stage(), model) == 2_000
    assert requests_per_minute(builders.stage(evaluation_requests_per_minute=4), model) == 4
