"""Recommends a method for the available material."""

from __future__ import annotations

from tunedrop.advice.situation import Situation
from tunedrop.advice.statement import CUSTOM_MODELS, PREPARE, Statement
from tunedrop.contracts import Method

TRANSFER = Statement(
    says="Fine-tuning and continued pre-training are two forms of transfer learning.",
    because="Both start from what the base model has learned. Continued pre-training trains on raw "
    "text to learn a field; fine-tuning trains on prompts with answers to learn a behaviour. "
    "If you need both, pre-train first",
    source=CUSTOM_MODELS,
)


def method(situation: Situation) -> tuple[Method | None, list[Statement]]:
    """The method, according to the data if there is any, else the answers."""
    if situation.data is not None:
        found = situation.data.method
        return found, [_why(found, "your records are"), *_of_texts(found)]
    match situation.material:
        case "answers":
            return "single-turn", [_why("single-turn", "you have")]
        case "conversations":
            return "multi-turn", [_why("multi-turn", "you have")]
        case "texts":
            return "continued-pretraining", [
                _why("continued-pretraining", "you have"),
                *_of_texts("continued-pretraining"),
            ]
        case "prompts":
            return "distillation", [_why("distillation", "you have")]
        case "checkable":
            return "reinforcement", [_why("reinforcement", "you have")]
        case "preferences":
            return "preference", [_why("preference", "you have")]
        case None:
            return None, [
                Statement(
                    says="Collect prompts with the answers that you want, one JSON object per line.",
                    because="Most base models support it; every other method needs less common data",
                    source=PREPARE,
                )
            ]


_SHAPES: dict[Method, tuple[str, str]] = {
    "instruction": ("an instruction and its answer", "the model learns to carry out instructions"),
    "single-turn": ("one question and its answer each", "the model learns to answer as you would"),
    "multi-turn": (
        "conversations of several turns",
        "the model learns to hold a conversation in its persona",
    ),
    "continued-pretraining": (
        "plain texts",
        "the model trains on your texts and learns the vocabulary of your field",
    ),
    "preference": (
        "prompts, each with a better and a worse answer",
        "the model learns to prefer answers like the better ones and to avoid the others",
    ),
    "distillation": (
        "prompts without answers",
        "a larger teacher model writes the answers that a smaller one learns",
    ),
    "reinforcement": (
        "prompts whose answers a program can check",
        "the model generates answers, your grader scores them, and the model learns from the scores",
    ),
}


def _why(method: Method, whose: str) -> Statement:
    shape, effect = _SHAPES[method]
    return Statement(
        says=f"Method: {method}.", because=f"{whose.capitalize()} {shape}: {effect}", source=PREPARE
    )


def _of_texts(found: Method) -> list[Statement]:
    if found != "continued-pretraining":
        return []
    return [
        TRANSFER,
        Statement(
            says="Turn your texts into prompts with answers, or use retrieval.",
            because="Text alone teaches vocabulary, not answers. Bedrock's own jobs accept none today. One "
            "base model can be trained on it by SageMaker JumpStart, on an instance that new accounts must "
            "request, and no job can continue from its result",
            source=CUSTOM_MODELS,
        ),
    ]
