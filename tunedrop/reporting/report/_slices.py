"""Parts of the test set and their scores: by turn, length, language, label, distance to the training data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, stdev

import msgspec
from markupsafe import Markup

from tunedrop.evaluation.inference.evaluate import Prediction
from tunedrop.evaluation.scoring.labels import LabelSet
from tunedrop.evaluation.scoring.words import script_of
from tunedrop.reporting.report import _change

FEWEST = 10
"""Minimum number of prompts of a part."""
MOST = 14
"""Maximum number of parts to show."""


class Scored(msgspec.Struct, frozen=True):
    """Answers with their scores; `labels` if the references are labels."""

    answered: Sequence[Prediction]
    base: Sequence[float]
    tuned: Sequence[float]
    labels: LabelSet | None


class Slice(msgspec.Struct, frozen=True):
    """A part of the test set with its mean scores; `doubt` is two standard errors of the difference."""

    name: str
    prompts: int
    base: float
    tuned: float
    doubt: float
    kind: str
    plot: Markup


def slices(scored: Scored) -> Iterator[Slice]:
    """Parts of the test set, grouped by criterion; a criterion with a single part is left out."""
    found: list[Slice] = []
    for name_of in (
        _turn,
        _length(scored.answered),
        _language,
        _label(scored.labels),
        _distance(scored.answered),
    ):
        parts: dict[str, list[int]] = {}
        for place, one in enumerate(scored.answered):
            parts.setdefault(name_of(one), []).append(place)
        told = {name: places for name, places in parts.items() if name and len(places) >= FEWEST}
        if len(told) > 1:
            found += [
                _slice(name, scored, places)
                for name, places in sorted(told.items(), key=lambda part: (_number(part[0]), -len(part[1])))
            ]
    yield from found[:MOST]


def _number(name: str) -> int:
    """The first number in a part's name, which orders turns and lengths; 0 without one."""
    found = re.search(r"\d[\d,]*", name)
    return int(found[0].replace(",", "")) if found else 0


def _slice(name: str, scored: Scored, places: Sequence[int]) -> Slice:
    before, after = (fmean(scores[place] for place in places) for scores in (scored.base, scored.tuned))
    kind = _change.kind(before, after)
    plot = _change.plot(f"{name}: base {before:.3f}, tuned {after:.3f}", before, after)
    return Slice(name, len(places), before, after, _doubt(scored, places), kind, plot)


def _doubt(scored: Scored, places: Sequence[int]) -> float:
    """Two standard errors of the mean difference, with each conversation counted once."""
    records: dict[int, list[float]] = {}
    for place in places:
        gain = scored.tuned[place] - scored.base[place]
        records.setdefault(scored.answered[place].record, []).append(gain)
    means = [fmean(gains) for gains in records.values()]
    return 2 * stdev(means) / len(means) ** 0.5 if len(means) > 1 else 1.0


def _turn(one: Prediction) -> str:
    turn = sum(said.role == "user" for said in one.before) + 1
    return f"Turn {turn}" if turn < 4 else "Turn 4 and later"


def _length(answered: Sequence[Prediction]) -> Callable[[Prediction], str]:
    sizes = sorted(len(one.reference) for one in answered)
    third, two = sizes[len(sizes) // 3], sizes[2 * len(sizes) // 3]

    def name_of(one: Prediction) -> str:
        size = len(one.reference)
        if third == two:
            return ""
        if size <= third:
            return f"Reference of up to {third:,} characters"
        if size <= two:
            return f"Reference of {third + 1:,} to {two:,} characters"
        return f"Reference of over {two:,} characters"

    return name_of


def _distance(answered: Sequence[Prediction]) -> Callable[[Prediction], str]:
    """By the distance of a prompt to the training data: above and below the median."""
    known = sorted(one.distance for one in answered if one.distance is not None)
    middle = known[len(known) // 2] if known else 0.0

    def name_of(one: Prediction) -> str:
        if one.distance is None:
            return ""
        return f"Prompts {'further from' if one.distance > middle else 'nearer to'} the training data"

    return name_of


def _language(one: Prediction) -> str:
    """By script, which can be determined reliably."""
    script = script_of(one.prompt)
    return f"Prompt in {script} script" if script else ""


def _label(labels: LabelSet | None) -> Callable[[Prediction], str]:
    return lambda one: f"Label {labels.of(one.reference)}" if labels is not None else ""
