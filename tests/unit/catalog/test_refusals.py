"""What AWS can tune and Tunedrop does not is refused by name, with the reason and a way that works.

The rows are those of AWS's own pages: methods, base models and Regions (read 2026-11-29).
"""

from __future__ import annotations

import pytest

from tunedrop import catalog, manifest
from tunedrop.catalog import refusals
from tunedrop.catalog.tunable import obstacle
from tunedrop.contracts import Method
from tunedrop.errors import InvalidManifest
from tunedrop.training import engines

NOT_IN_THE_CATALOG = [
    "Qwen/Qwen3.5-4B", "qwen3.6-27b", "qwen3.8-27b", "huggingface-reasoning-qwen3-5-9b",
    "google/gemma-4-E4B", "gemma-4-31b", "Ministral-3-8B", "nvidia-nemotron-3", "meta-llama-4-scout",
    "Qwen/Qwen3-0.6B", "qwen.qwen3-14b", "Qwen2.5-7B-Instruct", "deepseek-r1-distill-llama-8b",
    "meta.llama3-2-1b", "Llama-3.3-70B-Instruct", "openai/gpt-oss-120b", "qwen.qwen3-1-7b", "Qwen3 0.6B",
    "Llama 3.2 3B Instruct", "GPT OSS 120B", "Qwen2.5 32B Instruct", "DeepSeek-R1-Distill-Qwen-1.5B",
]  # fmt: skip
NOT_OFFERED: list[tuple[str, Method]] = [
    ("amazon.nova-lite-v1:0:300k", "continued-pretraining"),
    ("qwen.qwen3-32b", "continued-pretraining"),
    ("qwen.qwen3-8b", "continued-pretraining"),
    ("openai.gpt-oss-20b", "continued-pretraining"),
    ("meta.llama3-1-8b-instruct", "continued-pretraining"),
    ("openai.gpt-oss-20b", "single-turn"),
    ("qwen.qwen3-4b", "distillation"),
    ("meta.llama3-1-8b-instruct", "distillation"),
    ("amazon.nova-lite-v1:0:300k", "preference"),
    ("amazon.nova-2-lite-v1:0:256k", "preference"),
    ("openai.gpt-oss-20b", "preference"),
    ("anthropic.claude-3-haiku-20240307-v1:0:200k", "preference"),
]
METHODS_OF_OTHERS = ["dpo", "rlvr", "rlaif", "full-rank"]


def names_a_way(text: str) -> bool:
    return any(one.id in text for one in catalog.tunable())


@pytest.mark.parametrize("name", NOT_IN_THE_CATALOG)
def test_a_base_model_that_tunedrop_does_not_tune_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(LookupError) as raised:
        catalog.find(name)

    said = str(raised.value)
    assert f"{name!r} cannot be tuned: " in said
    assert names_a_way(said)


@pytest.mark.parametrize("name", ["Llama 3.1 8B Instruct", "Llama-3.1-8B-Instruct"])
def test_another_name_of_a_base_model_that_is_tuned_leads_to_it(name: str) -> None:
    with pytest.raises(LookupError, match=r"meta\.llama3-1-8b-instruct can be tuned in us-east-1"):
        catalog.find(name)


@pytest.mark.parametrize(("base", "method"), NOT_OFFERED)
def test_a_method_that_tunedrop_does_not_offer_for_a_base_model_is_refused(base: str, method: Method) -> None:
    model = catalog.find(base)

    assert obstacle(model, method=method)
    assert names_a_way(catalog.instead(model, method))


@pytest.mark.parametrize("method", METHODS_OF_OTHERS)
@pytest.mark.parametrize(
    "base", ["amazon.nova-lite-v1:0:300k", "qwen.qwen3-32b", "meta.llama3-1-8b-instruct"]
)
def test_a_method_that_no_manifest_knows_has_its_reason_too(base: str, method: str) -> None:
    found = catalog.refusal(base, method)

    assert found is not None
    assert names_a_way(found.nearest)
    with pytest.raises(InvalidManifest, match=f"method: {method} is not offered: ") as raised:
        manifest.read(f"base_model: {base}\nmethod: {method}\ndata: {{train: a.jsonl}}".encode())
    assert names_a_way(str(raised.value))


def test_rlvr_of_a_base_model_that_takes_reinforcement_leads_to_it() -> None:
    found = catalog.refusal("amazon.nova-2-lite-v1:0:256k", "rlvr")

    assert found is not None
    assert "amazon.nova-2-lite-v1:0:256k" in found.nearest


@pytest.mark.parametrize("row", refusals.rows(), ids=lambda row: row.reason[:40])
def test_every_refusal_names_a_way_that_works_today_and_its_source(row: refusals.Refusal) -> None:
    assert names_a_way(row.nearest)
    assert "read 20" in row.source


@pytest.mark.parametrize(
    "base", ["qwen.qwen3-8b", "qwen3-4b", "Qwen/Qwen3-32B", "huggingface-reasoning-qwen3-8b"]
)
def test_a_base_model_that_can_be_tuned_has_no_refusal(base: str) -> None:
    assert catalog.refusal(base) is None


def test_every_engine_that_starts_something_is_built() -> None:
    for name, page in catalog.engines().items():
        if not page.closed:
            assert engines.named(name).name == name


def test_what_is_proposed_instead_asks_for_no_licence() -> None:
    said = catalog.instead(catalog.find("amazon.nova-lite-v1:0:300k"), "preference")

    assert said.startswith("Take qwen.qwen3-")
