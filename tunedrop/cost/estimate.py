"""What a run will cost, before anything is paid: low, likely and high, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from tunedrop.catalog.model import BaseModel, Price
from tunedrop.contracts import CostLine, Dataset, Estimate, Run, Way

TOKEN_ERROR = 0.35
"""Tokens are estimated from characters; real counts differ by about this share either way."""

EVALUATION_HOURS = 1.0
"""Provisioned throughput bills from its creation by the hour; an evaluation seldom needs a second one."""


def estimate(
    run: Run,
    dataset: Dataset,
    base_model: BaseModel,
    way: Way,
    *,
    stage_budget_usd: float,
    monthly_budget_usd: float,
    spent_this_month_usd: float,
) -> Estimate:
    """The cost of a run in US dollars, and why somebody should be asked first, if so.

    Parameters
    ----------
    way
        How the tuned model is served for its evaluation.
    spent_this_month_usd
        What this stage's other runs have cost or will cost this month.
    """
    lines = tuple(_lines(run, dataset, base_model, way))
    low, likely, high = (sum(getattr(line, name) for line in lines) for name in ("low", "likely", "high"))
    unpriced = [line.item for line in lines if not line.source]
    reasons = [f"no dated price is known for {item} of {base_model.name}" for item in unpriced]
    for limit, what in (
        (run.budget_usd, "the run's budget"),
        (stage_budget_usd, "the stage's budget for one run"),
    ):
        if likely > limit:
            reasons.append(f"it would likely cost {likely:.2f} USD, over {what} of {limit:.2f} USD")
    if spent_this_month_usd + likely > monthly_budget_usd:
        reasons.append(
            f"this month's runs stand at {spent_this_month_usd:.2f} USD; with this one they would pass the "
            f"stage's monthly budget of {monthly_budget_usd:.2f} USD"
        )
    return Estimate(
        lines=lines,
        low=low,
        likely=likely,
        high=high,
        budget_usd=run.budget_usd,
        approval_reasons=tuple(dict.fromkeys(reasons)),
    )


def _lines(run: Run, dataset: Dataset, base_model: BaseModel, way: Way) -> Iterator[CostLine]:
    prices = base_model.prices
    epochs = float(run.hyperparameters.get("epochCount", "1"))
    millions = dataset.train.tokens * epochs / 1e6
    yield _priced(
        "training",
        prices.training_per_million_tokens,
        millions,
        TOKEN_ERROR,
        f"{dataset.train.tokens:,} tokens x {epochs:g} epochs",
        "per 1M tokens",
    )
    yield _priced("model storage", prices.storage_per_month, 1.0, 0.0, "1 model x 1 month", "a month")
    if way == "provisioned":
        yield _throughput(run, base_model)
    else:
        yield _inference(dataset, base_model)


def _throughput(run: Run, base_model: BaseModel) -> CostLine:
    settings = run.deployment
    keep = (settings.keep_for_seconds or 0) / 3600
    hours = EVALUATION_HOURS + keep
    price = base_model.prices.provisioned_per_unit_hour.get(settings.commitment)
    basis = f"{settings.model_units} model unit(s) x {hours:g} h ({EVALUATION_HOURS:g} h to evaluate)"
    return _priced(
        "provisioned throughput", price, hours * settings.model_units, 0.0, basis, "an hour and unit"
    )


def _inference(dataset: Dataset, base_model: BaseModel) -> CostLine:
    tokens = dataset.test.tokens if dataset.test is not None else 0
    millions = 2 * tokens / 1e6
    return _priced(
        "evaluation",
        base_model.prices.output_per_million_tokens,
        millions,
        TOKEN_ERROR,
        f"{tokens:,} held-out tokens x 2 models, all at the price of output",
        "per 1M tokens",
    )


def _priced(item: str, price: Price | None, amount: float, error: float, basis: str, unit: str) -> CostLine:
    if price is None:
        return CostLine(item=item, low=0.0, likely=0.0, high=0.0, basis=f"{basis}; no dated price is known")
    likely = amount * price.usd
    return CostLine(
        item=item,
        low=likely * (1 - error),
        likely=likely,
        high=likely * (1 + error),
        basis=f"{basis} at {price.usd:g} USD {unit}",
        source=price.source,
        priced_on=price.priced_on,
    )
