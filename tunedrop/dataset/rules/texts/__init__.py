"""The rules for texts, one class per file; `prefilter` determines which lines may violate which rules."""

from __future__ import annotations

from tunedrop.dataset.rules.texts.control_characters import ControlCharacters
from tunedrop.dataset.rules.texts.likely_secrets import LikelySecrets
from tunedrop.dataset.rules.texts.literal_escapes import LiteralEscapes
from tunedrop.dataset.rules.texts.markup import Markup
from tunedrop.dataset.rules.texts.personal_data import (
    EmailAddresses,
    Ibans,
    PaymentCards,
    SocialSecurityNumbers,
)
from tunedrop.dataset.rules.texts.role_words import RoleWords
from tunedrop.dataset.rules.texts.rule import TextRule
from tunedrop.dataset.rules.texts.spreadsheet_errors import SpreadsheetErrors
from tunedrop.dataset.rules.texts.stop_marks import StopMarks
from tunedrop.dataset.rules.texts.template_leftovers import TemplateLeftovers
from tunedrop.dataset.rules.texts.wrong_decoding import WrongDecoding

__all__ = ["RULES", "TextRule"]

RULES: tuple[TextRule, ...] = (
    TemplateLeftovers(),
    LikelySecrets(),
    EmailAddresses(),
    SocialSecurityNumbers(),
    Ibans(),
    PaymentCards(),
    WrongDecoding(),
    SpreadsheetErrors(),
    LiteralEscapes(),
    Markup(),
    ControlCharacters(),
    StopMarks(),
    RoleWords(),
)
