"""What is legal and trains badly all the same: leftovers of templates, secrets, odd lengths, lopsided labels.

Findings here are warnings. A likely secret is told by its kind and its line, never by its value.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from tunedrop.dataset.formats import Conversation
from tunedrop.dataset.secrets import secrets_in

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
    "an email address": re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63})+\b"),
    "a US social security number": re.compile(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b"),
    "an IBAN": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?\b"),
}
_CARD = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
_DIGITS_OR_AT = re.compile(r"\d{2}|@")

FEW_LABELS = 30
LABEL_WORDS = 4
MAX_ANSWERS_COUNTED = 10_000
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
    if _DIGITS_OR_AT.search(text):
        for name, pattern in _PERSONAL.items():
            if pattern.search(text):
                yield "TD062", f"it looks like {name} (not shown here); a tuned model may repeat it"
        if any(_is_card(match[0]) for match in _CARD.finditer(text)):
            yield "TD062", "it looks like a payment card number (not shown here); a tuned model may repeat it"


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


class Longest(msgspec.Struct, frozen=True, order=True):
    """A long record: its estimated tokens and where it is."""

    tokens: int
    line: int


class Answers:
    """What the answers of a training set have in common, in bounded memory."""

    def __init__(self) -> None:
        self._short: Counter[str] = Counter()
        self._all = 0
        self._long = 0
        self._one_word: list[int] = []
        self._one_word_count = 0
        self._lengths: Counter[int] = Counter()
        self._longest: list[Longest] = []

    def add(self, line: int, answer: str, tokens: int) -> None:
        """One record."""
        self._all += 1
        self._lengths[_bucket(tokens)] += 1
        entry = Longest(tokens, line)
        if len(self._longest) < LONGEST_KEPT:
            heapq.heappush(self._longest, entry)
        elif entry > self._longest[0]:
            heapq.heapreplace(self._longest, entry)
        words = answer.split(maxsplit=LABEL_WORDS)
        if len(words) > LABEL_WORDS:
            self._long += 1
            return
        if len(self._short) < MAX_ANSWERS_COUNTED:
            self._short[" ".join(words).lower()] += 1
        if len(words) == 1:
            self._one_word_count += 1
            if len(self._one_word) < LONGEST_KEPT:
                self._one_word.append(line)

    def warnings(self) -> Iterator[tuple[int, str, str]]:
        """(line, code, message) of what can only be said at the end; line 0 is the whole file."""
        if self._all < FEWEST_FOR_STATISTICS:
            return
        if self._are_labels():
            yield from self._lopsided()
        elif self._one_word_count and self._one_word_count <= ONE_WORD_SHARE * self._all:
            lines = ", ".join(str(line) for line in self._one_word)
            yield (
                self._one_word[0],
                "TD063",
                f"{self._one_word_count:,} answers are one word, the others are sentences (lines {lines})",
            )
        median = self._median()
        for entry in sorted(self._longest, reverse=True):
            if entry.tokens > OUTLIER * median:
                message = f"about {entry.tokens:,} tokens, where the median is {median:,}; is it one record?"
                yield entry.line, "TD064", message

    def _are_labels(self) -> bool:
        return not self._long and len(self._short) <= min(FEW_LABELS, max(2, self._all // 10))

    def _lopsided(self) -> Iterator[tuple[int, str, str]]:
        (label, most), *_ = self._short.most_common(1)
        if len(self._short) > 1 and most > LOPSIDED * self._all:
            share = most / self._all
            message = (
                f"{share:.0%} of the answers are {label!r}: always saying that would look good; even them out"
            )
            yield 0, "TD065", message
        for label, count in self._short.items():
            if count < RARE:
                yield 0, "TD065", f"only {count} records are answered {label!r}; that is too few to learn it"

    def _median(self) -> int:
        half, seen = self._all / 2, 0
        for bucket in sorted(self._lengths):
            seen += self._lengths[bucket]
            if seen >= half:
                return max(1, bucket)
        return 1


def _bucket(tokens: int) -> int:
    """Lengths in steps of an eighth of their size: exact below 16."""
    if tokens < 16:
        return tokens
    step = 1 << (tokens.bit_length() - 4)
    return tokens // step * step
