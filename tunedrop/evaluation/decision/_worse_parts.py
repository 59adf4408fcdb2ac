"""What a model gets right less often than another one does, though its score is higher.

A score of common words rises with the phrases of the references, one of JSON with most of the fields, and
accuracy with most of the labels: all may hide that a part became worse, which other words than those of
the references may state as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import compress
from statistics import fmean
from typing import NamedTuple

from tunedrop.contracts import Score
from tunedrop.evaluation.answers.content import document_in
from tunedrop.evaluation.answers.json_parts import (
    few_valued,
    fields_of_json,
    forget,
    leaves_of,
    shown,
    values_said,
)
from tunedrop.evaluation.answers.parts import FEWEST_UNITS, Part, Wanted, is_frequent
from tunedrop.evaluation.answers.text_parts import facts_of_text, left_out, numbers_beside_words, repeats
from tunedrop.evaluation.scoring.json_leaves import is_document
from tunedrop.evaluation.scoring.words import words
from tunedrop.evaluation.statistics.sample import Levels, Model, Paired, Sample

PART_MARGIN = 0.05
"""A part may be worse by so much; a label in such a share of its own prompts."""

MOST_MISSED = 0.5
"""A value is lost that is given in no more of the prompts that want it, where the other model gave it in
more, and could tell it apart."""

LARGELY = 0.75
"""Facts of text that are right less often than this could have been learned."""


class WorsePart(NamedTuple):
    """A part of which the other model (`base` in the score) has more, or as much of what can be learned."""

    name: str
    score: Score
    measured: Paired

    @property
    def has_fallen(self) -> bool:
        return self.score.high < 0


class _Compared(NamedTuple):
    name: str
    measure: Callable[[], Paired]
    margin: float = PART_MARGIN
    is_learnable: bool = False
    most: float = 1.0
    """It is worse only if no more than this is right."""


def worse_part(sample: Sample, levels: Levels, other: Model = "base") -> WorsePart | None:
    """The first part in which the tuned model is worse than another model; or facts of text of which it has
    as few as that one.

    The parts share `levels.high`. It is that of a first attempt: a fall that was seen must not be doubted the
    more, the more often a model is evaluated.
    """
    every = list(_compared(sample, other))
    tested = (_tested(one, Levels(levels.low, levels.high / len(every))) for one in every)
    found = next((one for one in tested if one is not None), None)
    forget()
    return found


def _tested(part: _Compared, levels: Levels) -> WorsePart | None:
    measured = part.measure()
    score = measured.score(levels)
    has_fallen = score.high < 0 and score.difference < -part.margin and score.tuned <= part.most
    is_unlearned = part.is_learnable and score.low <= 0 and score.tuned < LARGELY
    return WorsePart(part.name, score, measured) if has_fallen or is_unlearned else None


def _compared(sample: Sample, other: Model) -> Iterator[_Compared]:
    if sample.task in ("labels", "json"):
        yield from _values(sample, other)
    facts = facts_of_text(sample.references, sample.asked) if sample.task == "text" else ()
    for part in facts:
        if part.is_frequent(sample.units):
            yield _Compared(f"the {part.name}", partial(_of_part, part, sample, other), is_learnable=True)
    if sample.task == "text":
        yield from _left_out(sample, other)
    if sample.task == "json":
        yield from _without_document(sample, other)
    kind = "the field" if sample.task == "json" else "the"
    for part in _details(sample):
        if part.is_frequent(sample.units):
            yield _Compared(f"{kind} {part.name}", partial(_of_part, part, sample, other))


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
        yield _Compared(name, lambda: Paired(f"part: {name}", kept_back(other), kept_back("tuned"), units))


def _without_document(sample: Sample, other: Model) -> Iterator[_Compared]:
    """What the references hold, where the other model gives no document: it may say all of it in words."""
    texts = sample.texts(other)
    part = values_said(sample.references, texts)
    prose = (not is_document(document_in(one)) for one in texts)
    wanted = [one if kept else Wanted() for one, kept in zip(part.wanted, prose, strict=True)]
    part = part._replace(wanted=wanted)
    if part.is_frequent(sample.units):
        yield _Compared(f"the {part.name}", partial(_of_part, part, sample, other))


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


def _values(sample: Sample, other: Model) -> Iterator[_Compared]:
    """Each label, and each value of a field that has few, with enough prompts: how often it is given where it
    is wanted, and nowhere else."""
    shares = _shares_in(sample)
    wanted = [frozenset(shares(one)) for one in sample.references]
    said = [[shares(one) for one in sample.texts(model)] for model in (other, "tuned")]

    def is_wanted(value: _Value) -> list[bool]:
        return [value in one for one in wanted]

    def given(value: _Value) -> list[list[float]]:
        """How much each answer says so, the other model's first."""
        return [[one.get(value, 0.0) for one in answers] for answers in said]

    def told(value: _Value) -> Paired:
        before, after = (
            [1 - abs(one - share) for one, share in zip(is_wanted(value), shares, strict=True)]
            for shares in given(value)
        )
        return Paired(f"part: {value.name}", before, after, sample.units)

    def found(value: _Value) -> Paired:
        """Of the prompts alone that want it."""
        before, after = given(value)
        return Paired(f"part: {value.name}", before, after, sample.units).where(is_wanted(value))

    pairs = {(value, unit) for one, unit in zip(wanted, sample.units, strict=True) for value in one}
    units = Counter(value for value, _ in pairs)
    every = len(set(sample.units))
    for value, count in sorted(units.items()):
        if count >= FEWEST_UNITS:
            yield _Compared(value.name, partial(told, value), PART_MARGIN * count / every)
            before, after = (_told_apart(shares, is_wanted(value)) for shares in given(value))
            if before > after + PART_MARGIN:
                yield _Compared(value.name, partial(found, value), most=MOST_MISSED)


def _told_apart(given: Sequence[float], is_wanted: Sequence[bool]) -> float:
    """How much more often a value is given where it is wanted than elsewhere: not at all by a model that
    always gives it."""
    there = compress(given, is_wanted)
    elsewhere = compress(given, (not one for one in is_wanted))
    return fmean(there) - fmean([*elsewhere] or [0.0])


class _Value(NamedTuple):
    """A label, or a value of a field."""

    field: str
    value: str

    @property
    def name(self) -> str:
        return f"the value {self.value!r} of {self.field}" if self.field else f"the label {self.value!r}"


def _shares_in(sample: Sample) -> Callable[[str], dict[_Value, float]]:
    """Reads which values a text has, and how much it says so."""
    if sample.task == "labels":
        labels = sample.labels
        return lambda text: {_Value("", label): share for label, share in labels.shares(text).items()}
    few = few_valued(sample.references)

    def of_json(text: str) -> dict[_Value, float]:
        leaves = leaves_of(document_in(text))
        return {_Value(path, shown(value)): 1.0 for path, _, value in leaves if path in few}

    return of_json
