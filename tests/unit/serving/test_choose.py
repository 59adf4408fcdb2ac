"""How a model is served, as a table: what its base model allows by what the run asks."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests import builders
from tunedrop import catalog
from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import DeploymentSettings
from tunedrop.errors import PreflightFailed
from tunedrop.serving import choose, kinds

LLAMA = catalog.find(builders.LLAMA_3_1)
HOUR = 24.0
"""A unit of LLAMA's, in US dollars, without a commitment."""


def allowing(*ways: str) -> BaseModel:
    return msgspec.structs.replace(LLAMA, serving=msgspec.structs.replace(LLAMA.serving, ways=ways))


def test_every_way_that_the_catalog_names_is_a_kind_of_serving_and_every_kind_is_named() -> None:
    named = {way for model in catalog.load().values() for way in model.serving.ways}

    assert named == {kind.way for kind in kinds.every()}


@pytest.mark.parametrize(
    ("allowed", "mode", "kept", "evaluated", "afterwards"),
    [
        (["on-demand", "provisioned"], "auto", 0, "on-demand", None),
        (["on-demand", "provisioned"], "auto", 3600, "on-demand", None),
        (["on-demand", "provisioned"], "on-demand", 3600, "on-demand", None),
        (["on-demand", "provisioned"], "provisioned", 3600, "on-demand", "provisioned"),
        # Nobody asks to keep it: nothing is bought that would be released at once.
        (["on-demand", "provisioned"], "provisioned", 0, "on-demand", None),
        (["on-demand", "provisioned"], "provisioned", None, "on-demand", None),
        (["provisioned"], "auto", 3600, "provisioned", None),
        (["provisioned"], "provisioned", 3600, "provisioned", None),  # it is served so already
        (["imported"], "auto", 3600, "imported", None),
        (["on-demand", "imported"], "auto", 0, "on-demand", None),
        (["provisioned"], "on-demand", 0, PreflightFailed, None),
        (["on-demand"], "provisioned", 3600, PreflightFailed, None),
        (["imported"], "on-demand", 0, PreflightFailed, None),
        ([], "auto", 0, PreflightFailed, None),
    ],
)
def test_a_model_is_evaluated_where_it_costs_nothing_idle_and_bought_for_once_it_has_passed(
    allowed: list[str], mode: Any, kept: int | None, evaluated: Any, afterwards: str | None
) -> None:
    base_model, settings = allowing(*allowed), DeploymentSettings(mode=mode, keep_for_seconds=kept)
    if evaluated is PreflightFailed:
        with pytest.raises(PreflightFailed):
            choose.way(base_model, settings)
        return

    assert choose.way(base_model, settings) == evaluated
    assert choose.production_way(base_model, settings) == afterwards


@pytest.mark.parametrize(
    ("way", "units", "usd"),
    [("provisioned", 1, HOUR), ("provisioned", 3, 3 * HOUR), ("on-demand", 3, 0.0), ("imported", 3, 0.0)],
)
def test_only_provisioned_throughput_costs_by_the_hour(way: Any, units: int, usd: float) -> None:
    assert choose.hourly_usd(LLAMA, DeploymentSettings(model_units=units), way) == pytest.approx(usd)


def test_a_rate_without_a_price_is_not_known_and_costs_nothing_in_a_sum() -> None:
    nothing = msgspec.structs.replace(LLAMA.prices, provisioned_per_unit_hour={})
    unpriced = msgspec.structs.replace(LLAMA, prices=nothing)
    model = builders.MODEL_ARN.replace(builders.NOVA_LITE, builders.LLAMA_3_1)
    rate_of = kinds.of("provisioned").listed_hourly_usd

    assert choose.hourly_usd(unpriced, DeploymentSettings(), "provisioned") == 0.0
    assert rate_of(model, {"modelUnits": 2}) == pytest.approx(2 * HOUR)
    assert rate_of(model.replace("llama3-1", "llama9-9"), {"modelUnits": 2}) is None
