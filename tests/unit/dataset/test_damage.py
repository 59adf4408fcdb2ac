"""Damage inside texts: each kind is found, raw and escaped; ordinary texts are left in peace."""

# ruff: noqa: RUF001 - what is damaged looks like other characters

from __future__ import annotations

import json

import pytest

from tunedrop.dataset.check.check import check

DAMAGED = {
    "UTF-8 read as Windows-1252": ("Was ist fÃ¼r den CafÃ©-Besuch nÃ¶tig?", "TD066"),
    "quotes read as Windows-1252": ("It was â€œfineâ€\x9d, she said", "TD066"),
    "a degree sign": ("Bake at 180 Â°C", "TD066"),
    "a space that does not break": ("PriceÂ\u00a0list", "TD066"),
    "an emoji": ("Thanks ðŸ˜€", "TD066"),
    "Cyrillic read as Latin": ("ÐŸÑ€Ð¸Ð²ÐµÑ‚ Ð²ÑÐµÐ¼", "TD066"),
    "Cyrillic read as Windows-1251": ("РџСЂРёРІРµС‚, как дела", "TD066"),
    "a letter that was lost": ("Caf\ufffd au lait", "TD066"),
    "UTF-8 read as an encoding of DOS": ("f├╝r den sch├╢nen Tag", "TD066"),
    "quotes read as an encoding of DOS": ("It was \u0393\u00c7\u00a3fine", "TD066"),
    "letters that became question marks": ("?????? ???????, ??? ????", "TD066"),
    "a formula that failed": ("#REF!", "TD067"),
    "no value": ("#N/A", "TD067"),
    "a missing value of pandas": ("nan", "TD067"),
    "an object of JavaScript": ("[object Object]", "TD067"),
    "line ends escaped twice": ("First.\\nSecond.\\n\\nThird.", "TD068"),
    "letters escaped twice": ("caf\\u00e9 au lait", "TD068"),
    "quotes escaped twice": ('She said \\"no\\" to it', "TD068"),
    "entities": ("Tom &amp; Jerry &lt;3", "TD069"),
    "spaces of HTML": ("one&nbsp;two", "TD069"),
    "tags": ("<p>One</p><br>", "TD069"),
    "a link": ('see <a href="x">here</a>', "TD069"),
    "NUL": ("one\x00two", "TD084"),
    "an escape sequence": ("\x1b[31mred\x1b[0m", "TD084"),
    "a return of a spreadsheet": ("one_x000D_two", "TD084"),
    "a turn of direction": ("a\u202eb", "TD084"),
    "the end of a Llama": ("It is a claim.</s>", "TD085"),
    "the end of GPT-3": ("It is a claim. END", "TD085"),
    "a turn of Gemma": ("<start_of_turn>user hi", "TD085"),
    "a transcript": ("User: hi\nAssistant: hello", "TD086"),
    "a speaker in capitals": ("then the SYSTEM: is up", "TD086"),
}
FINE = [
    "Ordinary text: with a colon, a note - and 3:1.",
    "NÃO É–SIM, MENÜ–KARTE, „BÖ”, À bientôt, naïve café, señor",
    "Привет, как дела? РАССКАЖИ о России.",
    "你好世界。退款需要3天。",
    "Bake at 180 °C for £5 – or «more»",
    "The path C:\\new\\table and \\\\server\\share",
    "The gradient \\nabla f and \\frac{1}{2} \\text{or} $\\theta$",
    "Use `<br>` or &lt; in your page:\n```html\n<p>&nbsp;</p>\n```",
    "The regex \\n matches a line end in Python",
    "if a < b and b > c then a <b> is less",
    "AT&T and R&D; Q&A",
    "Chapter #3 and the END of the story. THE END.",
    "An arrow -> points right",
    "What??? No way ?? Are you sure???",
    "┌──┬──┐\n├──┼──┤\n│ a│ b│",
    "My user: field is a name",
    "The operating system: Linux",
    "nan is a grandmother; None of them came",
    "👩\u200d👩\u200d👧 family, ﷽, नमस्ते, ไทย, \u200f",
]


def codes(text: str, *, escaped: bool) -> set[str]:
    record = {"prompt": "what is it?", "completion": text}
    body = json.dumps(record, ensure_ascii=escaped).encode() + b"\n"
    report = check({"train": [body]}, {"train": "train.jsonl"})
    return {one.code for one in report.warnings + report.errors}


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("kind", DAMAGED)
def test_damage_is_found(kind: str, escaped: bool) -> None:
    text, code = DAMAGED[kind]

    assert code in codes(text, escaped=escaped)


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("text", FINE)
def test_ordinary_text_is_left_in_peace(text: str, escaped: bool) -> None:
    assert codes(text, escaped=escaped) == set()


@pytest.mark.parametrize("escaped", [False, True])
def test_a_question_and_its_answer_inside_a_text_are_told_and_a_question_alone_is_not(escaped: bool) -> None:
    told = "table: bees\ncolumns: name, weight\nQ: Who weighs most?\nA: SELECT name FROM bees"
    fine = "An essay.\nQ: this letter is rare. And it has no answer in this text."
    body = "".join(json.dumps({"text": text}, ensure_ascii=escaped) + "\n" for text in (fine, told)).encode()

    report = check({"train": [body]}, {"train": "train.jsonl"})

    assert [(one.line, one.code) for one in report.warnings] == [(2, "TD086")]
