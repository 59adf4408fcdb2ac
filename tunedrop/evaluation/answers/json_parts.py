"""Parts of JSON documents: kinds of leaves, single fields, and which values of a list's objects belong
together."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import combinations, permutations
from statistics import fmean
from typing import Any

from tunedrop.evaluation.answers.parts import Part, Wanted
from tunedrop.evaluation.scoring.json_leaves import has_order, is_document, key_of, parse
from tunedrop.evaluation.scoring.words import has_digit, words

LONGEST_STRING = 8
"""A string of more words is prose, which is not right or wrong as a whole."""

PROSE = "prose"
TRUTH_VALUES = "truth values"

Leaf = tuple[str, str, Hashable]
"""Where it stands, without places in lists; which kind it is; its value."""


Pair = tuple[str, Hashable, str, Hashable]
"""The field and value of one, then of the other."""

MOST_PAIRS = 500_000
"""Of all references together: of objects with sixty fields they would take more time and memory than an
evaluation has."""


MOST_KINDS = 20
"""A field of no more values tells one of so many kinds."""

MOST_IN_ORDER = 30
"""Of so many members of a list the order is compared."""

HABITS = 0.2
"""Words that are no values, in a larger share of the answers, are how a model speaks."""

_BETWEEN = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def parts_of_json(references: Sequence[str]) -> Iterator[Part]:
    """The parts of JSON documents: every kind of leaf."""
    for kind in ("numbers", "strings with digits", "strings", TRUTH_VALUES):
        yield _json_part(kind, references, _of_kind(kind))


def fields_of_json(references: Sequence[str]) -> Iterator[tuple[Part, float]]:
    """Each field that stands in several places, with its share of all leaves."""
    leaves = Counter(path for one in references for path, kind, _ in leaves_of(one) if kind != PROSE)
    for path, count in leaves.items():
        if count > 1:
            yield _json_part(path, references, _at(path)), count / leaves.total()


def values_said(references: Sequence[str], answers: Sequence[str]) -> Part:
    """The words of all values; `find` reads them off any answer, a document or not: `Name: Ann Hill`.

    Words are left out that are no values and that many of these answers have: `Here are the`.
    """
    paths = {_BETWEEN.sub(" ", path) for one in references for path, *_ in leaves_of(one)}
    names = frozenset(word for path in paths for word in words(path))

    def said_in(text: str) -> Wanted:
        values = (value for _, kind, value in leaves_of(text) if kind != TRUTH_VALUES)
        said = " ".join(map(shown, values)) if is_document(text) else text
        return Counter(map(_by_value, (word for word in words(said) if word not in names)))

    wanted = [said_in(one) for one in references]
    counts = Counter(word for one in answers for word in said_in(one))
    habits = {word for word, count in counts.items() if count > HABITS * len(answers)}.difference(*wanted)

    def find(text: str) -> Wanted:
        return Counter({word: count for word, count in said_in(text).items() if word not in habits})

    return Part("values of the references", wanted, find)


def few_valued(references: Sequence[str]) -> frozenset[str]:
    """The fields with so few values that each tells a kind: a state, a tag."""
    values: dict[str, set[Hashable]] = defaultdict(set)
    for path, kind, value in (leaf for one in references for leaf in leaves_of(one)):
        if kind != PROSE:
            values[path].add(value)
    return frozenset(path for path, said in values.items() if len(said) <= MOST_KINDS)


def pairs_of_json(references: Sequence[str], found: Sequence[str]) -> Iterator[Part]:
    """Which values belong together in the objects of lists, a part a field: of a value that the answer has at
    all, its pairs with the other values of the object."""
    had = [Counter((path, value) for path, _, value in leaves_of(one)) for one in found]
    compared = _compared(references)
    pairs = [_pairs_of(one, compared) for one in references]
    for field in sorted({field for one in pairs for field in one}):
        wanted = [
            Counter[Hashable]({pair: count for pair, count in one.get(field, {}).items() if given[pair[:2]]})
            for one, given in zip(pairs, had, strict=True)
        ]
        chance = [_by_chance(one, text) for one, text in zip(wanted, found, strict=True) if one]
        find = partial(_pairs_with, field, compared)
        yield Part(f"{field} (which belongs to what)", wanted, find, chance=chance)


def _by_chance(pairs: Wanted, answer: str) -> float:
    """The share of pairs that an answer has whose values are dealt to its objects at random."""
    objects = _objects_of(answer)
    having = Counter(one for values in objects for one in set(values))
    seconds = [(pair[2:], count) for pair, count in pairs.items() if isinstance(pair, tuple)]
    expected = sum(min(1.0, having[value] / len(objects)) * count for value, count in seconds)
    return expected / max(1, sum(count for _, count in seconds))


def belonging_of_json(references: Sequence[str], answers: Sequence[str]) -> list[float | None]:
    """Of the values that belong together in one object of a list, and that an answer has, how many stand
    together there; None where it has no two such values."""
    compared = _compared(references)
    return [_belonging(*pair, compared) for pair in zip(references, answers, strict=True)]


def _belonging(reference: str, answer: str, compared: frozenset[str]) -> float | None:
    had = {(path, value) for path, _, value in leaves_of(answer)}
    wanted, given = (Counter[Pair]() for _ in range(2))
    for found, text in ((wanted, reference), (given, answer)):
        for pairs in _pairs_of(text, compared).values():
            found.update(pairs)
    both = Counter({pair: count for pair, count in wanted.items() if pair[:2] in had and pair[2:] in had})
    return (both & given).total() / both.total() if both else None


def order_of_json(reference: str, answer: str) -> tuple[float, float] | None:
    """How much of the order of its lists an answer has right, and how much any order would have.

    Of numbers, such as coordinates, the share in their place; of other members that the answer has too, the
    share of pairs in the right order. None where there is nothing to compare.
    """
    wanted, given = _ordered(parse(reference)), _ordered(parse(answer))
    compared = [
        found
        for path, members in wanted.items()
        if (found := _in_order(members, given.get(path, []), by_place=path.endswith("#")))
    ]
    if not compared:
        return None
    right, chance = (fmean(one) for one in zip(*compared, strict=True))
    return right, chance


def _in_order(wanted: Sequence[str], given: Sequence[str], *, by_place: bool) -> tuple[float, float] | None:
    if by_place:
        if len(wanted) < 2 or sorted(wanted) != sorted(given):
            return None
        return fmean(one == other for one, other in zip(wanted, given, strict=True)), 1 / len(wanted)
    places = {member: place for place, member in enumerate(given)}
    pairs = combinations([member for member in wanted if member in places], 2)
    right = [places[one] < places[other] for one, other in pairs]
    return (fmean(right), 0.5) if right else None


def _ordered(document: Any) -> dict[str, list[str]]:
    """The different members of each ordered list, by its path; the first list where there are several.

    Of objects, the strings of each field that tells them apart; `#` ends the path of numbers.
    """
    found: dict[str, list[str]] = {}
    try:
        for path, value in _values(document, ""):
            if isinstance(value, list) and has_order(value, path.rpartition(".")[2]):
                for name, members in _sequences(value):
                    found.setdefault(f"{path}{name}", members)
    except RecursionError:
        return {}
    return found


def _sequences(values: Sequence[Any]) -> Iterator[tuple[str, list[str]]]:
    """What stands in order in a list."""
    few = values[:MOST_IN_ORDER]
    keys = list(dict.fromkeys(map(key_of, few)))
    if all(isinstance(one, int | float) for one in few):
        yield "#", keys if len(keys) == len(few) else []
    elif all(isinstance(one, Mapping) for one in few):
        for field in dict.fromkeys(name for one in few for name in one):
            said = [one[field] for one in few if isinstance(one.get(field), str)]
            if len(said) == len(set(said)) == len(few):
                yield f".{field}", said
    else:
        yield "", keys


def forget() -> None:
    """Keep no documents any longer than one evaluation takes."""
    leaves_of.cache_clear()
    _objects_of.cache_clear()
    _pairs_of.cache_clear()


def _compared(references: Sequence[str]) -> frozenset[str]:
    """The fields whose values are paired: all, or as many of the most common as make `MOST_PAIRS` at most."""
    objects = [values for one in references for values in _objects_of(one)]
    common = [field for field, _ in Counter(field for one in objects for field, _ in one).most_common()]
    while len(common) > 1:
        kept = frozenset(common)
        counts = (sum(field in kept for field, _ in values) for values in objects)
        if sum(count * (count - 1) for count in counts) <= MOST_PAIRS:
            return kept
        common = common[: len(common) * 4 // 5]
    return frozenset()


def _pairs_with(field: str, compared: frozenset[str], text: str) -> Wanted:
    return Counter(_pairs_of(text, compared).get(field))


@lru_cache(maxsize=1 << 16)
def _pairs_of(text: str, compared: frozenset[str]) -> dict[str, Counter[Pair]]:
    """Two values of one object in a list of several, by the field of the first."""
    found: dict[str, Counter[Pair]] = defaultdict(Counter)
    for values in _objects_of(text):
        kept = [one for one in values if one[0] in compared]
        if len(kept) * (len(kept) - 1) > MOST_PAIRS:
            continue  # an answer that repeats itself: none of its pairs is wanted so often
        for one, other in permutations(kept, 2):
            found[one[0]][(*one, *other)] += 1
    return dict(found)


@lru_cache(maxsize=1 << 16)
def _objects_of(text: str) -> tuple[list[tuple[str, Hashable]], ...]:
    """The values of the objects in a document's lists; none of one nested deeper than Python follows."""
    try:
        return tuple(_listed(parse(text)))
    except RecursionError:
        return ()


