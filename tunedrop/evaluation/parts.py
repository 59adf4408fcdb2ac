"""Parts of answers that carry what was asked: numbers, names, fields of JSON. In each a model has to be right
more often than its own answers to other prompts are.

An answer scores half and more with every number wrong, or every name, where the rest is always the same or
stands in the prompt. Which parts there are is read off the references: of JSON its numbers, codes, words and
truth values, and each field; of other text its numbers, its names, what the prompt states, by the word that
it stands after, and the words that few references have, or no more than half of them, and the prompt does not
give.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise, permutations
from statistics import fmean
from typing import Any, NamedTuple

import regex

from tunedrop.contracts import Score
from tunedrop.evaluation.json_leaves import parse
from tunedrop.evaluation.sample import Levels, Paired, Sample
from tunedrop.evaluation.words import has_digit, words

RARE = 0.05
"""Words that no larger part of the references has tell what one of them says."""

HALF = 0.5
"""Words that no larger part of the references has tell which of a few things one of them says: one advice of
eight stands in an eighth of all, and is not rare."""

FEWEST_UNITS, LEAST_SHARE = 10, 0.2
"""A part is looked at that so many units have, and such a share of all."""

LARGE = 0.25
"""Single fields of JSON that a model never gets right count where they are such a share of all leaves."""

MOSTLY = 0.5
"""A part that is right more often than this is not wrong throughout, though by chance it may be as right."""

STATED = 0.8
"""A field whose value stands in so many of the prompts that have it can be known."""

LONGEST_STRING = 8
"""A string of more words is prose, which is not right or wrong as a whole."""

PROSE = "prose"

_NAME = regex.compile(r"(?<=[\p{Ll}\p{N},;)]\s)\p{Lu}[\p{L}\p{M}\p{N}'’-]+|[\p{Katakana}ー]{2,}")  # noqa: RUF001 - the apostrophe of names is meant
"""A word with a capital inside a sentence; in Japanese what is written in Katakana."""

Wanted = Counter[Hashable]


class Part(NamedTuple):
    """What of each reference belongs to one part; `find` gives the same of any answer."""

    name: str
    wanted: list[Wanted]
    find: Callable[[str], Wanted]

    def right(self, found: Sequence[Wanted]) -> list[float]:
        """The share of what is wanted that each answer has; of those references alone that have the part."""
        return [
            (wanted & given).total() / wanted.total()
            for wanted, given in zip(self.wanted, found, strict=True)
            if wanted
        ]

    def of(self, units: Sequence[int]) -> list[int]:
        """The units of those references."""
        return [unit for wanted, unit in zip(self.wanted, units, strict=True) if wanted]


def parts_of_text(references: Sequence[str], prompts: Sequence[str]) -> Iterator[Part]:
    """The parts of open text."""
    given = [frozenset(words(one)) for one in prompts]
    everything = [_bag(one) for one in references]
    texts = {one: frozenset(words(one)) for one in references}
    frequency = Counter(word for text in texts.values() for word in text)
    numbers = [_only(found, lambda word: has_digit(str(word))) for found in everything]
    names = [Counter[Hashable](set(_names(one))) for one in references]
    yield Part("numbers", numbers, _bag)
    yield Part("numbers that the prompt does not give", _without(numbers, given), _bag)
    yield Part("names", names, _bag)
    yield Part("names that the prompt does not give", _without(names, given), _bag)
    yield from _slots(references, given, frequency)
    for name, share in (("words that tell the references apart", RARE), ("less common words", HALF)):
        most = max(1.0, share * len(texts))
        telling = frozenset(word for word, count in frequency.items() if count <= most)
        yield Part(name, _without([_only(found, telling.__contains__) for found in everything], given), _bag)


def _slots(
    references: Sequence[str], given: Sequence[frozenset[str]], frequency: Counter[str]
) -> Iterator[Part]:
    """What stands after one word: of words that the prompt states, those that tell the references apart."""
    slots: dict[str, dict[int, Wanted]] = defaultdict(lambda: defaultdict(Counter))
    most, least = HALF * len(references), LEAST_SHARE * len(references)
    for place, (reference, prompt) in enumerate(zip(references, given, strict=True)):
        for before, word in pairwise(words(reference)):
            if word in prompt and frequency[word] <= most and frequency[before] >= least:
                slots[before][place][word] = 1
    for before, found in sorted(slots.items()):
        wanted = [found.get(place, Wanted()) for place in range(len(references))]
        yield Part(f"words after {before!r} that the prompt states", wanted, _bag)


def parts_of_json(references: Sequence[str]) -> Iterator[Part]:
    """The parts of JSON documents: every kind of leaf."""
    for kind in ("numbers", "strings with digits", "strings", "truth values"):
        yield _json_part(kind, references, _of_kind(kind))


def fields_of_json(references: Sequence[str]) -> Iterator[tuple[Part, float]]:
    """Each field whose values differ, with its share of all leaves."""
    values: dict[str, set[Hashable]] = defaultdict(set)
    leaves: Counter[str] = Counter()
    for path, kind, value in (leaf for one in references for leaf in _leaves_of(one)):
        if kind != PROSE:
            values[path].add(value)
            leaves[path] += 1
    for path, count in leaves.items():
        if len(values[path]) > 1:
            yield _json_part(path, references, _at(path)), count / leaves.total()


def pairs_of_json(references: Sequence[str], found: Sequence[str]) -> Iterator[Part]:
    """Which values belong together in the objects of lists, a part a field: of a value that the answer has at
    all, its pairs with the other values of the object."""
    had = [Counter((path, value) for path, _, value in _leaves_of(one)) for one in found]
    pairs = [_pairs_of(one) for one in references]
    for field in sorted({field for one in pairs for field, *_ in one}):
        wanted = [
            Counter[Hashable](
                {pair: count for pair, count in one.items() if pair[0] == field and given[pair[:2]]}
            )
            for one, given in zip(pairs, had, strict=True)
        ]
        yield Part(f"{field} (which belongs to what)", wanted, lambda text: Counter(_pairs_of(text)))


def is_told_apart(part: Part, units: Sequence[int]) -> bool:
    """Whether enough units have the part."""
    having = len(set(part.of(units)))
    return having >= max(FEWEST_UNITS, LEAST_SHARE * len(set(units)))


@lru_cache(maxsize=1 << 16)
def _pairs_of(text: str) -> Counter[tuple[str, Hashable, str, Hashable]]:
    """Two values of one object in a list of several: the field and value of one, then of the other."""
    try:
        objects = list(_listed(parse(text)))
    except RecursionError:
        return Counter()
    return Counter(
        (one_field, one, other_field, other)
        for values in objects
        for (one_field, one), (other_field, other) in permutations(values, 2)
    )


def _listed(document: Any) -> Iterator[list[tuple[str, Hashable]]]:
    """The values of each object in a list of two and more; prose left out."""
    for path, value in _values(document, ""):
        if isinstance(value, list) and len(value) > 1:
            for member in value:
                if isinstance(member, Mapping):
                    yield [(at, given) for at, kind, given in _leaves(member, f"{path}[]") if kind != PROSE]


Leaf = tuple[str, str, Hashable]
"""Where it stands, without places in lists; which kind it is; its value."""


def _of_kind(kind: str) -> Callable[[Leaf], bool]:
    return lambda leaf: leaf[1] == kind


def _at(path: str) -> Callable[[Leaf], bool]:
    return lambda leaf: leaf[0] == path and leaf[1] != PROSE


def _json_part(name: str, references: Sequence[str], belongs: Callable[[Leaf], bool]) -> Part:
    def find(text: str) -> Wanted:
        return Counter((path, value) for path, _, value in filter(belongs, _leaves_of(text)))

    return Part(name, [find(one) for one in references], find)


@lru_cache(maxsize=1 << 16)
def _leaves_of(text: str) -> tuple[Leaf, ...]:
    """The leaves of a document; none of one that is nested deeper than Python follows."""
    try:
        return tuple(_leaves(parse(text), ""))
    except RecursionError:
        return ()


def _leaves(document: Any, path: str) -> Iterator[Leaf]:
    for at, value in _values(document, path):
        if isinstance(value, bool) or value is None:
            yield at, "truth values", repr(value)
        elif isinstance(value, int | float):
            yield at, "numbers", value
        elif isinstance(value, str):
            said = words(value)
            kind = "strings with digits" if has_digit(value) else "strings"
            yield at, kind if len(said) <= LONGEST_STRING else PROSE, said or value


def _values(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All that a document holds, with itself, and where it stands without places in lists."""
    yield path, value
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from _values(member, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for member in value:
            yield from _values(member, f"{path}[]")


def _bag(text: str) -> Wanted:
    return Counter(set(words(text)))


def _names(text: str) -> Iterator[str]:
    return (word for name in _NAME.findall(text) for word in words(name))


def _only(found: Wanted, keep: Callable[[Hashable], bool]) -> Wanted:
    return Counter({word: count for word, count in found.items() if keep(word)})


def _without(found: Sequence[Wanted], given: Sequence[frozenset[str]]) -> list[Wanted]:
    return [
        Counter({word: count for word, count in one.items() if word not in text})
        for one, text in zip(found, given, strict=True)
    ]


# --- what a model gets wrong -------------------------------------------------------------------------------


class WrongPart(NamedTuple):
    """A part that a model gets right no more often than by chance; `by_chance` stands as `base`."""

    name: str
    measured: Paired
    by_chance: Score


def wrong_part(sample: Sample, levels: Levels) -> WrongPart | None:
    """The first part in which the tuned model is mostly wrong, and may be no better than by chance."""
    if sample.task == "text":
        return _first_wrong(parts_of_text(sample.references, sample.asked), sample, levels)
    if sample.task == "json":
        parts = parts_of_json(sample.references)
        found = _first_wrong(parts, sample, levels) or _wrong_field(sample, levels)
        pairs = pairs_of_json(sample.references, sample.texts("tuned"))
        found = found or _first_wrong(pairs, sample, levels)
        _leaves_of.cache_clear()
        _pairs_of.cache_clear()
        return found
    return None


def _first_wrong(parts: Iterator[Part], sample: Sample, levels: Levels) -> WrongPart | None:
    tested = (_tested(part, sample, levels) for part in parts)
    return next((one for one in tested if one is not None), None)


def _wrong_field(sample: Sample, levels: Levels) -> WrongPart | None:
    """A field that is wrong more often than by chance, or that the prompt states, or several that are never
    right.

    One that is never right may be what no model can know: a number that was drawn.
    """
    asked = [frozenset(words(one)) for one in sample.asked]
    found, certain, share = [], [], 0.0
    for part, size in fields_of_json(sample.references):
        wrong = _tested(part, sample, levels)
        if wrong is not None:
            found.append(wrong)
            share += size
            if wrong.by_chance.high < 0 or _is_stated(part, asked):
                certain.append(wrong)
    return next(iter([*certain, *found] if share >= LARGE else certain), None)


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
    if not is_told_apart(part, sample.units):
        return None
    given = [part.find(one) for one in sample.texts("tuned")]
    right = part.right(given)
    others = [part.right([given[place] for place in places]) for places in sample.elsewhere]
    by_chance = [fmean(one) for one in zip(*others, strict=True)]
    measured = Paired(f"part: {part.name}", by_chance, right, part.of(sample.units))
    score = measured.score(levels)
    return WrongPart(part.name, measured, score) if score.tuned < MOSTLY and score.low <= 0 else None
