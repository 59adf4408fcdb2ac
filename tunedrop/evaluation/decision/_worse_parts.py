"""What a model gets right less often than another one does, though its score is higher.

A score of common words rises with the phrases of the references, one of JSON with most of the fields, and
accuracy with most of the labels: all may hide that a part became worse, which other words than those of
the references may state as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from tunedrop.contracts import Score
from tunedrop.evaluation.answers.content import document_in
from tunedrop.evaluation.answers.json_parts import fields_of_json, forget
from tunedrop.evaluation.answers.parts import FEWEST_UNITS, Part, Wanted
from tunedrop.evaluation.answers.text_parts import facts_of_text, numbers_beside_words
from tunedrop.evaluation.statistics.sample import Levels, Model, Paired, Sample

PART_MARGIN = 0.05
"""A part may be worse by so much; a label in such a share of its own prompts."""

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


def worse_part(sample: Sample, alpha: float, other: Model = "base") -> WorsePart | None:
    """The first part in which the tuned model is worse than another model; or facts of text of which it has
    as few as that one."""
    every = list(_compared(sample, other))
    tested = (_tested(one, Levels(alpha, alpha / len(every))) for one in every)
    found = next((one for one in tested if one is not None), None)
    forget()
    return found


def _tested(part: _Compared, levels: Levels) -> WorsePart | None:
    measured = part.measure()
    score = measured.score(levels)
    has_fallen = score.high < 0 and score.difference < -part.margin
    is_unlearned = part.is_learnable and score.low <= 0 and score.tuned < LARGELY
    return WorsePart(part.name, score, measured) if has_fallen or is_unlearned else None


def _compared(sample: Sample, other: Model) -> Iterator[_Compared]:
    if sample.task == "labels":
        yield from _labels(sample, other)
    facts = facts_of_text(sample.references, sample.asked) if sample.task == "text" else ()
    for part in facts:
        if part.is_frequent(sample.units):
            yield _Compared(f"the {part.name}", partial(_of_part, part, sample, other), is_learnable=True)
    kind = "the field" if sample.task == "json" else "the"
    for part in _details(sample):
        if part.is_frequent(sample.units):
            yield _Compared(f"{kind} {part.name}", partial(_of_part, part, sample, other))


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


def _labels(sample: Sample, other: Model) -> Iterator[_Compared]:
    """Each label with enough prompts: how often it is given where it is wanted, and nowhere else."""
    labels = sample.labels
    wanted = [labels.of(one) for one in sample.references]
    said = [[labels.shares(one) for one in sample.texts(model)] for model in (other, "tuned")]

    def told(label: str) -> Paired:
        before, after = (
            [
                1 - abs((one == label) - given.get(label, 0.0))
                for one, given in zip(wanted, answers, strict=True)
            ]
            for answers in said
        )
        return Paired(f"part: {label}", before, after, sample.units)

    units = Counter(label for label, _ in set(zip(wanted, sample.units, strict=True)))
    every = len(set(sample.units))
    for label, count in sorted(units.items()):
        if count >= FEWEST_UNITS:
            yield _Compared(f"the label {label!r}", partial(told, label), PART_MARGIN * count / every)
