"""TD062: personal data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunedrop.dataset.rules.texts.rule import TextRule

_NUMBERS: dict[str, re.Pattern[str]] = {
    "a US social security number": re.compile(
        r"(?<![\w.-])(?!000|666|9[0-9][0-9])[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w.-])"
    ),
    "an IBAN": re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?\b"),
}
_CARD = re.compile(
    r"(?<![\w.,+-])(?:[3-6][0-9]{11,18}|[3-6][0-9]{3}(?:[ -][0-9]{4}){2,3}(?:[ "
    r"-][0-9]{1,3})?|3[0-9]{3}[ -][0-9]{6}[ -][0-9]{5})"
    r"(?![\w%]|[.,][0-9]|-[0-9])"
)
"""Payment cards begin with 3 to 6; digits beside a point are those of a float."""

_ADDRESS = re.compile(r"@[\w-]{1,63}(?:\.[\w-]{2,63})+\b")
_NAME_BEFORE = re.compile(r"\w[.+-]{0,63}$")
"""An address is looked for from its @: a search for names would try every word of the text."""


class PersonalData(TextRule):
    """No personal data is in a text."""

    code = "TD062"
    expressions = (
        rb"@[A-Za-z0-9_-]+\.[A-Za-z0-9_-]",
        rb"[0-9]{3}-[0-9]{2}-[0-9]{4}",
        rb"[0-9]{12}",
        rb"[0-9]{4} [0-9]{4} [0-9]{4}",
        rb"[0-9]{4}-[0-9]{4}-[0-9]{4}",
        rb"[0-9]{4}[ -][0-9]{6}[ -][0-9]",
        rb"[A-Z]{2}[0-9]{2} ?[0-9A-Z]{4} ?[0-9A-Z]{4} ?[0-9A-Z]{4}",
    )

    def find(self, text: str, role: str) -> Iterator[str]:
        """Each kind, never the value."""
        if "@" in text and _has_address(text):
            yield "it looks like an email address (not shown here); a tuned model may repeat it"
        for name, pattern in _NUMBERS.items():
            if pattern.search(text):
                yield f"it looks like {name} (not shown here); a tuned model may repeat it"
        if any(_is_card(match[0]) for match in _CARD.finditer(text)):
            yield "it looks like a payment card number (not shown here); a tuned model may repeat it"


def _has_address(text: str) -> bool:
    places = (match.start() for match in _ADDRESS.finditer(text))
    return any(_NAME_BEFORE.search(text[max(0, place - 64) : place]) for place in places)


def _is_card(text: str) -> bool:
    """Whether the digits hold to the check digit of payment cards (Luhn, ISO/IEC 7812-1)."""
    digits = [int(one) for one in text if one.isdigit()]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
