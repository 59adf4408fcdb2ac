"""Which answers are independent: turns of one conversation are not, nor are prompts that say the same.

A conversation is one unit. Conversations are one unit too where their prompts say the same: they are equal,
or have most of the words that tell them apart in common and want the same answer. Words that more than half
of the conversations share (an instruction before every text), and numbers, tell nothing apart, unless nothing
else is left. So `order 17` and `order 21` are one unit, and so are many prompts that differ in names, or in a
word or two, and want the same (`Cancel the order of Ann`). Questions about one text are one unit, whatever
they want (`passages`). But where the label changes with the values in one template (`Is 17 prime?`, `age: 41,
income: 3100`), these are rows of a table (`tables`): each is one unit, and so are copies of a row.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunedrop.evaluation.answers.text_parts import names_in
from tunedrop.evaluation.scoring.json_leaves import is_document
from tunedrop.evaluation.scoring.words import has_digit, words
from tunedrop.evaluation.statistics._passages import passages_of
from tunedrop.evaluation.statistics._tables import FEWEST_ROWS, table_of

ALIKE = 0.7
"""The share of all distinct words of two prompts, or answers, that both have: `please` changes nothing."""

MOST_SHARED = 4
"""Of so many rare words that two texts have in common, before they are compared."""

COMMON = (0.5, 0.9)
"""Words that a larger share of the texts have tell nothing apart; the second where the first leaves none."""

LABEL_WORDS = 3
"""A wanted answer of so many words is shared by many different prompts."""

LONGEST_PATTERN = 20
"""Of a prompt of no more words, any word may be a name."""

MOST_SAME, MOST_SAME_OF_SOME = 0.98, 0.8
"""In a table no answer is wanted by a larger share of the rows; the second where some of the prompts are one:
else the values do not tell what is wanted, and prompts that differ in them say the same."""

Tokens = frozenset[str]


class Conversation(NamedTuple):
    """What is compared: all that is asked, the words that tell it apart, and what is wanted; `template` is
    what is asked without numbers and names."""

    asked: tuple[str, ...]
    telling: Tokens
    wanted: Tokens
    template: tuple[str, ...]


def units_of(
    conversations: Sequence[str | int], prompts: Sequence[str], references: Sequence[str]
) -> list[int]:
    """The unit of each answer, counted from 0."""
    members: dict[str | int, list[int]] = defaultdict(list)
    for index, conversation in enumerate(conversations):
        members[conversation].append(index)
    groups = list(members.values())
    found = _compared(groups, prompts, references)
    texts = ["\n".join(prompts[place] for place in group) for group in groups]
    rows, copies = _rows(texts, found)
    root = _same(found, rows, passages_of(texts))
    heads = _stars(list(dict.fromkeys(root)), found, rows, copies)
    names: dict[int, int] = {}
    unit = {
        conversation: names.setdefault(heads[root[index]], len(names))
        for index, conversation in enumerate(members)
    }
    return [unit[conversation] for conversation in conversations]


def _compared(
    groups: Sequence[Sequence[int]], prompts: Sequence[str], references: Sequence[str]
) -> list[Conversation]:
    asked = [tuple(word for index in group for word in words(prompts[index])) for group in groups]
    wanted = [frozenset(word for index in group for word in _wanted(references[index])) for group in groups]
    names = [frozenset(name for index in group for name in names_in(prompts[index])) for group in groups]
    templates = [
        tuple(word for word in one if not has_digit(word) and word not in named)
        for one, named in zip(asked, names, strict=True)
    ]
    return [Conversation(*one) for one in zip(asked, _telling(asked), wanted, templates, strict=True)]


def _wanted(reference: str) -> Tokens:
    """Two JSON documents are the same answer or are not: most of their words are names of fields."""
    return frozenset((reference,)) if is_document(reference) else frozenset(words(reference))


def _top(root: list[int], index: int) -> int:
    while root[index] != index:
        root[index] = root[root[index]]
        index = root[index]
    return index


def _rows(texts: Sequence[str], found: Sequence[Conversation]) -> tuple[set[int], list[tuple[int, int]]]:
    """The conversations that are rows of a table, and pairs of them that are copies.

    Either all are rows of one, or those that differ in numbers alone are.
    """
    templates: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, one in enumerate(found):
        templates[tuple(word for word in one.asked if not has_digit(word))].append(index)
    rows: set[int] = set()
    copies: list[tuple[int, int]] = []
    everything = (list(range(len(found))), MOST_SAME)
    for places, most in (everything, *((one, MOST_SAME_OF_SOME) for one in templates.values())):
        if len(rows) == len(found) or not _differ([found[place].wanted for place in places], most):
            continue
        table = table_of([texts[place] for place in places])
        if table is not None:
            rows.update(places)
            copies += [(places[one], places[other]) for one, other in table.copies()]
    return rows, copies


def _differ(wanted: Sequence[Tokens], most: float) -> bool:
    """Whether short answers are wanted that change from prompt to prompt."""
    if len(wanted) < FEWEST_ROWS or max(map(len, wanted)) > LABEL_WORDS:
        return False
    return Counter(wanted).most_common(1)[0][1] <= most * len(wanted)


def _same(found: Sequence[Conversation], rows: Collection[int], passages: Sequence[str]) -> list[int]:
    """For each conversation the first of those that are the same without a doubt."""
    root = list(range(len(found)))
    asked: dict[tuple[str, ...], int] = {}
    same: dict[tuple[Hashable, Tokens], int] = {}
    usual = _usual(found)
    for index, one in enumerate(found):
        keys: list[tuple[Hashable, Tokens]] = []
        if index not in rows:
            keys = [(one.telling, one.wanted), *usual.intersection(_patterns(one))]
        if passages[index]:
            keys.append((passages[index], frozenset()))
        for before in (asked.get(one.asked), *map(same.get, keys)):
            if before is not None:
                root[_top(root, index)] = _top(root, before)
        asked[one.asked] = index
        same |= dict.fromkeys(keys, index)
    return [_top(root, index) for index in range(len(found))]


def _usual(found: Sequence[Conversation]) -> set[tuple[Hashable, Tokens]]:
    """Patterns of many prompts, and what most of them want: where they differ changes nothing."""
    wanting = Counter(pattern for one in found for pattern in _patterns(one))
    having: Counter[Hashable] = Counter()
    for (pattern, _), count in wanting.items():
        having[pattern] += count
    return {
        pattern
        for pattern, count in wanting.items()
        if count >= max(FEWEST_ROWS, MOST_SAME_OF_SOME * having[pattern[0]])
    }


def _patterns(one: Conversation) -> set[tuple[Hashable, Tokens]]:
    """What is asked without numbers and names; of a short prompt also without any word or two in a row."""
    template, size = one.template, len(one.template)
    found: set[tuple[str | None, ...]] = {template}
    if size <= LONGEST_PATTERN:
        found |= {
            (*template[:at], None, *template[at + gone :]) for gone in (1, 2) for at in range(size - gone + 1)
        }
    return {(pattern, one.wanted) for pattern in found if len(pattern) > 2}


def _stars(
    distinct: Sequence[int],
    found: Sequence[Conversation],
    rows: Collection[int],
    copies: Iterable[tuple[int, int]],
) -> dict[int, int]:
    """Which conversation each belongs to: those with the most that are like them take all of those.

    As stars (Aslam et al. 2004, doi 10.7155/jgaa.00084): each is like the one in the middle. A chain of pairs
    would make one of all that are drawn from the same few clauses.
    """
    alike: dict[int, list[int]] = {index: [] for index in distinct}
    texts = [index for index in distinct if index not in rows]
    copied = (pair for pair in copies if alike.keys() >= set(pair))
    for first, second in chain(_same_questions(found, texts), copied):
        if jaccard(found[first].wanted, found[second].wanted) >= ALIKE:
            alike[first].append(second)
            alike[second].append(first)
    heads: dict[int, int] = {}
    for index in sorted(distinct, key=lambda one: (-len(alike[one]), one)):
        if index not in heads:
            heads |= {one: index for one in (index, *alike[index]) if one not in heads}
    return heads


def _telling(texts: Sequence[tuple[str, ...]]) -> list[Tokens]:
    """The words that tell each text apart: no numbers, and none that many of the texts have."""
    sets = [frozenset(text) for text in texts]
    common = Counter(word for text in sets for word in text)
    found = []
    for text in sets:
        named = frozenset(one for one in text if not has_digit(one))
        shares = (frozenset(one for one in named if common[one] <= most * len(sets)) for most in COMMON)
        found.append(next((one for one in (*shares, named) if one), text))
    return found


def jaccard(one: Tokens, other: Tokens) -> float:
    """The share of all words of two texts that both have, from 0 to 1; 0 of two texts without words."""
    return len(one & other) / max(1, len(one | other))


def _same_questions(found: Sequence[Conversation], places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs whose telling words are alike, but for those of which what is wanted cannot be alike: where
    thousands of prompts say the same, few of them want the same."""
    asked = _near([found[place].telling for place in places])
    wanted = _near([found[place].wanted for place in places])
    for second, masks in enumerate(zip(asked, wanted, strict=True)):
        for first in np.flatnonzero(np.logical_and(*masks)).tolist():
            one, other = places[first], places[second]
            if jaccard(found[one].telling, found[other].telling) >= ALIKE:
                yield one, other


