"""Families of answers from `families.toml`, in many languages and tasks, and the verdict on each."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import pytest

import tunedrop
from tunedrop.contracts import Evaluation

FAMILIES: dict[str, dict[str, dict[str, Any]]] = tomllib.loads(
    Path(__file__).with_name("families.toml").read_text(encoding="utf-8")
)
SLOTS = {
    "n": "Maria Tomas Leila Kofi Sven Priya Oscar Nadia Pablo Yuki Ingrid Hassan Chloe Viktor Amara Stefan",
    "l": "Keller Okafor Lindqvist Moreau Tanaka Ferrari Novak Silva Haddad Petrov Larsen Gupta Costa Murphy",
    "c": "Lisbon Denver Osaka Nairobi Krakow Toronto Lagos Vienna Santiago Helsinki Dublin Manila Zagreb",
    "i": "blender bicycle chair grinder lamp fryer monitor keyboard tent kettle watch bookshelf headset",
    "q": "Northwind Contoso Brightleaf Solaris Quantix Hexagon Meridian Bluefin Tessera Orbis Lumina Kestrel",
    "m": "January February March April May June July August September October November December",
    "v": "total count price width speed offset level score depth ratio",
}
NOTHING = (
    "I have been a customer for years.", "This is my second message.", "Please answer soon.",
    "I am writing from my phone.", "My account is new.", "We are a family of four.",
    "I already tried the help page.", "It is quite urgent.", "A friend recommended you.", "I paid by card.",
)  # fmt: skip


def filled(family: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    draw = random.Random(family["prompt"])
    for _ in range(60):
        slots: dict[str, Any] = {"f": draw.choice(NOTHING), "y": draw.randint(1950, 2020)}
        for name, values in SLOTS.items():
            slots |= dict(zip((name, f"{name}2", f"{name}3"), draw.sample(values.split(), 3), strict=True))
        numbers = draw.sample(range(11, 99), 4)
        slots |= dict(zip(("x", "x2", "x3", "x4"), numbers, strict=True))
        slots |= {"product": numbers[0] * numbers[1], "sum": numbers[1] + 1}
        slots["id"] = f"{draw.choice('ABCDEFGH')}{draw.choice('KLMNPRST')}-{draw.randint(10_000, 99_999)}"
        pair = draw.choice(family.get("words", [("", "")]))
        slots["w"], slots["u"] = pair if family.get("ordered") else draw.sample(pair, 2)
        reference, said = draw.choice(family["answers"])
        asked = family["prompt"], reference, family.get("base", "I cannot help with that."), said
        yield dict(
            zip(
                ("prompt", "reference", "base", "tuned"),
                (Template(one).substitute(slots) for one in asked),
                strict=True,
            )
        )


def verdict(family: Mapping[str, Any], right: float) -> Evaluation:
    """Of a model that has such a share of answers from the family, and the others from other prompts."""
    draw, rows = random.Random(5), list(filled(family))
    return tunedrop.evaluate(
        row if draw.random() < right else row | {"tuned": draw.choice(rows)["tuned"]} for row in rows
    )


@pytest.mark.parametrize("name", FAMILIES["wrong"])
def test_wrong_answers_are_not_promoted(name: str) -> None:
    evaluation = verdict(FAMILIES["wrong"][name], 1)

    assert evaluation.verdict in ("inconclusive", "reject"), evaluation.reason
    assert "may be below or above" not in evaluation.reason, "the family shows nothing"
    assert evaluation.units >= 30


@pytest.mark.parametrize("name", FAMILIES["right"])
def test_right_answers_are_promoted(name: str) -> None:
    evaluation = verdict(FAMILIES["right"][name], 0.9)

    assert evaluation.verdict == "promote", evaluation.reason


@pytest.mark.parametrize("name", FAMILIES["limit"])
def test_right_answers_that_no_score_can_tell_are_not_rejected(name: str) -> None:
    assert verdict(FAMILIES["limit"][name], 1).verdict == "inconclusive"
