"""Puts all advice together, in the order in which it is needed."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tunedrop import catalog
from tunedrop.advice._approach import Approach, approach
from tunedrop.advice._examples import examples
from tunedrop.advice._method import TRANSFER, method
from tunedrop.advice._settings import settings
from tunedrop.advice.candidates import ASSUMED, Candidate, LeftOut, candidates, left_out
from tunedrop.advice.situation import Situation
from tunedrop.advice.statement import COST, OURS, Statement
from tunedrop.contracts import Method
from tunedrop.formatting.costs import in_words


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What `tunedrop advise --format json` prints.

    Attributes
    ----------
    candidates
        Base models, best first; `base_model` is the first that fits.
    left_out
        Base models with the method that cannot be tuned today, each with the reason and its successor.
    hyperparameters
        By Bedrock's names; the manifest also accepts snake case.
    unknown
        What cannot be known here, and how to find out.
    """

    approach: Approach
    method: Method | None
    base_model: str | None
    hyperparameters: dict[str, str]
    reasons: dict[str, list[Statement]]
    candidates: list[Candidate]
    left_out: list[LeftOut]
    unknown: list[str]


def advise(situation: Situation) -> Advice:
    """Advice for a situation. Missing facts are assumed, and listed in `unknown`."""
    way, on_approach = approach(situation)
    chosen, on_method = method(situation)
    if situation.goal in ("domain", "exclusive-data") and TRANSFER not in on_method:
        on_method = [*on_method, TRANSFER]
    offered = candidates(situation, chosen or "single-turn")
    first = next((one for one in offered if one.fits), None)
    reasons = {
        "approach": on_approach,
        "method": on_method,
        "base model": _on_candidates(offered, first, chosen),
    }
    hyperparameters: dict[str, str] = {}
    if first is not None:
        model = catalog.find(first.base_model)
        method_ = chosen or "single-turn"
        reasons["data"] = examples(situation.data, model, model.methods[method_])
        hyperparameters, reasons["hyperparameters"] = settings(situation.data, model, method_)
        reasons["cost"] = [*_on_cost(first, situation), *_on_deletion(first)]
    return Advice(
        approach=way,
        method=chosen,
        base_model=first.base_model if first is not None else None,
        hyperparameters=hyperparameters,
        reasons=reasons,
        candidates=offered,
        left_out=left_out(chosen or "single-turn"),
        unknown=list(_unknown(situation)),
    )


def _on_candidates(
    offered: list[Candidate], first: Candidate | None, method_: Method | None
) -> list[Statement]:
    if first is None:
        why = "; ".join(f"{one.name} {one.remarks[0]}" for one in offered if one.remarks)
        return [
            Statement(
                says="No base model in the catalog fits.",
                because=why or catalog.instead(None, method_),
                source="the catalog, each figure with its source and date: tunedrop/catalog",
            )
        ]
    by_token = first.billed_by == "token"
    served = f"is served {first.served}: nothing is billed while idle" if by_token else first.remarks[0]
    priced = "" if first.is_priced else "; its price is not wholly known"
    return [
        Statement(
            says=f"Start with {first.name} ({first.base_model}).",
            because=f"It takes your method and your data, and {served}{priced}",
            source=catalog.find(first.base_model).serving.source.page,
        ),
        Statement(
            says="Take the smallest model that passes your evaluation.",
            because="It is cheaper to train and to run, and answers faster; on one narrow task, "
            "small tuned models often match large ones",
            source=OURS,
        ),
    ]


def _on_cost(first: Candidate, situation: Situation) -> Iterator[Statement]:
    if first.estimate is None:
        return
    basis = "your data" if situation.data else f"{ASSUMED.records} examples of 200 tokens, assumed"
    yield Statement(
        says=f"A run costs {in_words(first.estimate)}, based on {basis}.",
        because="; ".join(f"{line.item}: {line.basis}" for line in first.estimate.lines),
        source=COST,
    )
    if situation.budget_usd is not None and first.estimate.likely > situation.budget_usd:
        yield Statement(
            says=f"That exceeds your budget of {situation.budget_usd:.2f} USD: the run would need approval.",
            because="Fewer tokens, fewer epochs or a smaller base model reduce the cost",
        )
    if first.billed_by == "hour":
        monthly = (
            f"about {first.hourly_usd * 730:,.0f} USD a month" if first.hourly_usd else "much by the month"
        )
        yield Statement(
            says=f"Keeping it in service costs {monthly}, even while idle.",
            because="Provisioned throughput bills by the hour until it is deleted",
            source=COST,
        )


def _on_deletion(first: Candidate) -> Iterator[Statement]:
    if first.undeletable:
        yield Statement(
            says="Its model cannot be deleted.",
            because=first.undeletable,
            source=catalog.find(first.base_model).serving.source.page,
        )


def _unknown(situation: Situation) -> Iterator[str]:
    if situation.data is None:
        yield "your data: pass a file, and the advice is based on it"
    if situation.goal is None:
        yield "what you want from the model (--for): assumed to be behaviour, not knowledge"
    if situation.region is None:
        yield "your Region (--region): models of all Regions were considered"
    if situation.changes is None:
        yield "how often your facts change (--changes): assumed to be seldom"
    if situation.has_prompted is None:
        yield "whether a good prompt is enough (--prompted/--not-prompted): try it"
    yield (
        "whether the tuned model will be better: the evaluation on held-out examples shows it, and "
        "every run has one"
    )
    yield "whether your examples are correct: only their form is checked"
    yield "whether this account has access and quotas: tunedrop doctor"
