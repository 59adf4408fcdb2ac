"""What is legal and trains badly all the same: leftovers of templates, secrets, odd lengths, lopsided labels.

Findings here are warnings. A likely secret is told by its kind and its line, never by its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from heapq import nlargest

import msgspec

from tunedrop.dataset.check.skeletons import Lines
from tunedrop.dataset.check.statistics import add
from tunedrop.dataset.formats.record import Conversation
from tunedrop.dataset.rules.secrets import secrets_in

Warning_ = tuple[str, str]
"""Code, message."""

_MARKERS = re.compile(
    r"\{\{[^{}\n]{0,60}\}\}|\{%[^%\n]{0,60}%\}|\$\{[^{}\n]{1,60}\}|<\|[a-z_]{2,30}\|>|\[/?INST\]|<</?SYS>>"
    r"|### ?(?:Instruction|Response|Input):|\b(?:TODO|FIXME|TBD)\b|[Ll]orem ipsum"
    r"|\[(?:INSERT|YOUR)[ A-Z_]{0,40}\]"
)
"""Template languages, chat markup of other models, and what authors leave for later."""

_MARKER_HINTS = (
    "{{", "{%", "${", "<|", "[INST", "[/INST", "<<SYS", "<</SYS", "###", "TODO", "FIXME", "TBD",
    "orem ipsum", "[INSERT", "[YOUR",
)  # fmt: skip
"""One of these is in every text that the pattern finds; looking for them is many times faster."""

_SECRET_HINTS = (
    "AKIA", "ASIA", "PRIVATE KEY", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "sk-", "sk_", "pk-", "pk_",
    "rk-", "rk_", "xox", "eyJ",
)  # fmt: skip

_PERSONAL: dict[str, re.Pattern[str]] = {
    "a US social security number": re.compile(
        r"\b(?!000|666|9[0-9][0-9])[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}\b"
    ),
    "an IBAN": re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?\b"),
}
_CARD = re.compile(r"\b[0-9](?:[ -]?[0-9]){12,18}\b")
_DIGITS = re.compile(r"[0-9]{2}")
_ADDRESS = re.compile(r"@[\w-]{1,63}(?:\.[\w-]{2,63})+\b")
_NAME_BEFORE = re.compile(r"\w[.+-]{0,63}$")
"""An address is looked for from its @: a search for names would try every word of the text."""

FEW_LABELS = 30
LABEL_WORDS = 4
LABEL_CHARACTERS = 80
LOPSIDED = 0.8
RARE = 5
OUTLIER = 20
FEWEST_FOR_STATISTICS = 50
LONGEST_KEPT = 5
ONE_WORD_SHARE = 0.02


def look(conversation: Conversation) -> Iterator[Warning_]:
    """What one record carries that it should not."""
    text = "\n".join([conversation.system, *(turn.text for turn in conversation.turns)])
    if _has_any(text, _MARKER_HINTS) and (found := _MARKERS.search(text)):
        yield "TD060", f"a leftover of a template, {found[0][:40]!r}; the model would learn to write it"
    if _has_any(text, _SECRET_HINTS):
        for name in secrets_in(text):
            yield "TD061", f"it looks like {name} (not shown here); a tuned model may repeat it"
    if "@" in text and _has_address(text):
        yield "TD062", "it looks like an email address (not shown here); a tuned model may repeat it"
    if _DIGITS.search(text):
        for name, pattern in _PERSONAL.items():
            if pattern.search(text):
                yield "TD062", f"it looks like {name} (not shown here); a tuned model may repeat it"
        if any(_is_card(match[0]) for match in _CARD.finditer(text)):
            yield "TD062", "it looks like a payment card number (not shown here); a tuned model may repeat it"


def _has_address(text: str) -> bool:
    places = (match.start() for match in _ADDRESS.finditer(text))
    return any(_NAME_BEFORE.search(text[max(0, place - 64) : place]) for place in places)


def _has_any(text: str, hints: tuple[str, ...]) -> bool:
    for hint in hints:  # noqa: SIM110 - a generator in any() takes twice as long
        if hint in text:
            return True
    return False


def _is_card(text: str) -> bool:
    """Whether the digits hold to the check digit of payment cards (Luhn, ISO/IEC 7812-1)."""
    digits = [int(one) for one in text if one.isdigit()]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


class Longest(msgspec.Struct, frozen=True):
    """A long record: its estimated tokens and where it is."""

    tokens: int
    line: int


class Answers(msgspec.Struct):
    """What the answers of a training set have in common, in bounded memory; parts merge into the whole.

    Attributes
    ----------
    labels
        How often each answer of a few words is given, and None once there are too many for labels.
    """

    labels: dict[str, int] | None = {}
    all: int = 0
    one_word: list[int] = []
    one_word_count: int = 0
    longest: list[Longest] = []

    def add(self, line: int, answer: str, tokens: int) -> None:
        """One record."""
        self.all += 1
        self._keep_longest([Longest(tokens, line)])
        self._add_short(line, answer)

    def add_many(self, first_line: int, found: Lines, tokens: list[int], body: bytes) -> None:
        """Records of lines that follow each other in a block, with the same result as one by one."""
        self.all += len(tokens)
        if len(self.longest) < LONGEST_KEPT or max(tokens) > self.longest[-1].tokens:
            longest = nlargest(LONGEST_KEPT, range(len(tokens)), key=tokens.__getitem__)
            self._keep_longest([Longest(tokens[index], first_line + index) for index in longest])
        sizes = found.answer_characters
        if max(sizes) > LABEL_CHARACTERS:
            self.labels = None
        if min(sizes) > LABEL_CHARACTERS:
            return
        for index in [index for index, size in enumerate(sizes) if size <= LABEL_CHARACTERS]:
            answer = body[found.answer_starts[index] : found.answer_ends[index]]
            self._add_short(first_line + index, msgspec.json.decode(b'"%b"' % answer))

    def _add_short(self, line: int, answer: str) -> None:
        words = words_of(answer)
        if words is None:
            self.labels = None
            return
        self._count({" ".join(words).lower(): 1})
        if len(words) == 1:
            self.one_word_count += 1
            self.one_word = [*self.one_word, line][:LONGEST_KEPT]

    def merge(self, other: Answers, lines_before: int = 0) -> None:
        """Take what the answers of a later part have, whose lines are counted from its own beginning."""
        self.all += other.all
        self._keep_longest([Longest(one.tokens, one.line + lines_before) for one in other.longest])
        if other.labels is None:
            self.labels = None
        else:
            self._count(other.labels)
        self.one_word_count += other.one_word_count
        self.one_word = [*self.one_word, *(line + lines_before for line in other.one_word)][:LONGEST_KEPT]

    def _keep_longest(self, more: list[Longest]) -> None:
        ordered = sorted([*self.longest, *more], key=lambda one: (-one.tokens, one.line))
        self.longest = ordered[:LONGEST_KEPT]

    def _count(self, labels: dict[str, int]) -> None:
        if self.labels is not None:
            add(self.labels, labels)
            if len(self.labels) > FEW_LABELS:
                self.labels = None

    def warnings(self, median: int) -> Iterator[tuple[int, str, str]]:
        """(line, code, message) of what can only be said at the end; line 0 is the whole file.

        Parameters
        ----------
        median
            Of the estimated tokens of a record.
        """
        if self.all < FEWEST_FOR_STATISTICS:
            return
        if balance := self.balance():
            yield from self._lopsided(balance)
        elif self.one_word_count and self.one_word_count <= ONE_WORD_SHARE * self.all:
            lines = ", ".join(str(line) for line in self.one_word)
            yield (
                self.one_word[0],
                "TD063",
                f"{self.one_word_count:,} answers are one word, the others are sentences (lines {lines})",
            )
        for entry in self.longest:
            if entry.tokens > OUTLIER * max(1, median):
                message = f"about {entry.tokens:,} tokens, where the median is {median:,}; is it one record?"
                yield entry.line, "TD064", message

    def balance(self) -> list[tuple[str, int]]:
        """How often each label is the answer, most often first; nothing where answers are no labels."""
        many = max(2, self.all // 10)
        if self.labels is None or len(self.labels) > many or self.all < FEWEST_FOR_STATISTICS:
            return []
        return sorted(self.labels.items(), key=lambda one: (-one[1], one[0]))

    def _lopsided(self, ordered: list[tuple[str, int]]) -> Iterator[tuple[int, str, str]]:
        label, most = ordered[0]
        if len(ordered) > 1 and most > LOPSIDED * self.all:
            share = most / self.all
            message = (
                f"{share:.0%} of the answers are {label!r}: always saying that would look good; even them out"
            )
            yield 0, "TD065", message
        for label, count in ordered:
            if count < RARE:
                yield 0, "TD065", f"only {count} records are answered {label!r}; that is too few to learn it"


def words_of(answer: str) -> list[str] | None:
    """The words of an answer so short that it may be a label; None for all others."""
    if len(answer) > LABEL_CHARACTERS:
        return None
    words = answer.split(maxsplit=LABEL_WORDS)
    return words if len(words) <= LABEL_WORDS else None
