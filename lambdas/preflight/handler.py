"""preflight: checks everything that would fail later, before anything is paid."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop import catalog
from tunedrop.contracts import Dataset, Preflight, Run
from tunedrop.preflight.checks import Preflighter
from tunedrop.registry.trainings import Trainings


class Input(msgspec.Struct, frozen=True):
    run: Run
    dataset: Dataset


@step(Input)
def handler(payload: Input, services: Services) -> Preflight:
    run, dataset = payload.run, payload.dataset
    base_model = catalog.find(run.base_model)
    found = Preflighter(services.aws, services.stage, run, dataset, base_model).run()
    trainings = Trainings(services.aws.dynamodb, services.stage.registry_table, services.registry)
    trainings.claim(run, dataset)
    return found