def _listed(document: Any) -> Iterator[list[tuple[str, Hashable]]]:
    """The values of each object in a list of two and more; prose left out."""
    for path, value in _values(document, ""):
        if isinstance(value, list) and len(value) > 1:
            for member in value:
                if isinstance(member, Mapping):
                    yield [(at, given) for at, kind, given in _leaves(member, f"{path}[]") if kind != PROSE]


def shown(value: Hashable) -> str:
    """The value of a leaf as text."""
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _by_value(word: str) -> Hashable:
    """`45.50` is the 45.5 of a document."""
    return float(word) if _NUMBER.fullmatch(word) else word


def _of_kind(kind: str) -> Callable[[Leaf], bool]:
    return lambda leaf: leaf[1] == kind


def _at(path: str) -> Callable[[Leaf], bool]:
    return lambda leaf: leaf[0] == path and leaf[1] != PROSE


def _json_part(name: str, references: Sequence[str], belongs: Callable[[Leaf], bool]) -> Part:
    def find(text: str) -> Wanted:
        return Counter((path, value) for path, _, value in filter(belongs, leaves_of(text)))

    return Part(name, [find(one) for one in references], find)


@lru_cache(maxsize=1 << 16)
def leaves_of(text: str) -> tuple[Leaf, ...]:
    """The leaves of a document; none of one that is nested deeper than Python follows."""
    try:
        return tuple(_leaves(parse(text), ""))
    except RecursionError:
        return ()


def _leaves(document: Any, path: str) -> Iterator[Leaf]:
    for at, value in _values(document, path):
        if isinstance(value, bool) or value is None:
            yield at, TRUTH_VALUES, repr(value)
        elif isinstance(value, int | float):
            yield at, "numbers", value
        elif isinstance(value, str):
            said = words(value)
            kind = "strings with digits" if any(map(has_digit, said)) else "strings"
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
