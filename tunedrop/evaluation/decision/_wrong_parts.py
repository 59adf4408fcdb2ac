"""What a model gets wrong: parts in which it is right no more often than its own answers to other prompts
are, and numbers or values that it makes up.

An answer scores half and more with every number wrong, or every name, where the rest is always the same or
stands in the prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from tunedrop.contracts import Score
from tunedrop.evaluation.answers.json_parts import (
    fields_of_json,
    forget,
    leaves_of,
    order_of_json,
    pairs_of_json,
    parts_of_json,
)
from tunedrop.evaluation.answers.parts import Part, is_frequent
from tunedrop.evaluation.answers.text_parts import parts_of_text
from tunedrop.evaluation.scoring.words import has_digit, words
from tunedrop.evaluation.statistics.sample import Levels, Paired, Sample

LARGE = 0.25
"""Single fields of JSON that a model never gets right count where they are such a share of all leaves."""

MOSTLY = 0.5
"""A part that is right more often than this is not wrong throughout, though by chance it may be as right; in
no larger part of all units may something be made up."""

STATED = 0.8
"""A field whose value stands in so many of the prompts that have it can be known."""


class WrongPart(NamedTuple):
    """A part that a model gets right no more often than by chance, which `by_chance` has as `base`; `chance`
    is what has it so often."""

    name: str
    measured: Paired
    by_chance: Score
    chance: str = "answers to other prompts have"
    suspicion: str = "be wrong throughout"


def wrong_part(sample: Sample, levels: Levels) -> WrongPart | None:
    """The first part in which the tuned model is mostly wrong, and may be no better than by chance."""
    if sample.task == "text":
        return _first_wrong(
            parts_of_text(sample.references, sample.asked, sample.texts("tuned")), sample, levels
        )
    if sample.task == "json":
        parts = parts_of_json(sample.references)
        found = _first_wrong(parts, sample, levels) or _wrong_field(sample, levels)
        pairs = pairs_of_json(sample.references, sample.texts("tuned"))
        found = found or _first_wrong(pairs, sample, levels) or _wrong_order(sample, levels)
        forget()
        return found
    return None


def _first_wrong(parts: Iterator[Part], sample: Sample, levels: Levels) -> WrongPart | None:
    tested = (_tested(part, sample, levels) for part in parts)
    return next((one for one in tested if one is not None), None)


def _wrong_field(sample: Sample, levels: Levels) -> WrongPart | None:
    """A field that is wrong more often than by chance or than the base model's, or that the prompt states, or
    several that are never right.

    One that is never right may be what no model can know: a number that was drawn.
    """
    asked = [frozenset(words(one)) for one in sample.asked]
    found, certain, share = [], [], 0.0
    for part, size in fields_of_json(sample.references):
        wrong = _tested(part, sample, levels)
        if wrong is not None:
            found.append(wrong)
            share += size
            if wrong.by_chance.high < 0 or _is_stated(part, asked) or _has_fallen(part, sample, levels):
                certain.append(wrong)
    return next(iter([*certain, *found] if share >= LARGE else certain), None)


def _wrong_order(sample: Sample, levels: Levels) -> WrongPart | None:
    """The order of lists, where the members of one may as well stand in any order."""
    rows = zip(sample.references, sample.texts("tuned"), sample.units, strict=True)
    found = [(*compared, unit) for *pair, unit in rows if (compared := order_of_json(*pair))]
    units = [unit for *_, unit in found]
    if not is_frequent(units, sample.units):
        return None
    right, chance = [one for one, *_ in found], [one for _, one, _ in found]
    measured = Paired("part: order", chance, right, units)
    score = measured.score(levels)
    return WrongPart("order in lists", measured, score, "any order has") if score.low <= 0 else None


def _has_fallen(part: Part, sample: Sample, levels: Levels) -> bool:
    """Whether the base model has it right more often: then it can be known."""
    before, after = (part.right([part.find(one) for one in sample.texts(who)]) for who in ("base", "tuned"))
    return Paired(f"part: {part.name}", before, after, part.of(sample.units)).score(levels).high < 0


def _is_stated(part: Part, asked: Sequence[frozenset[str]]) -> bool:
    """Whether nearly all prompts hold what the field should be."""
    stated = [
        all(_said(leaf[1]) <= prompt for leaf in wanted if isinstance(leaf, tuple))
        for wanted, prompt in zip(part.wanted, asked, strict=True)
        if wanted
    ]
    return fmean(stated) >= STATED


def _said(value: Hashable) -> frozenset[str]:
    return frozenset(value if isinstance(value, tuple) else words(str(value)))


def _tested(part: Part, sample: Sample, levels: Levels) -> WrongPart | None:
    if not part.is_frequent(sample.units):
        return None
    given = [part.find(one) for one in sample.texts("tuned")]
    part = part.said(given)
    if not part.is_frequent(sample.units):
        return None
    right = part.right(given)
    others = [part.right([given[place] for place in places]) for places in sample.elsewhere]
    by_chance = [fmean(one) for one in zip(*others, strict=True)]
    if part.chance:
        by_chance = list(map(max, by_chance, part.chance))
    measured = Paired(f"part: {part.name}", by_chance, right, part.of(sample.units))
    score = measured.score(levels)
    if score.low > 0:
        return None
    if score.tuned < MOSTLY:
        return WrongPart(part.name, measured, score)
    says_all = not part.chance and score.base > (1 + _of_others(part, sample)) / 2
    return WrongPart(part.name, measured, score, suspicion="name all that can be right") if says_all else None


def _of_others(part: Part, sample: Sample) -> float:
    """The share of what is wanted that the references of other prompts have: answers that have far more of it
    under any prompt name everything."""
    found = [part.find(one) for one in sample.references]
    return fmean(fmean(part.right([found[place] for place in places])) for places in sample.elsewhere)


class MadeUp(NamedTuple):
    """In how many units something is made up, and one of it."""

    units: int
    example: str


def made_up(sample: Sample) -> MadeUp | None:
    """Numbers of text that neither the reference nor the prompt has, or more values of JSON than are wanted.

    Where most answers have them: what is right in them cannot be told from what is not.
    """
    if sample.task not in ("text", "json"):
        return None
    invented = _numbers if sample.task == "text" else _values
    found: dict[int, str] = {}
    rows = zip(sample.references, sample.asked, sample.texts("tuned"), sample.units, strict=True)
    for reference, prompt, answer, unit in rows:
        example = invented(reference, prompt, answer)
        if example:
            found.setdefault(unit, example)
    forget()
    enough = len(found) > MOSTLY * len(set(sample.units))
    return MadeUp(len(found), next(iter(found.values()))) if enough else None


def _numbers(reference: str, prompt: str, answer: str) -> str:
    """A number that stands neither in the reference nor in the prompt; single digits may number a list."""
    known = {*words(reference), *words(prompt)}
    return next((one for one in words(answer) if len(one) > 1 and has_digit(one) and one not in known), "")


def _values(reference: str, _: str, answer: str) -> str:
    """A place with more values than the reference has there, where these are most of what is said."""
    wanted, given = (Counter(path for path, *_ in leaves_of(text)) for text in (reference, answer))
    more = given - wanted
    return max(more, key=more.__getitem__) if more.total() > MOSTLY * given.total() else ""
