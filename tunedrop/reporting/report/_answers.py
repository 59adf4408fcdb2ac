"""Selects answers to show side by side, and marks where they agree with the reference."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import msgspec
from rapidfuzz.distance import LCSseq

from tunedrop.contracts import Ending
from tunedrop.evaluation.inference.evaluate import Prediction, Said
from tunedrop.evaluation.scoring.metrics import JUDGED, METRICS
from tunedrop.formatting.texts import shorten

SHOWN = 3
"""Number of pairs of each kind."""

LONGEST = 1_200
"""Maximum number of characters of a text to show."""

_DEFAULT_METRIC = "token_f1"


class Part(msgspec.Struct, frozen=True):
    """A part of an answer; `wanted` if the reference has the same words in the same order."""

    text: str
    wanted: bool


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One held-out prompt with the conversation before it and all answers. Scores are those of the deciding
    metric, 0 to 1."""

    place: str
    before: tuple[Said, ...]
    prompt: str
    reference: str
    base: tuple[Part, ...]
    tuned: tuple[Part, ...]
    base_score: float
    tuned_score: float

    @property
    def gain(self) -> float:
        return self.tuned_score - self.base_score


class Group(msgspec.Struct, frozen=True):
    """Pairs under a title."""

    title: str
    pairs: tuple[Pair, ...]


def groups(ending: Ending, predictions: Sequence[Prediction]) -> list[Group]:
    """The best gains, the worst losses, and some at random; each pair once."""
    if ending.evaluation is None:
        return []
    scored = [(one, _scores(one, ending.evaluation.metric)) for one in predictions if not one.failed]
    answered = [one for one, found in scored if found is not None]
    scores = [found for _, found in scored if found is not None]
    gains = [tuned - base for base, tuned in scores]
    order = sorted(range(len(answered)), key=lambda index: -gains[index])
    best = [index for index in order[:SHOWN] if gains[index] > 0]
    worst = [index for index in order[::-1][:SHOWN] if gains[index] < 0]
    rest = [index for index in range(len(answered)) if index not in (*best, *worst)]
    some = sorted(rest, key=lambda index: _dice(answered[index]))[:SHOWN]
    has_turns = any(one.turn for one in answered)
    chosen = (("Best gains", best), ("Worst losses", worst), ("At random", some))
    return [
        Group(title, tuple(_pair(answered[index], scores[index], has_turns) for index in indices))
        for title, indices in chosen
        if indices
    ]


def parts(reference: str, answer: str) -> tuple[Part, ...]:
    """An answer split where it starts or stops agreeing with the reference, by word, ignoring case."""
    pieces = re.findall(r"\s+|\w+|[^\w\s]+", answer)
    places = [index for index, piece in enumerate(pieces) if not piece.isspace()]
    expected = [one.lower() for one in re.findall(r"\w+|[^\w\s]+", reference)]
    given = [pieces[index].lower() for index in places]
    same: set[int] = set()
    for change in LCSseq.opcodes(expected, given):
        agreed = given[change.dest_start : change.dest_end]
        if change.tag == "equal" and any(one[0].isalnum() for one in agreed):
            same.update(range(places[change.dest_start], places[change.dest_end - 1] + 1))
    found: list[Part] = []
    for index, piece in enumerate(pieces):
        if found and found[-1].wanted == (index in same):
            found[-1] = Part(found[-1].text + piece, index in same)
        else:
            found.append(Part(piece, index in same))
    return tuple(found)


def _scores(one: Prediction, metric: str) -> tuple[float, float] | None:
    """The scores of base and tuned, by the deciding metric, or by words in common if that does not score
    single answers.

    None if a judge should have rated them and has not.
    """
    if metric == JUDGED["evaluation-job"]:
        ratings = one.judgement.ratings if one.judgement is not None else {}
        return (ratings["base"], ratings["tuned"]) if ratings else None
    score = METRICS.get(metric, METRICS[_DEFAULT_METRIC])
    return score(one.reference, one.base.text), score(one.reference, one.tuned.text)


def _pair(one: Prediction, scores: tuple[float, float], has_turns: bool) -> Pair:
    reference = shorten(one.reference, LONGEST)
    base_score, tuned_score = scores
    return Pair(
        place=f"record {one.record}" + (f", turn {one.turn + 1}" if has_turns else ""),
        before=tuple(Said(said.role, shorten(said.text, LONGEST)) for said in one.before),
        prompt=shorten(one.prompt, LONGEST),
        reference=reference,
        base=parts(reference, shorten(one.base.text, LONGEST)),
        tuned=parts(reference, shorten(one.tuned.text, LONGEST)),
        base_score=base_score,
        tuned_score=tuned_score,
    )


def _dice(one: Prediction) -> bytes:
    """A fixed seed, independent of the dataset's order."""
    return hashlib.sha256(f"{one.record} {one.turn} {one.prompt}".encode(errors="replace")).digest()
