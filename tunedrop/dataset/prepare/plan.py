"""Decides which records of a training file are held out: similar ones together, in exact numbers.

Records that share a question, in any turn, form a group in one split. Groups are ordered by a hash of their
content, so that the split does not depend on the order of records and hardly changes when some are added;
with labels as answers, the split is stratified.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import msgspec
from xxhash import xxh3_64_intdigest

from tunedrop.dataset.duplicates.leaks import FEWEST_LETTERS, said

TRAIN, VALIDATION, TEST = range(3)
MOST_SHARED = 0.02
"""A turn in more than this share of all records, and in more than five, is a phrase, not a question."""
_COMMON = 5
MOST_NEAR = 0.5
"""The share of near-duplicates above which questions have one form, and intentionally differ only in
numbers."""
MOST_LABELS = 200
"""The maximum number of labels; assistants often have a hundred intents or more."""
LONGEST_LABEL = 40
_FEWEST_LETTERS = 20
_MEDIA = re.compile(rb'"(?:uri|image-ref|bytes|url)"\s*:\s*"([^"]{1,4096})')


class Shares(msgspec.Struct, frozen=True):
    """The shares of records to hold out from training; 0 if a separate file was given."""

    validation: float
    test: float


def number_of(share: float, records: int) -> int:
    """The number of records that a share amounts to."""
    return int(share * records + 1e-6)


def are_few(near_duplicates: int, records: int) -> bool:
    """Whether near-duplicates are an exception, so that the questions are not about numbers."""
    return near_duplicates <= MOST_NEAR * records


def plan(lines: Iterable[bytes], held_out: Shares, near_together: bool = False) -> bytes:
    """For each line, TRAIN, VALIDATION or TEST.

    The numbers match the shares, unless no remaining group is small enough.

    Parameters
    ----------
    near_together
        Whether questions that differ only in numbers stay in one split.
    """
    groups = _Groups(near_together)
    for raw in lines:
        groups.add(raw)
    sides = bytearray(len(groups))
    free, labels = list(groups.in_order()), groups.labels
    for side, share in ((TEST, held_out.test), (VALIDATION, held_out.validation)):
        taken = _taken(free, labels, number_of(share, len(groups)))
        for index in chain.from_iterable(taken):
            sides[index] = side
        chosen = {members[0] for members in taken}
        free = [members for members in reversed(free) if members[0] not in chosen]  # validation from the end
    return bytes(sides)


def by_hash(raw: bytes, held_out: Shares) -> int:
    """The split of a record of a file that is too large to be planned; numbers are approximate."""
    groups = _Groups(near_together=False)
    groups.add(raw)
    place = groups.first_key / (1 << 64)
    if place < held_out.test:
        return TEST
    return VALIDATION if place >= 1 - held_out.validation else TRAIN


def _taken(groups: Sequence[Sequence[int]], labels: Sequence[int], number: int) -> list[Sequence[int]]:
    """Choose groups with this many records in total: first each label's share, then any that fit."""
    total = sum(map(len, groups))
    by_label: dict[int, list[Sequence[int]]] = {}
    for members in groups:
        by_label.setdefault(labels[members[0]], []).append(members)
    taken: list[Sequence[int]] = []
    left = number
    for mine in by_label.values():
        share = min(left, number * sum(map(len, mine)) // max(1, total))
        for members in mine:
            if len(members) <= share:
                taken.append(members)
                share -= len(members)
                left -= len(members)
    done = {members[0] for members in taken}
    for members in groups:
        if members[0] not in done and len(members) <= left:
            taken.append(members)
            left -= len(members)
    return taken


class _Groups:
    """Groups records by what they have in common: a forest in which each record points to an earlier one."""

    def __init__(self, near_together: bool) -> None:
        self._near = near_together
        self._keys: list[tuple[int, ...]] = []
        self._hashes = array("Q")
        self._answers: list[str] = []

    def __len__(self) -> int:
        return len(self._hashes)

    @property
    def labels(self) -> Sequence[int]:
        """The label of each record; 0 for all if answers are not labels."""
        counts = Counter(self._answers)
        if len(counts) > MOST_LABELS or any(len(answer) > LONGEST_LABEL for answer in counts):
            return bytes(len(self))
        number = {answer: index for index, answer in enumerate(sorted(counts))}
        return [number[answer] for answer in self._answers]

    def add(self, raw: bytes) -> None:
        """The next record."""
        turns = list(said(raw))
        media = _MEDIA.findall(raw)
        asked = [self._shape(words) for is_user, words in turns if is_user]
        spoken = [words for _, words in turns]
        whole = _hash("\0".join(spoken), *media) if any(spoken) or media else xxh3_64_intdigest(raw)
        opening = _hash("\0".join(asked), *media) if any(asked) or media else whole
        long = () if media else (_hash(words) for words in asked if len(words) >= FEWEST_LETTERS)
        self._keys.append(tuple(dict.fromkeys([opening, *long])))
        self._hashes.append(whole)
        self._answers.append(turns[-1][1][: LONGEST_LABEL + 1] if turns and not turns[-1][0] else "")

    @property
    def first_key(self) -> int:
        """A key that all questions of the first record share with similar ones."""
        return self._keys[0][0]

    def in_order(self) -> Iterator[Sequence[int]]:
        """The groups, ordered by their lowest hash."""
        parents = array("Q", range(len(self)))
        most = max(_COMMON, MOST_SHARED * len(self))
        counts = Counter(chain.from_iterable(self._keys))
        first: dict[int, int] = {}
        for index, keys in enumerate(self._keys):
            for key in keys:
                if counts[key] > most and len(keys) > 1:
                    continue
                root, other = _root(parents, index), _root(parents, first.setdefault(key, index))
                parents[max(root, other)] = min(root, other)
        groups: dict[int, list[int]] = {}
        for index in range(len(self)):
            groups.setdefault(_root(parents, index), []).append(index)
        yield from sorted(groups.values(), key=lambda members: min(self._hashes[one] for one in members))

    def _shape(self, words: str) -> str:
        """A key that questions which belong together share."""
        if not self._near:
            return words
        bare = "".join(letter for letter in words if not letter.isdigit())
        return " ".join(bare.split()) if len(bare) >= _FEWEST_LETTERS else words


def _hash(text: str, *more: bytes) -> int:
    return xxh3_64_intdigest(b"\0".join((text.encode(errors="surrogatepass"), *more)))


def _root(parents: array[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index
