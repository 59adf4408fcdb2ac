"""Groups answers into independent units: turns of one conversation are not independent, nor are equivalent
prompts.

A conversation is one unit. Several conversations are one unit if their prompts are equivalent: they are
equal, or they share most of their distinctive words and want the same answer. Words in more than half of the
conversations (an instruction before every text), and numbers, are not distinctive, unless nothing else is
left. So `order 17` and `order 21` are one unit, and so are many prompts that differ in names, or in a word or
two, and want the same answer (`Cancel the order of Ann`). Questions about one text are one unit, whatever
they want (`passages`). But where the label changes with the values in one template (`Is 17 prime?`, `age: 41,
income: 3100`), these are rows of a table (`tables`): each is one unit, and so are copies of a row.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from tunedrop.evaluation.answers.text_parts import names_in
from tunedrop.evaluation.scoring.json_leaves import is_document
from tunedrop.evaluation.scoring.words import has_digit, words
from tunedrop.evaluation.statistics._passages import passages_of
from tunedrop.evaluation.statistics._stars import ALIKE, Places, Tokens, jaccard, near_sets, stars
from tunedrop.evaluation.statistics._tables import FEWEST_ROWS, Table, table_of

COMMON = (0.5, 0.9)
"""Words in a larger share of the texts are not distinctive; the second value applies if the first one leaves
no words."""

LABEL_WORDS = 3
"""A reference with at most this many words may be shared by many different prompts."""

FEWEST_SAME = 4
"""So many prompts of one template that want the same are one, whatever names and numbers they have; more are
needed where any word may be a name."""

LONGEST_PATTERN = 20
"""In a prompt with at most this many words, any word may be a name."""

MOST_SAME, MOST_SAME_OF_SOME = 0.98, 0.8
"""In a table, no answer is wanted by a larger share of the rows; the second value applies if some of the
prompts are one: else the values do not tell what is wanted, and prompts that differ in them say the same."""


Pattern = tuple[str | None, ...]
"""Words; None stands for one or two that may be a name."""


class Conversation(NamedTuple):
    """The compared parts of a conversation: the complete prompt, its distinctive words, and the reference;
    `template` is the prompt without numbers and names."""

    asked: tuple[str, ...]
    telling: Tokens
    wanted: Tokens
    template: tuple[str, ...]


def units_of(
    conversations: Sequence[str | int], prompts: Sequence[str], references: Sequence[str]
) -> list[int]:
    """The unit of each answer, numbered from 0."""
    members: dict[str | int, list[int]] = defaultdict(list)
    for index, conversation in enumerate(conversations):
        members[conversation].append(index)
    groups = list(members.values())
    found = _compared(groups, prompts, references)
    texts = ["\n".join(prompts[place] for place in group) for group in groups]
    rows = _rows(texts, found)
    root = _same(found, rows, passages_of(texts))
    heads = _stars(list(dict.fromkeys(root)), found, rows)
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
    """JSON documents are compared exactly, because most of their words are names of fields."""
    return frozenset((reference,)) if is_document(reference) else frozenset(words(reference))


def _top(root: list[int], index: int) -> int:
    while root[index] != index:
        root[index] = root[root[index]]
        index = root[index]
    return index


def _rows(texts: Sequence[str], found: Sequence[Conversation]) -> dict[int, Callable[[int], Places]]:
    """The conversations that are rows of a table, with a function that finds copies of rows. Either all
    conversations are rows of one table, or those that differ only in numbers.
    """
    templates: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, one in enumerate(found):
        templates[tuple(word for word in one.asked if not has_digit(word))].append(index)
    rows: dict[int, Callable[[int], Places]] = {}
    everything = (list(range(len(found))), MOST_SAME)
    for places, most in (everything, *((one, MOST_SAME_OF_SOME) for one in templates.values())):
        if len(rows) == len(found) or not _differ([found[place].wanted for place in places], most):
            continue
        table = table_of([texts[place] for place in places])
        if table is not None:
            rows |= dict.fromkeys(places, partial(_copies, table, places))
    return rows


def _copies(table: Table, places: Sequence[int], index: int) -> Places:
    return np.array(places, dtype=np.int64)[table.copies(bisect_left(places, index))]


def _differ(wanted: Sequence[Tokens], most: float) -> bool:
    """Whether the references are short and change from prompt to prompt."""
    if len(wanted) < FEWEST_ROWS or max(map(len, wanted)) > LABEL_WORDS:
        return False
    return Counter(wanted).most_common(1)[0][1] <= most * len(wanted)


def _same(found: Sequence[Conversation], rows: Container[int], passages: Sequence[str]) -> list[int]:
    """For each conversation, the first of those that are certainly equivalent."""
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


def _usual(found: Sequence[Conversation]) -> set[tuple[Pattern, Tokens]]:
    """Patterns that many prompts share, with the reference of most of them: their differences do not
    matter."""
    wanting = Counter(pattern for one in found for pattern in _patterns(one))
    having: Counter[Pattern] = Counter()
    for (pattern, _), count in wanting.items():
        having[pattern] += count
    return {
        pattern
        for pattern, count in wanting.items()
        if count >= max(_fewest(pattern[0]), MOST_SAME_OF_SOME * having[pattern[0]])
    }


def _fewest(pattern: Pattern) -> int:
    return FEWEST_ROWS if None in pattern else FEWEST_SAME


def _patterns(one: Conversation) -> set[tuple[Pattern, Tokens]]:
    """The prompt without numbers and names; for a short prompt, also without any one or two adjacent
    words."""
    template, size = one.template, len(one.template)
    found: set[Pattern] = {template}
    if size <= LONGEST_PATTERN:
        found |= {
            (*template[:at], None, *template[at + gone :]) for gone in (1, 2) for at in range(size - gone + 1)
        }
    return {(pattern, one.wanted) for pattern in found if len(pattern) > 2}


def _stars(
    distinct: Sequence[int], found: Sequence[Conversation], tables: Mapping[int, Callable[[int], Places]]
) -> dict[int, int]:
    """The conversation that each one belongs to: rows belong to the row that they copy."""
    texts = np.array([index for index in distinct if index not in tables], dtype=np.int64)
    asked = near_sets([found[index].telling for index in texts])
    wanted = near_sets([found[index].wanted for index in texts])
    place = {index: at for at, index in enumerate(texts.tolist())}

    def near(index: int) -> Places:
        """Of similar texts, those that may want the same answer: of thousands of similar texts, few do."""
        if index in tables:
            return tables[index](index)
        at = place[index]
        return texts[asked(at) & wanted(at)]

    def are_alike(one: int, other: int) -> bool:
        if jaccard(found[one].wanted, found[other].wanted) < ALIKE:
            return False
        return one in tables or jaccard(found[one].telling, found[other].telling) >= ALIKE

    return stars(distinct, near, are_alike)


def _telling(texts: Sequence[tuple[str, ...]]) -> list[Tokens]:
    """The distinctive words of each text: no numbers, and no words that many of the texts share."""
    sets = [frozenset(text) for text in texts]
    common = Counter(word for text in sets for word in text)
    found = []
    for text in sets:
        named = frozenset(one for one in text if not has_digit(one))
        shares = (frozenset(one for one in named if common[one] <= most * len(sets)) for most in COMMON)
        found.append(next((one for one in (*shares, named) if one), text))
    return found
