"""What a model gets wrong: parts in which it is right no more often than its own answers to other prompts
are, and numbers or values that it makes up.

An answer scores half and more with every number wrong, or every name, where the rest is always the same or
stands in the prompt.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence, Set
from itertools import permutations
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
from tunedrop.evaluation.answers.parts import Part, Wanted, is_frequent
from tunedrop.evaluation.answers.text_parts import parts_of_short, parts_of_text
from tunedrop.evaluation.scoring.words import has_digit, in_common, words
from tunedrop.evaluation.statistics.sample import Levels, Paired, Sample

LARGE = 0.25
"""Single fields of JSON that a model never gets right count where they are such a share of all leaves."""

MOST = 0.5
"""In no larger part of all units may something be made up."""

KNOWN = 0.8
"""A field can be known whose value follows from so many of the prompts that have it, or is the same in so
many references."""

SAME = 0.95
"""A model always says the same that says it in so many answers."""

SHARED = 0.2
"""Words in a larger share of the answers are habits, such as an offer of help."""

MOST_NUMBERS = 12
"""Of so many numbers of a prompt a value may be the result."""


ROUNDED = 0.006
"""By so much a result may differ that is written with two decimals."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


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
    if sample.task == "short":
        return _first_wrong(_with_enough(parts_of_short(sample.references), sample), sample, levels)
    if sample.task == "json":
        parts = parts_of_json(sample.references)
        found = _first_wrong(parts, sample, levels) or _wrong_field(sample, levels)
        pairs = pairs_of_json(sample.references, sample.texts("tuned"))
        found = found or _first_wrong(pairs, sample, levels) or _wrong_order(sample, levels)
        forget()
        return found
    return None


def _with_enough(parts: Iterator[Part], sample: Sample) -> Iterator[Part]:
    return (part._replace(enough=_enough(part, sample)) for part in parts)


def _first_wrong(parts: Iterator[Part], sample: Sample, levels: Levels) -> WrongPart | None:
    tested = (_tested(part, sample, levels) for part in parts)
    return next((one for one in tested if one is not None), None)


def _wrong_field(sample: Sample, levels: Levels) -> WrongPart | None:
    """A field that is wrong more often than by chance or than the base model's, or that the prompt states, or
    several that are never right.

    One that is never right may be what no model can know: a number that was drawn.
    """
    found, certain, share = [], [], 0.0
    for part, size in fields_of_json(sample.references):
        wrong = _tested(part._replace(enough=_enough(part, sample)), sample, levels)
        if wrong is not None:
            found.append(wrong)
            share += size
            if wrong.by_chance.high < 0 or _is_known(part, sample.asked) or _has_fallen(part, sample, levels):
                certain.append(wrong)
    return next(iter([*certain, *found] if share >= LARGE else certain), None)


def _enough(part: Part, sample: Sample) -> float:
    """How much of a field must be right that chance has right as often: all of it, where a model always says
    the same though no single answer is mostly right."""
    given = [part.find(one) for one in sample.texts("tuned")]
    differ = _most_common(part.wanted) < KNOWN
    return 1.0 if differ and _most_common(given) >= SAME else part.enough


def _most_common(found: Sequence[Wanted]) -> float:
    """The share of the most common one among those that are not empty."""
    counts = Counter(frozenset(one) for one in found if one)
    return max(counts.values(), default=0) / max(1, counts.total())


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


def _is_known(part: Part, asked: Sequence[str]) -> bool:
    """Whether nearly all prompts hold what the field should be, or two numbers that it is the result of; or
    nearly all want the same."""
    rows = [(wanted, prompt) for wanted, prompt in zip(part.wanted, asked, strict=True) if wanted]
    stated = fmean(_is_stated(*row) for row in rows)
    return max(stated, _most_common(part.wanted)) >= KNOWN


def _is_stated(wanted: Wanted, prompt: str) -> bool:
    said = frozenset(words(prompt))
    values = [leaf[1] for leaf in wanted if isinstance(leaf, tuple)]
    return all(_said(one) <= said or _follows(one, prompt) for one in values)


def _follows(value: Hashable, prompt: str) -> bool:
    """Whether a number is the sum, difference, product or quotient of two in the prompt."""
    if not isinstance(value, int | float):
        return False
    numbers = [float(one) for one in words(prompt) if _NUMBER.fullmatch(one)][:MOST_NUMBERS]
    pairs = permutations(numbers, 2)
    results = (found for a, b in pairs for found in (a + b, a - b, a * b, a / b if b else a))
    return any(math.isclose(value, one, abs_tol=ROUNDED) for one in results)


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
    if score.tuned < part.enough:
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
    """Numbers of text that neither the reference nor the prompt has, words beyond all that the reference
    says, or more values of JSON than are wanted.

    Where most answers have them: what is right in them cannot be told from what is not.
    """
    if sample.task not in ("text", "json"):
        return None
    answers = sample.texts("tuned")
    said = Counter(word for one in answers for word in set(words(one)))
    habits = frozenset(word for word, count in said.items() if count > SHARED * len(answers))
    found: dict[int, str] = {}
    for reference, prompt, answer, unit in zip(
        sample.references, sample.asked, answers, sample.units, strict=True
    ):
        if sample.task == "json":
            example = _values(reference, answer)
        else:
            example = _numbers(reference, prompt, answer) or _more(reference, prompt, answer, habits)
        if example:
            found.setdefault(unit, example)
    forget()
    enough = len(found) > MOST * len(set(sample.units))
    return MadeUp(len(found), next(iter(found.values()))) if enough else None


def _numbers(reference: str, prompt: str, answer: str) -> str:
    """A number that stands neither in the reference nor in the prompt; single digits may number a list."""
    known = {*words(reference), *words(prompt)}
    return next((one for one in words(answer) if len(one) > 1 and has_digit(one) and one not in known), "")


def _more(reference: str, prompt: str, answer: str, habits: Set[str]) -> str:
    """A word that an answer adds to its whole reference; neither its prompt nor many answers have it."""
    wanted, given = words(reference), words(answer)
    if in_common(wanted, given) < len(wanted):
        return ""
    known = {*wanted, *words(prompt), *habits}
    return next((one for one in given if one not in known), "")


def _values(reference: str, answer: str) -> str:
    """A place with more values than the reference has there, where these are most of what is said."""
    wanted, given = (Counter(path for path, *_ in leaves_of(text)) for text in (reference, answer))
    more = given - wanted
    return max(more, key=more.__getitem__) if more.total() > MOST * given.total() else ""
