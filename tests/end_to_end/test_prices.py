"""The stage's price list, read by the deployed function with the permissions that it has."""

from __future__ import annotations

import json

from local.driver import Pipeline
from tunedrop import catalog
from tunedrop.cost import prices


def test_the_stage_reads_the_price_list_and_estimates_with_it(pipeline: Pipeline) -> None:
    answer = pipeline.session.client("lambda").invoke(FunctionName="tunedrop-local-refresh-prices")

    body = answer["Payload"].read()
    assert "FunctionError" not in answer, body
    assert json.loads(body) == {"differences": []}
    model = prices.current(pipeline.registry, pipeline.stage, catalog.find("amazon.nova-micro-v1:0:128k"))
    assert model.prices.training_per_million_tokens is not None
    assert model.prices.training_per_million_tokens.source == "AWS Price List API"
