"""The cost of one customization job, including teacher and grader."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from tunedrop.catalog.model import BaseModel, Prices
from tunedrop.contracts import CostLine, Dataset, Prompts, Run, Teacher
from tunedrop.cost._media import shown_in
from tunedrop.cost.lines import PricesOf, Tokens, estimated, of_catalog, per_million, priced, ranged
from tunedrop.planning.distillation import MAX_PAIRS
from tunedrop.planning.plan import EPOCHS, PlannedJob
from tunedrop.training import engines
from tunedrop.training.job import Charge

SHORT_ANSWER, LIKELY_ANSWER = 0.1, 0.4
"""The assumed length of a teacher's answers, as a share of the maximum; a guess, until measured."""


def training(
    run: Run, planned: PlannedJob, base_model: BaseModel, prices_of: PricesOf = of_catalog
) -> Iterator[CostLine]:
    """The lines of one job's bill."""
    title = f"training, {planned.title}" if planned.title else "training"
    charge = engines.of(base_model, planned.method).price(planned, base_model)
    if charge.by == "hour":
        yield from _by_the_hour(title, planned, charge)
        return
    if charge.by == "image":
        yield _by_the_image(title, planned, base_model, charge)
        return
    shown = shown_in(planned.dataset.train.media, base_model)
    train = planned.dataset.train
    tokens = estimated(train.tokens, train.dense) + shown.tokens
    basis = f"{train.tokens:,} tokens{shown.words}"
    if run.teacher is not None:
        yield from _teacher(planned.dataset, run.teacher, prices_of)
        tokens += _answers(planned.dataset.train.records, run.teacher, MAX_PAIRS)
        basis += " and the teacher's answers"
    basis = f"{basis} x {planned.epochs:g} epochs"
    yield per_million(title, charge.price, tokens, basis, planned.epochs, charge.sku)
    yield from shown.left_out(title)
    if run.grader:
        yield _grader(planned)


def _teacher(dataset: Dataset, teacher: Teacher, prices_of: PricesOf) -> Iterator[CostLine]:
    """The teacher's inference on the training prompts.

    Bedrock generates additional prompts, up to 15,000 in total (user guide, distillation-prepare-datasets).
    """
    records = dataset.train.records
    read = estimated(dataset.train.tokens, dataset.train.dense)
    growth = max(1.0, MAX_PAIRS / max(1, records))
    read = msgspec.structs.replace(read, high=read.high * growth)
    basis = f"{records:,} prompts, or up to {MAX_PAIRS:,} if Bedrock generates more,"
    said, prices = _answers(records, teacher, MAX_PAIRS), prices_of(teacher.model)
    yield from _inference("teacher", teacher, prices, read, said, basis)


def held_out_answers(
    held_out: Prompts, teacher: Teacher, prices_of: PricesOf = of_catalog
) -> Iterator[CostLine]:
    """The teacher's inference on held-out prompts without a reference."""
    if not held_out.unanswered:
        return
    share = held_out.unanswered / held_out.count
    read = estimated(held_out.tokens * share, held_out.dense * share)
    basis = f"{held_out.unanswered:,} held-out prompts without an answer"
    said = _answers(held_out.unanswered, teacher)
    yield from _inference("evaluation, teacher", teacher, prices_of(teacher.model), read, said, basis)


def _inference(
    item: str, teacher: Teacher, prices: Prices, read: Tokens, said: Tokens, basis: str
) -> Iterator[CostLine]:
    yield per_million(f"{item}, prompts", prices.input_per_million_tokens, read, basis)
    basis = f"{basis} x {teacher.max_response_length:,} tokens at most"
    yield per_million(f"{item}, answers", prices.output_per_million_tokens, said, basis)


def _by_the_hour(title: str, planned: PlannedJob, charge: Charge) -> Iterator[CostLine]:
    if charge.hours is not None:
        low, likely, high = charge.hours
        basis = f"{low:.1f} to {high:.1f} h, likely {likely:.1f}, a guess at its speed"
        yield ranged(title, charge.price, low, likely, high, basis, "an hour", charge.sku)
        return
    unknown = "the number of hours is not documented"
    if charge.price is not None:
        basis = f"{charge.price.usd:g} USD an hour ({charge.price.priced_on}); {unknown}"
        yield CostLine(item=title, low=0.0, likely=0.0, high=0.0, basis=basis, sku=charge.sku)
    else:
        yield priced(title, None, 0.0, f"by the hour; {unknown}", "an hour", charge.sku)
    yield _grader(planned)


def _by_the_image(title: str, planned: PlannedJob, base_model: BaseModel, charge: Charge) -> CostLine:
    """Each record has one image, which the model sees once an epoch, or as often as the steps take it."""
    records, given = planned.dataset.train.records, planned.hyperparameters
    rules = base_model.hyperparameters_of(planned.method)

    def bounds(name: str) -> tuple[float, float]:
        value = given.get(name, "auto")
        return (rules[name].minimum, rules[name].maximum) if value == "auto" else (float(value),) * 2

    if name := next((one for one in EPOCHS if one in rules), ""):
        low, high = (records * epochs for epochs in bounds(name))
    else:
        low, high = (steps * float(given["batchSize"]) for steps in bounds("stepCount"))
    likely = math.sqrt(low * high)  # of a range of several orders of magnitude
    basis = (
        f"{records:,} images, seen {low:,.0f}" + (f" to {high:,.0f}" if high > low else "") + " times in all"
    )
    return ranged(title, charge.price, low, likely, high, basis, "an image", charge.sku)


def _grader(planned: PlannedJob) -> CostLine:
    answers = round(planned.dataset.train.records * planned.tries * planned.epochs)
    return priced("grader", None, 0.0, f"{answers:,} answers graded by your Lambda function", "a call")


def _answers(records: int, teacher: Teacher, most: int = 0) -> Tokens:
    longest = teacher.max_response_length
    return Tokens(
        records * longest * SHORT_ANSWER, records * longest * LIKELY_ANSWER, max(records, most) * longest
    )
