"""What a model gets right less often than another one does, though its score is higher.

A score of common words rises with the phrases of the references, one of JSON with most of the fields, and
accuracy with most of the labels: all may hide that a part became worse, which other words than those of
the references may state as well, or that the answers to one kind of prompts did.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tunedrop.contracts import Score
from tunedrop.evaluation.answers.content import document_in
from tunedrop.evaluation.answers.json_parts import (
    belonging_of_json,
    fields_of_json,
    forget,
    order_of_json,
    values_said,
)
from tunedrop.evaluation.answers.parts import Part, Wanted, is_frequent
from tunedrop.evaluation.answers.text_parts import facts_of_text, left_out, numbers_beside_words, repeats
from tunedrop.evaluation.decision._kinds import worse_kinds
from tunedrop.evaluation.decision._values import values
from tunedrop.evaluation.scoring.json_leaves import is_document
from tunedrop.evaluation.scoring.words import words
from tunedrop.evaluation.statistics.sample import Levels, Model, Paired, Sample

PART_MARGIN = 0.05
"""A part may be worse by so much."""

LARGELY = 0.75
"""Facts of text that are right less often than this could have been learned."""


class WorsePart(NamedTuple):
    """A part of which the other model (`base` in the score) has more, or as much of what can be learned."""

    name: str
    score: Score
    measured: Paired
    has_fallen: bool


class _Compared(NamedTuple):
    name: str
    measured: Paired
    is_learnable: bool = False
    can_be_lost: bool = False
    """Whether it is worse too if it is never right, however few prompts have it."""


def worse_part(sample: Sample, levels: Levels, other: Model = "base") -> WorsePart | None:
    """The first part in which the tuned model is worse than another model; or facts of text of which it has
    as few as that one.

    The parts share `levels.high`, and so do the kinds of prompts by form and those by word. It is that of a
    first attempt: a fall that was seen must not be doubted the more, the more often a model is evaluated.
    """
    parts = list(_compared(sample, other))
    kinds = list(worse_kinds(sample, other, PART_MARGIN))
    every = (
        *((one, len(parts)) for one in parts),
        *((_Compared(one.name, one.measured), one.among) for one in kinds),
    )
    tested = (_tested(one, Levels(levels.low, levels.high / count)) for one, count in every)
    found = next((one for one in tested if one is not None), None)
    forget()
    return found


def _tested(part: _Compared, levels: Levels) -> WorsePart | None:
    score = part.measured.score(levels)
    has_fallen = score.high < 0 and score.difference < -PART_MARGIN
    is_lost = part.can_be_lost and score.tuned == 0
    is_unlearned = part.is_learnable and score.low <= 0 and score.tuned < LARGELY
    if not (has_fallen or is_lost or is_unlearned):
        return None
    return WorsePart(part.name, score, part.measured, has_fallen or is_lost)


def _compared(sample: Sample, other: Model) -> Iterator[_Compared]:
    for value in values(sample, other):
        yield _Compared(value.name, value.f1, can_be_lost=value.could_be_told)
        if value.f1.differences.mean() < -PART_MARGIN:  # else fewer false alarms make up for what is missed
            yield _Compared(value.name, value.found)
    facts = facts_of_text(sample.references, sample.asked) if sample.task == "text" else ()
    for part in facts:
        if part.is_frequent(sample.units):
            yield _Compared(f"the {part.name}", _of_part(part, sample, other), is_learnable=True)
    if sample.task == "text":
        yield from _left_out(sample, other)
    if sample.task == "json":
        yield from _without_document(sample, other)
        yield from _structure(sample, other)
    kind = "the field" if sample.task == "json" else "the"
    for part in _details(sample):
        if part.is_frequent(sample.units):
            yield _Compared(f"{kind} {part.name}", _of_part(part, sample, other))


def _left_out(sample: Sample, other: Model) -> Iterator[_Compared]:
    """What a rewritten text must not say: in how much of it each answer does not. Counted where the other
    model has most of what it must say, since silence is no better."""
    answers = sample.texts(other)
    gone = [
        left_out(prompt, reference) if repeats(answer, reference) else frozenset[str]()
        for prompt, reference, answer in zip(sample.asked, sample.references, answers, strict=True)
    ]
    units = [unit for one, unit in zip(gone, sample.units, strict=True) if one]

    def kept_back(model: Model) -> list[float]:
        rows = zip(gone, sample.texts(model), strict=True)
        return [1 - len(one.intersection(words(text))) / len(one) for one, text in rows if one]

    if is_frequent(units, sample.units):
        name = "the names and numbers that the references leave out"
        yield _Compared(name, Paired(f"part: {name}", kept_back(other), kept_back("tuned"), units))


def _without_document(sample: Sample, other: Model) -> Iterator[_Compared]:
    """What the references hold, where the other model gives no document: it may say all of it in words."""
    texts = sample.texts(other)
    part = values_said(sample.references, texts)
    prose = (not is_document(document_in(one)) for one in texts)
    wanted = [one if kept else Wanted() for one, kept in zip(part.wanted, prose, strict=True)]
    part = part._replace(wanted=wanted)
    if part.is_frequent(sample.units):
        yield _Compared(f"the {part.name}", _of_part(part, sample, other))


def _structure(sample: Sample, other: Model) -> Iterator[_Compared]:
    """What scores of leaves do not see, of the values that both models give."""
    texts = (sample.texts(other), sample.texts("tuned"))
    orders = ([order_of_json(*pair) for pair in zip(sample.references, one, strict=True)] for one in texts)
    ordered = ([found[0] if found else None for found in one] for one in orders)
    together = (belonging_of_json(sample.references, one) for one in texts)
    for name, pairs in (("the order in lists", ordered), ("which values belong together", together)):
        rows = zip(*pairs, sample.units, strict=True)
        found = [(one, two, unit) for one, two, unit in rows if one is not None and two is not None]
        if is_frequent([unit for *_, unit in found], sample.units):
            before, after, units = zip(*found, strict=True)
            yield _Compared(name, Paired(f"part: {name}", before, after, units))


def _details(sample: Sample) -> Iterator[Part]:
    if sample.task == "json":
        yield from (part for part, _ in fields_of_json(sample.references))
    elif sample.task == "text":
        yield from numbers_beside_words(sample.references)


def _of_part(part: Part, sample: Sample, other: Model) -> Paired:
    before, after = (_right(part, sample, model) for model in (other, "tuned"))
    return Paired(f"part: {part.name}", before, after, part.of(sample.units))


def _right(part: Part, sample: Sample, model: Model) -> list[float]:
    """F1 of the part in each answer: who names everything has little right."""
    read = document_in if sample.task == "json" else str
    given = (part.find(read(one)) for one in sample.texts(model))
    return [_f1(wanted, said) for wanted, said in zip(part.wanted, given, strict=True) if wanted]


def _f1(wanted: Wanted, said: Wanted) -> float:
    return 2 * (wanted & said).total() / (wanted.total() + said.total())
