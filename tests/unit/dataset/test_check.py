"""Every rule with records that pass and records that fail; the cases of other checkers' mistakes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import builders
from tunedrop import catalog
from tunedrop.dataset.check.check import Report, check

SCHEMA = "bedrock-conversation-2024"
PNG = {"format": "png", "source": {"s3Location": {"uri": "s3://data/one.png"}}}


def pair(number: int, **changes: Any) -> dict[str, Any]:
    return {"prompt": f"question {number}", "completion": f"an answer to {number}", **changes}


def turn(number: int, *roles: str, **changes: Any) -> dict[str, Any]:
    messages = [
        {"role": role, "content": [{"text": f"{role} says {number}.{index}"}]}
        for index, role in enumerate(roles or ("user", "assistant"))
    ]
    return {"schemaVersion": SCHEMA, "messages": messages, **changes}


def jsonl(records: list[Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def checked(train: bytes, base_model: str | None = builders.LLAMA_3_3, **others: bytes) -> Report:
    sources: Any = {"train": [train]} | {split: [body] for split, body in others.items()}
    names: Any = {split: f"{split}.jsonl" for split in sources}
    return check(sources, names, catalog.find(base_model) if base_model else None)


def codes(report: Report) -> list[tuple[int, str]]:
    return [(one.line, one.code) for one in report.errors]


def with_line_61(record: Any, make: Any = turn) -> bytes:
    records = [make(number) for number in range(120)]
    records[60] = record
    return jsonl(records)


@pytest.mark.parametrize(
    ("records", "method", "format_"),
    [
        ([pair(n) for n in range(120)], "instruction", "prompt-completion"),
        ([turn(n) for n in range(120)], "single-turn", "converse"),
        ([turn(n, "user", "assistant", "user", "assistant") for n in range(120)], "multi-turn", "converse"),
        (
            [
                {"messages": [{"role": r, "content": f"{r} {n}"} for r in ("system", "user", "assistant")]}
                for n in range(120)
            ],
            "single-turn",
            "openai-chat",
        ),
        (
            [{"instruction": f"do {n}", "input": "", "output": f"done {n}"} for n in range(120)],
            "instruction",
            "alpaca",
        ),
    ],
)
def test_good_records_are_valid_and_their_method_is_inferred(
    records: list[Any], method: str, format_: str
) -> None:
    report = checked(jsonl(records))

    assert report.errors == ()
    assert report.valid
    assert (report.method, report.format, report.records) == (method, format_, 120)


def test_unlabelled_text_is_for_continued_pretraining() -> None:
    report = checked(
        jsonl([{"input": f"a passage {n}"} for n in range(5)]), "amazon.titan-text-express-v1:0:8k"
    )

    assert report.valid
    assert report.method == "continued-pretraining"


@pytest.mark.parametrize(
    ("record", "code", "message"),
    [
        ([1, 2], "TD001", "not a list"),
        ({}, "TD010", "unknown format"),
        (turn(1, system="be nice"), "TD012", "system must be a list"),
        ({"schemaVersion": SCHEMA, "messages": []}, "TD012", "list of messages"),
        (turn(1, "assistant", "user"), "TD020", "expected user"),
        (turn(1, "user", "user"), "TD020", "expected assistant"),
        (turn(1, "user", "assistant", "user"), "TD020", "must end with the assistant"),
        (turn(1, "User", "assistant"), "TD023", "role is User"),
        (
            turn(1, messages=[{"role": "user", "content": [{"text": " "}]}, turn(1)["messages"][1]]),
            "TD021",
            "text is empty",
        ),
        (
            turn(1, messages=[turn(1)["messages"][0], {"role": "assistant", "content": []}]),
            "TD012",
            "content must be a list",
        ),
        (
            turn(1, messages=[turn(1)["messages"][0], {"role": "assistant", "content": [{"image": PNG}]}]),
            "TD022",
            "answer only in text",
        ),
        (pair(1), "TD010", "a prompt-completion record in a converse dataset"),
        (
            {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]},
            "TD010",
            "an openai-chat record in a converse dataset",
        ),
        (
            turn(
                1,
                messages=[
                    turn(1)["messages"][0],
                    {"role": "assistant", "content": [{"text": "x" * 400_000}]},
                ],
            ),
            "TD031",
            "takes 16,000 a record",
        ),
    ],
)
def test_a_bad_record_is_found_with_its_line_and_rule(record: Any, code: str, message: str) -> None:
    report = checked(with_line_61(record))

    assert not report.valid
    assert codes(report) == [(61, code)]
    assert message in report.errors[0].message


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"prompt": "only"}, "TD011"),
        (pair(1, completion=5), "TD012"),
        (pair(1, completion="  \n"), "TD021"),
    ],
)
def test_a_bad_pair_is_found_with_its_line_and_rule(record: Any, code: str) -> None:
    assert codes(checked(with_line_61(record, pair), builders.LLAMA_3_1)) == [(61, code)]


def test_every_bad_record_is_found_not_only_the_first() -> None:
    records = [pair(n) for n in range(120)]
    for number in (3, 60, 119):
        records[number] = {"prompt": "only"}

    assert [line for line, _ in codes(checked(jsonl(records), builders.LLAMA_3_1))] == [4, 61, 120]


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        (b"{broken\n", "TD001", "not valid JSON"),
        (b"\n", "TD003", "blank"),
        (b'{"prompt": "a", "prompt": "b", "completion": "c"}\n', "TD004", "the key prompt is duplicated"),
        (b'{"prompt": NaN, "completion": "c"}\n', "TD001", "write null or a number"),
        (b'{"prompt": "\xff", "completion": "c"}\n', "TD002", "is not UTF-8"),
        (b"[" * 100_000 + b"\n", "TD001", "not valid JSON"),
        (b"{\n", "TD005", "several lines"),
        (b'{"prompt": "a"}\r{"prompt": "b"}\n', "TD001", "carriage returns only"),
        (b'{"prompt": "a"}{"prompt": "b"}\n', "TD001", "the line contains more than one object"),
        (b'{"prompt": "a", "completion": "b"}\0\n', "TD001", "NUL bytes"),
        (b"{'prompt': 'a', 'completion': 'b'}\n", "TD001", "single quotes, as in Python"),
        (b"What is a lien?\n", "TD001", "which begins with {"),
    ],
)
def test_a_line_that_is_not_a_record_is_described(raw: bytes, code: str, message: str) -> None:
    good = [json.dumps(pair(n)).encode() + b"\n" for n in range(120)]

    report = checked(b"".join([*good[:60], raw, *good[60:]]), builders.LLAMA_3_1)

    assert codes(report) == [(61, code)]
    assert message in report.errors[0].message


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the file is empty"),
        (b"\x1f\x8b\x08rest", "compressed with gzip"),
        (b"PAR1rest", "Parquet"),
        (b'[{"prompt": "a"}]', "JSON array"),
        (b"\xff\xfea\x00", "UTF-16"),
        ('{"prompt": "a"}'.encode("utf-16-le"), "UTF-16"),
        ('{"prompt": "a"}'.encode("utf-16-be"), "UTF-16"),
        ('{"prompt": "a"}'.encode("utf-32"), "UTF-32"),
        (jsonl([pair(n) for n in range(9)]).replace(b"\n", b"\r"), "carriage returns only"),
        (b"question,answer\nWhy?,So.\n", "table"),
        (b"question;answer\nWhy?;So.\n", "table"),
        (b'"question","answer"\n"Why?","So."\n', "table"),
        (b"<!DOCTYPE html>\n<html></html>\n", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "git lfs pull"),
        (b"\xef\xbb\xbf" + jsonl([pair(1)]), "byte-order mark"),
    ],
)
def test_a_file_of_another_kind_gets_its_own_answer(raw: bytes, message: str) -> None:
    assert any(message in one.message for one in checked(raw, None).errors)


def test_windows_line_ends_are_fine() -> None:
    body = jsonl([pair(n) for n in range(120)]).replace(b"\n", b"\r\n")

    assert checked(body, builders.LLAMA_3_1).valid


def test_the_base_models_own_numbers_are_checked() -> None:
    report = checked(jsonl([turn(n) for n in range(99)]))

    assert [one.code for one in report.errors] == ["TD040"]
    assert "at least 100" in report.errors[0].message


def test_a_reserved_word_in_a_prompt_is_an_error_where_the_model_reserves_it() -> None:
    record = turn(1)
    record["messages"][0]["content"][0]["text"] = "say [EOS] now"

    assert codes(checked(with_line_61(record), "amazon.nova-lite-v1:0:300k")) == [(61, "TD030")]
    assert checked(with_line_61(record)).valid


def test_a_method_that_the_model_does_not_take_is_named() -> None:
    report = checked(jsonl([{"input": f"passage {n}"} for n in range(120)]))

    assert [one.code for one in report.errors] == ["TD042"]


def test_duplicates_and_contradictions_are_warnings() -> None:
    records = [pair(n) for n in range(120)]
    records += [pair(3), pair(4, completion="something else"), pair(5, prompt=" question 5")]

    report = checked(jsonl(records), builders.LLAMA_3_1)

    assert report.valid
    assert report.duplicates == 2
    assert sorted(one.code for one in report.warnings) == ["TD050", "TD050", "TD051"]


def test_what_is_trained_on_cannot_be_held_out() -> None:
    report = checked(jsonl([pair(n) for n in range(120)]), builders.LLAMA_3_1, test=jsonl([pair(7)]))

    assert [(one.file, one.line, one.code) for one in report.errors] == [("test.jsonl", 1, "TD052")]


def test_what_is_shown_of_a_value_is_short_and_printable() -> None:
    record = turn(1, system="\x1b[31m" + "x" * 500)

    message = checked(with_line_61(record)).errors[0].message

    assert "\x1b" not in message
    assert len(message) < 200


@given(chunks=st.lists(st.binary(max_size=200), max_size=8))
def test_any_bytes_are_judged_but_never_crash(chunks: list[bytes]) -> None:
    report = check({"train": chunks}, {"train": "train.jsonl"}, catalog.find(builders.LLAMA_3_1))

    assert report.valid is False


@settings(max_examples=20, deadline=None)
@given(size=st.integers(1, 4_000))
def test_the_verdict_does_not_depend_on_how_the_bytes_arrive(size: int) -> None:
    body = with_line_61({"prompt": "only"}, pair)
    chunks = [body[start : start + size] for start in range(0, len(body), size)]

    split = check({"train": chunks}, {"train": "train.jsonl"}, catalog.find(builders.LLAMA_3_1))

    assert split == check({"train": [body]}, {"train": "train.jsonl"}, catalog.find(builders.LLAMA_3_1))


def test_all_findings_are_counted_by_their_rules_errors_first() -> None:
    records = [pair(number, odd=1, completion="" if number < 30 else "so") for number in range(120)]

    report = check({"train": [jsonl(records), b"{broken\n"]}, {"train": "train.jsonl"}, max_errors=5)

    assert len(report.errors) == 5
    assert list(report.by_code.items())[:3] == [("TD021", 30), ("TD001", 1), ("TD014", 90)]
    assert sum(report.by_code.values()) == report.error_count + report.warning_count
