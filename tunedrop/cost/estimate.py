"""What a run will cost, before anything is paid: low, likely and high, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from tunedrop.catalog.model import BaseModel, Price
from tunedrop.contracts import Commitment, CostLine, Dataset, Estimate, Run, Way
from tunedrop.serving import choose

TOKEN_ERROR = 0.35
"""Tokens are estimated from characters; real counts differ by about this share either way."""

EVALUATION_HOURS = 1.0
"""Provisioned throughput bills from its creation by the hour; an evaluation seldom needs a second one."""


COMMITTED_HOURS: dict[Commitment, float] = {"none": 0.0, "1-month": 30 * 24.0, "6-months": 180 * 24.0}
"""A commitment bills to its end (Bedrock user guide, prov-throughput, read 2026-11-23)."""


def estimate(
    run: Run,
    dataset: Dataset,
    base_model: BaseModel,
    way: Way,
) -> Estimate:
    """The cost of a run in US dollars, line by line.

    Parameters
    ----------
    way
        How the tuned model is served for its evaluation.
    """
    lines = tuple(_lines(run, dataset, base_model, way))
    low, likely, high = (sum(getattr(line, name) for line in lines) for name in ("low", "likely", "high"))
    return Estimate(lines=lines, low=low, likely=likely, high=high, budget_usd=run.budget_usd)


def _lines(run: Run, dataset: Dataset, base_model: BaseModel, way: Way) -> Iterator[CostLine]:
    prices = base_model.prices
    yield priced(
        "training",
        prices.training_per_million_tokens,
        training_millions(run, dataset),
        TOKEN_ERROR,
        training_basis(run, dataset),
        "per 1M tokens",
    )
    yield storage(base_model)
    if way == "provisioned":
        yield _throughput(run, base_model, EVALUATION_HOURS)
        return
    yield _inference(dataset, base_model)
    if choose.production_way(base_model, run.deployment) == "provisioned":
        yield _throughput(run, base_model, 0.0)


def _throughput(run: Run, base_model: BaseModel, to_evaluate: float) -> CostLine:
    settings = run.deployment
    hours = to_evaluate + (settings.keep_for_seconds or 0) / 3600
    hours = max(hours, COMMITTED_HOURS[settings.commitment])
    price = base_model.prices.provisioned_per_unit_hour.get(settings.commitment)
    basis = f"{settings.model_units} model unit(s) x {hours:g} h ({to_evaluate:g} h to evaluate)"
    return priced(
        "provisioned throughput", price, hours * settings.model_units, 0.0, basis, "an hour and unit"
    )


def _inference(dataset: Dataset, base_model: BaseModel) -> CostLine:
    tokens = dataset.test.tokens if dataset.test is not None else 0
    millions = 2 * tokens / 1e6
    return priced(
        "evaluation",
        base_model.prices.output_per_million_tokens,
        millions,
        TOKEN_ERROR,
        f"{tokens:,} held-out tokens x 2 models, all at the price of output",
        "per 1M tokens",
    )


def storage(base_model: BaseModel) -> CostLine:
    """What a custom model costs while it exists, for its first month."""
    return priced(
        "model storage", base_model.prices.storage_per_month, 1.0, 0.0, "1 model x 1 month", "a month"
    )


def training_millions(run: Run, dataset: Dataset) -> float:
    """Millions of tokens that the job trains on: the training set, as often as it has epochs."""
    return dataset.train.tokens * _epochs(run) / 1e6


def training_basis(run: Run, dataset: Dataset) -> str:
    return f"{dataset.train.tokens:,} tokens x {_epochs(run):g} epochs"


def _epochs(run: Run) -> float:
    return float(run.hyperparameters.get("epochCount", "1"))


def priced(item: str, price: Price | None, amount: float, error: float, basis: str, unit: str) -> CostLine:
    """A line of a bill: `amount` at the catalog's price; without a price it costs nothing and has no source.

    Parameters
    ----------
    error
        By which share the amount may be wrong, either way.
    """
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
