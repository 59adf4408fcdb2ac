"""validate_data: checks every record against the base model's rules; splits, converts and writes the
dataset."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop.contracts import CompletedJob, Dataset, Run, Sharding
from tunedrop.errors import InvalidDataset
from tunedrop.evaluation.workload import too_large
from tunedrop.steps.validate_data import validate_all
from tunedrop.steps.validate_test_set import retest


class Input(msgspec.Struct, frozen=True):
    """`sharding`: the work that the shards of a large dataset have just done. `job` and its `dataset`: the
    model exists and is to be re-evaluated."""

    run: Run
    sharding: Sharding | None = None
    dataset: Dataset | None = None
    job: CompletedJob | None = None


@step(Input)
def handler(payload: Input, services: Services) -> Dataset | Sharding:
    s3, stage, run = services.aws.s3, services.stage, payload.run
    trained = payload.dataset if payload.job is not None else None
    if trained is not None:
        found = retest(s3, stage, run, trained, payload.sharding)
    else:
        found = validate_all(s3, stage, run, payload.sharding)
    if not isinstance(found, Dataset) or (trained is not None and _held_out(found) == _held_out(trained)):
        return found
    if why := too_large(found, run):
        raise InvalidDataset(why)
    return found


def _held_out(dataset: Dataset) -> int:
    return dataset.test.records if dataset.test is not None else 0
