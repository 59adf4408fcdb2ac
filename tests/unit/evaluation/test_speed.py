from __future__ import annotations

from tests import builders
from tunedrop import catalog
from tunedrop.evaluation.inference.speed import functions_that_ask, requests_per_minute

NOVA = catalog.find("amazon.nova-lite-v1:0:300k")


def test_a_slow_account_gets_no_more_functions_than_it_can_feed() -> None:
    assert functions_that_ask(50_000, builders.stage(), per_minute=4) == 1
    assert functions_that_ask(50_000, builders.stage(), per_minute=400) == 3
    assert functions_that_ask(50_000, builders.stage(), per_minute=0) == 8


def test_few_prompts_are_evaluated_by_one_function() -> None:
    assert functions_that_ask(500, builders.stage(), per_minute=2_000) == 1
    assert functions_that_ask(501, builders.stage(), per_minute=2_000) == 2


def test_the_stages_pace_overrides_the_documented_one() -> None:
    assert requests_per_minute(builders.stage(), NOVA) == 2_000
    assert requests_per_minute(builders.stage(evaluation_requests_per_minute=4), NOVA) == 4
