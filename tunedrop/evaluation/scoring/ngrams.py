"""chrF of many answers at once, with numpy: one sort counts all n-grams of a few hundred texts.

An n-gram of order 6 is encoded as a number: its prompt, then its six characters, then the text of the prompt
that contains it. After sorting, n-grams of every lower order are adjacent too, as common prefixes, and the
count of one in a text is a difference of running counts. Each reference is counted once for all models that
answered its prompt.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tunedrop.evaluation.scoring.metrics import CHRF_BETA, CHRF_ORDER, chrf

Integers = NDArray[np.int64]

PROMPTS_AT_ONCE = 128
"""The number of characters per batch: few enough for the processor's cache."""

BITS = 63


def chrf_of_all(references: Sequence[str], answers: Sequence[Sequence[str]]) -> list[list[float]]:
    """chrF of every answer, as `metrics.chrf` gives it one by one.

    Parameters
    ----------
    answers
        One list per model, with one answer per reference.
    """
    scores: list[list[float]] = [[] for _ in answers]
    for start in range(0, len(references), PROMPTS_AT_ONCE):
        part = slice(start, start + PROMPTS_AT_ONCE)
        rows = list(zip(references[part], *(one[part] for one in answers), strict=True))
        for model, found in zip(scores, _score(rows, len(answers)), strict=True):
            model.extend(found)
    return scores


def _score(rows: Sequence[tuple[str, ...]], models: int) -> list[list[float]]:
    texts = ["".join(text.split()) for row in rows for text in row]
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    symbols, bits = _symbols(texts, sizes)
    role_bits, prompt_bits = models.bit_length(), len(rows).bit_length()
    if CHRF_ORDER * bits + role_bits + prompt_bits > BITS:  # more than a few hundred different characters
        return _in_halves(rows, models)
    grams = _grams(symbols, sizes, bits, models + 1, role_bits)
    counts = [_running((grams & ((1 << role_bits) - 1)) == role) for role in range(models + 1)]
    lengths = sizes.reshape(len(rows), models + 1)
    totals = np.zeros((3, models, len(rows)))  # precision, recall, orders
    for order in range(1, CHRF_ORDER + 1):
        starts, ends, prompts = _groups(grams >> (role_bits + bits * (CHRF_ORDER - order)), bits, order)
        expected = counts[0][ends] - counts[0][starts]
        left = np.maximum(lengths - order + 1, 0)
        for model in range(models):
            given = counts[model + 1][ends] - counts[model + 1][starts]
            common = np.bincount(prompts, np.minimum(expected, given), len(rows))
            both = (left[:, 0] > 0) & (left[:, model + 1] > 0)
            totals[0, model] += np.where(both, common / np.maximum(left[:, model + 1], 1), 0)
            totals[1, model] += np.where(both, common / np.maximum(left[:, 0], 1), 0)
            totals[2, model] += both
    precision, recall = totals[:2] / np.maximum(totals[2], 1)
    weight = CHRF_BETA**2
    below = weight * precision + recall
    found: list[list[float]] = ((1 + weight) * precision * recall / np.where(below > 0, below, 1)).tolist()
    return found


def _in_halves(rows: Sequence[tuple[str, ...]], models: int) -> list[list[float]]:
    """The same for texts with too many different characters: fewer prompts have fewer; a single prompt is
    counted directly."""
    if len(rows) == 1:
        reference, *answers = rows[0]
        return [[chrf(reference, answer)] for answer in answers]
    middle = len(rows) // 2
    halves = _score(rows[:middle], models), _score(rows[middle:], models)
    return [first + second for first, second in zip(*halves, strict=True)]


def _symbols(texts: Sequence[str], sizes: Integers) -> tuple[Integers, int]:
    """All characters as small numbers from 1, with a 0 after each text and padding at the end; and the bits
    per character."""
    joined = "\0".join(texts) + "\0" * CHRF_ORDER
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32) + 1
    codes[np.cumsum(sizes + 1) - 1] = 0
    codes[len(codes) - CHRF_ORDER :] = 0
    alphabet, numbers = np.unique(codes, return_inverse=True)
    return numbers.astype(np.int64), (len(alphabet) - 1).bit_length()


def _grams(symbols: Integers, sizes: Integers, bits: int, texts_a_prompt: int, role_bits: int) -> Integers:
    """Prompt, six characters and text of every position, sorted; zeros follow the end of a text."""
    text = np.repeat(np.arange(len(sizes)), sizes + 1)
    grams, inside = text // texts_a_prompt, np.ones(len(text), np.int64)
    for place in range(CHRF_ORDER):
        symbol = symbols[place : place + len(text)]
        inside &= symbol != 0
        grams = (grams << bits) | (symbol * inside)
    grams = (grams << role_bits) | (text % texts_a_prompt)
    return np.sort(grams[symbols[: len(text)] != 0])


def _running(flags: NDArray[np.bool_]) -> Integers:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(flags)))


def _groups(prefixes: Integers, bits: int, order: int) -> tuple[Integers, Integers, Integers]:
    """The start and end of each n-gram of this order among the sorted ones, and its prompt."""
    starts = np.flatnonzero(np.concatenate((np.ones(1, bool), prefixes[1:] != prefixes[:-1])))
    starts = starts[: len(prefixes)]
    ends, first = np.append(starts[1:], len(prefixes)), prefixes[starts]
    whole = (first & ((1 << bits) - 1)) != 0
    return starts[whole], ends[whole], first[whole] >> (bits * order)
