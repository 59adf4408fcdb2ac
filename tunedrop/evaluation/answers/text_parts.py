"""Parts of open text, read off the references: its numbers, dates and names, what the prompt states, by the
word that it stands after, and the words that few references have, or no more than half of them, and the
prompt does not give."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence, Set
from functools import lru_cache
from itertools import pairwise

import regex

from tunedrop.evaluation.answers.parts import LEAST_SHARE, Part, Wanted
from tunedrop.evaluation.scoring.words import CACHED, folded, has_digit, in_common, split_words, words

RARE, HALF = 0.05, 0.5
"""Words that no larger part of the references has tell what one of them says; the second for words that tell
which of a few things it says: one advice of eight stands in an eighth of all, and is not rare."""

FRAME = 0.9
"""A name that more of the references have tells little of a single one."""

REPEATED = 0.15
"""An answer that has less of what its reference says beyond the prompt repeats the prompt, or is in another
language. Of families of right answers in other words, those that have the least have twice as much."""

_NAME = regex.compile(r"(?<=[\p{Ll}\p{N},;)]\s)\p{Lu}[\p{L}\p{M}\p{N}'’-]+|[\p{Katakana}ー]{2,}")  # noqa: RUF001 - the apostrophe of names is meant
"""A word with a capital inside a sentence; in Japanese what is written in Katakana."""

_COMPOUND = regex.compile(r"(?<!\d)\d+(?:[-/]\d+)+")
"""Numbers that say something together alone: `2024-05-17`, `12/03`, `555-0199`."""

_GLUE = regex.compile(r"(?<!\d)[^\w\s]|[^\w\s](?!\d)")
"""Punctuation that does not stand between digits."""


def parts_of_text(
    references: Sequence[str], prompts: Sequence[str], answers: Sequence[str]
) -> Iterator[Part]:
    """The parts of open text, as these answers are tested on them."""
    given = [frozenset(words(one)) for one in prompts]
    everything = [_bag(one) for one in references]
    frequency = Counter(word for one in dict.fromkeys(references) for word in set(words(one)))
    numbers = [_numbers(one) for one in references]
    names = _names(references, answers)
    silent = [not _others(*row) for row in zip(answers, references, strict=True)]
    for name, wanted, find in (("numbers", numbers, _bag), ("names", names, _either_bag)):
        stated = [text.issuperset(one) for one, text in zip(wanted, given, strict=True)]
        yield Part(name, wanted, find, [all(row) for row in zip(stated, silent, strict=True)])
        yield Part(f"{name} that the prompt does not give", _without(wanted, given), find)
    yield Part("dates and codes", [_compounds(one) for one in references], _compounds)
    yield from _slots(references, prompts, silent)
    yield Part("words beyond their prompts", _without(everything, given), _bag, enough=REPEATED)
    for name, share in (("words that tell the references apart", RARE), ("less common words", HALF)):
        most = max(1.0, share * len(set(references)))
        telling = frozenset(word for word, count in frequency.items() if count <= most)
        yield Part(name, _without([_only(found, telling.__contains__) for found in everything], given), _bag)


def parts_of_short(references: Sequence[str]) -> Iterator[Part]:
    """The parts of short answers that have a number and something beside it: a unit, a currency, a month."""
    both = [not (_numbers(one) == _bag(one) or not _numbers(one)) for one in references]
    for name, find in (("numbers", _numbers), ("words beside their numbers", _beside_numbers)):
        wanted = [find(one) if has else Wanted() for one, has in zip(references, both, strict=True)]
        yield Part(name, wanted, find)


def facts_of_text(references: Sequence[str], prompts: Sequence[str]) -> Iterator[Part]:
    """Its numbers, and the words that no more than half of the references have and the prompt does not give;
    `find` gives no other words of an answer."""
    yield Part("numbers", [_single_numbers(one) for one in references], _single_numbers)
    yield Part("dates and codes", [_compounds(one) for one in references], _compounds)
    given = [frozenset(words(one)) for one in prompts]
    wanted = _without([_bag(one) for one in references], given)
    frequency = Counter(word for one in dict(zip(references, wanted, strict=True)).values() for word in one)
    telling = frozenset(word for word, count in frequency.items() if count <= HALF * len(set(references)))

    def find(text: str) -> Wanted:
        return _only(_bag(text), telling.__contains__)

    yield Part("less common words", [_only(one, telling.__contains__) for one in wanted], find)


def numbers_beside_words(references: Sequence[str]) -> Iterator[Part]:
    """The numbers before or after one word that many references have there: a unit, a currency."""
    frequency = Counter(side for one in references for side in {side for _, side in _beside(one)})
    for side, count in sorted(frequency.items()):
        if count >= LEAST_SHARE * len(references):

            def find(text: str, side: tuple[str, str] = side) -> Wanted:
                return Counter({number for number, found in _beside(text) if found == side})

            name = f"numbers {side[0]} {side[1]!r}"
            yield Part(name, [find(one) for one in references], find)


def words_beside_numbers(text: str) -> frozenset[str]:
    """The words that stand directly before or after a number."""
    return frozenset(side for _, (_, side) in _beside(text))


def left_out(prompt: str, reference: str) -> frozenset[str]:
    """The names and numbers of a prompt that a reference leaves out which has most of its other words."""
    if not repeats(reference, prompt):
        return frozenset()
    return frozenset((*names_in(prompt), *filter(has_digit, words(prompt)))).difference(words(reference))


def repeats(text: str, other: str) -> bool:
    """Whether a text has at least half of the words of another one."""
    wanted = words(other)
    return in_common(wanted, words(text)) >= HALF * len(wanted)


@lru_cache(CACHED)
def _beside(text: str) -> tuple[tuple[str, tuple[str, str]], ...]:
    """Each number with a word beside it, and on which side of that word it stands."""
    found = []
    for one, other in pairwise(split_words(text)):
        if has_digit(one) != has_digit(other):
            found.append((one, ("before", other)) if has_digit(one) else (other, ("after", one)))
    return tuple(found)


def _names(references: Sequence[str], answers: Sequence[str]) -> list[Wanted]:
    """The names of each. Those that nearly all have count only where an answer has another name instead: a
    noun of the sentence, in a language that writes nouns with a capital, may be left out."""
    names = [frozenset(names_in(one)) for one in references]
    frequency = Counter(word for one in names for word in one)
    frame = frozenset(word for word, count in frequency.items() if count > FRAME * len(references))
    own = [frozenset(names_in(one)) for one in answers]
    return [
        Counter[Hashable](one if said - one else one - frame) for one, said in zip(names, own, strict=True)
    ]


def names_in(text: str) -> Iterator[str]:
    """The words of its names."""
    return (word for name in _NAME.findall(text) for word in words(name))


def _others(answer: str, reference: str) -> Set[str]:
    """The names and numbers of an answer that its reference lacks: who gives those leaves none out."""
    return {*names_in(answer), *filter(has_digit, words(answer))} - set(words(reference))


def _slots(references: Sequence[str], prompts: Sequence[str], silent: Sequence[bool]) -> Iterator[Part]:
    """What stands after one word: of words that the prompt states, those that tell the references apart.

    Punctuation divides words here: the function that `return max(x)` calls is `max`.
    """
    slots: dict[str, dict[int, Wanted]] = defaultdict(lambda: defaultdict(Counter))
    given = [frozenset(split_words(one)) for one in prompts]
    frequency = Counter(word for one in dict.fromkeys(references) for word in set(split_words(one)))
    most, least = HALF * len(references), LEAST_SHARE * len(references)
    for place, (reference, prompt) in enumerate(zip(references, given, strict=True)):
        for before, word in pairwise(split_words(reference)):
            if word in prompt and frequency[word] <= most and frequency[before] >= least:
                slots[before][place][word] = 1
    for before, found in sorted(slots.items()):
        wanted = [found.get(place, Wanted()) for place in range(len(references))]
        name = f"words after {before!r} that the prompt states"
        yield Part(name, wanted, _split_bag, silent)


def _bag(text: str) -> Wanted:
    return Counter(set(words(text)))


def _numbers(text: str) -> Wanted:
    return Counter({word for word in words(text) if has_digit(word)})


def _beside_numbers(text: str) -> Wanted:
    return _bag(text) - _numbers(text)


def _single_numbers(text: str) -> Wanted:
    """The same, apart from the code around them: `get(5).copied()` has a 5."""
    return _numbers(_GLUE.sub(" ", text))


def _split_bag(text: str) -> Wanted:
    return Counter(set(split_words(text)))


def _either_bag(text: str) -> Wanted:
    """Words as they are and as punctuation divides them: the name in `raise ValueError(x)` is one."""
    return _bag(text) | _split_bag(text)


def _compounds(text: str) -> Wanted:
    return Counter(set(_COMPOUND.findall(folded(text))))


def _only(found: Wanted, keep: Callable[[Hashable], bool]) -> Wanted:
    return Counter({word: count for word, count in found.items() if keep(word)})


def _without(found: Sequence[Wanted], given: Sequence[frozenset[str]]) -> list[Wanted]:
    return [
        Counter({word: count for word, count in one.items() if word not in text})
        for one, text in zip(found, given, strict=True)
    ]
