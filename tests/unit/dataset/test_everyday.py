"""Exports of everyday tools: what is asked and what is answered is read right, or a plain reason is given."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import arro3.core
import arro3.io
import openpyxl
import pytest

from tunedrop.cli.data import _fixing, checking, converting
from tunedrop.cli.failures import Failed
from tunedrop.dataset import formats
from tunedrop.dataset.rules import record as record_rules
from tunedrop.dataset.sources.containers import delimited, reading
from tunedrop.dataset.types import ReadOptions

ASKED, SAID = "How do I reset my password?", "Open Settings, then Security."
ASK = {"role": "user", "content": ASKED}
SAY = {"role": "assistant", "content": SAID}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": ASKED}]}]}
CANDIDATE = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": SAID}]}, "finishReason": "STOP"}]
}


def _log(output: dict[str, Any], **more: Any) -> dict[str, Any]:
    asked = {"inputBodyJson": {"anthropic_version": "b", "max_tokens": 9, "messages": [ASK]}}
    return {"schemaType": "ModelInvocationLog", "input": asked, "output": output, **more}


def _turns(record: dict[str, Any]) -> list[str]:
    found = formats.read(record)
    assert found.problems == [], found.problems
    assert found.conversation is not None
    return [turn.text for turn in found.conversation.turns]


@pytest.mark.parametrize(
    "record",
    [
        {"_index": "faq", "_source": {"question": ASKED, "answer": SAID}},
        {"id": 1, "attributes": {"question": ASKED, "answer": SAID}},
        {"json": {"question": ASKED, "answer": SAID}, "pairedItem": {"item": 0}},
        {"question": {"S": ASKED}, "answer": {"S": SAID}, "n": {"N": "1"}, "x": {"NULL": True}},
        {"request": CONTENTS, "response": CANDIDATE, "status": ""},
        {"request": {"body": {"messages": [ASK]}}, "response": {"body": {"choices": [{"message": SAY}]}}},
        {"inputs": {"messages": [ASK]}, "outputs": {"message": SAY}},
        {"instruction": ASKED, "input": "", "output": [SAID]},
        {"input": ASKED, "expected": SAID, "metadata": {"n": 1}},
        {"input": ASKED, "actual_output": SAID},
        {"userMessage": ASKED, "botMessage": SAID},
        {"user-message": ASKED, "bot-message": SAID},
        {"input": ASKED, "expectedOutput": SAID},
        {"question": ASKED, "modelAnswer": SAID},
        {"text": ASKED, "intentName": SAID},
        {"text": ASKED, "label": 0, "label_text": SAID},
        {"text": ASKED, "label": 3, "label_name": SAID},
        {"text": ASKED, "class": 3, "class_name": SAID},
        {"utterance": ASKED, "intent_name": "reset", "response": SAID},
        {"message": ASKED, "class_name": "TextNode", "reply": SAID},
        {"text": ASKED, "intent_name": SAID},
        {"instruction": None, "messages": None, "question": ASKED, "completion": None, "answer": SAID},
        {"prompt": ASKED, "generation": SAID},
        {"question": ASKED, "reference_answer": SAID, "conversation_history": []},
        {"inputs": {"question": ASKED}, "output": SAID},
        {"messages": [ASK], "output_message": SAY},
        {"params": {"model": "m", "messages": [ASK]}, "result": {"type": "succeeded", "message": SAY}},
        _log({"outputBodyJson": [{"type": "message_start"}, *({"delta": {"text": one}} for one in SAID)]}),
        _log({"outputBodyJson": [{"contentBlockDelta": {"delta": {"text": SAID}}}, {"messageStop": {}}]}),
        _log({"outputBodyJson": [{"generation": one} for one in (SAID[:5], SAID[5:])]}),
    ],
)
def test_the_prompt_and_the_answer_are_found(record: dict[str, Any]) -> None:
    assert _turns(record) == [ASKED, SAID]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"text": ASKED, "sentiment_score": 0.3}, "sentiment_score beside text may be its answer"),
        ({"text": ASKED, "coarse_label": 2}, "coarse_label beside text may be its answer"),
        ({"text": ASKED, "summary_text": SAID}, "summary_text beside text may be its answer"),
        ({"text": ASKED, "summaryText": SAID}, "summaryText beside text may be its answer"),
        ({"text": ASKED, "coarse-label": 2}, "coarse-label beside text may be its answer"),
        ({"text": ASKED, "rewritten": SAID}, "rewritten beside text may be its answer"),
        ({"text": ASKED, "toxicity": 0.1}, "toxicity beside text may be its answer"),
        ({"text": ASKED, "cats": {"a": 1.0, "b": 0.0}}, "cats beside text may be its answer"),
        ({"input": ASKED, "output": {"label": "a", "score": 1}}, "output must be a string"),
        ({"inputs": {"a": 1}, "output": SAID}, "inputs must be a string"),
        ({"inputs": {"question": ASKED, "output": "x"}, "output": SAID}, "inputs must be a string"),
        ({"question": ASKED, "answer": None, "label": SAID}, "answer is missing"),
        ({"question": None, "context": ASKED, "answer": SAID}, "question is missing"),
        ({"prompt": None, "text": ASKED, "completion": SAID}, "prompt is missing"),
        ({"input": ASKED, "content": SAID}, "content beside input may be its answer"),
        ({"input": ASKED, "result": {"answer": SAID}}, "result beside input may be its answer"),
        ({"conversations": [{"from": "human", "value": ASKED}], "answer": SAID}, "as the last message"),
        ({**CONTENTS, "response": SAID}, "as the last message"),
        (
            {"schemaVersion": formats.SCHEMA_VERSION,
             "messages": [{"role": "user", "content": [{"text": "a"}]}], "answer": SAID},
            "as the last message",
        ),
        ({"messages": [ASK], "choices": [{"message": SAY}, {"message": SAY}]}, "choices holds 2 answers"),
        ({"index": {"_index": "faq", "_id": "1"}}, "bulk format"),
        ({"easy": [{"question": ASKED, "answer": SAID}], "n": 1}, "easy holds 1 records"),
        ({"Transcript": [{"ParticipantRole": "CUSTOMER", "Content": ASKED}]}, "Amazon Connect"),
        ({"prompt": ASKED, "completion": {"a": 1}}, "--fix writes it as JSON text"),
        (
            {"messages": [ASK, {"role": "assistant", "content": [{"type": "image_url", "image_url": "s3://b-1/a.png"}]}]},
            "may answer only in text",
        ),
    ],
)  # fmt: skip
def test_what_would_be_lost_is_refused_with_a_reason(record: dict[str, Any], words: str) -> None:
    found = formats.read(record)

    assert found.conversation is None
    assert any(words in one.message for one in found.problems), found.problems


@pytest.mark.parametrize(
    "record",
    [
        {"text": ASKED, "id": "1", "url": "u", "title": "t", "timestamp": "t", "language_score": 0.9},
        {"text": ASKED, "meta": {"pile_set_name": "x"}, "answer_count": 3, "score": 4, "token_count": 9},
        {"text": ASKED, "class_name": "TextNode", "id_": "1", "embedding": [0.1]},
        {"input": ASKED, "source": "web", "file_path": "a/b", "metadata": {"a": 1}},
    ],
)
def test_metadata_beside_a_text_is_not_its_answer(record: dict[str, Any]) -> None:
    assert _turns(record) == [ASKED]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (_log({}, errorCode="ThrottlingException"), "the request failed (ThrottlingException)"),
        (_log({"outputBodyS3Path": "s3://b/k"}), "the answer is stored in S3"),
        (_log({"outputBodyJson": {"audio": "x"}}), "the answer has an unknown form"),
        ({"modelInput": {"messages": [ASK]}, "error": {"errorMessage": "bad"}}, "the request failed (bad)"),
    ],
)
def test_a_logged_request_without_an_answer_is_a_prompt(record: dict[str, Any], words: str) -> None:
    found = formats.read(record)

    assert found.conversation is not None
    assert len(found.conversation.turns) == 1
    assert [words in one.message for one in found.problems] == [True]


def _table(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


PAIR = {"question": ASKED, "answer": SAID}
FILES = {
    "hits.json": json.dumps({"took": 5, "hits": {"total": {"value": 1}, "hits": [{"_source": PAIR}]}}),
    "luis.json": json.dumps({"intents": [{"name": SAID}], "utterances": [{"text": ASKED, "intent": SAID}]}),
    "viewer.json": json.dumps({"features": [{"name": "question"}], "rows": [{"row_idx": 0, "row": PAIR}]}),
    "graphql.json": json.dumps({"data": {"faqs": {"edges": [{"node": PAIR}], "pageInfo": {}}}}),
    "scan.json": json.dumps({"Items": [{key: {"S": one} for key, one in PAIR.items()}], "Count": 1}),
    "flat.csv": _table([("inputs.question", "outputs.answer", "n.id"), (ASKED, SAID, "1")]),
    "twice.csv": _table([("question", "answer", "note", "note"), (ASKED, SAID, "x", "y")]),
    "single.csv": f"prompt,completion\n'{ASKED}','{SAID}'\n",
    "mysql.csv": f"+--+--+\n| prompt | completion |\n+--+--+\n| {ASKED} | {SAID} |\n+--+--+\n",
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_other_tools(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FILES[name])

    report = checking.report_of([tmp_path / name], None, "auto", 5)
    done, _ = converting.convert_into(
        tmp_path / name, "converse", tmp_path / "out", ReadOptions(), skip=False
    )

    assert (report.valid, report.records, done.written) == (True, 1, 1), report.errors
    said = json.loads((tmp_path / "out").read_bytes())["messages"]
    assert [one["content"][0]["text"] for one in said] == [ASKED, SAID]


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("a.csv", "promt,completon\na b,c\n", "promt is like prompt, a prompt"),
        ("a.csv", "Question,Answer A,Answer B\na b,c,d\n", "Question is a prompt"),
        ("a.csv", "question,answer,answer\na b,c,d\n", "2 columns are named 'answer'; rename all but one"),
        ("a.csv", "prompt\na b\nc d\n", "the only column is 'prompt'"),
        ("a.csv", '"prompt,completion"\n"a b,c"\n', "each row is quoted as a whole"),
        ("a.ics", "BEGIN:VCALENDAR\nVERSION:2.0\n", "this is text without records"),
        ("a.log", '2024-01-01T00:00:00Z {"prompt": "a b"}\n' * 2, "precedes each record"),
        ("a.json", "[{'prompt': 'a b', 'completion': 'c'}]", "use json.dumps; the rest was not read"),
        ("a.bin", "".join(map(chr, range(256))) * 20, "this is a binary file"),
    ],
)
def test_files_without_records_say_what_they_are(name: str, body: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(body.encode("latin-1"))

    report = checking.report_of([tmp_path / name], None, "auto", 5)

    assert not report.valid
    assert words in report.errors[0].message


@pytest.mark.parametrize(
    ("record", "change"),
    [
        ({"prompt": ASKED, "completion": {"a": 1}}, "the completion was written as JSON text"),
        ({"prompt": ASKED, "completion": 42}, "the completion was written as JSON text"),
        (
            {"messages": [ASK, {**SAY, "content": {"a": 1}}]},
            "the content of the assistant was written as JSON",
        ),
        (
            {"messages": [{**ASK, "role": "client"}, {**SAY, "role": "therapist"}]},
            "the role therapist became",
        ),
        ({"messages": [{**ASK, "role": "visitor"}, {**SAY, "role": "bot"}]}, "the role visitor became user"),
    ],
)
def test_fix_lists_what_it_repairs(
    record: dict[str, Any], change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n")

    _fixing.fix(tmp_path / "a.jsonl", tmp_path / "fixed.jsonl", ReadOptions())

    assert change in capsys.readouterr().err
    assert checking.report_of([tmp_path / "fixed.jsonl"], None, "auto", 5).valid


def test_fix_does_not_guess_two_unknown_roles(tmp_path: Path) -> None:
    record = {"messages": [{**ASK, "role": "guest"}, {**SAY, "role": "host"}]}
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n")

    _fixing.fix(tmp_path / "a.jsonl", tmp_path / "fixed.jsonl", ReadOptions())

    assert not checking.report_of([tmp_path / "fixed.jsonl"], None, "auto", 5).valid


def _parquet(columns: dict[str, list[Any]], described: dict[str, Any] | None = None) -> bytes:
    table = arro3.core.Table.from_pydict(
        {key: arro3.core.Array(one, _TYPES[type(one[0])]) for key, one in columns.items()}
    )
    if described:
        table = table.with_schema(table.schema.with_metadata({"huggingface": json.dumps(described)}))
    sink = io.BytesIO()
    arro3.io.write_parquet(table, sink)
    return sink.getvalue()


_TYPES = {str: arro3.core.DataType.string(), int: arro3.core.DataType.int64()}


def test_class_numbers_become_class_names(tmp_path: Path) -> None:
    described = {"info": {"features": {"label": {"names": ["bad", "good"], "_type": "ClassLabel"}}}}
    (tmp_path / "a.parquet").write_bytes(
        _parquet({"text": ["Fine!", "Broken."], "label": [1, -1]}, described)
    )

    converting.convert_into(
        tmp_path / "a.parquet", "prompt-completion", tmp_path / "out", ReadOptions(), skip=False
    )

    said = [json.loads(line)["completion"] for line in (tmp_path / "out").read_bytes().splitlines()]
    assert said == ["good", "-1"]


@pytest.mark.parametrize("size", [4, 8, 100])
def test_a_truncated_parquet_file_is_reported(size: int, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(_parquet({"prompt": ["a b"], "completion": ["c"]})[:size])

    report = checking.report_of([tmp_path / "a.parquet"], None, "auto", 5)

    assert "ends too early" in report.errors[0].message


def test_a_small_file_that_decompresses_to_a_large_one_is_refused_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_IN_MEMORY_MAPS", 1 << 16)
    monkeypatch.setattr(reading, "MOST_TIMES", 10)
    row = json.dumps({"prompt": "a" * 5000, "completion": "b"}) + "\n"
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(row.encode() * 500))

    report = checking.report_of([tmp_path / "a.jsonl.gz"], None, "auto", 5)

    assert not report.valid
    assert any("to more than" in one.message or "becomes more" in one.message for one in report.errors)


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"is_correct": False}, "is_correct is false"),
        ({"Accepted": "no"}, "Accepted is no"),
        ({"status": "Rejected"}, "status is rejected"),
        ({"split": "test"}, "split is test"),
        ({"answer": "reject"}, "an annotator decided to reject"),
        ({"finish_reason": "length"}, "the answer was cut off"),
    ],
)
def test_a_column_that_marks_a_record_as_unsuitable_is_a_warning(beside: dict[str, Any], words: str) -> None:
    found = formats.read({"prompt": ASKED, "completion": SAID, **beside})

    assert found.conversation is not None
    assert [(one.code, words in one.message) for one in record_rules.unread(found.conversation)] == [
        ("TD028", True)
    ]


@pytest.mark.parametrize("beside", [{"is_correct": True}, {"status": "done"}, {"split": "train"}])
def test_a_column_that_marks_a_record_as_good_is_ignored(beside: dict[str, Any]) -> None:
    found = formats.read({"prompt": ASKED, "completion": SAID, **beside})

    assert found.conversation is not None
    assert [one.code for one in record_rules.unread(found.conversation)] == ["TD014"]


@pytest.mark.parametrize(
    "answer", [{"text": SAID, "source": "x"}, {"value": SAID}, [{"text": SAID, "score": 1}], [SAID]]
)
def test_an_answer_in_an_object_is_its_text(answer: Any) -> None:
    assert _turns({"question": ASKED, "answer": answer}) == [ASKED, SAID]


def test_a_label_of_true_or_false_in_a_table_is_kto_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(_table([("prompt", "completion", "label"), (ASKED, SAID, "FALSE")]))

    report = checking.report_of([tmp_path / "a.csv"], None, "auto", 5)

    assert [one.code for one in report.errors] == ["TD017"]


def test_a_workbook_of_a_training_and_a_test_sheet_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for name in ("Train", "Test"):
        sheet = book.create_sheet(name)
        for row in (("prompt", "completion"), (ASKED, SAID)):
            sheet.append(row)
    book.save(tmp_path / "a.xlsx")

    report = checking.report_of([tmp_path / "a.xlsx"], None, "auto", 5)

    assert "several parts of a dataset (train, test)" in report.errors[0].message


def test_nothing_is_read_after_a_quote_that_is_not_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "MAX_CELL", 1000)
    (tmp_path / "a.csv").write_text('prompt,completion\n"' + "a b,c\n" * 500)

    report = checking.report_of([tmp_path / "a.csv"], None, "auto", 5)

    assert (report.records, report.error_count) == (0, 1)
    assert "a quote is not closed" in report.errors[0].message


def test_a_header_that_is_too_long_is_reported(tmp_path: Path) -> None:
    names = ",".join(f"column {at}" for at in range(10_000))
    (tmp_path / "a.csv").write_text(f"prompt,completion,{names}\na b,c{',x' * 10_000}\n")

    report = checking.report_of([tmp_path / "a.csv"], None, "auto", 5)

    assert "the first row is longer than" in report.errors[0].message


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_held_out_file_may_say_that_it_is_held_out(tmp_path: Path, split: str) -> None:
    rows = {
        name: "".join(
            json.dumps({"prompt": f"{ASKED} {name} {n}", "completion": f"{SAID} {n}", "split": name}) + "\n"
            for n in range(3)
        )
        for name in ("train", split)
    }
    for name, text in rows.items():
        (tmp_path / f"{name}.jsonl").write_text(text)

    report = checking.report_of([tmp_path / f"{name}.jsonl" for name in rows], None, "auto", 50)

    assert "TD028" not in report.by_code


@pytest.mark.parametrize("beside", [{"bad_response": SAY}, {"example": SAY}, {"result": "ok"}])
def test_what_stands_beside_a_prompt_is_not_always_its_answer(beside: dict[str, Any]) -> None:
    found = formats.read({"messages": [ASK], **beside}).conversation

    assert found is not None
    assert [turn.text for turn in found.turns] == [ASKED]


@pytest.mark.parametrize("key", ["system", "system_prompt", "systemPrompt", "system_message"])
@pytest.mark.parametrize("beside", [[], [{"role": "system", "content": "Be kind."}]])
def test_a_system_prompt_beside_messages_is_theirs(key: str, beside: list[Any]) -> None:
    found = formats.read({key: "Be kind.", "messages": [*beside, ASK, SAY]}).conversation

    assert found is not None
    assert (found.system, found.unread) == ("Be kind.", {})


@pytest.mark.parametrize("asked", [ASKED, [ASK]])
def test_the_instructions_of_a_response_are_its_system_prompt(asked: Any) -> None:
    found = formats.read({"instructions": "Be kind.", "input": asked, "output": [SAY]}).conversation

    assert found is not None
    assert (found.system, found.answer, found.unread) == ("Be kind.", SAID, {})


def test_a_request_to_gemini_and_its_response_are_read_with_their_tools_and_system_prompt() -> None:
    call = {"functionCall": {"name": "find", "args": {"n": 1}}}
    found = {"functionResponse": {"name": "find", "response": {"n": 2}}}
    request = {
        "systemInstruction": {"parts": [{"text": "Be kind."}]},
        "tools": [{"functionDeclarations": [{"name": "find", "description": "Finds.", "parameters": {}}]}],
        "contents": [
            *CONTENTS["contents"],
            {"role": "model", "parts": [call]},
            {"role": "user", "parts": [found]},
        ],
    }

    reading = formats.read({"request": request, "response": CANDIDATE})

    assert reading.problems == []
    assert reading.conversation is not None
    assert (reading.format, reading.conversation.system) == ("gemini", "Be kind.")
    assert [turn.role for turn in reading.conversation.turns] == ["user", "assistant"] * 2
    assert reading.conversation.answer == SAID
    assert "toolConfig" in reading.conversation.extra


@pytest.mark.parametrize(
    "beside",
    [
        {"accepted_answer_id": 12},
        {"response_code": 200},
        {"response_headers": {"server": "x"}},
        {"WARC-Target-URI": "https://example.com"},
        {"in_reply_to": "<1@example.com>"},
        {"translated_from": "fr"},
    ],
)
def test_metadata_of_the_web_beside_a_text_leaves_it_plain_text(beside: dict[str, Any]) -> None:
    found = formats.read({"text": SAID, **beside})

    assert (found.format, found.problems) == ("text", [])


@pytest.mark.parametrize("candidates", [["x"], 5, "x", [5], {"a": 1}])
def test_answers_of_an_unknown_form_beside_the_answer_are_named(candidates: Any) -> None:
    answered = {"message": {"role": "assistant", "content": SAID}, "candidates": candidates}

    found = formats.read({"input": {"messages": [{"role": "user", "content": ASKED}]}, "output": answered})

    assert found.conversation is not None
    assert any("candidates" in path for path in found.conversation.unread)


def test_a_thought_of_gemini_is_no_part_of_its_answer() -> None:
    said = [{"text": "Hm.", "thought": True}, {"text": "Four."}]
    reading = formats.read({"contents": [{"parts": [{"text": "2 + 2?"}]}, {"role": "model", "parts": said}]})

    assert reading.conversation is not None
    answer = reading.conversation.turns[1]
    assert answer.text == "Four."
    assert answer.blocks[0] == {"reasoningContent": {"reasoningText": {"text": "Hm."}}}
    assert reading.conversation.losses == ()


def test_the_marks_of_a_template_in_a_log_are_no_part_of_the_prompt() -> None:
    asked = {"prompt": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\n2 + 2? [/INST]", "max_gen_len": 9}
    reading = formats.read(
        {
            "schemaType": "ModelInvocationLog",
            "input": {"inputBodyJson": asked},
            "output": {"outputBodyJson": {"generation": " Four."}},
        }
    )

    assert reading.conversation is not None
    assert reading.conversation.system == "Be brief."
    assert [one.text for one in reading.conversation.turns] == ["2 + 2?", "Four."]


@pytest.mark.parametrize(
    "text",
    [
        "Blood type O\nBlood group O\n\nPeople with this type may give blood to all.\n",
        "# Roles\n\n## User\n\nMay read.\n\n## Assistant\n\nMay write.\n",
        "**You:** Why?\n\n**Anna:** Because.\n\n**You:** And now?\n\n**Anna:** Nothing.\n",
    ],
)
def test_prose_that_looks_like_labels_or_a_chat_is_a_text(text: str, tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text(text)
    assert checking.report_of([file], None, "auto", 5).method == "continued-pretraining"


def test_a_copy_of_a_file_that_ends_with_nul_has_its_records(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"prompt": "Why?", "completion": "So."}\n' + bytes(512))
    _fixing.fix(file, tmp_path / "fixed.jsonl", ReadOptions())

    report = checking.report_of([tmp_path / "fixed.jsonl"], None, "auto", 5)
    assert (report.records, report.error_count) == (1, 1)


def test_calls_in_the_messages_of_langchain_are_read() -> None:
    call = {"name": "weather", "args": {"city": "Bern"}, "id": "c1", "type": "tool_call"}
    record = {
        "messages": [
            {"type": "human", "content": ASKED},
            {"type": "ai", "content": "", "tool_calls": [call]},
            {"type": "tool", "content": "Rain.", "tool_call_id": "c1"},
            {"type": "ai", "content": SAID},
        ],
        "tools": [{"name": "weather", "description": "Says it.", "parameters": {"type": "object"}}],
    }
    reading = formats.read(record)

    assert reading.conversation is not None, reading.problems
    use = reading.conversation.turns[1].blocks[0]["toolUse"]
    assert use == {"toolUseId": "c1", "name": "weather", "input": {"city": "Bern"}}


def test_what_a_part_without_text_says_is_not_lost() -> None:
    parts = [{"type": "step-start", "at": 3}, {"type": "text", "text": SAID}]
    reading = formats.read({"messages": [ASK, {"role": "assistant", "parts": parts}]})

    assert [problem.code for problem in reading.problems] == ["TD016"]


@pytest.mark.parametrize("tools", ["[]", "null"])
def test_tools_that_are_an_empty_text_are_none(tools: str) -> None:
    reading = formats.read({"messages": json.dumps([ASK, SAY]), "tools": tools})

    assert reading.conversation is not None, reading.problems
    assert reading.conversation.extra == {}


def test_a_clone_of_a_dataset_says_in_which_folder_its_data_are(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-0.jsonl").write_text('{"prompt": "Why?", "completion": "So."}\n')
    (tmp_path / "README.md").write_text("# Data\n")

    with pytest.raises(Failed, match=f"tunedrop check {tmp_path / 'data'}"):
        checking.report_of([tmp_path], None, "auto", 5)


@pytest.mark.parametrize(
    "record",
    [
        {"messages": [{"message": {"role": " user ", "content": ASKED}}, {"message": SAY}]},
        {"contents": [*CONTENTS["contents"], {"role": "models", "parts": [{"text": SAID}]}]},
    ],
)
def test_one_conversation_with_a_wrong_role_is_one_record(record: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(record) + "\n")

    report = checking.report_of([file], None, "auto", 5)
    assert (report.records, [one.code for one in report.errors]) == (1, ["TD023"])
