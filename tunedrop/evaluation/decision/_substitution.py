"""Answers that are their reference but for a few words: what scores of overlap see as nearly right.

A word that always stands for another (`denied` for `approved`), two of which either is given as if drawn, or
more often than by the base model, or one that only some references have and that is always left out or added
(`not`, in any language), two that have changed places (`Ben lends Anna`), sentences or lines of code in
another order, or words that hardly any answer has: whether it still means the same, only a reader can tell,
or a judge.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Literal, NamedTuple

import regex
from rapidfuzz.distance import LCSseq, Levenshtein

from tunedrop.evaluation.answers.code import is_mostly
from tunedrop.evaluation.answers.content import NEGATIONS
from tunedrop.evaluation.answers.order import in_order, same_members
from tunedrop.evaluation.scoring.words import folded, in_common, spelled_out, words

ALMOST = 0.7
"""The share of words of two texts that are the same where one of them is a copy with a word replaced."""

LONGEST = 400
"""Texts of more words are not compared: one word in so many is not what an answer says."""

FEWEST, LEAST_SHARE = 5, 0.1
"""In this many units, and this share of all units, a substitution is systematic."""

GUESSED = 0.2
"""The same where one of two words is said for the other, and the base model, which may have guessed in words
of its own, is not seen to say the right one in half of these units."""

SAME_WORDS = 0.8
"""The share of words that a rearranged answer and its reference have in common."""

MOST = 0.5
"""In such a part of all units words may be replaced."""

LOST = 0.8
"""A word is lost that such a part of the answers that should have it replace."""

SAID = 0.1
"""An answer with fewer of the words of its reference says nothing of the matter."""

REARRANGED = 0.4
"""In such a part of all units the pieces of an answer may stand in another order than one move explains, or
the lines of its code in any other."""

INTERCHANGEABLE = tuple(
    frozenset(group.split())
    for group in (
        "the a an our", "the your", "hello hi dear hey greetings",
        "sorry apologies apologise apologize regret",
        "thanks thank", "regards wishes greetings", "der die das ein eine unser unsere", "hallo liebe lieber",
        "le la les un une", "el la los las un una", "bonjour salut cher chère",
        "hola querido estimado estimada", "please kindly", "的 了 地 得", "は が を に で の と も ね よ",
    )
)  # fmt: skip
"""Articles, salutations, apologies and particles: one stands for another or for none, and the answer means
the same."""

ADDABLE = frozenset(
    ("has", "have", "had", "do", "does", "did", "that", "which", "who", "also", "just", "then")
)
"""English words that may stand in any sentence without turning it round. No form of `be` is one: who paid is
not who was paid."""

NO_DOUBT = 1.645
"""Standard errors by which fewer words must be wrong than if they were drawn."""

FRAME = 0.9
"""Words that a larger share of the references has are no contrast between them: to leave one out, or to add
one that as many do not have, is a matter of style."""

_MINUS, _SIGN = regex.compile(r"(?<=\S) - (?=\S)"), "⊖"
"""A minus between names, which scores of words take for a dash: `b - a`; and what stands for it here."""

_FILLERS = frozenset(word for group in INTERCHANGEABLE for word in group) | {_SIGN}

Kind = Literal["always", "either way", "often", "changed places", "in most answers", "rearranged"]

_MARKERS = regex.compile(r"^[^\S\n]*(?:\d{1,2}[.)]|[-*•])\s+", regex.MULTILINE)
"""What numbers the members of a list."""

_CODE = regex.compile(r"^\s{2,}\S|[;{}:]\s*$|[=(]", regex.MULTILINE)

_ENDS_APART = regex.compile(r"\p{P}\s*$|(?<!\s)[^\S\n]*\n\s*$")
_BEGINS_APART = regex.compile(r"[^\S\n]*[\p{P}\n]")
"""Text that ends, or begins, with punctuation or a line break."""


class Substitution(NamedTuple):
    """A word of the references, the one that stands for it, and in how many units. Empty is the word that is
    left out or was added; both are where answers are rearranged."""

    kind: Kind
    units: int
    wanted: str = ""
    said: str = ""


class _Change(NamedTuple):
    """A single word that stands for another, or for none, and where in the reference."""

    place: int
    wanted: str
    said: str


def systematic(
    references: Sequence[str], answers: Sequence[str], units: Sequence[int], others: Sequence[str]
) -> Substitution | None:
    """What is replaced or moved in so many answers that no overlap score can tell what it is worth; `others`
    are those of the base model, which may be seen to do so more often."""
    found, before = _Found(), _Found()
    for reference, answer, other, unit in zip(references, answers, others, units, strict=True):
        if max(len(words(reference)), len(words(answer)), len(words(other))) <= LONGEST:
            found.add(reference, answer, unit)
            before.add(reference, other, unit)
    every = len(set(units))
    habits = [*found.habits(every)] or [*found.drawn(every)] or [*found.confused(every, before)]
    habit = max(habits, key=lambda one: one.units, default=None)
    return habit and habit._replace(
        wanted=habit.wanted.replace(_SIGN, "-"), said=habit.said.replace(_SIGN, "-")
    )


Places = dict[tuple[str, str], set[int]]


class _Found:
    """The units in which words are wanted, given, replaced or moved."""

    def __init__(self) -> None:
        self.wanting: dict[str, set[int]] = defaultdict(set)
        self.giving: dict[str, set[int]] = defaultdict(set)
        self.replaced: Places = defaultdict(set)
        self.moved: Places = defaultdict(set)
        self.inserted: dict[str, set[int]] = defaultdict(set)
        self.negated: dict[str, set[int]] = defaultdict(set)
        self.silent: set[int] = set()
        self.rearranged: set[int] = set()
        self.code: set[int] = set()

    def add(self, reference: str, answer: str, unit: int) -> None:
        expected, given = map(_words, (reference, answer))
        for word in set(expected):
            self.wanting[word].add(unit)
        for word in set(given):
            self.giving[word].add(unit)
        if in_common(expected, given) < SAID * len(expected):
            self.silent.add(unit)
        changes = list(_changes(expected, given))
        missing, more = Counter(expected) - Counter(given), Counter(given) - Counter(expected)
        for one in changes:
            if not (one.wanted or one.said in ADDABLE or _is_set_off(one, expected, answer)):
                self.inserted[one.said].add(unit)
            lost, new = (one.wanted if one.wanted in missing else ""), (one.said if one.said in more else "")
            if lost or new:
                self.replaced[lost, new].add(unit)
        for word in _negated(changes):
            self.negated[word].add(unit)
        if not changes and missing.total() == more.total() == 1:  # a clause has moved, and a word is another
            (lost,), (new,) = missing, more
            if not _are_interchangeable(lost, new):
                self.replaced[lost, new].add(unit)
        if is_mostly(_CODE.search, reference):
            self.code.add(unit)
        if (pair := _moved(changes)) and not same_members(reference, answer):
            self.moved[pair].add(unit)
        if _other_lines(reference, answer) or _is_rearranged(reference, answer):
            self.rearranged.add(unit)

    def habits(self, every: int) -> Iterator[Substitution]:
        """What is found in enough of all units."""
        least = max(FEWEST, LEAST_SHARE * every)
        for pair, where in self.replaced.items():
            if len(where) >= least and 2 * len(where) >= self._could(pair, every):
                yield Substitution("always", len(where), *pair)
        for word, where in self.inserted.items():
            if len(self.wanting[word]) < LEAST_SHARE * every and len(where) > MOST * every:
                yield Substitution("always", len(where), said=word)
        if len(exchanged := set().union(*self.moved.values())) >= least:
            yield Substitution("changed places", len(exchanged), *_commonest(self.moved))
        lost = self._lost(every)
        if len(changed := set().union(*lost.values())) > MOST * every:
            yield Substitution("in most answers", len(changed), *_commonest(lost))
        if len(self.rearranged) > REARRANGED * every:
            yield Substitution("rearranged", len(self.rearranged))

    def drawn(self, every: int) -> Iterator[Substitution]:
        """Two words, or one and none, of which either may be said whichever is wanted."""
        least = max(FEWEST, LEAST_SHARE * every)
        for (wanted, said), where in self.replaced.items():
            wants = self.wanting[wanted]
            back = self.replaced.get((said, wanted), frozenset[int]())
            if not said:
                back = back - wants  # where it is said twice
            if not wanted or not back or (said and wanted > said):
                continue
            either = len(wants | self.wanting[said]) if said else every
            share, given = len(wants) / either, len((wants - where) | back) / either
            drawn = share * (1 - given) + given * (1 - share)
            fewest = either * drawn - NO_DOUBT * math.sqrt(either * drawn * max(0.0, 1 - drawn))
            wrong = where | back
            if len(wrong) >= max(least, fewest):
                yield Substitution("either way", len(wrong), wanted, said)

    def confused(self, every: int, before: _Found) -> Iterator[Substitution]:
        """One of two words that many references have said for the other, or a negation left out or added; not
        where the others do so as often, or say nothing of the matter."""
        fewest = LEAST_SHARE * every
        found: Places = defaultdict(set)
        for (wanted, said), where in self.replaced.items():
            if all(word and len(self.wanting[word]) >= fewest for word in (wanted, said)):
                found[min(wanted, said), max(wanted, said)] |= where
        known = {pair: before._confusing(*pair) for pair in found}
        for word, where in self.negated.items():
            found[word, ""], known[word, ""] = where, before.negated[word]
        for pair, where in found.items():
            is_known = not all(pair) or 2 * len(where & before._right(*pair)) >= len(where)
            least = fewest if is_known else GUESSED * every
            if len(where) >= max(FEWEST, least, len(known[pair] | before.silent) + 1):
                yield Substitution("often", len(where), *pair)

    def _confusing(self, one: str, other: str) -> set[int]:
        """The units in which answers have one of two words where the other one is wanted, in whatever words
        they say the rest."""
        wants, gives = self._of_two(one, other)
        return wants[0] & gives[1] | wants[1] & gives[0]

    def _right(self, one: str, other: str) -> set[int]:
        """The units in which answers have the one of two words that is wanted."""
        wants, gives = self._of_two(one, other)
        return wants[0] & gives[0] | wants[1] & gives[1]

    def _of_two(self, one: str, other: str) -> Iterator[tuple[set[int], set[int]]]:
        """The units in which only the first, and only the second, of two words is wanted, and is given."""
        return (
            (found[one] - found[other], found[other] - found[one]) for found in (self.wanting, self.giving)
        )

    def _could(self, pair: tuple[str, str], every: int) -> int:
        """In how many units a replacement could be; none that leaves out or adds a word of a frame, which in
        code are those that nobody has."""
        wanted, said = pair
        having = len(self.wanting[wanted or said])
        if wanted and said:
            return having
        most = every if len(self.code) > FRAME * every else FRAME * every
        is_contrast = LEAST_SHARE * every <= having <= most
        return (having if wanted else every - having) if is_contrast else 2 * every + 1

    def _lost(self, every: int) -> Places:
        """Replacements of words that most answers that should have them replace by something."""
        by_word: dict[str, set[int]] = defaultdict(set)
        for (wanted, said), where in self.replaced.items():
            if wanted and (said or len(self.wanting[wanted]) <= FRAME * every):
                by_word[wanted] |= where
        lost = {
            word for word, where in by_word.items() if len(where) >= max(2, LOST * len(self.wanting[word]))
        }
        return {pair: where for pair, where in self.replaced.items() if pair[0] in lost}


def _words(text: str) -> tuple[str, ...]:
    return words(_MINUS.sub(f" {_SIGN} ", _MARKERS.sub("", spelled_out(text))))


def _commonest(found: Places) -> tuple[str, str]:
    return max(found, key=lambda pair: len(found[pair]))


def _changes(expected: Sequence[str], given: Sequence[str]) -> Iterator[_Change]:
    """Words that stand for others, in an answer that is a copy but for few of them."""
    if Levenshtein.normalized_similarity(expected, given) < ALMOST:
        return
    for change in Levenshtein.opcodes(expected, given):
        if change.tag == "equal":
            continue
        one, other = (expected[change.src_start : change.src_end], given[change.dest_start : change.dest_end])
        for step, (wanted, said) in enumerate(zip_longest(one, other, fillvalue="")):
            if not _are_interchangeable(wanted, said):
                yield _Change(change.src_start + min(step, len(one)), wanted, said)


def _is_set_off(added: _Change, expected: Sequence[str], answer: str) -> bool:
    """Whether what was added is no part of the answer's sentences: in front of it or behind it, `Sure, …`, or
    a line of its own, such as a comment."""
    if added.place == 0:
        return _ENDS_APART.search(folded(answer).partition(f" {expected[0]}")[0]) is not None
    if added.place == len(expected):
        return _BEGINS_APART.match(folded(answer).rpartition(expected[-1])[2]) is not None
    lines = (frozenset(words(line)) for line in answer.splitlines())
    return any(added.said in line and line.isdisjoint(expected) for line in lines)


def _are_interchangeable(wanted: str, said: str) -> bool:
    if not (wanted and said):
        return (wanted or said) in _FILLERS
    return any({wanted, said} <= group for group in INTERCHANGEABLE)


def _negated(changes: Sequence[_Change]) -> Iterator[str]:
    """The negations that are left out or added, where what stands beside them is the same: else it may be
    said in other words (`declined` for `not approved`)."""
    for one in changes:
        word = one.wanted or one.said
        is_alone = all(abs(other.place - one.place) > 1 for other in changes if other is not one)
        if word in NEGATIONS and not (one.wanted and one.said) and is_alone:
            yield word


def _moved(changes: Sequence[_Change]) -> tuple[str, str] | None:
    """Two words of which each stands where the other one, or a third, belongs; not side by side."""
    said = {one.said for one in changes if one.said}
    found = [one for one in changes if one.said and one.wanted in said]
    apart = (
        other for other in found[1:] if other.place > found[0].place + 1 and other.wanted != found[0].wanted
    )
    other = next(apart, None)
    return (found[0].wanted, other.wanted) if other else None


def _is_rearranged(reference: str, answer: str) -> bool:
    """Whether an answer has nearly the reference's words, in another order."""
    expected, given = words(reference), words(answer)
    common = in_common(expected, given)
    if common < SAME_WORDS * max(len(expected), len(given)) or same_members(reference, answer):
        return False
    return in_order(expected, given) < MOST


def _other_lines(reference: str, answer: str) -> bool:
    """Whether the lines of code stand in another order."""
    expected, given = (
        [line.strip() for line in text.splitlines() if line.strip()] for text in (reference, answer)
    )
    if len(expected) < 2 or not is_mostly(_CODE.search, reference):
        return False
    return Counter(expected) == Counter(given) and LCSseq.similarity(expected, given) < len(expected)
