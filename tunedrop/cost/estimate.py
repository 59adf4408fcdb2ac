"""Estimates the cost of a run before it is billed: low, likely and high, line by line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.price_list import PROVISIONED, Item, usage_type
from tunedrop.contracts import (
    Commitment,
    CostLine,
    Dataset,
    Estimate,
    EvaluationSettings,
    JudgeSettings,
    Prompts,
    Run,
    Way,
)
from tunedrop.cost import imported
from tunedrop.cost._media import shown_in
from tunedrop.cost._training import held_out_answers, training
from tunedrop.cost.lines import PricesOf, Tokens, estimated, of_catalog, per_million, priced
from tunedrop.evaluation.inference import ask
from tunedrop.evaluation.judging import judge_jobs
from tunedrop.evaluation.workload import Workload, undecidable
from tunedrop.planning.plan import plan
from tunedrop.serving import choose, kinds
from tunedrop.training import engines

PROBE_TOKENS = 90
"""Tokens of a general-ability prompt and its answer: about 20, and a verbose model's answer."""

JUDGE_TOKENS = 450
"""Tokens of the instructions and the built-in rubric, about 350, and of the judgement."""

RATING_TOKENS = judge_jobs.INSTRUCTION_TOKENS + 200
"""The same for an evaluation job, whose explanations have about 200 (reported)."""

EVALUATION_HOURS = 1.0
"""Provisioned throughput is billed by the hour from its creation; few evaluations take a second one."""


COMMITTED_HOURS: dict[Commitment, float] = {"none": 0.0, "1-month": 30 * 24.0, "6-months": 180 * 24.0}
"""A commitment is billed to its end (Bedrock user guide, prov-throughput, read 2026-11-23)."""


def estimate(
    run: Run,
    dataset: Dataset,
    base_model: BaseModel,
    way: Way,
    asked: Workload,
    prices_of: PricesOf = of_catalog,
    minutes: float | None = None,
    champion: BaseModel | None = None,
) -> Estimate:
    """The cost of a run in US dollars, line by line; only the remaining cost if its model is already trained.

    Parameters
    ----------
    way
        The serving mode of the tuned model during evaluation.
    asked
        The prompts of the evaluation.
    prices_of
        The prices of judges and teachers; in a stage, those of its price list (`tunedrop.cost.prices`).
    minutes
        How long the evaluation takes, if that is known.
    champion
        The base model of the model in production, if that is asked too and billed by token, at its own price.
    """
    if champion is not None and champion.id != base_model.id:
        others = msgspec.structs.replace(asked, contenders=asked.contenders - 1)
        of_champion = tuple(_of_champion(asked, champion))
    else:
        others, of_champion = asked, ()
    lines = (*_lines(run, dataset, base_model, way, others, prices_of, minutes), *of_champion)
    lines = (*lines, *_answered_before(run, lines))
    low, likely, high = (sum(getattr(line, name) for line in lines) for name in ("low", "likely", "high"))
    return Estimate(
        lines=lines,
        low=low,
        likely=likely,
        high=high,
        budget_usd=run.budget_usd,
        evaluation_requests=asked.requests,
        evaluation_minutes=minutes,
        stays="" if run.is_trained else engines.of(base_model, dataset.method).undeletable,
        undecidable="" if run.is_trained else undecidable(dataset, run, base_model),
    )


def _lines(
    run: Run, dataset: Dataset, base_model: BaseModel, way: Way, asked: Workload, prices_of: PricesOf,
    minutes: float | None,
) -> Iterator[CostLine]:  # fmt: skip
    if not run.is_trained:
        planned = plan(run, dataset)
        for one in planned:
            yield from training(run, one, base_model, prices_of)
        if kinds.of(way).billed_by != "window":
            yield storage(base_model, len(planned))
    if run.evaluation.judge is not None:
        yield _judging(asked, run.evaluation.judge, prices_of)
    if run.teacher is not None:
        yield from held_out_answers(asked.held_out, run.teacher, prices_of)
    if base_model.inference_id:
        yield from _inference(asked, base_model, way)
    yield from _long_answers(asked, run, base_model, way, prices_of)
    if kinds.of(way).billed_by == "window":
        yield from imported.lines(base_model, asked)
    elif kinds.of(way).billed_by == "hour":
        yield _throughput(run, base_model, max(EVALUATION_HOURS, math.ceil((minutes or 0.0) / 60)))
    elif choose.production_way(base_model, run.deployment) is not None:
        yield _throughput(run, base_model, 0.0)


