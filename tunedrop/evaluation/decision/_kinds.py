"""Kinds of prompts on which a model may be worse, though it is better on average: the longest and the
shortest, those of later turns, those of one script, those that want one and the same text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import NamedTuple

from tunedrop.evaluation.answers.parts import FEWEST_UNITS
from tunedrop.evaluation.decision._values import LEAST_FOUND, told_apart
from tunedrop.evaluation.scoring.metrics import token_f1
from tunedrop.evaluation.scoring.words import script_of
from tunedrop.evaluation.statistics.sample import Model, Sample


class Kind(NamedTuple):
    """Its name, and which prompts are of it; `could_be_told` as of a value."""

    name: str
    keep: list[bool]
    could_be_told: bool = False


def kinds(sample: Sample, other: Model) -> Iterator[Kind]:
    """Those with enough units, in which the tuned model may be worse than the other one."""
    prompts, references = ([len(one) for one in texts] for texts in (sample.asked, sample.references))
    turns = [one.turn > 0 for one in sample.answered]
    scripts = [script_of(one) for one in sample.asked]
    found = (
        *_ends("prompts", prompts),
        *(_ends("references", references) if sample.task == "text" else ()),
        Kind("the first turns", [not one for one in turns]),
        Kind("the later turns", turns),
        *(
            Kind(f"the prompts in {one} script", [one == other for other in scripts])
            for one in sorted({*scripts})
        ),
        *_of_one_answer(sample, other),
    )
    for kind in found:
        if not all(kind.keep) and len({*compress(sample.units, kind.keep)}) >= FEWEST_UNITS:
            yield kind


def _ends(what: str, sizes: Sequence[int]) -> Iterator[Kind]:
    """The shortest and the longest third."""
    ordered = sorted(sizes)
    short, long = ordered[len(sizes) // 3], ordered[2 * len(sizes) // 3]
    yield Kind(f"the shortest {what}", [one < short for one in sizes])
    yield Kind(f"the longest {what}", [one > long for one in sizes])


def _of_one_answer(sample: Sample, other: Model) -> Iterator[Kind]:
    """Prompts of open text that want the same answer, such as a refusal, where the other model tells them
    apart better: not one that always refuses."""
    wanting = Counter(one for one, _ in set(zip(sample.references, sample.units, strict=True)))
    for wanted, count in wanting.items() if sample.task == "text" else ():
        if count >= FEWEST_UNITS:
            keep = [one == wanted for one in sample.references]
            before, after = (
                told_apart([token_f1(wanted, one) for one in sample.texts(model)], keep)
                for model in (other, "tuned")
            )
            if before > after:
                yield Kind(f"the prompts that want {wanted!r}", keep, before > LEAST_FOUND)
