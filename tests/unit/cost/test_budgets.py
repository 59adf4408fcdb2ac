"""Whether a run may be paid for unasked, as a table: each limit below, at and above; zero; refusals."""

from __future__ import annotations

import msgspec
import pytest

from tests import builders
from tunedrop.contracts import CostLine, Estimate
from tunedrop.cost.budgets import judge
from tunedrop.errors import OverBudget


def estimate(
    likely: float, budget: float = 100.0, source: str = "AWS", unrelated_to: str = "", most: float = 1.0
) -> Estimate:
    high = most * likely
    line = CostLine(item="training", low=0.0, likely=likely, high=high, basis="", source=source)
    return Estimate(
        lines=(line,), low=0.0, likely=likely, high=high, budget_usd=budget, unrelated_to=unrelated_to
    )


@pytest.mark.parametrize(
    ("likely", "own", "stage", "month", "spent", "asked_for"),
    [
        (10.0, 10.0, 10.0, 10.0, 0.0, []),  # exactly each limit
        (10.01, 10.0, 99.0, 999.0, 0.0, ["the run's budget of 10.00"]),
        (10.01, 99.0, 10.0, 999.0, 0.0, ["the stage's budget for one run of 10.00"]),
        (10.01, 10.0, 10.0, 999.0, 0.0, ["the run's budget", "the stage's budget"]),
        (10.0, 99.0, 99.0, 100.0, 90.0, []),  # the month is used up exactly
        (10.0, 99.0, 99.0, 100.0, 90.01, ["monthly budget of 100.00"]),
        (10.0, 9.0, 9.0, 9.0, 0.0, ["the run's budget", "the stage's budget", "monthly budget"]),
        (0.01, 0.0, 99.0, 999.0, 0.0, ["the run's budget of 0.00"]),
        (0.01, 99.0, 0.0, 999.0, 0.0, ["the stage's budget for one run of 0.00"]),
        (0.01, 99.0, 99.0, 0.0, 0.0, ["monthly budget of 0.00"]),
        (0.0, 0.0, 0.0, 0.0, 0.0, []),  # nothing costs nothing
    ],
)
def test_approval_is_requested_for_each_exceeded_limit_and_no_other(
    likely: float, own: float, stage: float, month: float, spent: float, asked_for: list[str]
) -> None:
    limits = builders.stage(budget_usd=stage, monthly_budget_usd=month)

    reasons = judge(estimate(likely, own), limits, spent).approval_reasons

    assert len(reasons) == len(asked_for)
    assert all(part in reason for part, reason in zip(asked_for, reasons, strict=True))
    assert not any("more wait for approval" in reason for reason in reasons)


@pytest.mark.parametrize(("most", "asked"), [(10.0, False), (10.01, True)])
def test_approval_is_requested_for_what_a_run_may_cost_at_most(most: float, *, asked: bool) -> None:
    """A month is compared with the likely cost of its runs: see `judge`."""
    limits = builders.stage(budget_usd=100.0, monthly_budget_usd=50.0)

    reasons = judge(estimate(10.0, 100.0, most=most), limits, 40.0).approval_reasons

    whose = ("the run's budget", "the stage's budget for one run") if asked else ()
    assert reasons == tuple(
        f"it would likely cost 10.00 USD, at most 100.10, over {one} of 100.00 USD" for one in whose
    )


@pytest.mark.parametrize(
    ("before", "likely", "asked"),
    [(9.0, 1.0, False), (9.0, 1.01, True), (20.0, 0.01, True), (20.0, 0.0, False)],
)
def test_a_runs_budget_is_for_all_its_attempts_together(before: float, likely: float, asked: bool) -> None:
    limits = builders.stage(budget_usd=99.0, monthly_budget_usd=999.0)

    reasons = judge(estimate(likely, 10.0), limits, before, before_usd=before).approval_reasons

    assert [f", beside the {before:.2f} USD of its attempts so far, over" in one for one in reasons] == [
        True
    ] * asked


def test_approval_is_requested_for_unrelated_data_and_each_missing_price() -> None:
    found = judge(estimate(0.0, source="", unrelated_to="persona-1"), builders.stage(), 0.0)

    assert [reason[:30] for reason in found.approval_reasons] == [
        "its data has nothing in common",
        "no dated price is known for tr",
    ]
    assert "in run persona-1" in found.approval_reasons[0]


