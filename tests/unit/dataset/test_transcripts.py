"""Conversations in one text: what is said stays as it was said, and what only looks like one stays text."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tunedrop.cli.data import checking
from tunedrop.dataset import formats
from tunedrop.dataset.tools.convert import convert

ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "an indented answer beside its prompt": (
        {
            "prompt": "### Instruction:\nComplete f\n\n### Response:\n",
            "completion": "    x = 1\n    return x\n",
        },
        "    x = 1\n    return x",
    ),
    "an indented answer in the text": (
        {"text": "<|user|>\nComplete f<|end|>\n<|assistant|>\n    x = 1\n    return x<|end|>\n"},
        "    x = 1\n    return x",
    ),
    "headings in an answer": (
        {"text": "### Human: How?### Assistant: So:\n\n### Input:\nthe value\n\n### Response:\nx"},
        "So:\n\n### Input:\nthe value\n\n### Response:\nx",
    ),
    "a mark inside a line": (
        {"text": "<|user|>\nhi</s>\n<|assistant|>\nsee <|user|> token</s>"},
        "see <|user|> token",
    ),
    "a beginning mark": ({"text": "<s>USER: hi ASSISTANT: ok</s>"}, "ok"),
    "a beginning mark before Human": ({"text": "<s>Human: hi\n\nAssistant: ok"}, "ok"),
    "a preface with signs": ({"text": "A chat between two on C# and [x] | y. USER: hi ASSISTANT: ok"}, "ok"),
}
TEMPLATES = {
    "DeepSeek": "<\uff5cbegin\u2581of\u2581sentence\uff5c>{s}<\uff5cUser\uff5c>{q}<\uff5cAssistant\uff5c>{a}"
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "Command R": "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>{s}<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>{q}<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{a}<|END_OF_TURN_TOKEN|>",
    "Granite": "<|start_of_role|>system<|end_of_role|>{s}<|end_of_text|>\n"
    "<|start_of_role|>user<|end_of_role|>{q}<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>{a}<|end_of_text|>",
    "gpt-oss": "<|start|>system<|message|>{s}<|end|><|start|>user<|message|>{q}<|end|>"
    "<|start|>assistant<|channel|>final<|message|>{a}<|return|>",
    "Llama 4": "<|begin_of_text|><|header_start|>system<|header_end|>\n\n{s}<|eot|>"
    "<|header_start|>user<|header_end|>\n\n{q}<|eot|><|header_start|>assistant<|header_end|>\n\n{a}<|eot|>",
    "Nemotron": "<extra_id_0>System\n{s}\n<extra_id_1>User\n{q}\n<extra_id_1>Assistant\n{a}\n",
    "EXAONE": "[|system|]{s}[|endofturn|]\n[|user|]{q}\n[|assistant|]{a}[|endofturn|]",
    "GLM": "[gMASK]<sop><|system|>\n{s}<|user|>\n{q}<|assistant|>\n{a}",
    "Kimi": "<|im_system|>system<|im_middle|>{s}<|im_end|><|im_user|>user<|im_middle|>{q}<|im_end|>"
    "<|im_assistant|>assistant<|im_middle|>{a}<|im_end|>",
    "OpenChat": "GPT4 Correct User: {q}<|end_of_turn|>GPT4 Correct Assistant: {a}<|end_of_turn|>",
    "Falcon": "User: {q}\n\nAssistant: {a}<|endoftext|>",
    "LangChain": "Human: {q}\nAI: {a}",
    "DeepSeek LLM": "<\uff5cbegin\u2581of\u2581sentence\uff5c>User: {q}\n\nAssistant: {a}"
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
    "Q and A": "Q: {q}\nA: {a}",
    "a question and its answer": "Question: {q}\nAnswer: {a}",
    "a line each": "Question:\n{q}\n\nAnswer:\n{a}\n",
}


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("is_escaped", [True, False])
def test_texts_of_chat_templates_are_conversations_to_the_check_too(
    name: str, is_escaped: bool, tmp_path: Path
) -> None:
    asked = ["Hoe diep?", "Quand ?", "なぜ?", "Why now?"]
    template = TEMPLATES[name]
    file = tmp_path / "a.jsonl"
    file.write_text(
        "".join(
            json.dumps({"text": template.format(s="Be kind.", q=q, a=f"So: {q}")}, ensure_ascii=is_escaped)
            + "\n"
            for q in asked
        ),
        encoding="utf-8",
    )
    report = checking.report_of([file], None, "auto", 5)
    read = [formats.read(json.loads(line)).conversation for line in file.read_text("utf-8").splitlines()]

    assert (report.format, report.method, report.by_code) == ("transcript", "single-turn", {})
    assert [[turn.text for turn in one.turns] for one in read if one] == [[q, f"So: {q}"] for q in asked]
    assert {one.system for one in read if one} == ({"Be kind."} if "{s}" in template else {""})


@pytest.mark.parametrize(
    "record",
    [
        {"text": "Q: Which?\nA: red\nB: blue\nAnswer: B"},
        {"text": "Context matters: in this essay, Q: is a letter."},
        {"text": "Question: Who?\nNobody answered."},
        {"prompt": "Q: Who?\nA:", "completion": "Ann."},
        {"text": "see <|User|> and <|Assistant|>"},
    ],
)
def test_what_only_looks_like_a_question_and_its_answer_stays_as_it_is(record: dict[str, Any]) -> None:
    reading = formats.read(record)

    assert reading.conversation is not None
    assert reading.conversation.turns[0].text == next(iter(record.values()))


def test_reasoning_of_gpt_oss_is_not_an_answer() -> None:
    text = (
        "<|start|>user<|message|>Why?<|end|><|start|>assistant<|channel|>analysis<|message|>Hm.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>So.<|return|>"
    )

    (problem,) = formats.read({"text": text}).problems

    assert (problem.code, "analysis" in problem.message) == ("TD023", True)


def test_context_can_precede_the_question() -> None:
    reading = formats.read({"text": "Context: A book on bees.\nQuestion: On what?\nAnswer: Bees."})

    assert reading.conversation is not None
    assert [one.text for one in reading.conversation.turns] == ["A book on bees.\n\nOn what?", "Bees."]


CHATML = "<|im_start|>{}\n{}<|im_end|>\n"
LLAMA = "<|start_header_id|>{}<|end_header_id|>\n\n{}<|eot_id|>"


@pytest.mark.parametrize("name", ANSWERS)
def test_messages_are_kept_unchanged(name: str) -> None:
    record, answer = ANSWERS[name]

    reading = formats.read(record)

    assert (reading.format, reading.problems) == ("transcript", [])
    assert reading.conversation is not None
    assert [turn.role for turn in reading.conversation.turns] == ["user", "assistant"]
    assert reading.conversation.answer == answer


@pytest.mark.parametrize("mark", [CHATML, LLAMA])
@pytest.mark.parametrize("role", ["tool", "ipython", "function", "observation", "critic"])
@pytest.mark.parametrize("is_last", [True, False])
def test_a_turn_of_nobody_that_a_text_can_hold_is_refused(mark: str, role: str, is_last: bool) -> None:
    said = [("user", "Weather?"), ("assistant", "call"), (role, "9"), ("assistant", "Nine.")]
    text = "".join(mark.format(*one) for one in said[: 3 if is_last else 4])

    reading = formats.read({"text": text})

    assert reading.conversation is None
    assert [one.code for one in reading.problems] == ["TD023"]
    assert "write it as messages" in reading.problems[0].message


@pytest.mark.parametrize("method", ["auto", "continued-pretraining"])
def test_a_document_that_looks_like_a_transcript_is_text_in_a_corpus(method: Any, tmp_path: Path) -> None:
    looks_so = [{"text": "### Human: What?### Assistant: It."}, {"text": CHATML.format("tool", "9")}]
    articles = [{"text": f"An article, number {number}, on a town."} for number in range(8)]
    file = tmp_path / "a.jsonl"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in [*looks_so, *articles]))

    report = checking.report_of([file], None, method, 5)
    done = convert([file.read_bytes()], sink := io.BytesIO(), "text")

    assert (report.valid, report.format, report.records) == (True, "text", 10), report.errors
    assert "TD060" in report.by_code
    assert (done.written, done.refused) == (10, {})
    assert b"### Human: What?### Assistant: It." in sink.getvalue()


@pytest.mark.parametrize("piece", [" ", "\n", "</s>", "</s> ", "### Input:", "<|user|>"])
def test_the_time_grows_no_faster_than_the_text(piece: str) -> None:
    started = time.process_time()

    formats.read({"prompt": f"### Instruction:\nA{piece * 20_000}x\n\n### Response:", "completion": "ok"})

    assert time.process_time() - started < 1


@pytest.mark.parametrize("tools", [5, True, "f"])
def test_tools_of_another_type_are_an_error(tools: Any) -> None:
    said = [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}]

    reading = formats.read({"contents": said, "tools": tools})

    assert [(one.code, one.path) for one in reading.problems] == [("TD012", "$.tools")]


def test_tools_may_be_one_object() -> None:
    said = [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}]
    tools = {"functionDeclarations": [{"name": "f", "description": "Finds."}]}

    reading = formats.read({"contents": said, "tools": tools})

    assert reading.problems == []
    assert reading.conversation is not None
    assert len(reading.conversation.extra["toolConfig"]["tools"]) == 1
