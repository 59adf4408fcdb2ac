"""Single values that many prompts want, and how well a model tells which prompts want each: labels, values of
a field of JSON that has few, short answers and what stands beside a number in them (`mg`, `PM`), and texts
such as a refusal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from statistics import fmean
from typing import NamedTuple

from tunedrop.evaluation.answers.content import document_in
from tunedrop.evaluation.answers.json_parts import few_valued, leaves_of, shown
from tunedrop.evaluation.answers.parts import FEWEST_UNITS
from tunedrop.evaluation.answers.text_parts import words_beside_numbers
from tunedrop.evaluation.scoring.metrics import token_f1
from tunedrop.evaluation.statistics.sample import Model, Paired, Sample

MOST_TEXTS = 20
"""Of so many texts that prompts want more than once it is compared who gives them."""

LEAST_FOUND = 1 / 3
"""A value can be told that a model gives so much more often where it is wanted than elsewhere."""


class Value(NamedTuple):
    """How well two models give one value: the F1 of each, and how often they give it where it is wanted.

    `could_be_told`: whether the first of them tells where that is. Then a model that never gives it has lost
    it, however few prompts want it.
    """

    name: str
    f1: Paired
    found: Paired
    could_be_told: bool


def values(sample: Sample, other: Model) -> Iterator[Value]:
    """Each value that enough prompts want, of another model and of the tuned one."""
    shares = _shares_in(sample)
    wanted = [frozenset(shares(one)) for one in sample.references]
    said = [[shares(one) for one in sample.texts(model)] for model in (other, "tuned")]
    pairs = {(value, unit) for one, unit in zip(wanted, sample.units, strict=True) for value in one}
    units = Counter(value for value, _ in pairs)
    for value in sorted(value for value, count in units.items() if count >= FEWEST_UNITS):
        wants = [value in one for one in wanted]
        before, after = ([one.get(value, 0.0) for one in answers] for answers in said)
        touched = [any(row) for row in zip(wants, before, after, strict=True)]
        first, second = (_f1(given, wants, touched) for given in (before, after))
        f1 = Paired(f"part: {value}", first, second, list(compress(sample.units, touched)))
        found = Paired(f1.metric, before, after, sample.units).where(wants)
        yield Value(value, f1, found, _told_apart(before, wants) > LEAST_FOUND)


def _f1(given: Sequence[float], is_wanted: Sequence[bool], touched: Sequence[bool]) -> list[float]:
    """The F1 of a value, and what each answer moves of it that is touched by the value: their mean is the F1,
    their spread its error (the infinitesimal jackknife, Jaeckel 1972)."""
    every = sum(given) + sum(is_wanted)
    f1 = 2 * sum(compress(given, is_wanted)) / every
    weight = sum(touched) / every
    rows = compress(zip(given, is_wanted, strict=True), touched)
    return [f1 + weight * (2 * share * is_one - f1 * (share + is_one)) for share, is_one in rows]


def _told_apart(given: Sequence[float], is_wanted: Sequence[bool]) -> float:
    """How much more often a value is given where it is wanted than elsewhere: not at all by a model that
    always gives it."""
    there = compress(given, is_wanted)
    elsewhere = compress(given, (not one for one in is_wanted))
    return fmean(there) - fmean([*elsewhere] or [0.0])


def _shares_in(sample: Sample) -> Callable[[str], dict[str, float]]:
    """Reads which values a text has, by their names in a reason, and how much it says so."""
    if sample.task == "json":
        few = few_valued(sample.references)

        def of_json(text: str) -> dict[str, float]:
            leaves = leaves_of(document_in(text))
            return {f"the value {shown(value)!r} of {path}": 1.0 for path, _, value in leaves if path in few}

        return of_json
    if sample.task == "text":
        return _texts_in(sample)
    labels = sample.labels if sample.task == "labels" else None
    often, content = (_often(sample) if labels is None else []), sample.scorer("content")
    known = frozenset(word for one in sample.references for word in words_beside_numbers(one))

    def of_short(text: str) -> dict[str, float]:
        given = {f"the label {one!r}": share for one, share in labels.shares(text).items()} if labels else {}
        given |= {f"the answer {one!r}": 1.0 for one in often if content(one, text)}
        return given | {f"numbers with {one!r}": 1.0 for one in known & words_beside_numbers(text)}

    return of_short


def _texts_in(sample: Sample) -> Callable[[str], dict[str, float]]:
    """Of open text: the answers that it has more in common with than any other reference has."""
    nearest = {
        one: max((token_f1(one, other) for other in {*sample.references} if other != one), default=1.0)
        for one in _often(sample)[:MOST_TEXTS]
    }
    return lambda text: {
        f"the answer {one!r}": 1.0 for one, least in nearest.items() if token_f1(one, text) > least
    }


def _often(sample: Sample) -> list[str]:
    """The answers that enough prompts want, the most common first."""
    wanting = Counter(one for one, _ in sorted(set(zip(sample.references, sample.units, strict=True))))
    return [one for one, count in wanting.most_common() if count >= FEWEST_UNITS]
