from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tunedrop import catalog
from tunedrop.contracts import DatasetFile, EvaluationSettings, JudgeSettings
from tunedrop.evaluation.speed import (
    REQUESTS_A_FUNCTION,
    functions_that_ask,
    minutes_to_evaluate,
    requests_per_minute,
)

NOVA = catalog.find("amazon.nova-lite-v1:0:300k")
OF_UNKNOWN_PACE = catalog.find(builders.LLAMA_3_1)


def minutes(prompts: int, per_minute: int) -> float | None:
    held_out = DatasetFile(uri="s3://artifacts/test.jsonl", records=prompts, tokens=1)
    stage = builders.stage(evaluation_requests_per_minute=per_minute)
    settings = EvaluationSettings(max_prompts=100_000, general_ability=False)
    return minutes_to_evaluate(builders.dataset(test=held_out), settings, stage, OF_UNKNOWN_PACE)


def test_a_slow_accounts_evaluation_is_known_to_be_long() -> None:
    assert minutes(40, per_minute=4) == pytest.approx(2 * 40 / 4)
    assert minutes(40, per_minute=0) is None


def test_general_ability_and_the_judge_take_their_time_too() -> None:
    stage = builders.stage(evaluation_requests_per_minute=4)
    judge = JudgeSettings(model="judge")

    def of(**settings: Any) -> float | None:
        asked = EvaluationSettings(**settings)
        return minutes_to_evaluate(builders.dataset(), asked, stage, OF_UNKNOWN_PACE)

    assert of(general_ability=False) == pytest.approx(2 * 40 / 4)
    assert of() == pytest.approx(2 * (40 + 48) / 4)
    assert of(general_ability=False, judge=judge) == pytest.approx((2 + 2) * 40 / 4)


def test_shards_evaluate_as_fast_as_the_account_allows() -> None:
    assert minutes(4_000, per_minute=480) == pytest.approx(2 * 4_000 / 480)


def test_no_pace_is_promised_that_the_functions_cannot_keep() -> None:
    assert minutes(400, per_minute=2_000) == pytest.approx(2 * 400 / REQUESTS_A_FUNCTION)
    assert minutes(50_000, per_minute=2_000) == pytest.approx(2 * 50_000 / (8 * REQUESTS_A_FUNCTION))


def test_a_slow_account_gets_no_more_functions_than_it_can_feed() -> None:
    assert functions_that_ask(50_000, builders.stage(), per_minute=4) == 1
    assert functions_that_ask(50_000, builders.stage(), per_minute=400) == 3
    assert functions_that_ask(50_000, builders.stage(), per_minute=0) == 8


def test_few_prompts_are_asked_by_one_function() -> None:
    assert functions_that_ask(500, builders.stage(), per_minute=2_000) == 1
    assert functions_that_ask(501, builders.stage(), per_minute=2_000) == 2


def test_the_stages_pace_overrides_the_documented_one() -> None:
    assert requests_per_minute(builders.stage(), NOVA) == 2_000
    assert requests_per_minute(builders.stage(evaluation_requests_per_minute=4), NOVA) == 4
