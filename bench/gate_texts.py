"""The whole gate on texts, where the truth is exactly what is wanted: drawn answers, and `decide()`.

`python -m bench gate_texts`. The cells of `bench.gate` draw differences. Here tasks, units, metrics, free
answers and guards take part, so that a promotion may fail for other reasons; counted are wrong promotions,
wrong rejections, and, of a model that is plainly better, how often it is promoted.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench.gate_distributions import WANTED
from tunedrop.contracts import EvaluationSettings
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Prediction

EVALUATIONS = 200
"""A cell; each takes about a tenth of a second."""

PROMPTS = 100
RIGHT, BETTER = 0.5, 0.85
"""How much of an answer the base has right, and a model that is plainly better."""

NOMINAL = 0.025
MOST_ERRORS = NOMINAL + 3 * (NOMINAL * (1 - NOMINAL) / EVALUATIONS) ** 0.5

SYLLABLES = [one + other for one in "bdfgklmnprstvz" for other in "aeiou"]

Draw = Callable[[random.Random], tuple[str, Callable[[float], str]]]
"""A reference, and an answer of a model that has such a share right."""


def words(draw: random.Random, count: int) -> list[str]:
    return ["".join(draw.choices(SYLLABLES, k=3)) for _ in range(count)]


def label(draw: random.Random) -> tuple[str, Callable[[float], str]]:
    names = ["refund", "delivery", "invoice", "login", "praise", "other"]
    wanted = draw.choice(names)
    wrong = draw.choice([one for one in names if one != wanted])
    return wanted, lambda share: wanted if draw.random() < share else wrong


def number(draw: random.Random) -> tuple[str, Callable[[float], str]]:
    wanted = draw.randint(10, 9_999)
    return str(wanted), lambda share: str(wanted if draw.random() < share else wanted + draw.randint(1, 99))


def document(draw: random.Random) -> tuple[str, Callable[[float], str]]:
    wanted = {"name": words(draw, 1)[0], "city": words(draw, 1)[0], "count": draw.randint(1, 99)}

    def answer(share: float) -> str:
        given = {
            key: value if draw.random() < share else words(draw, 1)[0] if key != "count" else value + 1
            for key, value in wanted.items()
        }
        return json.dumps(given)

    return json.dumps(wanted), answer


def text(draw: random.Random) -> tuple[str, Callable[[float], str]]:
    wanted = words(draw, 12)

    def answer(share: float) -> str:
        return " ".join(one if draw.random() < share else words(draw, 1)[0] for one in wanted)

    return " ".join(wanted), answer


TASKS: dict[str, Draw] = {"labels": label, "numbers": number, "JSON": document, "open text": text}


class TextCell(NamedTuple):
    """Shares of all evaluations of one task."""

    name: str
    promoted: float
    rejected: float
    power: float

    @property
    def holds(self) -> bool:
        return max(self.promoted, self.rejected) <= MOST_ERRORS


def text_cell(name: str) -> TextCell:
    at_limit = [_verdict(name, seed, RIGHT + WANTED) for seed in range(EVALUATIONS)]
    better = [_verdict(name, EVALUATIONS + seed, BETTER) for seed in range(EVALUATIONS // 4)]
    return TextCell(
        name,
        at_limit.count("promote") / EVALUATIONS,
        at_limit.count("reject") / EVALUATIONS,
        better.count("promote") / len(better),
    )


def _verdict(name: str, seed: int, share: float) -> str:
    draw = random.Random(f"{name} {seed}")
    rows = []
    for record in range(PROMPTS):
        reference, answer = TASKS[name](draw)
        rows.append(
            Prediction(
                record=record,
                turn=0,
                prompt=" ".join(words(draw, 8)),
                reference=reference,
                base=Answer(text=answer(RIGHT)),
                tuned=Answer(text=answer(share)),
            )
        )
    return decide(rows, EvaluationSettings(min_improvement=WANTED)).verdict


def main() -> int:
    """Print the table; 1 when a floor is missed."""
    found = [text_cell(name) for name in TASKS]
    table = Table(f"{PROMPTS} prompts", "false promotions", "false rejections", "power", "floors")
    for one in found:
        shares = (f"{100 * share:.1f} %" for share in (one.promoted, one.rejected, one.power))
        table.add_row(one.name, *shares, "held" if one.holds else "MISSED")
    Console(width=100, highlight=False).print(table)
    return 0 if all(one.holds for one in found) else 1
