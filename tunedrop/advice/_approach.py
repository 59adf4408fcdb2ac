"""Recommends prompting, retrieval or fine-tuning, which can be combined."""

from __future__ import annotations

from typing import Literal

from tunedrop.advice.situation import Situation
from tunedrop.advice.statement import OURS, RAG_GUIDE, Statement

Approach = Literal["fine-tuning", "retrieval", "prompting", "retrieval and fine-tuning"]

MANY_REQUESTS = 10_000
"""Requests per day above which the instructions and examples of a long prompt cost more than tuning."""


def approach(situation: Situation) -> tuple[Approach, list[Statement]]:
    """The recommended approach, and why."""
    if situation.changes == "daily" or situation.must_cite:
        return _retrieval(situation)
    match situation.goal:
        case "news":
            return _news(situation)
        case "exclusive-data":
            return _exclusive(situation)
        case "persona" | "task" | "domain" | None:
            return _behaviour(situation)


def _retrieval(situation: Situation) -> tuple[Approach, list[Statement]]:
    because = (
        "A tuned model knows only what it learned up to its training, and retraining takes hours"
        if situation.changes == "daily"
        else "A tuned model cannot cite its sources; retrieval gives it the passage to cite"
    )
    statements = [
        Statement(
            says="Use retrieval: search, and put the results into the prompt.",
            because=because,
            source=RAG_GUIDE,
        )
    ]
    if situation.goal in ("persona", "domain", "task"):
        statements.append(
            Statement(
                says="Fine-tune for the form of the answers as well: the tuned model gets the passages "
                "in its prompt.",
                because="Retrieval provides facts, fine-tuning provides behaviour; include retrieved "
                "passages in the training prompts, as in production",
                source=OURS,
            )
        )
        return "retrieval and fine-tuning", statements
    return "retrieval", statements


def _news(situation: Situation) -> tuple[Approach, list[Statement]]:
    if situation.changes == "seldom":
        return "fine-tuning", [
            Statement(
                says="Fine-tune, and repeat it when you have more data.",
                because="Facts that rarely change can live in the model, which knows nothing after its "
                "training",
                source=RAG_GUIDE,
            ),
            Statement(
                says="Test facts with held-out questions before you rely on them.",
                because="Fine-tuning teaches form better than facts: beyond its examples, the model "
                "answers in the right tone but may be wrong",
                source=OURS,
            ),
        ]
    return "retrieval", [
        Statement(
            says="Use retrieval for newer information.",
            because="Retrieval knows new facts the same day, a model only after training",
            source=RAG_GUIDE,
        )
    ]


def _exclusive(situation: Situation) -> tuple[Approach, list[Statement]]:
    if situation.material in ("answers", "conversations") or situation.data is not None:
        return "retrieval and fine-tuning", [
            Statement(
                says="Fine-tune on examples of how to answer; keep the facts in retrieval.",
                because="Examples teach the model how you work; it learns single facts unreliably",
                source=RAG_GUIDE,
            )
        ]
    return "retrieval", [
        Statement(
            says="Start with retrieval over your documents.",
            because="From documents without questions, a model learns little that it can answer with; "
            "retrieval can use them as they are",
            source=RAG_GUIDE,
        )
    ]


def _behaviour(situation: Situation) -> tuple[Approach, list[Statement]]:
    if situation.has_prompted is False and (situation.requests_a_day or 0) < MANY_REQUESTS:
        return "prompting", [
            Statement(
                says="First, write a prompt with instructions and three to five of your best examples.",
                because="It takes an hour, costs almost nothing, and is the baseline that a tuned "
                "model has to beat",
            ),
            Statement(
                says="Fine-tune if the prompt is not reliable, or too long to pay for with every request.",
                because="The examples move from every prompt into the model",
                source=OURS,
            ),
        ]
    statements = [
        Statement(
            says="Fine-tuning is right here.",
            because={
                "persona": "Examples convey a tone better than a description",
                "domain": "Examples carry the judgement of a field: which answer, which words, which caution",
                "task": "Fine-tuning works best for one narrow task with clear answers",
            }.get(situation.goal or "", "You want a behaviour, which examples can show"),
            source=RAG_GUIDE,
        )
    ]
    if situation.has_prompted is None:
        statements.append(
            Statement(
                says="Keep your best prompt as the baseline.",
                because="Only you can try whether a good prompt is enough",
            )
        )
    return "fine-tuning", statements
