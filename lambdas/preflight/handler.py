"""preflight: everything that would fail an hour later, before anything is paid."""

from __future__ import annotations

import msgspec

from lambdas.services import Services
from lambdas.step import step
from tunedrop import catalog
from tunedrop.contracts import Dataset, Preflight, Run
from tunedrop.preflight.checks import Preflighter


class Input(msgspec.Struct, frozen=True):
    run: Run
    dataset: Dataset


@step(Input)
def handler(payload: Input, services: Services) -> Preflight:
    base_model = catalog.find(payload.run.base_model)
    return Preflighter(services.aws, services.stage, payload.run, payload.dataset, base_model).run()
