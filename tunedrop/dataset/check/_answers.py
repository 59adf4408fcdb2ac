"""Statistics of a training set's answers: labels, constant answers, echoes, outlier lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from heapq import nsmallest
from operator import neg

import msgspec

from tunedrop.dataset.check._rows import Rows
from tunedrop.dataset.check.statistics import add

FEW_LABELS = 30
LABEL_WORDS = 4
LABEL_CHARACTERS = 80
FEWEST_FOR_STATISTICS = 50
FEWEST_FOR_A_CONSTANT = 10
"""The number of records with the same answer that is suspicious, whatever the size of the file."""
LONGEST_KEPT = 5
ONE_WORD_SHARE = 0.02
COMMONEST_KEPT = 20


class Longest(msgspec.Struct, frozen=True):
    """A long record: its estimated tokens and where it is."""

    tokens: int
    line: int


class Answers(msgspec.Struct):
    """Collects answers in bounded memory; results of parts can be merged.

    Attributes
    ----------
    labels
        The count of each short answer; None once there are too many for labels.
    commonest
        The counts of the most frequent answers, by fingerprint.
    """

    labels: dict[str, int] | None = {}
    all: int = 0
    one_word: list[int] = []
    one_word_count: int = 0
    longest: list[Longest] = []
    commonest: dict[int, int] = msgspec.field(default_factory=Counter)
    echoes: int = 0
    first_echo: int = 0

    def add_many(self, rows: Rows) -> None:
        """Add records with answers."""
        self.all += len(rows.lines)
        least = self.longest[-1].tokens if len(self.longest) == LONGEST_KEPT else -1
        if max(rows.tokens, default=0) > least:
            longest = nsmallest(LONGEST_KEPT, zip(map(neg, rows.tokens), rows.lines, strict=True))
            self._keep_longest([Longest(-negated, line + 1) for negated, line in longest])
        short: dict[str, int] = {}
        sizes = list(map(len, rows.said))
        if max(sizes, default=0) > LABEL_CHARACTERS:
            self.labels = None
        some = list[tuple[str, int]]()
        if min(sizes, default=0) <= LABEL_CHARACTERS:
            some = [one for one in zip(rows.said, rows.lines, strict=True) if len(one[0]) <= LABEL_CHARACTERS]
        for answer, line in some:
            words = answer.split(None, LABEL_WORDS)
            if len(words) > LABEL_WORDS:
                self.labels = None
                continue
            if self.labels is not None:
                label = " ".join(words).lower()
                short[label] = short.get(label, 0) + 1
            if len(words) == 1:
                self.one_word_count += 1
                if len(self.one_word) < LONGEST_KEPT:
                    self.one_word.append(line + 1)
        self._count(short)
        self._keep_commonest(rows.answers)

    def echo(self, line: int) -> None:
        """Add an answer that repeats its prompt."""
        self.echoes += 1
        self.first_echo = self.first_echo or line

    def merge(self, other: Answers, lines_before: int = 0) -> None:
        """Merge the statistics of the following part, whose lines are numbered from its own beginning."""
        self.all += other.all
        self._keep_longest([Longest(one.tokens, one.line + lines_before) for one in other.longest])
        if other.labels is None:
            self.labels = None
        else:
            self._count(other.labels)
        self.one_word_count += other.one_word_count
        self.one_word = [*self.one_word, *(line + lines_before for line in other.one_word)][:LONGEST_KEPT]
        self.echoes += other.echoes
        if other.first_echo:
            self.first_echo = self.first_echo or other.first_echo + lines_before
        self._keep_commonest(other.commonest)

    def _keep_longest(self, more: list[Longest]) -> None:
        ordered = sorted([*self.longest, *more], key=lambda one: (-one.tokens, one.line))
        self.longest = ordered[:LONGEST_KEPT]

    def _keep_commonest(self, more: Mapping[int, int] | list[int]) -> None:
        if not isinstance(self.commonest, Counter):
            self.commonest = Counter(self.commonest)
        self.commonest.update(more)
        if len(self.commonest) > 50 * COMMONEST_KEPT:
            least = sorted(self.commonest.values())[-COMMONEST_KEPT]
            kept = {answer: times for answer, times in self.commonest.items() if times > least}
            self.commonest = Counter(kept)

    def _count(self, labels: dict[str, int]) -> None:
        if self.labels is not None:
            add(self.labels, labels)
            if len(self.labels) > FEW_LABELS:
                self.labels = None

    def warnings(self, median: int, threshold: Callable[[str], float]) -> Iterator[tuple[int, str, str]]:
        """Warnings about the whole file, as (line, code, message); line 0 is the file.

        Parameters
        ----------
        median
            Of the estimated tokens of a record.
        threshold
            The value of one of `settings.THRESHOLDS`, by its name.
        """
        yield from self._constant(threshold("same_answer"))
        if self.all < FEWEST_FOR_STATISTICS:
            return
        if balance := self.balance():
            yield from self._rare(balance, threshold("rare_label"))
        elif self.one_word_count and self.one_word_count <= ONE_WORD_SHARE * self.all:
            lines = ", ".join(str(line) for line in self.one_word)
            yield (
                self.one_word[0],
                "TD063",
                f"{self.one_word_count:,} answers are one word, the others are sentences (lines {lines})",
            )
        for entry in self.longest:
            if entry.tokens > threshold("long_record") * max(1, median):
                message = f"about {entry.tokens:,} tokens, median {median:,}; check that it is one record"
                yield entry.line, "TD064", message

    def _constant(self, largest: float) -> Iterator[tuple[int, str, str]]:
        most = max(self.commonest.values(), default=0)
        if self.all < FEWEST_FOR_A_CONSTANT:
            return
        if most > largest * self.all:
            share = most / self.all
            label = max(self.labels.items(), key=lambda one: one[1])[0] if self.labels else ""
            which = repr(label) if label else "one and the same"
            message = (
                f"{share:.0%} of the answers are {which}: a model that always gives it would score well; "
                f"vary the answers"
            )
            yield 0, "TD065", message
        if self.echoes >= max(2, self.all // 20):
            message = f"{self.echoes:,} answers repeat their prompts: the model would learn to repeat"
            yield self.first_echo, "TD087", message

    def balance(self) -> list[tuple[str, int]]:
        """The count of each label, most frequent first; empty if answers are not labels."""
        many = max(2, self.all // 10)
        if self.labels is None or len(self.labels) > many or self.all < FEWEST_FOR_STATISTICS:
            return []
        return sorted(self.labels.items(), key=lambda one: (-one[1], one[0]))

    def _rare(self, ordered: list[tuple[str, int]], fewest: float) -> Iterator[tuple[int, str, str]]:
        for label, count in ordered:
            if count < fewest:
                yield (
                    0,
                    "TD065",
                    f"only {count} records have the label {label!r}; that is too few to learn it",
                )
