"""The most tokens that a text may have, against counts of public tokenizers.

Counted on 2026-11-30 with npm's llama3-tokenizer-js 1.2.0, gpt-tokenizer 4.0.0 (o200k) and llama-tokenizer-js
(Llama 2, which writes every digit as a token of its own). Amazon publishes no tokenizer for Nova.
"""

from __future__ import annotations

import math

import pytest

from tunedrop.cost.lines import estimated
from tunedrop.dataset.rules.record import dense_in, tokens_of

NUMBERS = "\n".join(f"{one:04}.{one * 7919 % 1000:03},{one * 104729 % 100000}" for one in range(300))
EMOJI = "".join(chr(0x1F300 + one * 37 % 700) for one in range(500))
CUNEIFORM = "".join(chr(0x12000 + one) for one in range(200))
PRIVATE = "".join(chr(0xE000 + one) for one in range(200))
AMHARIC = "ሰላም ለሁላችሁም እንዴት ናችሁ ዛሬ የአየር ሁኔታው በጣም ጥሩ ነው። " * 20
ARMENIAN = "Այսօր եղանակը շատ լավն է և մենք դուրս կգանք։ " * 20  # noqa: RUF001
CHEROKEE = "ᎣᏏᏲ ᏙᎯᏧ ᎦᏙ ᎤᏍᏗ ᏕᏣᏙᎠ " * 20
GEORGIAN = "დღეს ამინდი ძალიან კარგია და გარეთ გავალთ. " * 20
HEBREW = "מזג האוויר היום טוב מאוד ואנחנו נצא החוצה. " * 20
BURMESE = "မင်္ဂလာပါ ဒီနေ့ ရာသီဥတု အရမ်းကောင်းပါတယ်။ " * 20

COUNTED = {
    NUMBERS: (2396, 2396, 4462),
    EMOJI: (1439, 1078, 2000),
    CUNEIFORM: (793, 798, 800),
    PRIVATE: (593, 534, 600),
    AMHARIC: (2021, 1560, 2240),
    ARMENIAN: (1420, 321, 1000),
    CHEROKEE: (901, 1000, 1000),
    GEORGIAN: (1560, 282, 900),
    HEBREW: (821, 302, 860),
    BURMESE: (1620, 441, 1360),
}


@pytest.mark.parametrize("text", COUNTED, ids=lambda text: text[:6])
def test_numbers_emoji_and_rare_scripts_have_no_more_tokens_than_estimated_at_most(text: str) -> None:
    likely, counted = tokens_of(len(text.encode())), max(COUNTED[text])

    assert estimated(likely, dense_in(text)).high >= counted > estimated(likely).high


def test_ordinary_text_has_hardly_more_than_twice_as_many_at_most() -> None:
    text = "Der Anschluss steht auf Leitung 4711; bitte starten Sie den Router neu. " * 20
    likely = tokens_of(len(text.encode()))

    assert 2.1 * likely < estimated(likely, dense_in(text)).high < 2.6 * likely


def test_what_may_be_a_token_each_counts_once() -> None:
    assert math.isclose(estimated(10, 12).high, 8 * 2.1 + 12)
    assert (estimated(10, 12).low, estimated(10, 12).likely) == (8, 10)
    assert estimated(1, 600).high == 600  # records are rounded
