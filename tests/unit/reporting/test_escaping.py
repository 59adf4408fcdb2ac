"""What is somebody else's text does nothing to a terminal, a mail, a chat, a log or a page."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.attacks import ATTACKS
from tests import builders
from tunedrop import escaping
from tunedrop.cli import output
from tunedrop.cli.app import app
from tunedrop.cli.failures import Failed, Format, print_failure
from tunedrop.contracts import Ending, Failure
from tunedrop.reporting import chat, notification

EVIL = "evil\x1b[2J\x9b31m\u202egpj.exe\u2066\r\x07\u2028Approved by: the boss"
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
TEXTS = st.text() | st.sampled_from([*ATTACKS, EVIL])


@given(TEXTS)
def test_a_line_stays_a_line_and_lines_keep_their_breaks(text: str) -> None:
    assert not HARMFUL.search(escaping.lines(text))
    assert len(escaping.line(text).splitlines()) <= 1
    assert escaping.lines(text).count("\n") == text.count("\n")
    assert escaping.line(escaping.line(text)) == escaping.line(text)


@pytest.mark.parametrize("text", ["Grüße, 客服 مساعد 🦄", "می‌خواهم", "👩‍💻", "a\u00a0b"])
def test_no_script_is_harmed(text: str) -> None:
    assert escaping.line(text) == text


@given(TEXTS.filter(lambda text: not re.search("[\ud800-\udfff]", text)))
def test_a_json_document_stays_the_same_document(text: str) -> None:
    document = escaping.json(msgspec.json.encode({text: text}).decode())

    assert json.loads(document) == {text: text}
    assert not HARMFUL.search(document)


def printed(what: Any, **options: Any) -> str:
    console = output.Output()
    console.file = io.StringIO()
    console.print(what, **options)
    return console.file.getvalue()


@pytest.mark.parametrize("soft_wrap", [True, False])
def test_nothing_that_is_printed_reaches_the_terminal_raw(soft_wrap: bool) -> None:
    table = Table()
    table.add_column(EVIL)
    table.add_row(Text(EVIL))
    for what in (EVIL, Text(EVIL), Panel(EVIL, title=EVIL), table):
        assert not HARMFUL.search(printed(what, soft_wrap=soft_wrap))


@pytest.mark.parametrize("format_", list(Format))
def test_nothing_of_a_failure_reaches_the_terminal_raw(
    format_: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of somebody else's folder that cannot be read is named."""
    print_failure(Failed(f"there is no file {EVIL}", 1, f"Check: {EVIL}"), format_)

    assert not HARMFUL.search(capsys.readouterr().err)


def test_no_wrong_use_reaches_the_terminal_raw(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app(["check", f"--{EVIL}"])

    assert not HARMFUL.search(capsys.readouterr().err)


def test_a_mail_and_a_chat_show_what_was_uploaded_and_obey_nothing() -> None:
    run = builders.run(uploaded_by=EVIL)
    ending = Ending(run=run, failure=Failure(error="InvalidManifest", cause=EVIL))
    stage = builders.stage(chat_topic_arn="arn")

    assert not HARMFUL.search(notification.text(stage, ending))
    assert not HARMFUL.search(notification.subject(ending))
    content = chat.message(stage, ending)["content"]
    assert not HARMFUL.search("".join([content["title"], content["description"], *content["nextSteps"]]))
