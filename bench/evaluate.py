"""Scoring 5,000 held-out pairs: ours against rouge-score plus sacreBLEU, pair by pair, in the same run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.chrf import CHRF

from tunedrop.evaluation import metrics

PAIRS = 5_000
MOST = 0.1
"""The mark: a tenth of their time."""

console = Console(width=110)


def main() -> int:
    """Print the times and their ratio; 1 when it misses the mark."""
    pairs = _pairs()
    rouge, chrf = RougeScorer(["rougeL"], use_stemmer=False), CHRF()

    def published(reference: str, answer: str) -> tuple[float, float]:
        score: float = rouge.score(reference, answer)["rougeL"].fmeasure
        return score, chrf.sentence_score(answer, [reference]).score / 100

    def own(reference: str, answer: str) -> tuple[float, float]:
        return metrics.rouge_l(reference, answer), metrics.chrf(reference, answer)

    theirs, their_scores = _timed(published, pairs)
    ours, our_scores = _timed(own, pairs)
    difference = max(
        max(abs(one[0] - other[0]), abs(one[1] - other[1]))
        for one, other in zip(our_scores, their_scores, strict=True)
    )
    title = f"ROUGE-L and chrF of {PAIRS:,} pairs"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for header in ("", "seconds", "pairs a second", "ratio"):
        table.add_column(header, justify="right" if header else "left")
    table.add_row("rouge-score + sacreBLEU", f"{theirs:.2f}", f"{PAIRS / theirs:,.0f}", "1.00")
    table.add_row("tunedrop.evaluation", f"{ours:.2f}", f"{PAIRS / ours:,.0f}", f"{ours / theirs:.2f}")
    console.print(table)
    console.print(f"largest difference of a score: {difference:.1e}")
    console.print(f"the mark is a ratio below {MOST}: {'met' if ours < MOST * theirs else 'missed'}")
    return int(ours >= MOST * theirs)


def _pairs() -> list[tuple[str, str]]:
    """Answers of 20 to 120 words that share about half of their reference's."""
    draw = random.Random(1)
    vocabulary = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 9))) for _ in range(3_000)]
    pairs = []
    for _ in range(PAIRS):
        reference = draw.choices(vocabulary, k=draw.randint(20, 120))
        answer = [word if draw.random() < 0.5 else draw.choice(vocabulary) for word in reference]
        pairs.append((" ".join(reference), " ".join(answer)))
    return pairs


def _timed(
    score: Callable[[str, str], tuple[float, float]], pairs: list[tuple[str, str]]
) -> tuple[float, list[tuple[float, float]]]:
    started = time.perf_counter()
    scores = [score(reference, answer) for reference, answer in pairs]
    return time.perf_counter() - started, scores