def _near(texts: Sequence[Tokens]) -> Iterator[NDArray[np.bool_]]:
    """For each text, which of those before it may have a Jaccard similarity of `ALIKE`: no other has.

    By prefix filtering (Chaudhuri et al. 2006): two sets that have at least t words in common share k of them
    among the n - t + k rarest of each, in one order of all words (Wang et al. 2012, doi
    10.1145/2213836.2213847).
    """
    frequency = Counter(word for text in texts for word in text)
    least = [math.ceil(ALIKE * len(text)) for text in texts]
    shared = np.array([min(MOST_SHARED, max(1, few)) for few in least], dtype=np.int64)
    rarest = [
        sorted(text, key=lambda word: (frequency[word], word))[: len(text) - few + int(k)]
        for text, few, k in zip(texts, least, shared, strict=True)
    ]
    places: dict[str, list[int]] = defaultdict(list)
    for index, prefix in enumerate(rarest):
        for word in prefix:
            places[word].append(index)
    posted = {word: np.array(where, dtype=np.int64) for word, where in places.items()}
    for index, prefix in enumerate(rarest):
        lists = [_NOWHERE, *(posted[word] for word in prefix)]
        hits = np.bincount(np.concatenate(lists), minlength=len(texts))[:index]
        yield hits >= np.minimum(shared[index], shared[:index])


_NOWHERE = np.empty(0, dtype=np.int64)
