"""What other checkers let pass, or choke on, and what ours says: the side-by-side matrix (November 2026).

120 good rows, row 61 (or the file) altered. The ids name who is wrong: N, AWS's Nova validator; F, the Forge
SDK; L, AWS's Llama validator; S, SageMaker's detector; T, Together's; H, AWS's Haiku validator; Y, Foundry's.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tunedrop import catalog
from tunedrop.dataset.check.check import Report, check

NOVA = "amazon.nova-lite-v1:0:300k"
NOVA_2 = "amazon.nova-2-lite-v1:0:256k"
LLAMA_3_1 = "meta.llama3-1-8b-instruct-v1:0:128k"
LLAMA_3_3 = "meta.llama3-3-70b-instruct-v1:0:128k"
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0:200k"


def blocks(*texts: str) -> list[dict[str, str]]:
    return [{"text": text} for text in texts]


def converse(number: int = 0, **changes: Any) -> dict[str, Any]:
    word = "".join(chr(ord("a") + int(digit)) for digit in f"{number:06}")
    messages = [
        {"role": "user", "content": blocks(f"What does {word} mean?")},
        {"role": "assistant", "content": blocks(f"The word {word} has a meaning.")},
    ]
    return {"schemaVersion": "bedrock-conversation-2024", "messages": messages, **changes}


def pair(number: int = 0, **changes: Any) -> dict[str, Any]:
    messages = converse(number)["messages"]
    asked, said = (message["content"][0]["text"] for message in messages)
    return {"prompt": asked, "completion": said, **changes}


def chat(number: int = 0, **changes: Any) -> dict[str, Any]:
    messages = converse(number)["messages"]
    plain = [{"role": one["role"], "content": one["content"][0]["text"]} for one in messages]
    return {"messages": plain, **changes}


def said(*turns: tuple[str, Any]) -> dict[str, Any]:
    return converse(messages=[{"role": role, "content": content} for role, content in turns])


def seen(media: dict[str, Any], role: str = "user") -> dict[str, Any]:
    content = {"user": blocks("What is here?"), "assistant": blocks("A cat.")}
    content[role] = [*content[role], media]
    return said(("user", content["user"]), ("assistant", content["assistant"]))


def image(uri: str = "s3://data/cat.png", format_: str = "png") -> dict[str, Any]:
    return {"image": {"format": format_, "source": {"s3Location": {"uri": uri}}}}


def lines(make: Any, row_61: Any = None, count: int = 120) -> bytes:
    rows = [json.dumps(make(number)).encode() for number in range(count)]
    if row_61 is not None:
        rows[60] = row_61 if isinstance(row_61, bytes) else json.dumps(row_61).encode()
    return b"".join(row + b"\n" for row in rows)


def judged(body: bytes, model: str) -> Report:
    return check({"train": [body]}, {"train": "train.jsonl"}, catalog.find(model))


def errors(report: Report) -> set[tuple[int, str]]:
    return {(one.line, one.code) for one in report.errors}


def warnings(report: Report) -> set[tuple[int, str]]:
    return {(one.line, one.code) for one in report.warnings}


@pytest.mark.parametrize(
    ("make", "model"), [(converse, NOVA), (converse, LLAMA_3_3), (pair, LLAMA_3_1), (chat, HAIKU)]
)
def test_120_good_rows_are_good(make: Any, model: str) -> None:
    report = judged(lines(make), model)

    assert (report.errors, report.warnings, report.records) == ((), (), 120)


FILES = {
    "empty file (F, L accept)": (b"", NOVA, {(0, "TD006")}),
    "7 rows (F, L, S accept)": (lines(converse, count=7), NOVA, {(0, "TD040")}),
    "199 rows for Nova 2": (lines(converse, count=199), NOVA_2, {(0, "TD040")}),
    "20,001 rows (F, S accept)": (lines(converse, count=20_001), NOVA, {(0, "TD040")}),
    "byte-order mark (others end there)": (b"\xef\xbb\xbf" + lines(converse), NOVA, {(1, "TD002")}),
    "one JSON array instead of JSONL": (
        json.dumps([converse(n) for n in range(120)]).encode(),
        NOVA,
        {(1, "TD005")},
    ),
    "120 identical rows (all accept)": (lines(lambda _: converse()), NOVA, {(0, "TD054")}),
    "one prompt with 120 answers is a warning (all accept)": (
        lines(lambda number: pair(number, prompt="What?")),
        LLAMA_3_1,
        set(),
    ),
    "one row of a prompt and completion (L, T accept)": (lines(pair, count=1), LLAMA_3_1, {(0, "TD040")}),
    "empty file of pairs (L accepts)": (b"", LLAMA_3_1, {(0, "TD006")}),
    "31 chat rows (T, Y, S accept)": (lines(chat, count=31), HAIKU, {(0, "TD040")}),
}


@pytest.mark.parametrize(("body", "model", "expected"), FILES.values(), ids=FILES.keys())
def test_a_whole_file_that_is_wrong(body: bytes, model: str, expected: set[tuple[int, str]]) -> None:
    assert errors(judged(body, model)) == expected


ASKED = ("user", blocks("What?"))
ANSWERED = ("assistant", blocks("That is what it is."))
CONVERSE = {
    "not JSON (N: traceback, F and L name no row, S accepts)": (b"{broken", "TD001"),
    "a list (S accepts)": ([1], "TD001"),
    "an empty object (S accepts)": ({}, "TD010"),
    "a blank line (F accepts)": (b"", "TD003"),
    "schemaVersion missing (N, L, S accept)": ({"messages": converse()["messages"]}, "TD018"),
    "content a plain string (S accepts)": (said(("user", "What?"), ("assistant", "That.")), "TD012"),
    "empty messages (S accepts)": (converse(messages=[]), "TD012"),
    "starts with the assistant (L, S accept)": (said(ANSWERED, ASKED), "TD020"),
    "user, user (L, S accept)": (said(ASKED, ASKED), "TD020"),
    "ends with the user (L, S accept)": (said(ASKED, ANSWERED, ASKED), "TD020"),
    "role User (S accepts)": (said(("User", blocks("What?")), ANSWERED), "TD023"),
    "role system inside messages (S accepts)": (said(("system", blocks("Be."))), "TD023"),
    "empty user text (L, S accept)": (said(("user", blocks("")), ANSWERED), "TD021"),
    "whitespace-only answer (all accept)": (said(ASKED, ("assistant", blocks(" \n"))), "TD021"),
    "content an empty list (N, F, S accept)": (said(ASKED, ("assistant", [])), "TD012"),
    "reserved word User: (N, L, S accept)": (said(("user", blocks("User: hi")), ANSWERED), "TD030"),
    "reserved word [EOS] (newest N, too)": (said(("user", blocks("an [EOS]")), ANSWERED), "TD030"),
    "reserved word <image> (N, L, S accept)": (said(("user", blocks("<image> b")), ANSWERED), "TD030"),
    "400,000 characters (all accept)": (said(ASKED, ("assistant", blocks("x" * 400_000))), "TD031"),
    "image in the assistant's turn (S accepts)": (seen(image(), "assistant"), "TD022"),
    "image format bmp (L, S accept)": (seen(image(format_="bmp")), "TD070"),
    "https:// image URI (S accepts)": (seen(image("https://data/cat.png")), "TD073"),
    "space in a media URI (L, S accept)": (seen(image("s3://data/a cat.png")), "TD073"),
    "an OpenAI row (S accepts)": (chat(), "TD010"),
    "a prompt/completion row (S accepts)": (pair(), "TD010"),
}


@pytest.mark.parametrize(("row", "code"), CONVERSE.values(), ids=CONVERSE.keys())
def test_a_converse_row_that_is_wrong(row: Any, code: str) -> None:
    report = judged(lines(converse, row), NOVA)

    assert errors(report) == {(61, code)}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        pytest.param(converse(schemaVersion="tooluse-dataset-2024"), "TD013", id="schemaVersion wrong"),
        pytest.param(converse(topic="law"), "TD014", id="unknown key (N, L, S accept silently)"),
        pytest.param(
            said(("user", blocks("Thought: hm")), ANSWERED), "TD034", id="Thought: (newest N misses it)"
        ),
        pytest.param(said(ASKED, ("assistant", blocks("[EOS]"))), "TD034", id="[EOS] answered"),
    ],
)
def test_a_converse_row_that_sources_disagree_about_is_a_warning(row: Any, code: str) -> None:
    report = judged(lines(converse, row), NOVA)

    assert report.valid
    assert (61, code) in warnings(report)


@pytest.mark.parametrize(
    "words", ["operating system: Linux", "the end-user: me", "a robot: R2", "A user: me"]
)
def test_words_that_the_newest_validator_takes_for_reserved_ones_pass(words: str) -> None:
    report = judged(lines(converse, said(("user", blocks(words)), ANSWERED)), NOVA)

    assert (report.errors, report.warnings) == ((), ())


def test_a_converse_row_without_schema_version_is_a_warning_where_sources_disagree() -> None:
    report = judged(lines(converse, {"messages": converse(60)["messages"]}), LLAMA_3_3)

    assert report.valid
    assert warnings(report) == {(61, "TD013")}


def test_a_conversation_that_ends_with_the_user_is_fine_for_distillation() -> None:
    body = lines(converse, said(ASKED, ANSWERED, ASKED))

    assert check({"train": [body]}, {"train": "t.jsonl"}, catalog.find(NOVA), "distillation").valid


PAIRS = {
    "missing completion (S accepts)": ({"prompt": "What?"}, "TD011"),
    "completion that is no text (S accepts)": (pair(completion=5), "TD012"),
    "empty completion (all accept)": (pair(completion=""), "TD021"),
    "blank line (S accepts)": (b"", "TD003"),
    "a byte that is not UTF-8 (L, S: traceback)": (b'{"prompt": "\xff", "completion": "b"}', "TD002"),
    "a key that is there twice (all accept)": (b'{"prompt": "a", "prompt": "b", "completion": "c"}', "TD004"),
    "NaN (L, S accept)": (b'{"prompt": "a", "completion": "b", "score": NaN}', "TD001"),
}


@pytest.mark.parametrize(("row", "code"), PAIRS.values(), ids=PAIRS.keys())
def test_a_row_of_prompt_and_completion_that_is_wrong(row: Any, code: str) -> None:
    assert errors(judged(lines(pair, row), LLAMA_3_1)) == {(61, code)}


def test_the_message_of_a_bad_byte_names_the_byte() -> None:
    report = judged(lines(pair, b'{"prompt": "\xff", "completion": "b"}'), LLAMA_3_1)

    assert "byte 13" in report.errors[0].message


def test_an_extra_column_is_a_warning() -> None:
    report = judged(lines(pair, pair(60, topic="law")), LLAMA_3_1)

    assert report.valid
    assert warnings(report) == {(61, "TD014")}


def test_windows_line_ends_pass() -> None:
    assert judged(lines(pair).replace(b"\n", b"\r\n"), LLAMA_3_1).valid


def chatted(*turns: Any) -> dict[str, Any]:
    return {"messages": list(turns)}


U, A = {"role": "user", "content": "What?"}, {"role": "assistant", "content": "That."}
CHATS = {
    "missing messages (H crashes)": ({"system": "Be brief."}, "TD010"),
    "row is a list (H crashes)": ([U, A], "TD001"),
    "messages an object (H crashes)": ({"messages": U}, "TD010"),
    "a message that is a text (H crashes)": (chatted(U, "That."), "TD012"),
    "content null (H crashes, Y accepts)": (chatted(U, {"role": "assistant", "content": None}), "TD012"),
    "assistant first (T, Y, S accept)": (chatted(A, U), "TD020"),
    "a reserved word (T, Y, S accept)": (chatted({"role": "user", "content": "a\nHuman: b"}, A), "TD030"),
    "400,000 characters (T, S accept)": (
        chatted(U, {"role": "assistant", "content": "x" * 400_000}),
        "TD031",
    ),
}


@pytest.mark.parametrize(("row", "code"), CHATS.values(), ids=CHATS.keys())
def test_a_chat_row_that_is_wrong(row: Any, code: str) -> None:
    assert (61, code) in errors(judged(lines(chat, row), HAIKU))


def test_empty_content_in_both_turns_is_found_in_both() -> None:
    row = chatted(U | {"content": ""}, A | {"content": ""})

    report = judged(lines(chat, row), HAIKU)

    assert [(one.path, one.code) for one in report.errors] == [
        ("$.messages[0].content", "TD021"),
        ("$.messages[1].content", "TD021"),
    ]
