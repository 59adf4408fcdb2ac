"""Files as people have them, through the commands' own functions: check, convert and --fix agree on each."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import pictures
from tests.situations import (
    ASKED,
    CALL,
    MENDED,
    PAIRS,
    READ,
    REFUSED,
    SYSTEM_ANSWERS,
    each,
    lines,
    user,
)
from tunedrop import catalog
from tunedrop.cli.data import _fixing, checking, converting
from tunedrop.dataset.prepare.split import prepare
from tunedrop.dataset.sources.opening import open_files
from tunedrop.dataset.types import ReadOptions


@pytest.mark.parametrize("name", READ)
def test_records_are_read_converted_and_repaired_whatever_they_are_in(name: str, tmp_path: Path) -> None:
    body, file_name, format_ = READ[name]
    file = tmp_path / file_name
    file.write_bytes(body)
    count = 1 if name == "ISO-2022-JP" else len(PAIRS)

    report = checking.report_of([file], None, "auto", 5)
    done, refused = converting.convert_into(file, "converse", tmp_path / "out", ReadOptions(), skip=False)
    _fixing.fix(file, tmp_path / "fixed.jsonl", ReadOptions())
    fixed = checking.report_of([tmp_path / "fixed.jsonl"], None, "auto", 5)

    assert (report.valid, report.records) == (True, count), report.errors
    assert report.format == (format_ or report.format)
    assert (done.written, refused) == (count, False)
    assert (fixed.valid, fixed.records) == (True, count), fixed.errors
    written = [json.loads(line) for line in (tmp_path / "out").read_bytes().splitlines()]
    texts = [one["messages"][-2]["content"][0]["text"] for one in written]
    assert all(asked in text for asked, text in zip(ASKED if count > 1 else ASKED[2:], texts, strict=False))


@pytest.mark.parametrize("name", [name for name in READ if " and " not in name])
def test_the_pipeline_writes_every_record_that_the_check_has_read(name: str, tmp_path: Path) -> None:
    file = tmp_path / READ[name][1]
    file.write_bytes(READ[name][0])
    method_rules = catalog.find("amazon.nova-lite-v1:0:300k").methods["multi-turn"]
    sinks: Any = {split: io.BytesIO() for split in ("train", "validation", "test")}

    with open_files({"train": [file]}, ReadOptions()) as files:
        source = files["train"].source
        prepared = prepare({"train": source.chunks(0, source.size)}, sinks, b"", method_rules)
    converting.convert_into(file, "converse", tmp_path / "out", ReadOptions(), skip=False)

    assert sinks["train"].getvalue() == (tmp_path / "out").read_bytes()
    assert prepared.files["train"].records == (1 if name == "ISO-2022-JP" else len(PAIRS))


@pytest.mark.parametrize("name", MENDED)
def test_what_fix_mends_convert_reads(name: str, tmp_path: Path) -> None:
    body, code = MENDED[name]
    file = tmp_path / "a.jsonl"
    file.write_bytes(body)

    report = checking.report_of([file], None, "auto", 5)
    done, refused = converting.convert_into(file, "converse", tmp_path / "out", ReadOptions(), skip=False)
    _fixing.fix(file, tmp_path / "fixed.jsonl", ReadOptions())
    fixed = checking.report_of([tmp_path / "fixed.jsonl"], None, "auto", 5)

    assert code in report.by_code
    assert (done.written, refused, bool(done.lost)) == (len(PAIRS), False, True)
    assert (fixed.valid, fixed.records) == (True, len(PAIRS)), fixed.errors


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_one_reason_that_helps(name: str, tmp_path: Path) -> None:
    body, file_name, code, why = REFUSED[name]
    file = tmp_path / file_name
    file.write_bytes(body)

    report = checking.report_of([file], None, "auto", 5)
    done, refused = converting.convert_into(file, "converse", tmp_path / "out", ReadOptions(), skip=False)

    assert {one.code for one in report.errors} == {code}
    assert any(why in one.message for one in report.errors), report.errors
    assert refused
    assert any(why in note.what for note in done.refused.values())


def test_nesting_is_found_also_where_python_reads_deeper(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"[" * 900)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        report = checking.report_of([file], None, "auto", 5)
    finally:
        sys.setrecursionlimit(limit)

    assert ["nested deeper than 64 levels" in one.message for one in report.errors] == [True]


def test_records_of_a_grader_keep_one_format_where_some_lack_a_reference(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(
        lines(
            [
                {"messages": [user(q)], "reference_answer": a if number else None}
                for number, (q, a) in enumerate(PAIRS)
            ]
        )
    )

    _fixing.fix(file, tmp_path / "fixed.jsonl", ReadOptions())
    report = checking.report_of([file], None, "auto", 5)
    fixed = checking.report_of([tmp_path / "fixed.jsonl"], None, "auto", 5)

    assert (report.method, report.by_code["TD080"]) == ("reinforcement", 1)
    assert (fixed.valid, fixed.by_code) == (True, report.by_code)


@pytest.mark.parametrize("key", ["ground_truth", "answer", "expected_answer"])
def test_a_misnamed_reference_is_reported_even_without_a_base_model(key: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(each(lambda q, a: {"messages": [user(q)], key: a}))

    (warning, *_) = checking.report_of([file], None, "auto", 5).warnings

    assert f"name {key} reference_answer" in warning.message


@pytest.mark.parametrize(
    "beside",
    [{"query": "roses"}, {"source": "wiki"}, {"code": 7}, {"code": "EN-7"}, {"url": "x", "title": "T"}],
)
def test_a_text_with_what_is_known_of_it_is_no_pair(beside: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(each(lambda q, a: {"text": f"{q} {a}", **beside}))

    report = checking.report_of([file], None, "auto", 5)

    assert (report.format, report.valid, report.by_code["TD014"]) == ("text", True, len(PAIRS))


def test_the_pair_that_a_refusal_proposes_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(each(lambda q, a: {"text": q, "code": a}))
    named = checking.Options(reading=ReadOptions(columns={"prompt": "text", "completion": "code"}))

    report = checking.report_of([file], None, "auto", 5, named)

    assert (report.valid, report.method, report.records) == (True, "instruction", len(PAIRS))


IMAGES: dict[str, tuple[str, Any]] = {
    "VQA": ("image", "cats/1.png"),
    "several": ("images", ["cats/1.png"]),
    "a folder's": ("file_name", "cats/1.png"),
    "Hugging Face's": ("Image", {"bytes": None, "path": "cats/1.png"}),
}


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_beside_a_question_is_part_of_it(name: str, tmp_path: Path) -> None:
    key, image = IMAGES[name]
    file = tmp_path / "a.jsonl"
    file.write_bytes(each(lambda q, a: {key: image, "question": q, "answer": a}))
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats/1.png").write_bytes(pictures.png(300, 200))

    report = checking.report_of([file], None, "auto", 5)
    converting.convert_into(file, "converse", tmp_path / "out", ReadOptions(), skip=False)
    _fixing.fix(file, tmp_path / "fixed.jsonl", ReadOptions())

    assert (report.valid, report.method, report.by_code) == (True, "single-turn", {})
    assert (tmp_path / "out").read_bytes() == (tmp_path / "fixed.jsonl").read_bytes()
    first = json.loads((tmp_path / "out").read_bytes().splitlines()[0])
    assert first["messages"][0]["content"] == [
        {"image": {"format": "png", "source": {"s3Location": {"uri": "cats/1.png"}}}},
        {"text": ASKED[0]},
    ]


def test_an_image_is_left_out_of_pairs_that_are_named(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(each(lambda q, a: {"image": "https://e.org/1.png", "question": q, "answer": a}))
    named = ReadOptions(columns={"prompt": "question", "completion": "answer"})

    report = checking.report_of([file], None, "auto", 5, checking.Options(reading=named))
    done, refused = converting.convert_into(file, "converse", tmp_path / "out", named, skip=False)

    assert (report.valid, report.method, report.by_code) == (True, "instruction", {"TD014": len(PAIRS)})
    assert (list(done.lost), refused) == (["$.image (column) was left out"], False)


def test_calls_beside_a_question_are_uses_of_tools_with_schemas(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(READ["xLAM, calls and tools in strings"][0])

    converting.convert_into(file, "converse", tmp_path / "out", ReadOptions(), skip=False)

    first = json.loads((tmp_path / "out").read_bytes().splitlines()[0])
    assert first["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"] == {
        "type": "object",
        "properties": {"type": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["type", "n"],
    }
    assert first["messages"][1]["content"] == [
        {"toolUse": {"toolUseId": "call_1", "name": "f", "input": {"type": "rose", "n": 2}}}
    ]


@pytest.mark.parametrize(
    "answer", [json.dumps(CALL), f"<tool_call>{json.dumps(CALL)}</tool_call>", "<image>"]
)
def test_calls_and_places_of_images_in_texts_are_warned_of(answer: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(each(lambda q, _: {"prompt": q, "completion": answer}))

    assert checking.report_of([file], None, "auto", 5).by_code["TD060"] == len(PAIRS)


@pytest.mark.parametrize("name", SYSTEM_ANSWERS)
def test_a_system_that_takes_turns_with_the_user_is_the_assistant(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(SYSTEM_ANSWERS[name])

    report = checking.report_of([file], None, "auto", 5)
    done, _ = converting.convert_into(file, "converse", tmp_path / "out", ReadOptions(), skip=False)
    _fixing.fix(file, tmp_path / "fixed.jsonl", ReadOptions())

    written = [json.loads(line) for line in (tmp_path / "out").read_bytes().splitlines()]
    assert (report.valid, report.method, report.by_code) == (True, "multi-turn", {"TD008": len(PAIRS)})
    assert {tuple(one["role"] for one in record["messages"]) for record in written} == {
        ("user", "assistant") * 2
    }
    assert any("assistant" in what for what in done.lost)
    assert (tmp_path / "out").read_bytes() == (tmp_path / "fixed.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("about", "asked"),
    [
        ({"contexts": ["Roses need sun.", "And water."]}, "\n\nRoses need sun.\n\nAnd water."),
        ({"schema": "CREATE TABLE roses", "evidence": "red is 1"}, "\n\nred is 1\n\nCREATE TABLE roses"),
        ({"document": "roses.pdf"}, ""),
        ({"text": "Question: Sun? Answer: Yes."}, ""),
        ({"knowledge": "Yes."}, ""),
    ],
)
def test_context_can_follow_the_question(about: dict[str, Any], asked: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(lines([{"question": "Sun?", "answer": "Yes.", **about}]))

    converting.convert_into(file, "prompt-completion", tmp_path / "out", ReadOptions(), skip=False)

    assert json.loads((tmp_path / "out").read_bytes())["prompt"] == f"Sun?{asked}"
