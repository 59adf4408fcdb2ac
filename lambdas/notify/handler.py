"""notify: closes the run: report, registry, one notification, one event."""

from __future__ import annotations

from lambdas.services import Services, count_ended
from lambdas.step import step
from tunedrop.contracts import Ending as Input
from tunedrop.contracts import Notice
from tunedrop.steps.notify import end


@step(Input)
def handler(payload: Input, services: Services) -> Notice:
    return count_ended(end(services.aws, services.stage, services.registry, services.spending, payload))
