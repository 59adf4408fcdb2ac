"""Recommends prompting, retrieval or fine-tuning, which can be combined."""

from __future__ import annotations

from typing import Literal

from tunedrop.advice.situation import Situation
from tunedrop.advice.statement import OURS, RAG_GUIDE, Statement

Approach = Literal["fine-tuning", "retrieval", "prompting", "retrieval and fine-tuning"]

MANY_REQUESTS = 10_000
"""A day: from about there the instructions and examples of a long prompt cost more than a tuning."""


def approach(situation: Situation) -> tuple[Approach, list[Statement]]:
    """What to do first, and why."""
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
        "A tuned model knows what it knew on the day of its training, and tuning again takes hours"
        if situation.changes == "daily"
        else "A tuned model cannot say where it has something from; retrieval hands it the passage to cite"
    )
    statements = [
        Statement(
            says="Use retrieval: search, and put what is found into the prompt.",
            because=because,
            source=RAG_GUIDE,
        )
    ]
    if situation.goal in ("persona", "domain", "task"):
        statements.append(
            Statement(
                says="Tune for the form of the answers beside it: the tuned model gets the "
                "passages in its prompt.",
                because="Retrieval brings facts, fine-tuning brings behaviour; put passages into "
                "your training "
                "prompts too, as they will be there later",
                source=OURS,
            )
        )
        return "retrieval and fine-tuning", statements
    return "retrieval", statements


def _news(situation: Situation) -> tuple[Approach, list[Statement]]:
    if situation.changes == "seldom":
        return "fine-tuning", [
            Statement(
                says="Tune, and tune again when the data has grown.",
                because="What changes seldom can live in the model; it is frozen on the day of its training",
                source=RAG_GUIDE,
            ),
            Statement(
                says="Measure facts by held-out questions before you rely on them.",
                because="Fine-tuning teaches form better than facts: a model that is asked "
                "beyond its examples "
                "answers in the right tone and may be wrong",
                source=OURS,
            ),
        ]
    return "retrieval", [
        Statement(
            says="Use retrieval for newer information.",
            because="What is new this month is known to a search the same day, to a model only "
            "after a training",
            source=RAG_GUIDE,
        )
    ]


def _exclusive(situation: Situation) -> tuple[Approach, list[Statement]]:
    if situation.material in ("answers", "conversations") or situation.data is not None:
        return "retrieval and fine-tuning", [
            Statement(
                says="Tune on your examples for how to answer; keep the facts themselves in retrieval.",
                because="Examples show the model your way of working; single facts are learnt unreliably",
                source=RAG_GUIDE,
            )
        ]
    return "retrieval", [
        Statement(
            says="Begin with retrieval over your documents.",
            because="Documents without questions teach a model little that it can be asked for; "
            "a search can use "
            "them as they are",
            source=RAG_GUIDE,
        )
    ]


def _behaviour(situation: Situation) -> tuple[Approach, list[Statement]]:
    if situation.has_prompted is False and (situation.requests_a_day or 0) < MANY_REQUESTS:
        return "prompting", [
            Statement(
                says="Write a prompt with instructions and three to five of your best examples first.",
                because="It takes an hour, costs next to nothing, and is the base line that a "
                "tuned model has to beat",
            ),
            Statement(
                says="Tune when the prompt does not hold, or grows too long to pay for at every request.",
                because="The examples move from each prompt into the model once",
                source=OURS,
            ),
        ]
    statements = [
        Statement(
            says="Fine-tuning is right here.",
            because={
                "persona": "A tone is shown by examples better than it is described",
                "domain": "The judgement of a field is in its examples: which answer, which "
                "words, which caution",
                "task": "One narrow task with clear answers is what fine-tuning does best",
            }.get(situation.goal or "", "What you want is a behaviour, which examples can show"),
            source=RAG_GUIDE,
        )
    ]
    if situation.has_prompted is None:
        statements.append(
            Statement(
                says="Keep your best prompt at hand as the thing to beat.",
                because="The evaluation compares with the base model; whether a good prompt "
                "would do, only you can try",
            )
        )
    return "fine-tuning", statements
