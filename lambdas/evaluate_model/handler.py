"""evaluate_model: evaluates base and tuned model on held-out data, and decides with the gate."""

from __future__ import annotations

import time

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop import catalog
from tunedrop.contracts import CompletedJob, Dataset, Evaluation, Run, Serving
from tunedrop.evaluation.inference.ask import SECONDS_BEFORE_DECIDING, SECONDS_TO_ASK
from tunedrop.evaluation.task import EvaluationTask
from tunedrop.steps.evaluate_model import evaluate_model, refuse_what_is_dearer


class Input(msgspec.Struct, frozen=True):
    """`next_record`: the number of prompts that earlier calls have evaluated; the workflow calls again until
    all are."""

    run: Run
    dataset: Dataset
    serving: Serving
    job: CompletedJob | None = None
    next_record: int = 0


@step(Input)
def handler(payload: Input, services: Services) -> Evaluation:
    task = EvaluationTask(
        stage=services.stage,
        run=payload.run,
        dataset=payload.dataset,
        job=payload.job,
        serving=payload.serving,
        base_model=catalog.find(payload.run.base_model),
    )
    if not payload.next_record:
        refuse_what_is_dearer(services.registry, task)
    now = time.monotonic()
    return evaluate_model(
        services.aws,
        task,
        payload.next_record,
        deadline=now + SECONDS_TO_ASK,
        decide_until=now + SECONDS_BEFORE_DECIDING,
    )
