"""The actual cost of a finished run: measured if Bedrock reports usage, else an upper bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from tunedrop import clock
from tunedrop.catalog.model import BaseModel, Prices
from tunedrop.contracts import ActualCost, CostLine, Ending, Evaluation, Judged, Run
from tunedrop.cost import imported
from tunedrop.cost._training import training
from tunedrop.cost.estimate import COMMITTED_HOURS, storage
from tunedrop.cost.lines import PricesOf, Tokens, estimated, of_catalog, per_million, priced
from tunedrop.planning.plan import PlannedJob, plan
from tunedrop.serving import kinds

_ANSWERS = ("evaluation, prompts", "evaluation, answers")
_JUDGEMENTS = ("judging, prompts", "judging, judgements")


def actual(
    ending: Ending, base_model: BaseModel | None, now: str, prices_of: PricesOf = of_catalog
) -> ActualCost:
    """The cost of a run in US dollars, from its results.

    Bedrock reports neither the trained tokens nor their price, so training is computed from our own estimate
    of tokens. Serving that continues after the run (`Released.kept`) is counted up to `now`; what it costs
    from then on (`keep_for`) is not spent yet, nor is the model's storage, which is billed monthly.

    Parameters
    ----------
    base_model
        None if the run was refused before it had one, and so cost nothing; or if the catalog has lost it, so
        that its estimate is the best that is known.
    """
    lines = tuple(
        _lines(ending, base_model, now, prices_of) if base_model is not None else _as_estimated(ending)
    )
    low, likely, high = (sum(getattr(line, name) for line in lines) for name in ("low", "likely", "high"))
    forecast = tuple(_forecast(ending, base_model)) if base_model is not None else ()
    kept = tuple(_kept(ending, base_model, now)) if base_model is not None else ()
    return ActualCost(lines=lines, low=low, likely=likely, high=high, forecast=forecast, kept=kept)


def _as_estimated(ending: Ending) -> Iterator[CostLine]:
    """The cost of a run whose prices nobody knows any more: at most its estimate, if anything was started."""
    before, found = ending.run.spent_before_usd, ending.estimate
    if before:
        yield _before(ending.run, 0.0)
    if found is not None and ending.started is not None:
        yield CostLine(
            item="everything", low=0.0, likely=found.likely, high=found.high,
            basis=f"as estimated: the catalog no longer has {ending.run.base_model}",
            source="the run's own estimate",
        )  # fmt: skip


def _forecast(ending: Ending, base_model: BaseModel) -> Iterator[CostLine]:
    if ending.serving is not None and kinds.of(ending.serving.way).billed_by == "window":
        yield imported.storage(base_model, ending.serving.units)
    elif ending.job is not None and not any(kind.serves_files for kind in kinds.offered(base_model)):
        yield storage(base_model)


def _kept(ending: Ending, base_model: BaseModel, now: str) -> Iterator[CostLine]:
    """The hours from now until the throughput in production is released, beyond those of its commitment,
    which `_throughput` counts, and beyond those that an earlier run behind the same ARN has in its own."""
    promotion, settings, serving = ending.promotion, ending.run.deployment, ending.serving
    if promotion is None or not promotion.kept_until:
        return
    since = max(now, promotion.paid_until)
    if serving is not None and not promotion.swapped:
        since = max(now, clock.after(serving.created_at, int(COMMITTED_HOURS[settings.commitment] * 3600)))
    hours = max(0.0, clock.seconds_between(since, promotion.kept_until)) / 3600
    if hours:
        yield priced(
            "provisioned throughput in production",
            base_model.prices.provisioned_per_unit_hour.get(settings.commitment),
            hours * settings.model_units,
            f"{settings.model_units} model unit(s) x {hours:.2f} h until {promotion.kept_until}",
            "an hour and unit",
        )


def _lines(ending: Ending, base_model: BaseModel, now: str, prices_of: PricesOf) -> Iterator[CostLine]:
    inference = tuple(_inference(ending, base_model, prices_of))
    if ending.run.attempt > 1 and ending.run.spent_before_usd:
        yield _before(ending.run, _evaluated(inference))
    if not ending.run.is_reevaluated:
        yield from _trainings(ending, base_model, prices_of)
    billed_by = kinds.of(ending.serving.way).billed_by if ending.serving is not None else ""
    if billed_by == "hour":
        yield _throughput(ending, base_model, now)
    elif billed_by == "window":
        yield from _imported(ending, base_model, now)
    yield from inference


def evaluated_usd(cost: ActualCost) -> float:
    """The part of a cost for answers and judgements, which a retry that reuses them counts again."""
    return _evaluated(cost.lines)


def _evaluated(lines: Sequence[CostLine]) -> float:
    return sum(line.likely for line in lines if line.item in (*_ANSWERS, *_JUDGEMENTS))


def _before(run: Run, counted: float) -> CostLine:
    """The cost of earlier attempts, without the answers that the current evaluation counts again; what it has
    `counted` by now may be less than they were."""
    usd = max(0.0, run.spent_before_usd - min(run.evaluated_before_usd, counted))
    return CostLine(
        item="before the retry", low=usd, likely=usd, high=usd,
        basis="earlier attempts", source="the run's own record",
    )  # fmt: skip


def _trainings(ending: Ending, base_model: BaseModel, prices_of: PricesOf) -> Iterator[CostLine]:
    if ending.started is None or ending.dataset is None:
        return
    planned = plan(ending.run, ending.dataset)
    if len(planned) > 1:
        for one, job in zip(planned, ending.started.series, strict=False):
            if job.job_arn and job.job_arn not in ending.run.jobs_before:
                yield from _training(ending.run, one, base_model, prices_of, whole=job.job is not None)
    elif ending.started.job_arn and ending.started.job_arn not in ending.run.jobs_before:
        whole = ending.job is not None
        yield from _training(ending.run, planned[0], base_model, prices_of, whole=whole)


def _training(
    run: Run, planned: PlannedJob, base_model: BaseModel, prices_of: PricesOf, *, whole: bool
) -> Iterator[CostLine]:
    """A stopped job is billed for the tokens trained so far (Bedrock user guide, model-customization-stop,
    read 2026-11-23); their number is not reported, and the bill of a failed job is not documented.
    """
    for line in training(run, planned, base_model, prices_of):
        early = f"{line.basis}, at most: the job ended early"
        yield line if whole else msgspec.structs.replace(line, low=0.0, basis=early)


def _throughput(ending: Ending, base_model: BaseModel, now: str) -> CostLine:
    assert ending.serving is not None
    settings = ending.run.deployment
    passed = max(0.0, clock.seconds_between(ending.serving.created_at, now)) / 3600
    hours = max(passed, COMMITTED_HOURS[settings.commitment])
    return priced(
        "provisioned throughput",
        base_model.prices.provisioned_per_unit_hour.get(settings.commitment),
        hours * settings.model_units,
        f"{settings.model_units} model unit(s) x {hours:.2f} h until {now}",
        "an hour and unit",
    )


def _imported(ending: Ending, base_model: BaseModel, now: str) -> Iterator[CostLine]:
    """The billing windows since the import, as an upper bound, also of an imported base model; storage is
    billed monthly. The production model is assumed to be a copy of the same size."""
    serving = ending.serving
    assert serving is not None
    since = serving.in_service_at or serving.created_at
    asked = ending.evaluation is not None and ending.evaluation.rejected_for != "base model"
    count = imported.windows(clock.seconds_between(since, now)) if asked else 0
    with_champion = ending.evaluation is not None and ending.evaluation.champion is not None
    copies = {imported.ANSWERING: max(1, serving.units) * (2 if with_champion else 1)}
    if serving.base is not None:
        copies[imported.BASE_ANSWERING] = max(1, serving.base.units)
    for item, units in copies.items():
        yield priced(
            item,
            base_model.prices.imported_per_unit_minute,
            units * count * imported.WINDOW_MINUTES,
            f"{units} units x {count} windows of {imported.WINDOW_MINUTES} minutes until {now}, at most",
            "a minute and unit",
        )


def _inference(ending: Ending, base_model: BaseModel, prices_of: PricesOf) -> Iterator[CostLine]:
    if ending.evaluation is None:
        return
    if ending.serving is None or ending.serving.base is None:
        yield from _by_token(ending, ending.evaluation, base_model.prices)
    if (judged := ending.evaluation.judged) is not None:
        yield from _judging(judged, prices_of(judged.model))


def _by_token(ending: Ending, evaluation: Evaluation, prices: Prices) -> Iterator[CostLine]:
    """The tokens of all models at the base model's prices, which apply to custom models on demand. With
    provisioned throughput only the base model's tokens are billed, assumed to be an equal share.
    """
    serving = ending.serving
    by_token = serving is None or kinds.of(serving.way).billed_by == "token"
    asked = 2 if evaluation.champion is None else 3
    for item, price, tokens in (
        (_ANSWERS[0], prices.input_per_million_tokens, evaluation.input_tokens),
        (_ANSWERS[1], prices.output_per_million_tokens, evaluation.output_tokens),
    ):
        basis = f"{tokens:,} tokens counted by Bedrock"
        if not by_token:
            basis += f" / {asked} models, of which the base model's are billed"
            tokens //= asked
        yield priced(item, price, tokens / 1e6, basis, "per 1M tokens")


def _judging(judged: Judged, prices: Prices) -> Iterator[CostLine]:
    by_job = judged.via == "evaluation-job"
    counted = "estimated: evaluation jobs report none" if by_job else "counted by Bedrock"
    for item, price, tokens in (
        (_JUDGEMENTS[0], prices.input_per_million_tokens, judged.input_tokens),
        (_JUDGEMENTS[1], prices.output_per_million_tokens, judged.output_tokens),
    ):
        basis = f"{tokens:,} tokens of {judged.model} {counted}"
        found = estimated(tokens) if by_job else Tokens(tokens, tokens, tokens)
        yield per_million(item, price, found, basis)