def _answered_before(run: Run, lines: Sequence[CostLine]) -> Iterator[CostLine]:
    """What earlier attempts have paid for answers that this evaluation reuses, taken off its other lines."""
    asked = [line for line in lines if line.item.startswith(("evaluation", "judging"))]
    if asked and run.evaluated_before_usd:
        low, likely, high = (
            -min(run.evaluated_before_usd, sum(getattr(line, name) for line in asked))
            for name in ("low", "likely", "high")
        )
        basis = "answers of earlier attempts, which are not asked again"
        source = "the run's own record"
        yield CostLine(
            item="answered before the retry", low=low, likely=likely, high=high, basis=basis, source=source
        )


def _throughput(run: Run, base_model: BaseModel, to_evaluate: float) -> CostLine:
    settings = run.deployment
    hours = to_evaluate + (settings.keep_for_seconds or 0) / 3600
    hours = max(hours, COMMITTED_HOURS[settings.commitment])
    price = base_model.prices.provisioned_per_unit_hour.get(settings.commitment)
    basis = f"{settings.model_units} model unit(s) x {hours:g} h ({to_evaluate:g} h to evaluate)"
    return priced(
        "provisioned throughput",
        price,
        hours * settings.model_units,
        basis,
        "an hour and unit",
        usage_type(base_model, PROVISIONED[settings.commitment]),
    )


def _inference(asked: Workload, base_model: BaseModel, way: Way) -> Iterator[CostLine]:
    """On demand, most custom models cost the same as their base model. With provisioned throughput the tuned
    model's tokens are included, and only the base model's, on demand, are billed."""
    by_token = kinds.of(way).billed_by == "token"
    models, probed = (asked.contenders, 2) if by_token else (1, 1)
    who = f"{models} models" if by_token else "the base model"
    prices = base_model.prices
    if by_token and prices.custom_output_per_million_tokens is not None:
        yield _answers("evaluation, base model", asked, base_model, "output", 1, 1)
        yield _answers("evaluation, tuned model", asked, base_model, "custom output", models - 1, 1)
    else:
        yield _answers("evaluation", asked, base_model, "output", models, probed)
    if asked.few_shot.count:
        yield _few_shot(asked.few_shot, base_model)
    shown = shown_in(asked.held_out.media, base_model)
    if shown.words:
        prompted = bool(asked.few_shot.count)  # the same prompts behind examples, which have no media
        basis = f"{shown.words.removeprefix(' and ')} x {who}"
        basis += ", and once more with examples" if prompted else ""
        price = base_model.prices.input_per_million_tokens
        yield per_million("evaluation, media", price, shown.tokens, basis, models + prompted)
    yield from shown.left_out("evaluation")


def _of_champion(asked: Workload, champion: BaseModel) -> Iterator[CostLine]:
    """What the model in production costs where it was tuned from another base model than the run's."""
    own = champion.prices.custom_output_per_million_tokens
    price = own or champion.prices.output_per_million_tokens
    item = "evaluation, model in production"
    no_probes = msgspec.structs.replace(asked, probes=0)
    yield _answers(item, no_probes, champion, "custom output" if own else "output", 1, 0)
    shown = shown_in(asked.held_out.media, champion)
    if shown.words:
        basis = shown.words.removeprefix(" and ")
        yield per_million(f"{item}, media", champion.prices.input_per_million_tokens, shown.tokens, basis)
    beyond = asked.held_out.count - EvaluationSettings().max_prompts
    if beyond > 0:
        tokens = float(beyond * ask.FEWEST_TOKENS)
        basis = f"{ask.FEWEST_TOKENS} tokens at most x {beyond:,} answers, at the price of output"
        yield per_million(f"{item}, long answers", price, Tokens(0.0, tokens, tokens), basis)


