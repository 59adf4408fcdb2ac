"""Model cards and snippets: what a registry reads, and what a reader copies."""

from __future__ import annotations

import ast

import msgspec
import pytest
from ruamel.yaml import YAML

from tests import builders
from tunedrop.contracts import Ending, Promotion, StartedJob, TrainingJob
from tunedrop.reporting import mlflow_run, model_card, usage
from tunedrop.training.curves import Curves

STAGE = builders.stage()
PROMOTED = Ending(
    run=builders.run(),
    dataset=builders.dataset(),
    job=builders.job(),
    evaluation=builders.evaluation(),
    promotion=Promotion(alias="/tunedrop/test/models/persona", model_arn=builders.MODEL_ARN),
)


def front_matter(ending: Ending) -> dict[str, object]:
    _, head, _ = model_card.markdown(STAGE, ending).split("---\n", 2)
    found: dict[str, object] = YAML(typ="safe").load(head)
    return found


def test_the_front_matter_is_what_a_registry_reads() -> None:
    found = front_matter(PROMOTED)

    assert found["base_model"] == builders.NOVA_LITE
    assert found["base_model_relation"] == "finetune"
    (entry,) = found["model-index"]  # type: ignore[misc]
    assert entry["results"][0]["metrics"] == [{"type": "token_f1", "name": "Token F1", "value": 0.6}]


def test_the_card_says_how_it_was_measured_trained_and_is_asked() -> None:
    card = model_card.markdown(STAGE, PROMOTED)

    assert "| Token F1 | 0.300 | 0.600 | +0.300 (+0.200 to +0.400) |" in card
    assert "learningRate 0.0001" in card
    assert builders.MODEL_ARN in card
    assert "/tunedrop/test/models/persona" in card


@pytest.mark.parametrize(
    ("base_model", "trained_by"),
    [
        (builders.NOVA_LITE, "Amazon Bedrock's model customization jobs"),
        ("qwen.qwen3-4b", "SageMaker AI's serverless model customization"),
        ("mistral.mistral-7b", "SageMaker AI's JumpStart"),
        ("qwen.qwen3-32b:mantle", "the OpenAI-compatible API of bedrock-mantle"),
        ("acme.gone-1b", "AWS"),
    ],
)
def test_the_card_says_who_has_trained(base_model: str, trained_by: str) -> None:
    ending = msgspec.structs.replace(PROMOTED, run=builders.run(base_model=base_model))

    assert f"tuned by {trained_by} and Tunedrop" in model_card.markdown(STAGE, ending)


def test_the_hyperparameters_of_a_search_are_those_of_the_chosen_candidate() -> None:
    tried = (
        TrainingJob(title="1", method="single-turn", hyperparameters={"learningRate": "0.5"}, chosen=True),
        TrainingJob(title="2", method="single-turn", hyperparameters={"learningRate": "0.7"}),
    )
    ending = msgspec.structs.replace(PROMOTED, started=StartedJob(outcome="finished", series=tried))

    sent = mlflow_run.of(STAGE, ending, "2026-11-23T12:00:00Z", Curves())
    assert sent.params["hyperparameters.learningRate"] == "0.5"
    assert "learningRate 0.5" in model_card.markdown(STAGE, ending)


@pytest.mark.parametrize("name", ["a\n---\nbase_model: evil", "[x](javascript:1)", "`rm`", "\u202egpj.exe"])
def test_a_name_changes_neither_the_front_matter_nor_the_page(name: str) -> None:
    ending = msgspec.structs.replace(PROMOTED, run=builders.run(name=name))

    assert front_matter(ending)["base_model"] == builders.NOVA_LITE
    title = model_card.markdown(STAGE, ending).split("---\n", 2)[2].strip().splitlines()[0]
    assert title.startswith("# ")
    assert "](" not in title
    assert "\u202e" not in title


def test_there_is_a_snippet_for_each_way_to_ask_and_python_compiles() -> None:
    found = usage.snippets(STAGE, PROMOTED)

    assert [one.title for one in found] == [
        "Python (boto3)", "LangChain (langchain-aws)", "LiteLLM", "AWS CLI",
    ]  # fmt: skip
    for one in found:
        assert "/tunedrop/test/models/persona" in one.code
        if one.language == "python":
            ast.parse(one.code)
    assert usage.snippets(STAGE, msgspec.structs.replace(PROMOTED, promotion=None)) == []
