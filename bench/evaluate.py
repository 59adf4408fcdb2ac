"""Scoring 5,000 held-out prompts, base and tuned: ours against rouge-score plus sacreBLEU, answer by answer.

Both sides score the same 10,000 answers by ROUGE-L and chrF, in one process, in turns in the same run, and
every score is compared. Ours is timed from raw predictions, with nothing kept from an earlier round.
"""

from __future__ import annotations

import random
import time

from rich.console import Console
from rich.table import Table
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.chrf import CHRF

from tunedrop.contracts import EvaluationSettings
from tunedrop.evaluation.decision.gate import decide
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.scoring.words import split_words, words
from tunedrop.evaluation.statistics.sample import Sample

PROMPTS = 5_000
ROUNDS = 2
MOST = 0.1
"""The mark: a tenth of their time."""

NAMES = ("rouge_l", "chrf")
Scores = list[list[float]]

console = Console(width=110)


def main() -> int:
    """Print the times and their ratio; 1 when it misses the mark."""
    predictions = _predictions()
    theirs, ours = [], []
    for _ in range(ROUNDS):
        seconds, published = _timed(_published, predictions)
        theirs.append(seconds)
        seconds, own = _timed(_own, predictions)
        ours.append(seconds)
    difference = max(
        abs(one - other)
        for row, row_of_theirs in zip(own, published, strict=True)
        for one, other in zip(row, row_of_theirs, strict=True)
    )
    everything, _ = _timed(_decided, predictions)
    ratio = min(ours) / min(theirs)
    _show(min(theirs), min(ours), everything)
    console.print(f"largest difference of a score: {difference:.1e}")
    met = ratio < MOST and difference < 1e-9
    console.print(f"the mark is a ratio below {MOST}, and the same scores: {'met' if met else 'missed'}")
    return int(not met)


def _show(theirs: float, ours: float, everything: float) -> None:
    title = f"{PROMPTS:,} held-out prompts, two answers each; the best of {ROUNDS} rounds"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for header in ("", "seconds", "answers a second", "ratio"):
        table.add_column(header, justify="right" if header else "left")
    for name, seconds in (
        ("rouge-score + sacreBLEU: ROUGE-L, chrF", theirs),
        ("tunedrop.evaluation: ROUGE-L, chrF", ours),
        ("tunedrop.evaluation: five metrics, intervals, verdict", everything),
    ):
        table.add_row(name, f"{seconds:.2f}", f"{2 * PROMPTS / seconds:,.0f}", f"{seconds / theirs:.3f}")
    console.print(table)


def _published(predictions: list[Prediction]) -> Scores:
    rouge, chrf = RougeScorer(["rougeL"], use_stemmer=False), CHRF()
    rows = []
    for one in predictions:
        reference, answers = one.reference, (one.base.text, one.tuned.text)
        rows.append(
            [float(rouge.score(reference, answer)["rougeL"].fmeasure) for answer in answers]
            + [chrf.sentence_score(answer, [reference]).score / 100 for answer in answers]
        )
    return rows


def _own(predictions: list[Prediction]) -> Scores:
    words.cache_clear()
    split_words.cache_clear()
    sample = Sample(predictions)
    rouge, chrf = (sample.paired(name) for name in NAMES)
    return [list(row) for row in zip(rouge.base, rouge.tuned, chrf.base, chrf.tuned, strict=True)]


def _decided(predictions: list[Prediction]) -> Scores:
    words.cache_clear()
    split_words.cache_clear()
    decide(predictions, EvaluationSettings())
    return []


def _predictions() -> list[Prediction]:
    """References of 20 to 120 words; the base shares a tenth of them, the tuned model a half, in place."""
    draw = random.Random(1)
    vocabulary = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 9))) for _ in range(3_000)]

    def answer(reference: list[str], shared: float) -> Answer:
        words = [word if draw.random() < shared else draw.choice(vocabulary) for word in reference]
        return Answer(text=" ".join(words))

    found = []
    for number in range(1, PROMPTS + 1):
        reference = draw.choices(vocabulary, k=draw.randint(20, 120))
        base, tuned = answer(reference, 0.1), answer(reference, 0.5)
        found.append(
            Prediction(
                record=number, turn=0, prompt="", reference=" ".join(reference), base=base, tuned=tuned
            )
        )
    return found


def _timed(score, predictions: list[Prediction]) -> tuple[float, Scores]:  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    scores = score(predictions)
    return time.perf_counter() - started, scores
