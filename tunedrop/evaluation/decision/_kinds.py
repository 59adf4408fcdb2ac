"""Kinds of prompts on which a model may be worse, though it is better on average: the longest and the
shortest, those of later turns, those of one script, those with one word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tunedrop.evaluation.answers.parts import FEWEST_UNITS
from tunedrop.evaluation.scoring.words import script_of, words
from tunedrop.evaluation.statistics.intervals import Vector
from tunedrop.evaluation.statistics.sample import Model, Paired, Sample

WITH_WORD = (0.1, 0.5)
"""Between these shares of all prompts a word makes a kind of them."""

Places = Sequence[int]


class Kind(NamedTuple):
    """The content of the answers to one kind of prompts, by another model and by the tuned one; `among` is
    the number of kinds of this sort, each of which might have seemed worse."""

    name: str
    measured: Paired
    among: int


def worse_kinds(sample: Sample, other: Model, margin: float) -> Iterator[Kind]:
    """Those with enough units where less is right, by more than a margin, of what a model can only know by
    reading the prompt: not all that it says of every prompt."""
    units = np.asarray(sample.units)
    compared = sample.paired("content", (other, "tuned"))
    fallen = _known(sample, other) - _known(sample, "tuned")
    for sort in (dict(_by_form(sample)), dict(_by_word(sample))):
        enough = {name: places for name, places in sort.items() if len({*units[places]}) >= FEWEST_UNITS}
        for name, places in enough.items():
            if fallen[places].mean() > margin:
                keep = np.zeros(len(units), dtype=bool)
                keep[places] = True
                yield Kind(name, compared.where(keep.tolist()), len(enough))


def _known(sample: Sample, model: Model) -> Vector:
    """How much more is right in each answer than in the same model's answers to other prompts."""
    if sample.task == "text":
        return np.asarray(sample.paired("content", (model, model)).base)
    against = sample.against_own("content", model)
    known: Vector = np.asarray(against.tuned) - np.asarray(against.base)
    return known


def _by_form(sample: Sample) -> Iterator[tuple[str, Places]]:
    yield from _ends("prompts", [len(one) for one in sample.asked])
    if sample.task == "text":
        yield from _ends("references", [len(one) for one in sample.references])
    turns, scripts = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for place, (answered, asked) in enumerate(zip(sample.answered, sample.asked, strict=True)):
        turns["the later turns" if answered.turn else "the first turns"].append(place)
        scripts[f"the prompts in {script_of(asked)} script"].append(place)
    for sort in (turns, scripts):
        if len(sort) > 1:
            yield from sort.items()


def _ends(what: str, sizes: Sequence[int]) -> Iterator[tuple[str, Places]]:
    """The shortest and the longest third."""
    ordered = sorted(sizes)
    short, long = ordered[len(sizes) // 3], ordered[2 * len(sizes) // 3]
    yield f"the shortest {what}", [place for place, one in enumerate(sizes) if one < short]
    yield f"the longest {what}", [place for place, one in enumerate(sizes) if one > long]


def _by_word(sample: Sample) -> Iterator[tuple[str, Places]]:
    having = defaultdict[str, list[int]](list)
    for place, asked in enumerate(sample.asked):
        for word in set(words(asked)):
            having[word].append(place)
    least, most = (share * len(sample.asked) for share in WITH_WORD)
    for word, places in sorted(having.items()):
        if least <= len(places) <= most:
            yield f"the prompts with {word!r}", places
