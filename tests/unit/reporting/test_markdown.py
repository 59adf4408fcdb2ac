"""Markdown of other people's texts, as a reader of CommonMark that is not ours renders it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests import builders
from tunedrop.contracts import Ending, Promotion, S3Object
from tunedrop.formatting import markdown
from tunedrop.reporting import model_card, summary
from tunedrop.stage import Stage

HOSTILE = "[x](https://a.example) ![y](https://a.example/y.png) <https://b.example> <img src=z> `` `<b>"
TEXTS = st.text(st.sampled_from("[]()<>!`*_\\\n ax:/.#&"), max_size=40)


def rendered(text: str) -> str:
    return MarkdownIt().render(text)


@given(TEXTS)
def test_a_value_stays_itself(text: str) -> None:
    shown = re.fullmatch(r"<p>(.*)</p>\n", rendered(f"x{markdown.inline(text)}x"), re.DOTALL)

    assert shown is not None
    assert "<" not in shown[1].replace("<br />", "")


@given(TEXTS.filter(str.strip).map(lambda text: text.replace("\n", "")))
def test_code_is_code_to_its_end(text: str) -> None:
    shown = re.fullmatch(r"<p>a <code>(.*)</code> b</p>\n", rendered(f"a {markdown.code(text)} b"))

    assert shown is not None
    assert html.unescape(shown[1]).strip() == text.strip()


@pytest.mark.parametrize("write", [summary.markdown, model_card.markdown])
def test_no_name_file_or_word_of_an_answer_makes_a_link_or_an_image(
    write: Callable[[Stage, Ending], str],
) -> None:
    test = S3Object(bucket="intake", key=f"runs/{HOSTILE}/test.jsonl")
    promotion = Promotion(
        alias="/tunedrop/test/models/x", model_arn=builders.MODEL_ARN, previous_model_arn=builders.MODEL_ARN
    )
    inconclusive = builders.evaluation(verdict="inconclusive", reason=f"it says {HOSTILE}", needed=80)
    run = msgspec.structs.replace(builders.run(name=HOSTILE), test=test)
    for ending in (
        Ending(run=run, dataset=builders.dataset(), job=builders.job(), evaluation=inconclusive),
        Ending(
            run=run,
            dataset=builders.dataset(),
            job=builders.job(),
            evaluation=builders.evaluation(),
            promotion=promotion,
        ),
    ):
        _, _, body = write(builders.stage(), ending).rpartition("---\n")
        page = rendered(body)

        assert not re.search(r"<(a|img|b)\b", page)