def test_approval_is_requested_before_a_model_is_replaced_that_nothing_serves() -> None:
    uncompared = msgspec.structs.replace(estimate(1.0), uncompared_with="persona-1")

    (reason,) = judge(uncompared, builders.stage(), 0.0).approval_reasons

    assert reason.startswith("nothing serves the model in production of this name")
    assert reason.endswith("before you approve: tunedrop promote persona-1 --serve --stage test")


def test_approval_is_requested_before_a_model_is_replaced_that_somebody_has_put_there_by_hand() -> None:
    by_hand = msgspec.structs.replace(estimate(1.0), put_by_hand="arn:copy")

    (reason,) = judge(by_hand, builders.stage(), 0.0).approval_reasons

    assert "arn:copy, was put there by hand" in reason


def test_approval_is_requested_for_a_run_that_could_reach_no_verdict() -> None:
    undecidable = msgspec.structs.replace(estimate(1.0), undecidable="12 conversations cannot decide")

    (reason,) = judge(undecidable, builders.stage(), 0.0).approval_reasons

    assert reason == "12 conversations cannot decide; approve it only to train the model all the same"


@pytest.mark.parametrize(("spent", "refused"), [(90.0, False), (90.01, True)])
def test_a_stage_that_refuses_over_its_month_refuses_just_above_it(spent: float, refused: bool) -> None:
    strict = builders.stage(monthly_budget_usd=100.0, over_monthly_budget="refuse")
    try:
        judge(estimate(10.0), strict, spent)
    except OverBudget:
        assert refused
    else:
        assert not refused


def test_what_others_request_is_named_and_counts_for_nothing() -> None:
    stage = builders.stage(monthly_budget_usd=100.0)

    assert judge(estimate(10.0), stage, 90.0, requested_usd=50.0).approval_reasons == ()
    (reason,) = judge(estimate(10.0), stage, 91.0, requested_usd=50.0).approval_reasons
    assert "(50.00 USD more wait for approval)" in reason


@pytest.mark.parametrize(
    ("tenant", "spent", "asked_for"),
    [
        ("law", 90.0, []),  # the tenant's month is used up exactly
        ("law", 90.01, ["monthly budget of law of 100.00"]),
        ("law", 0.0, []),
        ("", 999.0, []),  # nobody's run, and one of a tenant without a budget
        ("sales", 999.0, []),
        ("free", 0.0, ["monthly budget of free of 0.00"]),
    ],
)
def test_a_tenants_approval_is_requested_just_above_its_own_budget(
    tenant: str, spent: float, asked_for: list[str]
) -> None:
    stage = builders.stage(monthly_budget_usd=9e9, tenant_budgets_usd={"law": 100.0, "free": 0.0})

    reasons = judge(estimate(10.0), stage, 0.0, tenant=tenant, tenant_spent_usd=spent).approval_reasons

    assert len(reasons) == len(asked_for)
    assert all(part in reason for part, reason in zip(asked_for, reasons, strict=True))


def test_a_stage_that_refuses_refuses_over_a_tenants_month_too() -> None:
    strict = builders.stage(over_monthly_budget="refuse", tenant_budgets_usd={"law": 100.0})

    with pytest.raises(OverBudget, match="raise tenant_budgets_usd"):
        judge(estimate(10.0), strict, 0.0, tenant="law", tenant_spent_usd=90.01)


def test_approval_is_requested_before_a_successor_is_trained() -> None:
    asked = msgspec.structs.replace(estimate(1.0), succeeds="Nova Lite", left_out=("lora_alpha",))

    (reason,) = judge(asked, builders.stage(), 0.0).approval_reasons

    assert "replaces Nova Lite" in reason
    assert "lora_alpha" in reason


def test_approval_is_requested_before_what_cannot_be_deleted_is_made() -> None:
    asked = msgspec.structs.replace(estimate(0.0), stays="no service deletes it")

    assert judge(asked, builders.stage(), 0.0).approval_reasons == (
        "what it creates cannot be deleted: no service deletes it",
    )
