"""Checks an estimate against the budgets of the run, the stage and the month."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tunedrop.contracts import Estimate
from tunedrop.errors import OverBudget
from tunedrop.formatting.commands import command
from tunedrop.stage import Stage


def judge(
    estimate: Estimate, stage: Stage, spent_this_month_usd: float, requested_usd: float = 0.0,
    tenant: str = "", tenant_spent_usd: float = 0.0, before_usd: float = 0.0,
) -> Estimate:  # fmt: skip
    """The estimate with the reasons why it needs approval; without any, the run continues.

    The budget of a run is compared with what it costs at most. The budgets of a month are compared with what
    its runs likely cost, since it is unlikely that all of them cost the most.

    Parameters
    ----------
    spent_this_month_usd
        What the stage's other runs have spent or committed this month.
    requested_usd
        What runs that wait for approval would cost; only shown, not counted.
    tenant, tenant_spent_usd
        The run's tenant, and what its other runs have spent or committed this month.
    before_usd
        What earlier attempts at this run have cost; its budget covers all of them.

    Raises
    ------
    OverBudget
        If a monthly budget would be exceeded and the stage refuses that (`over_monthly_budget`).
    """
    over = [
        ("monthly_budget_usd", _over_month(estimate, stage, spent_this_month_usd, requested_usd)),
        ("tenant_budgets_usd", _over_tenants_month(estimate, stage, tenant, tenant_spent_usd)),
    ]
    over = [(setting, reason) for setting, reason in over if reason]
    if over and stage.over_monthly_budget == "refuse":
        setting, reason = over[0]
        paid = "Nothing more was paid" if before_usd else "Nothing was paid"
        raise OverBudget(f"{reason}. {paid}. Wait for the next month, or raise {setting}")
    reasons = (*_reasons(estimate, stage, before_usd), *(reason for _, reason in over))
    return msgspec.structs.replace(estimate, approval_reasons=tuple(dict.fromkeys(reasons)))


def _reasons(estimate: Estimate, stage: Stage, before: float) -> Iterator[str]:
    if estimate.unrelated_to:
        yield (
            f"its data has nothing in common with what the model in production of this name learned, in run "
            f"{estimate.unrelated_to}; it would replace that model if it is better. For a model of its own, "
            "upload it under another name"
        )
    if estimate.put_by_hand:
        yield (
            f"the model in production of this name, {estimate.put_by_hand}, was put there by hand, so that "
            "nobody knows what it has learned; it would be replaced if this run's model is better. For a "
            "model of its own, upload it under another name"
        )
    if estimate.uncompared_with:
        serve = command("promote", estimate.uncompared_with, options=f"--serve --stage {stage.name}")
        yield (
            "nothing serves the model in production of this name, so that this run's model is not compared "
            "with it, and replaces it if it is better than its base model. To have the two compared, serve "
            f"it before you approve: {serve}"
        )
    if estimate.succeeds:
        yield (
            f"its base model replaces {estimate.succeeds}, which is Legacy; its model goes into "
            "production if it is better than the current one"
            + (f". It has its own defaults for {', '.join(estimate.left_out)}" if estimate.left_out else "")
        )
    if estimate.undecidable:
        yield estimate.undecidable + ("" if before else "; approve it only to train the model all the same")
    if estimate.stays:
        yield f"what it creates cannot be deleted: {estimate.stays}"
    for line in estimate.lines:
        if not line.source:
            yield f"no dated price is known for {line.item}{f' ({line.sku})' if line.sku else ''}"
    limits = ((estimate.budget_usd, "the run's budget"), (stage.budget_usd, "the stage's budget for one run"))
    for limit, what in limits:
        if estimate.high and before + estimate.high > limit:
            most = f", at most {estimate.high:.2f}" if estimate.high > estimate.likely else ""
            more = f", beside the {before:.2f} USD of its attempts so far" if before else ""
            cost = f"{estimate.likely:.2f} USD{most}{more}"
            yield f"it would likely cost {cost}, over {what} of {limit:.2f} USD"


def _over_month(estimate: Estimate, stage: Stage, spent: float, requested: float) -> str:
    if spent + estimate.likely <= stage.monthly_budget_usd:
        return ""
    waiting = f" ({requested:.2f} USD more wait for approval)" if requested else ""
    return (
        f"this month's runs amount to {spent:.2f} USD{waiting}; with the {estimate.likely:.2f} USD of this "
        f"one they would exceed the stage's monthly budget of {stage.monthly_budget_usd:.2f} USD"
    )


def _over_tenants_month(estimate: Estimate, stage: Stage, tenant: str, spent: float) -> str:
    budget = stage.tenant_budgets_usd.get(tenant)
    if budget is None or spent + estimate.likely <= budget:
        return ""
    return (
        f"this month's runs of {tenant} amount to {spent:.2f} USD; with the {estimate.likely:.2f} USD of "
        f"this one they would exceed the monthly budget of {tenant} of {budget:.2f} USD"
    )
