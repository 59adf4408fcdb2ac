"""Which engine trains a base model by a method, and what has to be there before."""

from __future__ import annotations

import pytest

from tunedrop import catalog
from tunedrop.contracts import Method


@pytest.mark.parametrize(
    ("base", "method", "route", "needs"),
    [
        ("amazon.nova-lite-v1:0:300k", "single-turn", "Bedrock's model customization jobs in us-east-1", []),
        ("qwen.qwen3-32b", "preference", "customization in us-east-1 and us-west-2", ["engines"]),
        ("qwen.qwen3-32b:mantle", "reinforcement", "API of bedrock-mantle in us-west-2", ["setting engines"]),
        (
            "mistral.mistral-7b", "continued-pretraining", "JumpStart in us-east-1 and us-west-2",
            ["setting engines", "ml.g5.24xlarge", "two imported models"],
        ),
        (
            "meta.llama3-1-8b-instruct", "reinforcement", "serverless model customization",
            ["setting engines", "you accept the Llama 3.1 Community License", "two imported models"],
        ),
    ],
)  # fmt: skip
def test_a_route_names_engine_and_regions_and_what_a_person_sees_to_before(
    base: str, method: Method, route: str, needs: list[str]
) -> None:
    model = catalog.find(base)

    assert route in catalog.route(model, method)
    found = list(catalog.needs(model, method))
    assert len(found) == len(needs)
    assert all(part in one for part, one in zip(needs, found, strict=True))
