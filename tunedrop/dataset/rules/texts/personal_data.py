"""TD062: personal data, one class per kind, each with its own signs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule, Texts

_ADDRESS = re.compile(r"@[\w-]{1,63}(?:\.[\w-]{2,63})+\b")
_NAME_BEFORE = re.compile(r"\w[.+-]{0,63}$")
"""Addresses are found by their @, because a search for names would try every word of the text."""

_SECURITY = re.compile(r"-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w.-])")
_AREA = re.compile(r"(?:^|[^\w.-])(?!000|666|9[0-9][0-9])[0-9]{3}$")
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?\b")
_CARD = re.compile(
    r"[0-9](?:[0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}(?:[ -]?[0-9]){0,7}|(?<=3)[0-9]{3}[ -][0-9]{6}[ -][0-9]{5})"
)
"""It begins with a digit, not with an alternative, so that `re` can skip to the next digit."""
_BESIDE_A_CARD = re.compile(r"[\w%]|[.,][0-9]|-[0-9]")
"""Digits next to a point belong to a float, those next to a letter to a name."""


def _found(kind: str) -> str:
    return f"it looks like {kind} (not shown here); a tuned model may repeat it"


class EmailAddresses(TextRule):
    """No text contains an email address."""

    code = "TD062"
    expressions = (rb"@[A-Za-z0-9_-]+\.[A-Za-z0-9_-]", rb"@[^\x00-\x7f]")
    signs = ("@",)

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first, never its value."""
        if any(map(_has_name, _ADDRESS.finditer(text))):
            yield _found("an email address")

    def find_in(self, texts: Texts) -> dict[int, list[str]]:
        """The first of each text."""
        wrong = [_found("an email address")]
        return {place: wrong for place, match in texts.matches(_ADDRESS) if _has_name(match)}


class SocialSecurityNumbers(TextRule):
    """No text contains a US social security number."""

    code = "TD062"
    expressions = (rb"[0-9]{3}-[0-9]{2}-[0-9]{4}",)
    signs = ("-",)

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first, never its value."""
        for match in _SECURITY.finditer(text):
            if _AREA.search(text[max(0, match.start() - 4) : match.start()]):
                yield _found("a US social security number")
                return


class Ibans(TextRule):
    """No IBAN is in a text."""

    code = "TD062"
    expressions = (rb"[A-Z]{2}[0-9]{2} ?[0-9A-Z]{4} ?[0-9A-Z]{4} ?[0-9A-Z]{4}",)

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first, never its value."""
        if _IBAN.search(text):
            yield _found("an IBAN")


class PaymentCards(TextRule):
    """No text contains the number of a payment card."""

    code = "TD062"
    expressions = (
        rb"[^0-9][0-9]{12}",
        rb"[0-9]{4} [0-9]{4} [0-9]{4}",
        rb"[0-9]{4}-[0-9]{4}-[0-9]{4}",
        rb"[0-9]{4}[ -][0-9]{6}[ -][0-9]",
    )

    def find(self, text: str, role: str) -> Iterator[str]:
        """The first, never its value."""
        if any(map(_is_card, _CARD.finditer(text))):
            yield _found("a payment card number")

    def find_in(self, texts: Texts) -> dict[int, list[str]]:
        """The first of each text."""
        wrong = [_found("a payment card number")]
        return {place: wrong for place, match in texts.matches(_CARD) if _is_card(match)}


def _has_name(address: re.Match[str]) -> bool:
    """Whether a name stands before an @."""
    text, start = address.string, address.start()
    return text[start - 1 : start].isalnum() or bool(_NAME_BEFORE.search(text[max(0, start - 64) : start]))


def _is_card(number: re.Match[str]) -> bool:
    """Whether 12 to 19 digits have the check digit of payment cards (Luhn, ISO/IEC 7812-1), and are not part
    of more."""
    digits = number[0].encode().translate(_VALUES, b" -")
    if (sum(digits) + sum(digits[-2::-2].translate(_DOUBLED))) % 10:
        return False
    if not 3 <= digits[0] <= 6 or not 12 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    text, (start, end) = number.string, number.span()
    before = text[start - 1] if start else " "
    return not (before.isalnum() or before in ".,+-_" or _BESIDE_A_CARD.match(text, end))


_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(bytes(range(10)), bytes([0, 1, 2, 3, 4, 6, 7, 8, 9, 0]))
"""The digit sum of a doubled digit."""