def _few_shot(asked: Prompts, base_model: BaseModel) -> CostLine:
    return per_million(
        "evaluation, base model with examples",
        base_model.prices.output_per_million_tokens,
        estimated(asked.tokens, asked.dense),
        f"{asked.count:,} prompts with examples, {asked.tokens:,} tokens, all at the price of output",
        sku=usage_type(base_model, "output"),
    )


def _answers(
    item: str, asked: Workload, base_model: BaseModel, price: Item, models: int, probed: int
) -> CostLine:
    """The held-out prompts with their answers, per model, and the general-ability prompts."""
    held_out, probes = asked.held_out.tokens, asked.probes * PROBE_TOKENS
    general = f" and {probes:,} of general-ability prompts x {probed}" if probes else ""
    who = f"{models} model{'s' if models > 1 else ''}"
    own = price == "custom output"
    prices = base_model.prices
    return per_million(
        item,
        prices.custom_output_per_million_tokens if own else prices.output_per_million_tokens,
        estimated(models * held_out + probed * probes, models * asked.held_out.dense),
        f"{held_out:,} held-out tokens x {who}{general}, all at the price of output",
        sku=usage_type(base_model, price),
    )


def _judging(asked: Workload, judge: JudgeSettings, prices_of: PricesOf) -> CostLine:
    """The cost of the judge: each pair in both orders, with the prompt and both answers, or each answer by
    itself. Answers are assumed to be as long as the prompt with its reference.

    For an evaluation job AWS bills only the judge's tokens (Bedrock pricing, read 2026-11-23).
    """
    prompts, by_job = asked.held_out.count, judge.via == "evaluation-job"
    own = len(judge.rubric) // judge_jobs.CHARACTERS_A_TOKEN
    if by_job:
        times_read = 2 * asked.judged
        tokens = asked.judged * (2 * asked.held_out.tokens + prompts * (RATING_TOKENS + own))
        times = f"{prompts:,} prompts x {asked.judged} answers, each in an evaluation job"
    else:
        pairs = (asked.judged - 1) * prompts
        times_read = 2 * 3 * (asked.judged - 1)
        tokens = 2 * (3 * (asked.judged - 1) * asked.held_out.tokens + pairs * (JUDGE_TOKENS + own))
        times = f"{pairs:,} pairs x 2 orders"
    read = estimated(tokens, times_read * asked.held_out.dense)
    if judge.open_text_only:
        read, times = msgspec.structs.replace(read, low=0.0), f"{times} if the answers are open text"
    return per_million(
        "judging",
        prices_of(judge.model).output_per_million_tokens,
        read,
        f"{times}, {tokens:,} tokens of {judge.model}, all at the price of output",
    )


def _long_answers(
    asked: Workload, run: Run, base_model: BaseModel, way: Way, prices_of: PricesOf
) -> Iterator[CostLine]:
    """What answers may cost beyond the length of their references, which the other lines assume.

    Whoever writes the test set decides how many prompts have a reference of one word, and models may answer
    each with `ask.FEWEST_TOKENS`. That is little for as many prompts as a run has by default, and is counted
    for those beyond.
    """
    beyond = asked.held_out.count - EvaluationSettings().max_prompts
    if beyond <= 0:
        return
    models = asked.contenders if kinds.of(way).billed_by == "token" else 1
    models += 1 if asked.few_shot.count else 0
    judge = run.evaluation.judge
    compared = 2 * 2 * (asked.judged - 1) if judge is not None and judge.via == "converse" else asked.judged
    for item, price, answers in (
        ("evaluation, long answers", base_model.prices.output_per_million_tokens, models),
        (
            "judging, long answers",
            prices_of(judge.model).output_per_million_tokens if judge else None,
            compared,
        ),
    ):
        if price is not None:
            tokens = float(answers * beyond * ask.FEWEST_TOKENS)
            basis = (
                f"{ask.FEWEST_TOKENS} tokens at most x {answers} x {beyond:,} answers, at the price of output"
            )
            yield per_million(item, price, Tokens(0.0, tokens, tokens), basis)


def storage(base_model: BaseModel, models: int = 1) -> CostLine:
    """The storage of custom models, for their first month."""
    basis = f"{models} model{'s' if models > 1 else ''} x 1 month"
    sku = usage_type(base_model, "storage")
    return priced("model storage", base_model.prices.storage_per_month, models, basis, "a month", sku)
