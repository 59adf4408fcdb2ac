"""What one customization job costs, with whoever teaches or grades beside it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tunedrop import catalog
from tunedrop.catalog.model import BaseModel, Prices
from tunedrop.contracts import CostLine, Dataset, Run, Teacher
from tunedrop.cost.lines import Tokens, estimated, per_million, priced
from tunedrop.cost.media import shown_in
from tunedrop.distillation import MAX_PAIRS
from tunedrop.training.plan import PlannedJob

SHORT_ANSWER, LIKELY_ANSWER = 0.1, 0.4
"""How long a teacher's answers are, of the length that they may have: a guess, until one has been counted."""


def training(run: Run, planned: PlannedJob, base_model: BaseModel) -> Iterator[CostLine]:
    """The lines of one job's bill."""
    title = f"training, {planned.title}" if planned.title else "training"
    if planned.method == "reinforcement":
        yield from _reinforcement(title, planned)
        return
    shown = shown_in(planned.dataset.train.media, base_model)
    tokens = estimated(planned.dataset.train.tokens) + shown.tokens
    basis = f"{planned.dataset.train.tokens:,} tokens{shown.words}"
    if run.teacher is not None:
        yield from _teacher(planned.dataset, run.teacher)
        tokens += _answers(planned.dataset.train.records, run.teacher)
        basis += " and the teacher's answers"
    price = base_model.prices.training_per_million_tokens
    yield per_million(title, price, tokens, f"{basis} x {planned.epochs:g} epochs", planned.epochs)
    yield from shown.left_out(title)


def _teacher(dataset: Dataset, teacher: Teacher) -> Iterator[CostLine]:
    """The teacher's inference on the prompts to learn from, and on the held-out ones for the evaluation.

    At most Bedrock makes up prompts until there are 15,000 (user guide, distillation-prepare-datasets).
    """
    prices = _prices_of(teacher)
    held_out = dataset.test
    records = dataset.train.records + (held_out.records if held_out is not None else 0)
    read = estimated(dataset.train.tokens + (held_out.tokens if held_out is not None else 0))
    growth = max(1.0, MAX_PAIRS / max(1, records))
    read = msgspec.structs.replace(read, high=read.high * growth)
    said = _answers(records, teacher)
    basis = f"{records:,} prompts, or up to {MAX_PAIRS:,} if Bedrock makes up more,"
    yield per_million("teacher, prompts", prices.input_per_million_tokens, read, basis)
    basis = f"{basis} x {teacher.max_response_length:,} tokens at most"
    yield per_million("teacher, answers", prices.output_per_million_tokens, said, basis)


def _reinforcement(title: str, planned: PlannedJob) -> Iterator[CostLine]:
    """Billed by the training hour (aws.amazon.com/bedrock/pricing, 2026-07-24), and nobody says how many."""
    values = planned.hyperparameters
    tries = int(values.get("trainingSamplePerPrompt", "1")) * int(values.get("epochCount", "1"))
    answers = planned.dataset.train.records * tries
    yield priced(title, None, 0.0, 0.0, "by the hour, of which nobody says how many", "an hour")
    yield priced("grader", None, 0.0, 0.0, f"{answers:,} answers graded by your Lambda function", "a call")


def _prices_of(teacher: Teacher) -> Prices:
    try:
        return catalog.find(teacher.model).prices
    except LookupError:
        return Prices()


def _answers(records: int, teacher: Teacher) -> Tokens:
    longest = teacher.max_response_length
    return Tokens(
        records * longest * SHORT_ANSWER, records * longest * LIKELY_ANSWER, max(records, MAX_PAIRS) * longest
    )
