"""What can be tuned on a day, by the pages that were read in September to November 2026."""

from __future__ import annotations

import pytest

from tunedrop import catalog
from tunedrop.catalog.tunable import instead, obstacle
from tunedrop.contracts import Method

TODAY = "2026-11-29"
NOVA = {"Nova 2 Lite", "Nova Micro", "Nova Lite", "Nova Pro"}

EAST: dict[Method, set[str]] = {
    "instruction": NOVA,
    "single-turn": NOVA,
    "multi-turn": NOVA,
    "reinforcement": {"Nova 2 Lite"},
    "distillation": {"Nova Micro", "Nova Lite"},
    "continued-pretraining": set(),
}
"""By CreateModelCustomizationJob in us-east-1 (Bedrock user guide, custom-models, rft-submit-job and
prequisites-model-distillation; Legacy and ended models by model-lifecycle-legacy and the model cards)."""


FINE_TUNING = ("instruction", "single-turn", "multi-turn")
"""By SageMaker AI's serverless customization in both Regions (its developer guide, customizing-models)."""

MANTLE: dict[Method, set[str]] = {"reinforcement": {"gpt-oss-20b", "Qwen3 32B (by bedrock-mantle)"}}
"""By bedrock-mantle in us-west-2 alone (Bedrock user guide, fine-tuning-openai-apis)."""

OPEN_WEIGHTS = {"Qwen3 4B", "Qwen3 8B", "Qwen3 32B", "Llama 3.1 8B (open weights)"}

OTHERS: dict[Method, set[str]] = {
    "continued-pretraining": {"Mistral 7B (open weights)"},
    "reinforcement": OPEN_WEIGHTS,
}
"""By SageMaker JumpStart's own script (AWS's notebook on Mistral 7B and custom model import), and by
serverless customization (developer guide, customizing-models-rft)."""


@pytest.mark.parametrize(("method", "names"), EAST.items())
def test_what_can_be_tuned_today_in_the_regions_that_have_it(method: Method, names: set[str]) -> None:
    open_weights = OPEN_WEIGHTS if method in FINE_TUNING else OTHERS.get(method, set())
    assert {one.name for one in catalog.tunable(method, "us-east-1", TODAY)} == names | open_weights
    west = open_weights | MANTLE.get(method, set())
    assert {one.name for one in catalog.tunable(method, "us-west-2", TODAY)} == west


@pytest.mark.parametrize(
    ("base_model", "method", "region", "on", "why"),
    [
        ("amazon.nova-lite-v1:0:300k", "single-turn", "us-east-1", TODAY, ""),
        (
            "amazon.nova-lite-v1:0:300k",
            "single-turn",
            "us-west-2",
            TODAY,
            "is tuned in us-east-1, not in us-w",
        ),
        ("amazon.nova-lite-v1:0:300k", "reinforcement", "us-east-1", TODAY, "is not tuned by reinforcement"),
        ("meta.llama3-3-70b-instruct-v1:0:128k", "single-turn", "us-west-2", "2026-09-29", ""),
        (
            "meta.llama3-3-70b-instruct-v1:0:128k",
            "single-turn",
            "us-west-2",
            TODAY,
            "has been Legacy since 2026-09-30 and ends on 2027-03-30",
        ),
        (
            "meta.llama3-3-70b-instruct-v1:0:128k",
            None,
            None,
            "2027-03-30",
            "reached its end of life on 2027-03-30",
        ),
        ("meta.llama3-2-1b-instruct-v1:0:128k", None, None, "2026-01-06", ""),
        ("meta.llama3-2-1b-instruct-v1:0:128k", None, None, TODAY, "reached its end of life on 2026-07-07"),
        (
            "openai.gpt-oss-20b",
            "reinforcement",
            "us-east-1",
            TODAY,
            "is tuned in us-west-2, not in us-east-1",
        ),
        ("openai.gpt-oss-20b", "reinforcement", "us-west-2", TODAY, ""),
    ],
)
def test_a_base_model_that_cannot_be_tuned_has_a_reason(
    base_model: str, method: Method | None, region: str | None, on: str, why: str
) -> None:
    found = obstacle(catalog.find(base_model), method=method, region=region, on=on)

    assert why in found
    assert bool(why) == bool(found)


@pytest.mark.parametrize(
    ("base_model", "method", "advice"),
    [
        ("meta.llama3-1-8b-instruct-v1:0:128k", "single-turn", "Take amazon.nova-lite-v1:0:300k"),
        ("meta.llama3-1-8b-instruct-v1:0:128k", "reinforcement", "Take amazon.nova-2-lite-v1:0:256k"),
        ("meta.llama3-2-1b-instruct-v1:0:128k", "distillation", "in us-east-1"),
        ("amazon.titan-text-express-v1:0:8k", "continued-pretraining", "Take mistral.mistral-7b"),
        (None, "continued-pretraining", "Take mistral.mistral-7b"),
    ],
)
def test_what_to_take_instead_can_be_tuned(base_model: str | None, method: Method, advice: str) -> None:
    model = catalog.find(base_model) if base_model else None

    assert advice in catalog.instead(model, method, TODAY)


def test_a_method_without_any_base_model_is_reported() -> None:
    assert instead({}, None) == "No base model of the catalog can be tuned so today"


@pytest.mark.parametrize("name", ["llama", "claude", "titan", "no such model", "", "meta.llama3-3"])
def test_every_refusal_names_a_base_model_that_can_be_tuned(name: str) -> None:
    with pytest.raises(LookupError) as raised:
        catalog.find(name)

    assert any(one.id in str(raised.value) for one in catalog.tunable())


def test_a_part_of_a_name_finds_the_models_that_have_it() -> None:
    assert {one.family for one in catalog.nearest("llama", 2)} == {"llama-3", "llama3-open"}
    assert catalog.nearest("Nova Pro")[0].id == "amazon.nova-pro-v1:0:300k"


def test_a_successor_is_in_the_catalog_and_can_be_tuned() -> None:
    for model in catalog.load().values():
        if model.lifecycle.successor:
            assert not obstacle(catalog.find(model.lifecycle.successor), on=TODAY)


@pytest.mark.parametrize(
    ("region", "taken"),
    [("us-west-2", "qwen.qwen3-"), ("us-east-1", "amazon.nova-"), ("eu-west-1", "amazon.nova-")],
)
def test_an_alternative_in_the_stages_region_is_nearer_than_one_elsewhere(region: str, taken: str) -> None:
    gpt_oss = catalog.find("openai.gpt-oss-20b")

    assert f"Take {taken}" in catalog.instead(gpt_oss, "single-turn", TODAY, region)
