"""Imported models: AWS's own price example, and the budget once the units are known."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests import builders
from tunedrop import catalog
from tunedrop.contracts import Ending, Estimate, ImportedBase
from tunedrop.cost import imported
from tunedrop.cost.actual import actual
from tunedrop.cost.estimate import estimate
from tunedrop.evaluation.workload import workload
from tunedrop.planning.hyperparameters import resolve

BASE = catalog.find("qwen.qwen3-32b")


def priced(usd: float) -> catalog.BaseModel:
    rate = BASE.prices.imported_per_unit_minute
    assert rate is not None
    prices = msgspec.structs.replace(
        BASE.prices, imported_per_unit_minute=msgspec.structs.replace(rate, usd=usd)
    )
    return msgspec.structs.replace(BASE, prices=prices)


def test_one_window_of_a_model_of_one_unit_costs_as_in_awss_example() -> None:
    """5 minutes at 0.05718 USD a minute and unit: 0.29 USD (the price page's example, 2026-07-21)."""
    assert BASE.prices.imported_per_unit_minute is not None
    assert BASE.prices.imported_per_unit_minute.usd == 0.05718
    base = msgspec.structs.replace(priced(0.05718), likely_units=1)
    asked = workload(builders.dataset(), builders.run(), has_champion=False)

    answers, storage = imported.lines(base, msgspec.structs.replace(asked, requests=10))

    assert round(answers.likely, 2) == 0.29
    assert storage.likely == 1.95


@pytest.mark.parametrize(
    ("has_champion", "answers", "windows"),
    [
        (False, (5, 2 * 5, 8 * 3 * 5), "1 to 8 units x 1 to 3 windows of 5 minutes"),
        (True, (5, 2 * 2 * 5, 2 * 8 * 3 * 5), "2 models x 1 to 8 units x 1 to 3 windows of 5 minutes"),
    ],
)
def test_how_many_units_and_windows_there_may_be_is_the_range(
    has_champion: bool, answers: tuple[int, int, int], windows: str
) -> None:
    """At a dollar a minute and unit, and a dollar a month and unit."""
    base = msgspec.structs.replace(priced(1.0), likely_units=2, most_units=8, inference_id="")
    kept = base.prices.imported_storage_per_unit_month
    assert kept is not None
    prices = msgspec.structs.replace(
        base.prices, imported_storage_per_unit_month=msgspec.structs.replace(kept, usd=1.0)
    )
    asked = workload(builders.dataset(), builders.run(), has_champion=has_champion)
    asked = msgspec.structs.replace(asked, requests=10)

    lines = {line.item: line for line in imported.lines(msgspec.structs.replace(base, prices=prices), asked)}

    found = {item: (line.low, line.likely, line.high) for item, line in lines.items()}
    assert found == {
        imported.ANSWERING: answers,
        imported.BASE_ANSWERING: (5, 2 * 5, 8 * 3 * 5),
        imported.STORAGE: (1, 2, 8),
        imported.BASE_STORAGE: (0, 2, 8),
    }
    assert lines[imported.ANSWERING].basis.startswith(windows)


@pytest.mark.parametrize(("seconds", "windows"), [(0, 1), (300, 1), (301, 2), (3600, 12)])
def test_a_window_is_begun_and_paid(seconds: float, windows: int) -> None:
    assert imported.windows(seconds) == windows


def test_the_units_that_an_import_brings_correct_the_estimate() -> None:
    run = builders.run(base_model=BASE.id, hyperparameters=resolve(BASE, "single-turn", {}))
    dataset = builders.dataset()
    asked = workload(dataset, run, has_champion=False)
    before = estimate(run, dataset, BASE, "imported", asked)

    now = imported.corrected(before, BASE, 8)

    answers = {line.item: line.likely for line in before.lines}
    assert {line.item for line in before.lines if not line.source} == {"training"}
    assert before.low < before.likely < before.high
    for line in now.lines:
        if line.item in (imported.ANSWERING, imported.STORAGE):
            assert line.likely == pytest.approx(answers[line.item] * 8 / BASE.likely_units)
            assert "a copy has 8" in line.basis
    assert imported.is_dearer(before, now, budget_usd=0.01)
    assert not imported.is_dearer(before, now, budget_usd=50.0)
    assert not imported.is_dearer(before, before, budget_usd=0.01)
    assert imported.corrected(now, BASE, 8) == now  # an evaluation in shards looks twice


def test_what_earlier_attempts_have_cost_counts_against_the_budget_of_a_dearer_model() -> None:
    agreed = Estimate(lines=(), low=1.0, likely=2.0, high=3.0, budget_usd=20.0)
    now = msgspec.structs.replace(agreed, likely=8.0)

    assert not imported.is_dearer(agreed, now, 20.0)
    assert imported.is_dearer(agreed, now, 20.0, before_usd=15.0)
    assert not imported.is_dearer(agreed, agreed, 20.0, before_usd=25.0)  # approved of


SMALL = catalog.find("qwen.qwen3-4b")


def test_a_base_model_that_is_imported_is_billed_as_the_tuned_one_and_not_by_token() -> None:
    run = builders.run(base_model=SMALL.id, hyperparameters=resolve(SMALL, "single-turn", {}))
    dataset = builders.dataset()
    asked = workload(dataset, run, has_champion=False)

    found = {line.item: line for line in estimate(run, dataset, SMALL, "imported", asked).lines}

    assert "evaluation" not in found
    assert found[imported.BASE_ANSWERING].likely == found[imported.ANSWERING].likely > 0
    storage = found[imported.BASE_STORAGE]
    assert (storage.low, storage.likely) == (0.0, found[imported.STORAGE].likely)


@pytest.mark.parametrize(("rejected_for", "windows"), [("", 3), ("base model", 0)])
def test_the_actual_cost_is_of_the_windows_with_requests(rejected_for: Any, windows: int) -> None:
    serving = builders.serving(
        way="imported",
        units=2,
        base=ImportedBase(arn="an ARN", units=1),
        in_service_at="2026-11-23T13:50:00Z",
    )
    ending = Ending(
        run=builders.run(base_model=SMALL.id),
        dataset=builders.dataset(),
        serving=serving,
        evaluation=builders.evaluation(rejected_for=rejected_for, input_tokens=9, output_tokens=9),
    )

    lines = {line.item: line.likely for line in actual(ending, SMALL, "2026-11-23T14:02:00Z").lines}

    minute = 5 * 0.05718 * windows
    assert lines == {
        imported.ANSWERING: pytest.approx(2 * minute), imported.BASE_ANSWERING: pytest.approx(minute)
    }  # fmt: skip


def test_llama_has_the_units_of_awss_own_example() -> None:
    """Two for Llama 3.1 8B with 128K tokens (AWS's blog on imported DeepSeek models, 2025)."""
    llama = catalog.find("meta.llama3-1-8b-instruct")

    assert (llama.likely_units, llama.most_units) == (2, 2)


@pytest.mark.parametrize(("champion", "units", "copies"), [(None, 2, 2), (True, 2, 4), (True, 0, 2)])
def test_a_production_model_in_the_comparison_is_billed_like_a_copy(
    champion: Any, units: int, copies: int
) -> None:
    score = builders.evaluation().scores[0]
    ending = Ending(
        run=builders.run(base_model=BASE.id),
        dataset=builders.dataset(),
        serving=builders.serving(way="imported", units=units, in_service_at="2026-11-23T13:57:00Z"),
        evaluation=builders.evaluation(champion=score if champion else None),
    )

    lines = {line.item: line.likely for line in actual(ending, priced(1.0), "2026-11-23T14:02:00Z").lines}

    assert lines[imported.ANSWERING] == 5 * copies


def test_an_estimate_is_corrected_by_the_units_of_both_copies() -> None:
    run = builders.run(base_model=SMALL.id, hyperparameters=resolve(SMALL, "single-turn", {}))
    before = estimate(
        run, builders.dataset(), SMALL, "imported", workload(builders.dataset(), run, has_champion=False)
    )

    now = imported.corrected(before, SMALL, 3)

    for line, earlier in zip(now.lines, before.lines, strict=True):
        few, most = (SMALL.likely_units, SMALL.most_units) if "imported" in line.item else (3, 3)
        low = earlier.low * (3 if "imported" in line.item else 1)
        assert (line.low, line.likely, line.high) == (
            pytest.approx(low),
            pytest.approx(3 * earlier.likely / few),
            pytest.approx(3 * earlier.high / most),
        )


@pytest.mark.parametrize(
    ("likely", "high", "own", "stage", "dearer"),
    [
        (10.0, 10.0, 0.0, 99.0, False),  # as much as the estimate has said it may be
        (10.01, 10.0, 0.0, 99.0, True),
        (10.0, 5.0, 10.0, 99.0, False),  # as much as the lower of the two budgets
        (10.0, 5.0, 99.0, 10.0, False),
        (10.01, 5.0, 10.0, 99.0, True),
        (10.01, 5.0, 99.0, 10.0, True),
    ],
)
def test_a_run_is_dearer_above_what_was_agreed(
    likely: float, high: float, own: float, stage: float, dearer: bool
) -> None:
    agreed = Estimate(lines=(), low=0.0, likely=1.0, high=high, budget_usd=own)

    assert imported.is_dearer(agreed, msgspec.structs.replace(agreed, likely=likely), stage) is dearer


def test_a_production_model_is_compared_and_billed_too() -> None:
    run = builders.run(base_model=SMALL.id, hyperparameters=resolve(SMALL, "single-turn", {}))
    alone, beside = (
        {
            line.item: line
            for line in imported.lines(SMALL, workload(builders.dataset(), run, has_champion=has))
        }
        for has in (False, True)
    )

    assert beside[imported.ANSWERING].likely >= 2 * alone[imported.ANSWERING].likely > 0
    assert beside[imported.BASE_ANSWERING].likely >= alone[imported.BASE_ANSWERING].likely
    assert beside[imported.ANSWERING].basis.startswith("2 models x ")
