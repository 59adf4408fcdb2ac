"""Files as people have them: the kinds of public reports, and of the export formats of other tools.

Every input is made here. `READ` are read, `MENDED` are errors that --fix mends and convert reads, `REFUSED`
have one reason.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

ASKED = ["Wann gießt man Tomaten?", "Почему листья желтеют?", "いつ水をやりますか?", "When to prune?"]
SAID = ["Am frühen Morgen, vor der Sonne.", "Им не хватает азота.", "早朝にたっぷりと。", "In late winter."]
PAIRS = list(zip(ASKED, SAID, strict=True))
SIMPLE = [{"prompt": asked, "completion": said} for asked, said in PAIRS]


def lines(records: list[Any]) -> bytes:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records).encode()


def each(shape: Callable[[str, str], Any]) -> bytes:
    return lines([shape(asked, said) for asked, said in PAIRS])


def table(rows: list[Any], **dialect: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, **dialect).writerows(rows)
    return text.getvalue().encode()


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


PLAIN = lines(SIMPLE)
TOOL = {"name": "f", "description": "Finds.", "parameters": {"type": {"type": "str"}, "n": {"type": "int"}}}
CALL = {"name": "f", "arguments": {"type": "rose", "n": 2}}
EMBEDDED = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
NAMES = [
    ("Question", "ANSWER"), ("user_message", "bot_message"), ("human", "ai"), ("inputs", "targets"),
    ("src", "tgt"), ("document", "summary"), ("article", "highlights"), ("dialogue", "summary"),
    ("sentence", "label"), ("review", "sentiment"), ("tweet", "label"), ("sms", "label"),
    ("utterance", "intent"),
    ("comment_text", "toxic"), ("text", "annotation"), ("text", "category"), ("question", "final_answer"),
    ("question", "query"), ("nl", "sql"), ("code", "docstring"), ("message", "reply"), ("Q", "A"),
    ("user_prompt", "model_response"), ("prompt_text", "completion_text"), ("prompt", "expected_output"),
    ("pregunta", "respuesta"), ("Frage", "Antwort"), ("问题", "答案"), (" Prompt", "Response "),
]  # fmt: skip

READ: dict[str, tuple[bytes, str, str]] = {
    **{
        f"{one} and {other}": (lines([{one: q, other: a} for q, a in PAIRS]), "a.jsonl", "")
        for one, other in NAMES
    },
    **{
        f"a table of {one} and {other}": (table([(one, other), *PAIRS]), "a.csv", "prompt-completion")
        for one, other in NAMES
    },
    "a label that is true or false": (
        each(lambda q, a: {"text": q, "label": "late" in a}),
        "a.jsonl",
        "text-label",
    ),
    "SQuAD": (
        each(
            lambda q, a: {
                "context": "A book.",
                "question": q,
                "answers": {"text": [a, a], "answer_start": [1, 1]},
            }
        ),
        "a.jsonl",
        "question-answer",
    ),
    "Prodigy, whose answer is no answer": (
        each(lambda q, _: {"text": q, "label": "SPAM", "answer": "reject"}),
        "a.jsonl",
        "text-label",
    ),
    "Alpaca with its history": (
        each(lambda q, a: {"instruction": q, "input": "", "output": a, "history": [["hi", "hello"]]}),
        "a.jsonl",
        "sharegpt",
    ),
    "Alpaca with an empty history": (
        each(lambda q, a: {"instruction": q, "input": None, "output": a, "history": []}),
        "a.jsonl",
        "alpaca",
    ),
    "LIMA, strings in turn": (each(lambda q, a: {"conversations": [q, a]}), "a.jsonl", "sharegpt"),
    "UltraChat": (each(lambda q, a: {"id": "1", "data": [q, a]}), "a.jsonl", "sharegpt"),
    "MOSS": (each(lambda q, a: {"conversation": [{"human": q, "assistant": a}]}), "a.jsonl", "sharegpt"),
    "XTuner": (
        each(lambda q, a: {"conversation": [{"system": "Be.", "input": q, "output": a}]}),
        "a.jsonl",
        "sharegpt",
    ),
    "LangChain": (
        each(lambda q, a: {"messages": [{"type": "human", "content": q}, {"type": "ai", "content": a}]}),
        "a.jsonl",
        "sharegpt",
    ),
    "LangChain, nested": (
        each(
            lambda q, a: {
                "messages": [
                    {"type": "human", "data": {"content": q}},
                    {"type": "ai", "data": {"content": a}},
                ]
            }
        ),
        "a.jsonl",
        "sharegpt",
    ),
    "PaLM's chat": (
        each(lambda q, a: {"messages": [{"author": "user", "content": q}, {"author": "bot", "content": a}]}),
        "a.jsonl",
        "sharegpt",
    ),
    "text for content": (
        each(lambda q, a: {"messages": [{"role": "user", "text": q}, {"role": "assistant", "text": a}]}),
        "a.jsonl",
        "sharegpt",
    ),
    "TRL's conversational pairs": (
        each(lambda q, a: {"prompt": [user(q)], "completion": [assistant(a)]}),
        "a.jsonl",
        "openai-chat",
    ),
    "messages as JSON in a string": (
        each(lambda q, a: {"messages": json.dumps([user(q), assistant(a)])}),
        "a.jsonl",
        "openai-chat",
    ),
    "a record within a record": (
        each(lambda q, a: {"data": {"messages": [user(q), assistant(a)]}, "n": 1}),
        "a.jsonl",
        "openai-chat",
    ),
    "OpenAI's stored completions": (
        each(
            lambda q, a: {
                "request": {"messages": [user(q)]},
                "response": {"choices": [{"message": assistant(a)}]},
            }
        ),
        "a.jsonl",
        "openai-chat",
    ),
    "Langfuse": (
        each(lambda q, a: {"input": {"messages": [user(q)]}, "output": assistant(a)}),
        "a.jsonl",
        "openai-chat",
    ),
    "LangSmith": (
        each(lambda q, a: {"inputs": {"question": q}, "outputs": {"answer": a}}),
        "a.jsonl",
        "question-answer",
    ),
    "LangSmith's chats": (
        each(lambda q, a: {"inputs": {"messages": [user(q)]}, "outputs": {"messages": [assistant(a)]}}),
        "a.jsonl",
        "openai-chat",
    ),
    "a list of messages a line": (each(lambda q, a: [user(q), assistant(a)]), "a.jsonl", "openai-chat"),
    "an array of lists": (
        json.dumps([[user(q), assistant(a)] for q, a in PAIRS]).encode(),
        "a.json",
        "openai-chat",
    ),
    "lists of cells under names": (
        lines([["prompt", "completion"], *map(list, PAIRS)]),
        "a.jsonl",
        "prompt-completion",
    ),
    "a dictionary of columns": (
        json.dumps({"prompt": ASKED, "completion": SAID}).encode(),
        "a.json",
        "prompt-completion",
    ),
    "pandas, columns": (
        json.dumps({"prompt": dict(enumerate(ASKED)), "completion": dict(enumerate(SAID))}).encode(),
        "a.json",
        "prompt-completion",
    ),
    "pandas, index": (json.dumps(dict(enumerate(SIMPLE)), indent=1).encode(), "a.json", "prompt-completion"),
    "pandas, split": (
        json.dumps({"columns": ["prompt", "completion"], "index": [0], "data": PAIRS}).encode(),
        "a.json",
        "prompt-completion",
    ),
    "a version before the list": (
        json.dumps({"version": "1.1", "data": SIMPLE}).encode(),
        "a.json",
        "prompt-completion",
    ),
    "the rows of a viewer": (
        json.dumps({"features": [], "rows": [{"row_idx": 1, "row": one} for one in SIMPLE]}).encode(),
        "a.json",
        "prompt-completion",
    ),
    "Rasa": (
        json.dumps({"nlu": {"examples": [{"text": q, "intent": a} for q, a in PAIRS]}}).encode(),
        "a.json",
        "text-label",
    ),
    "a JSON text sequence": (b"".join(b"\x1e" + one + b"\n" for one in PLAIN.splitlines()), "a.jsonl", ""),
    "records parted by U+2028": (PLAIN.decode().rstrip().replace("\n", "\u2028").encode(), "a.jsonl", ""),
    "a line end raw in a text": (PLAIN.replace(b" vor der", b"\nvor der"), "a.jsonl", ""),
    "records with commas behind them": (PLAIN.replace(b"\n", b",\n"), "a.jsonl", ""),
    "an array with a comma too many": (b"[" + PLAIN.replace(b"\n", b",\n") + b"]", "a.json", ""),
    "ISO-2022-JP": (
        lines([{"prompt": ASKED[2], "completion": SAID[2]}]).decode().encode("iso2022_jp"),
        "a.jsonl",
        "",
    ),
    "a table with the index of pandas": (
        table([("", "prompt", "completion"), *((n, *one) for n, one in enumerate(PAIRS))]),
        "a.csv",
        "",
    ),
    "a table of Markdown": (
        "".join(f"| {q} | {a} |\n" for q, a in [("prompt", "completion"), ("---", ":--:"), *PAIRS]).encode(),
        "a.md",
        "",
    ),
    "a table of Markdown by other names": (
        "".join(f"| {q} | {a} |\n" for q, a in [("Question", "Answer"), ("---", ":--:"), *PAIRS]).encode(),
        "a.md",
        "",
    ),
    "an index of pandas beside other names": (
        table([("", "Question", "Answer"), *((n, q, a) for n, (q, a) in enumerate(PAIRS))]),
        "a.csv",
        "",
    ),
    "tabs, and quotes that mean nothing": (
        ("prompt\tcompletion\n" + "".join(f'{q}\t"so" {a}\n' for q, a in PAIRS)).encode(),
        "a.tsv",
        "",
    ),
    "conversations in cells, as Python prints them": (
        table([("messages",), *((str([user(q), assistant(a)]),) for q, a in PAIRS)]),
        "a.csv",
        "openai-chat",
    ),
}


def dialogue(by: str, said: str, turns: str, roles: tuple[str, str], wrap: bool = False) -> bytes:
    """Two questions and answers a record, in turns of the user and the system."""

    def record(asked: str, answered: str) -> dict[str, Any]:
        texts = ["Hi", "Hello.", asked, answered]
        return {
            turns: [
                {by: role, said: [{"text": text}] if wrap else text}
                for role, text in zip(roles * 2, texts, strict=True)
            ]
        }

    return each(record)


SYSTEM_ANSWERS = {
    "MultiWOZ": dialogue("speaker", "utterance", "turns", ("USER", "SYSTEM")),
    "short names": dialogue("speaker", "text", "log", ("usr", "sys")),
    "chats": dialogue("role", "content", "messages", ("user", "system")),
    "Converse": dialogue("role", "content", "messages", ("user", "system"), wrap=True),
}


def log(asked: str, said: str) -> dict[str, Any]:
    nodes = {"a": (None, "user", asked), "b": ("a", "assistant", said)}
    return {
        "title": "t",
        "current_node": "b",
        "mapping": {
            name: {
                "parent": before,
                "children": [],
                "message": {"author": {"role": role}, "content": {"content_type": "text", "parts": [text]}},
            }
            for name, (before, role, text) in nodes.items()
        },
    }


READ |= {
    "ChatGPT's export": (json.dumps([log(*one) for one in PAIRS]).encode(), "conversations.json", ""),
    "Claude's export": (
        each(
            lambda q, a: {
                "chat_messages": [{"sender": "human", "text": q}, {"sender": "assistant", "text": a}]
            }
        ),
        "a.jsonl",
        "sharegpt",
    ),
    "OpenAI's responses": (
        each(
            lambda q, a: {
                "input": q,
                "instructions": "Be.",
                "output": [{"role": "assistant", "content": [{"type": "output_text", "text": a}]}],
            }
        ),
        "a.jsonl",
        "openai-chat",
    ),
    "Argilla": (
        json.dumps([{"id": "x", "fields": {"instruction": q, "response": a}} for q, a in PAIRS]).encode(),
        "a.json",
        "dolly",
    ),
    "Langfuse's items": (
        each(lambda q, a: {"input": {"question": q}, "expectedOutput": {"answer": a}}),
        "a.jsonl",
        "question-answer",
    ),
    "Langfuse's table": (
        table(
            [
                ("input", "output"),
                *((json.dumps({"messages": [user(q)]}), json.dumps(assistant(a))) for q, a in PAIRS),
            ]
        ),
        "a.csv",
        "openai-chat",
    ),
    "Helicone": (
        each(
            lambda q, a: {
                "request_body": {"messages": [user(q)]},
                "response_body": {"choices": [{"message": assistant(a)}]},
            }
        ),
        "a.jsonl",
        "openai-chat",
    ),
    "DynamoDB": (
        each(lambda q, a: {"Item": {"prompt": {"S": q}, "completion": {"S": a}}}),
        "a.jsonl",
        "prompt-completion",
    ),
    "SQuAD's own file": (
        json.dumps(
            {
                "version": "1.1",
                "data": [
                    {
                        "paragraphs": [
                            {
                                "context": "A book.",
                                "qas": [
                                    {"question": q, "answers": [{"text": a}, {"text": a}]} for q, a in PAIRS
                                ],
                            }
                        ]
                    }
                ],
            }
        ).encode(),
        "a.json",
        "question-answer",
    ),
    "BoolQ": (
        each(lambda q, _: {"question": q, "passage": "P.", "answer": True}),
        "a.jsonl",
        "question-answer",
    ),
    "an annotator's yes": (
        each(lambda q, _: {"text": q, "label": "A", "answer": "accept", "_task_hash": 1}),
        "a.jsonl",
        "text-label",
    ),
    "MBPP": (
        each(lambda q, a: {"task_id": 1, "text": q, "code": f"print('{a}')", "test_list": ["assert f()"]}),
        "a.jsonl",
        "question-answer",
    ),
    "HumanEval": (
        each(lambda q, a: {"task_id": "H/0", "prompt": q, "canonical_solution": a, "test": "def f(): 1"}),
        "a.jsonl",
        "question-answer",
    ),
    "APPS, whose solutions are JSON in a string": (
        each(lambda q, a: {"question": q, "solutions": json.dumps([a])}),
        "a.jsonl",
        "question-answer",
    ),
    "xLAM, calls and tools in strings": (
        each(lambda q, _: {"query": q, "answers": json.dumps([CALL]), "tools": json.dumps([TOOL])}),
        "a.jsonl",
        "openai-chat",
    ),
    "an answer in words, beside tools": (
        each(lambda q, a: {"instruction": q, "input": "", "output": a, "tools": [TOOL]}),
        "a.jsonl",
        "openai-chat",
    ),
    "tools and calls under other names": (
        each(lambda q, _: {"input": q, "apis": [TOOL], "output": [{"tool_name": "f", "args": {"n": 2}}]}),
        "a.jsonl",
        "openai-chat",
    ),
    "SQuAD in a table": (
        table(
            [
                ("context", "question", "answers"),
                *(("A book.", q, str({"text": [a], "answer_start": [1]})) for q, a in PAIRS),
            ]
        ),
        "a.csv",
        "prompt-completion",
    ),
    "one call of a function": (
        each(lambda q, _: {"question": q, "function_call": CALL, "functions": [TOOL]}),
        "a.jsonl",
        "openai-chat",
    ),
    "tools in a table": (
        table([("query", "answers", "tools"), *((q, json.dumps([CALL]), json.dumps([TOOL])) for q in ASKED)]),
        "a.csv",
        "openai-chat",
    ),
    "tools that are none": (
        each(lambda q, a: {"question": q, "answer": a, "tools": ["hoe", "rake"]}),
        "a.jsonl",
        "question-answer",
    ),
    "RAGAS": (
        each(lambda q, a: {"question": q, "contexts": ["Roses need sun.", "And water."], "answer": a}),
        "a.jsonl",
        "question-answer",
    ),
    "a document that is asked about, and where it is from": (
        each(lambda q, a: {"question": q, "document": "Roses need sun.", "code": "R-7", "answer": a}),
        "a.jsonl",
        "question-answer",
    ),
    "what was said before, under another name": (
        each(
            lambda q, a: {
                "question": q,
                "answer": a,
                "conversation_history": [user("Hi"), assistant("Hello.")],
            }
        ),
        "a.jsonl",
        "sharegpt",
    ),
    "Taskmaster": (
        each(
            lambda q, a: {
                "utterances": [{"speaker": "USER", "text": q}, {"speaker": "ASSISTANT", "text": a}],
                "conversation_id": "dlg-1",
            }
        ),
        "a.jsonl",
        "sharegpt",
    ),
    "Hugging Face's columns of turns": (
        each(lambda q, a: {"conversations": {"from": ["human", "gpt"], "value": [q, a]}}),
        "a.jsonl",
        "sharegpt",
    ),
    "pretty-printed ShareGPT": (
        b"\n".join(
            json.dumps(
                {"conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": a}]}, indent=1
            ).encode()
            for q, a in PAIRS
        ),
        "a.jsonl",
        "sharegpt",
    ),
}


MENDED: dict[str, tuple[bytes, str]] = {
    "roles of other providers": (
        each(lambda q, a: {"messages": [{"role": "Human", "content": q}, {"role": "ai", "content": a}]}),
        "TD023",
    ),
    "roles in capitals": (
        each(lambda q, a: {"messages": [{"role": "User", "content": q}, {"role": "Bot", "content": a}]}),
        "TD023",
    ),
    "a system prompt that is a string": (
        each(
            lambda q, a: {
                "system": "Be.",
                "messages": [user([{"text": q}]), assistant([{"text": a}])],
                "schemaVersion": "bedrock-conversation-2024",
            }
        ),
        "TD012",
    ),
    "what Python prints": ("".join(f"{one}\n" for one in SIMPLE).encode(), "TD001"),
    "a raw tab": (PLAIN.replace(b" vor der", b"\tvor der"), "TD001"),
    "a code fence": (b"```json\n" + PLAIN + b"```\n", "TD001"),
    "blank lines": (PLAIN.replace(b"\n", b"\n\n"), "TD003"),
    "a mark before each line": (
        b"".join(b"\xef\xbb\xbf" + one + b"\n" for one in PLAIN.splitlines()),
        "TD002",
    ),
}


def langchain(kind: str, text: str) -> dict[str, Any]:
    return {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", f"{kind}Message"],
        "kwargs": {"content": text, "type": kind.lower()},
    }


READ |= {
    "OpenAI's evals, whose answer is ideal": (
        each(lambda q, a: {"input": [user(q)], "ideal": a}),
        "a.jsonl",
        "openai-chat",
    ),
    "an ideal answer in a list": (
        each(lambda q, a: {"input": [user(q)], "ideal": [a]}),
        "a.jsonl",
        "openai-chat",
    ),
    "OpenAI's stored completions": (
        each(lambda q, a: {"request": {"messages": [user(q)]}, "choices": [{"message": assistant(a)}]}),
        "a.jsonl",
        "openai-chat",
    ),
    "Cohere's chat history": (
        each(
            lambda q, a: {
                "preamble": "Be kind.",
                "chat_history": [
                    {"role": "USER", "message": "Hi"},
                    {"role": "CHATBOT", "message": "Hello"},
                ],
                "message": q,
                "text": a,
            }
        ),
        "a.jsonl",
        "sharegpt",
    ),
    "Mistral's interactions": (
        each(
            lambda q, a: {
                "interactions": [{"role": "user", "text": q}, {"role": "assistant", "text": a}],
                "available_tools": [],
                "system_prompt": "Be kind.",
            }
        ),
        "a.jsonl",
        "sharegpt",
    ),
    "LangSmith's runs": (
        each(
            lambda q, a: {
                "inputs": {"messages": [[langchain("Human", q)]]},
                "outputs": {"generations": [[{"text": a, "message": langchain("AI", a)}]]},
            }
        ),
        "a.jsonl",
        "openai-chat",
    ),
    "Hermes, whose calls are in the texts": (
        each(
            lambda q, a: {
                "conversations": [
                    {
                        "from": "system",
                        "value": f"Within <tools></tools>: <tools> {json.dumps([TOOL])} </tools>",
                    },
                    {"from": "human", "value": "Find a rose."},
                    {
                        "from": "gpt",
                        "value": f"Looking.\n<tool_call>\n{json.dumps(CALL)}\n</tool_call>"
                        f"\n<tool_call>{json.dumps(CALL)}</tool_call>",
                    },
                    {
                        "from": "tool",
                        "value": "<tool_response>1</tool_response>\n<tool_response>2</tool_response>",
                    },
                    {"from": "gpt", "value": "Two roses."},
                    {"from": "human", "value": q},
                    {"from": "gpt", "value": a},
                ]
            }
        ),
        "a.jsonl",
        "sharegpt",
    ),
    "an answer beside its messages": (
        each(lambda q, a: {"messages": [user(q)], "completion": a}),
        "a.jsonl",
        "openai-chat",
    ),
    "choices beside their messages": (
        each(lambda q, a: {"messages": [user(q)], "choices": [{"message": assistant(a)}]}),
        "a.jsonl",
        "openai-chat",
    ),
    "an answer beside messages of blocks": (
        each(lambda q, a: {"messages": [user([{"text": q}])], "output": a}),
        "a.jsonl",
        "converse",
    ),
    "Self-Instruct": (
        each(lambda q, a: {"id": "s", "instruction": q, "instances": [{"input": "", "output": a}]}),
        "a.jsonl",
        "alpaca",
    ),
    "Bedrock's evaluation of prompts": (
        each(lambda q, a: {"prompt": q, "referenceResponse": a, "category": "c"}),
        "a.jsonl",
        "question-answer",
    ),
    "Bedrock's evaluation of conversations": (
        each(
            lambda q, a: {
                "conversationTurns": [
                    {"prompt": {"content": [{"text": q}]}, "referenceResponses": [{"content": [{"text": a}]}]}
                ]
            }
        ),
        "a.jsonl",
        "converse",
    ),
}

REFUSED: dict[str, tuple[bytes, str, str, str]] = {
    "instances of Self-Instruct": (
        each(lambda q, a: {"instruction": q, "instances": [{"input": "", "output": a}] * 2}),
        "a.jsonl",
        "TD011",
        "instances holds 2 examples",
    ),
    "a record that Prodigy's annotator rejected": (
        each(lambda q, _: {"text": q, "label": "SPAM", "answer": "reject", "_task_hash": 1}),
        "a.jsonl",
        "TD012",
        "the annotator's decision on this record is reject",
    ),
    "an HTML table": (
        b"<html><table><tr><th>Question</th><th>Answer</th></tr></table></html>",
        "a.xls",
        "TD005",
        "a web page with a table",
    ),
    "XML": (b"<faq><q>Why?</q><a>So, it is.</a></faq>", "a.xml", "TD005", "this is XML or HTML"),
    "SQL": (
        b"INSERT INTO faq (question, answer) VALUES\n('Why?', 'So.');\n",
        "a.sql",
        "TD005",
        "this is SQL",
    ),
    "subtitles": (b"1\n00:00:01,000 --> 00:00:02,000\nWhy?\n", "a.srt", "TD005", "these are subtitles"),
    "subtitles of the web": (
        b"WEBVTT\n\n00:01.000 --> 00:02.000\nWhy?\n",
        "a.vtt",
        "TD005",
        "these are subtitles",
    ),
    "a mailbox": (
        b"From ana@example.com Sat Jan  3 01:05:34 2026\nSubject: Why\n\nWhy, and when?\n",
        "a.mbox",
        "TD005",
        "this is a mailbox",
    ),
    "two columns that may both be the prompt": (
        table([("Comment", "Comment", "Reply"), *((q, q, a) for q, a in PAIRS)]),
        "a.csv",
        "TD005",
        "2 columns are named 'Comment'; rename all but one",
    ),
    "no name that anybody uses": (
        each(lambda q, a: {"x": q, "y": a}),
        "a.jsonl",
        "TD010",
        "--column prompt=KEY",
    ),
    "a message a line": (each(lambda q, _: user(q)), "a.jsonl", "TD010", "a single message is not a record"),
    "a node of a tree a line": (
        each(lambda q, _: {"text": q, "role": "prompter", "parent_id": None}),
        "a.jsonl",
        "TD010",
        "a single message is not a record",
    ),
    "a transcript in a string": (
        each(lambda q, a: {"chat": f"USER: {q} ASSISTANT: {a}"}),
        "a.jsonl",
        "TD010",
        "chat must be a list of turns",
    ),
    "Label Studio": (
        json.dumps([{"data": {"text": q}, "annotations": [{"result": []}]} for q in ASKED]).encode(),
        "a.json",
        "TD010",
        "unknown format",
    ),
    "several answers": (
        each(lambda q, a: {"question": q, "answer": [a, a + "!"]}),
        "a.jsonl",
        "TD012",
        "holds 2 answers",
    ),
    "a refusal": (
        each(lambda q, a: {"messages": [user(q), {"role": "assistant", "content": None, "refusal": a}]}),
        "a.jsonl",
        "TD021",
        "next to a refusal",
    ),
    "rows without names": (lines(list(map(list, PAIRS))), "a.jsonl", "TD001", "not a list"),
    "the parts of a split in one object": (
        json.dumps({"train": SIMPLE, "test": SIMPLE}).encode(),
        "a.json",
        "TD005",
        "several parts (train, test)",
    ),
    "a log's time before each record": (
        b"".join(b"2026-01-01 INFO " + one + b"\n" for one in PLAIN.splitlines()),
        "a.jsonl",
        "TD005",
        "precedes each record",
    ),
    "YAML": (b"- prompt: a\n  completion: b\n- prompt: c\n", "a.yaml", "TD005", "this is YAML"),
    "prose in a file that could be anything": (
        b"Roses\n\nThey need sun, and water.\n",
        "a.log",
        "TD005",
        "this is text without records",
    ),
    "NaN": (PLAIN + b'{"prompt": "a", "completion": NaN}\n', "a.jsonl", "TD001", "write null or a number"),
    "None of Python": (PLAIN + b'{"prompt": "a", "completion": None}\n', "a.jsonl", "TD001", "JSON has null"),
    "a comma before a brace": (
        PLAIN + b'{"prompt": "a", "completion": "b",}\n',
        "a.jsonl",
        "TD001",
        "trailing comma",
    ),
    "a comment": (b"// mine\n" + PLAIN, "a.jsonl", "TD001", "no comments"),
    "a merge conflict": (PLAIN + b"<<<<<<< HEAD\n" + PLAIN, "a.jsonl", "TD001", "merge conflict"),
    "typographic quotes": ("{“prompt”: “a”}\n".encode() * 3, "a.jsonl", "TD001", "typographic quotes"),
    "HTML entities for quotes": (PLAIN.replace(b'"', b"&quot;"), "a.jsonl", "TD001", "HTML entities"),
    "an escape that JSON lacks": (
        PLAIN + rb'{"prompt": "it\'s", "completion": "b"}',
        "a.jsonl",
        "TD001",
        "is not a JSON escape",
    ),
    "a quote in a text": (
        PLAIN + b'{"prompt": "say "hi" now", "completion": "b"}\n',
        "a.jsonl",
        "TD001",
        "not escaped",
    ),
    "half a surrogate": (
        PLAIN + rb'{"prompt": "\ud83d", "completion": "b"}',
        "a.jsonl",
        "TD001",
        "an unpaired",
    ),
    "a file that was cut off": (PLAIN[:-20], "a.jsonl", "TD001", "the file was cut off"),
    "one line in another encoding": (
        PLAIN + '{"prompt": "für", "completion": "schön"}\n'.encode("cp1252"),
        "a.jsonl",
        "TD002",
        "is not UTF-8",
    ),
    "a row of prompts alone": (
        table([("prompt",), *((q,) for q in ASKED)]),
        "a.csv",
        "TD005",
        "the only column is 'prompt'",
    ),
    "the decision of an annotator": (
        each(lambda q, _: {"text": q, "spans": [], "answer": "accept"}),
        "a.jsonl",
        "TD012",
        "an annotator's decision",
    ),
    "the number of a choice": (
        each(lambda q, _: {"question": q, "choices": ["a", "b"], "answer": 1}),
        "a.jsonl",
        "TD012",
        "the number of a choice",
    ),
    "the output of a batch": (
        each(lambda _, a: {"custom_id": "1", "response": {"body": {"choices": [{"message": assistant(a)}]}}}),
        "a.jsonl",
        "TD011",
        "join them by custom_id",
    ),
    "a translation": (
        each(lambda q, a: {"translation": {"de": q, "en": a}}),
        "a.jsonl",
        "TD010",
        "translation holds de, en",
    ),
    "a pair of sentences": (
        each(lambda q, a: {"sentence1": q, "sentence2": a, "label": 1}),
        "a.jsonl",
        "TD011",
        "--column prompt=KEY",
    ),
    "Slack": (
        json.dumps([{"type": "message", "user": "U1", "text": q, "ts": "1.0"} for q in ASKED]).encode(),
        "a.json",
        "TD010",
        "a single message is not a record",
    ),
    "WhatsApp": (
        "".join(f"[12/01/24, 21:0{n}:00] Anna: {q}\n" for n, q in enumerate(ASKED)).encode(),
        "a.txt",
        "TD005",
        "this is a chat log",
    ),
    "comments in an array": (
        b"// mine\n[\n" + PLAIN.replace(b"\n", b",\n"),
        "a.json",
        "TD005",
        "no comments",
    ),
    "an array of Python's": (str(SIMPLE).encode(), "a.json", "TD001", "single quotes"),
    "an array, pretty, with a comma too many in a record": (
        json.dumps(SIMPLE, indent=1).replace('"\n', '",\n').encode(),
        "a.json",
        "TD001",
        "trailing comma",
    ),
    "keys without quotes": (
        "".join(f"{{prompt: {json.dumps(q)}}}\n" for q in ASKED).encode(),
        "a.jsonl",
        "TD001",
        "a key is not quoted",
    ),
    "lists in lists without end": (b"[" * 9_000, "a.json", "TD001", "nested deeper than 64 levels"),
    "the header again in the middle": (
        table([("prompt", "completion"), ("prompt", "completion")]),
        "a.csv",
        "TD009",
        "repeats the header",
    ),
    "what may be a program": (
        each(lambda q, _: {"text": q, "code": "ls minus la"}),
        "a.jsonl",
        "TD010",
        "--column prompt=text --column completion=code",
    ),
    "a text and its translation": (
        each(lambda q, a: {"content": q, "translation": a}),
        "a.jsonl",
        "TD010",
        "--column prompt=content --column completion=translation",
    ),
    **{
        f"an image {how}": (
            each(lambda q, a: {"image": image, "question": q, "answer": a}),  # noqa: B023 - called at once
            "a.jsonl",
            "TD073",
            "which the model needs to answer the prompt",
        )
        for how, image in {
            "on the web": "https://example.org/cat.png",
            "in base64": "iVBORw0KGgo" * 20,
            "in bytes": {"bytes": "iVBORw0KGgo", "path": "cat.png"},
            "by its number": 42,
        }.items()
    },
    "images beside a message": (
        each(lambda q, a: {"messages": [{**user(q), "images": ["iVBORw0KGgo"]}, assistant(a)]}),
        "a.jsonl",
        "TD073",
        "which the model needs to answer the prompt",
    ),
    "an image beside a text": (
        each(lambda q, _: {"image": {"bytes": "iVBORw0KGgo"}, "text": q}),
        "a.jsonl",
        "TD073",
        "image-ref and caption",
    ),
    "an image beside Converse": (
        each(
            lambda q, a: {"messages": [user([{"text": q}]), assistant([{"text": a}])], "image_path": "c.png"}
        ),
        "a.jsonl",
        "TD073",
        "which the model needs to answer the prompt",
    ),
    "sound": (
        each(lambda q, a: {"audio": {"path": "a.wav"}, "question": q, "answer": a}),
        "a.jsonl",
        "TD016",
        "no base model trains on it",
    ),
    "a video": (
        each(lambda q, a: {"video": "a.mp4", "question": q, "answer": a}),
        "a.jsonl",
        "TD073",
        "a Converse block with its path",
    ),
    "captions by another name": (
        each(lambda q, _: {"image": "cat.png", "caption": q}),
        "a.jsonl",
        "TD010",
        "must be image-ref",
    ),
    "a dialogue that the system begins": (
        each(
            lambda q, a: {
                "turns": [
                    {"speaker": who, "utterance": text}
                    for who, text in [("SYSTEM", "Hi."), ("USER", q), ("SYSTEM", a)]
                ]
            }
        ),
        "a.jsonl",
        "TD023",
        "use the role assistant",
    ),
    "entities of a text": (
        each(lambda q, _: {"text": q, "entities": [{"start": 0, "end": 4, "label": "X"}]}),
        "a.jsonl",
        "TD010",
        "may be its answer",
    ),
    "a category of contents": (
        each(lambda q, _: {"content": q, "category": "roses"}),
        "a.jsonl",
        "TD010",
        "--column prompt=content --column completion=category",
    ),
    "an image under any name": (
        each(lambda q, a: {"image_1": {"bytes": "iVBO", "path": None}, "question": q, "answer": a}),
        "a.jsonl",
        "TD073",
        "which the model needs to answer the prompt",
    ),
    "answers in NumPy's notation": (
        table(
            [
                ("question", "answers"),
                *((q, "{'text': array(['a'], dtype=object), 'answer_start': array([1])}") for q in ASKED),
            ]
        ),
        "a.csv",
        "TD012",
        "in NumPy's notation",
    ),
    "documents that are no texts": (
        each(lambda q, a: {"question": q, "documents": [{"title": "t", "pages": 3}], "answer": a}),
        "a.jsonl",
        "TD012",
        "the question is about it",
    ),
    "calls without tools": (
        each(lambda q, _: {"query": q, "answers": json.dumps([CALL])}),
        "a.jsonl",
        "TD026",
        "add the tool definitions under tools",
    ),
    "tools and no call": (
        each(lambda q, _: {"query": q, "answers": "[]", "tools": json.dumps([TOOL])}),
        "a.jsonl",
        "TD026",
        "but their calls cannot be read",
    ),
    "calls as Python": (
        each(lambda q, _: {"query": q, "answers": "[f(n=2)]", "tools": [TOOL]}),
        "a.jsonl",
        "TD026",
        "JSON with name and arguments",
    ),
    "OpenAI's tools beside Converse": (
        each(lambda q, a: {"messages": [user([{"text": q}]), assistant([{"text": a}])], "tools": [TOOL]}),
        "a.jsonl",
        "TD026",
        "tools go under toolConfig",
    ),
    "one broken chat": (
        lines([{"messages": [user("Hi"), user("Hi?"), assistant("Hello.")]}]),
        "a.json",
        "TD020",
        "turns must alternate",
    ),
    "one chat of nothing": (b'{"messages": []}\n', "a.jsonl", "TD012", "a list of messages"),
    "a preference in capitals, with one answer twice": (
        each(lambda q, a: {"Prompt": q, "Chosen": a, "Rejected": a}),
        "a.jsonl",
        "TD089",
        "nothing to prefer",
    ),
    "a message a row": (
        table([("id", "role", "content"), *(("1", "user", q) for q in ASKED)]),
        "a.csv",
        "TD005",
        "a row is one message",
    ),
    "RTF": (b"{\\rtf1\\ansi roses}", "a.rtf", "TD005", "this is RTF"),
    "JavaScript": (b"const data = " + json.dumps(SIMPLE).encode(), "a.json", "TD005", "this is JavaScript"),
    "hashes as comments": (b"# mine\n" + json.dumps(SIMPLE).encode(), "a.json", "TD005", "no comments"),
    "NaN among cells": (
        b'["prompt", "completion"]\n["a", "b"]\n["a", NaN]\n',
        "a.jsonl",
        "TD001",
        "NaN and Infinity are not valid JSON",
    ),
    "an empty archive": (b"PK\x05\x06" + bytes(18), "a.zip", "TD005", "contains no file with records"),
    "pictures in the record": (
        each(lambda q, a: {"messages": [user([EMBEDDED, {"type": "text", "text": q}]), assistant(a)]}),
        "a.jsonl",
        "TD073",
        "put the image next to the dataset",
    ),
}

READ |= {
    **{
        f"a transcript, {name}": (each(shape), "a.jsonl", "transcript")
        for name, shape in {
            "ChatML": lambda q, a: {
                "text": f"<|im_start|>user\n{q}<|im_end|>\n<|im_start|>assistant\n{a}<|im_end|>\n"
            },
            "Llama 2": lambda q, a: {"text": f"<s>[INST] <<SYS>>\nBe.\n<</SYS>>\n\n{q} [/INST] {a} </s>"},
            "Llama 3": lambda q, a: {
                "text": f"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{q}<|eot_id|>"
                f"<|start_header_id|>assistant<|end_header_id|>\n\n{a}<|eot_id|>"
            },
            "Gemma": lambda q, a: {
                "input": f"<start_of_turn>user\n{q}<end_of_turn>\n<start_of_turn>model\n{a}<end_of_turn>"
            },
            "Phi": lambda q, a: {"text": f"<|user|>\n{q}<|end|>\n<|assistant|>\n{a}<|end|>"},
            "Alpaca": lambda q, a: {
                "text": f"Below is an instruction that describes a task.\n\n### Instruction:\n{q}\n\n"
                f"### Input:\nA garden.\n\n### Response:\n{a}"
            },
            "Guanaco": lambda q, a: {"text": f"### Human: {q}### Assistant: {a}"},
            "Baize": lambda q, a: {
                "input": f"The conversation between two.\n[|Human|] {q}\n[|AI|] {a}\n[|Human|] "
            },
            "Vicuna": lambda q, a: {"text": f"A chat between two. USER: {q} ASSISTANT: {a}</s>"},
            "Anthropic": lambda q, a: {"prompt": f"\n\nHuman: {q}\n\nAssistant:", "completion": f" {a}"},
            "a prompt": lambda q, a: {"prompt": f"<s>[INST] {q} [/INST]", "completion": a},
        }.items()
    },
    "OpenAI's responses with calls": (
        each(
            lambda q, a: {
                "input": [
                    user("Hi"),
                    {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}", "id": "c"},
                    {"type": "function_call_output", "call_id": "1", "output": "two"},
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
                    {"type": "message", "role": "assistant", "content": "Hello."},
                    user(q),
                ],
                "output": [{"role": "assistant", "content": [{"type": "output_text", "text": a}]}],
                "tools": [{"type": "function", **TOOL}],
            }
        ),
        "a.jsonl",
        "openai-chat",
    ),
    "Gemini's types": (
        each(
            lambda q, a: {
                "contents": [
                    {"role": "user", "parts": [{"text": q}]},
                    {"role": "model", "parts": [{"text": a}]},
                ],
                "tools": [
                    {
                        "functionDeclarations": [
                            {
                                "name": "f",
                                "description": "Finds.",
                                "parameters": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}},
                            }
                        ]
                    }
                ],
            }
        ),
        "a.jsonl",
        "gemini",
    ),
    "messages in a conversation": (
        each(lambda q, a: {"id": "1", "conversation": {"messages": [user(q), assistant(a)], "locale": "de"}}),
        "a.jsonl",
        "openai-chat",
    ),
    "MLflow": (
        each(lambda q, a: {"inputs": {"question": q}, "expectations": {"expected_response": a}}),
        "a.jsonl",
        "question-answer",
    ),
    "Spider": (
        each(lambda q, a: {"db_id": "d", "question": q, "query": a, "sql": {"select": [1]}}),
        "a.jsonl",
        "question-answer",
    ),
    **{
        f"{nothing} for no input": (
            each(lambda q, a: {"instruction": q, "input": nothing, "output": a}),  # noqa: B023 - called at once
            "a.jsonl",
            "alpaca",
        )
        for nothing in ("<noinput>", "nan", "N/A")
    },
    **{
        f"columns {asked} and {said}": (table([(asked, said), *PAIRS]), "a.csv", "")
        for asked, said in [
            ("질문", "답변"), ("שאלה", "תשובה"), ("سؤال", "جواب"), ("คำถาม", "คำตอบ"),
            ("Pytanie", "Odpowiedź"),
            ("Vraag", "Antwoord"), ("Câu hỏi", "Trả lời"), ("Soru", "Cevap"), ("問題", "回答"),
        ]
    },
}  # fmt: skip

REFUSED |= {
    "MT-Bench": (
        each(lambda q, _: {"question_id": 81, "turns": [q, "And then?"]}),
        "a.jsonl",
        "TD023",
        "no answer follows",
    ),
    "MT-Bench's answers": (
        each(lambda _, a: {"question_id": 81, "choices": [{"index": 0, "turns": [a]}]}),
        "a.jsonl",
        "TD010",
        "join them with the questions",
    ),
    "Intercom": (
        each(lambda q, _: {"id": "1", "source": {"body": q}, "conversation_parts": {"total_count": 1}}),
        "a.jsonl",
        "TD010",
        "an Intercom conversation",
    ),
    "Dialogflow": (
        each(lambda q, a: {"userSays": [{"data": [{"text": q}]}], "responses": [{"speech": a}]}),
        "a.jsonl",
        "TD011",
        "training phrases of Dialogflow",
    ),
    "Dialogflow's phrases": (
        each(lambda q, _: {"id": "1", "data": [{"text": q}], "isTemplate": False}),
        "a.jsonl",
        "TD010",
        "training phrases of Dialogflow",
    ),
    "intents of a chatbot": (
        json.dumps(
            {"intents": [{"tag": "t", "patterns": [q], "responses": [a, a]} for q, a in PAIRS]}
        ).encode(),
        "intents.json",
        "TD011",
        "one record per question",
    ),
    "CoQA": (
        each(lambda q, a: {"story": "A cat.", "questions": [q], "answers": {"input_text": [a]}}),
        "a.jsonl",
        "TD011",
        "one record per question",
    ),
    "OpenAssistant": (
        each(lambda q, a: {"prompt": {"text": q, "role": "prompter", "replies": [{"text": a}]}}),
        "a.jsonl",
        "TD011",
        "one record per branch",
    ),
    "Ground Truth": (
        each(lambda q, _: {"source": q, "kind": 0, "kind-metadata": {"class-name": "rose"}}),
        "a.jsonl",
        "TD010",
        "class-name of kind-metadata",
    ),
    "axolotl's segments": (
        each(lambda q, a: {"segments": [{"label": False, "text": q}, {"label": True, "text": a}]}),
        "a.jsonl",
        "TD010",
        "segments without roles",
    ),
    "questions for keys": (
        json.dumps({"When is it time?": "Now or never.", "Who is at the door?": "Nobody."}).encode(),
        "a.json",
        "TD010",
        "the keys are texts",
    ),
    "a notebook": (
        json.dumps(
            {"cells": [{"cell_type": "code", "source": ["x"], "outputs": []}], "nbformat": 4}
        ).encode(),
        "a.ipynb",
        "TD005",
        "a Jupyter notebook",
    ),
    "a message a row, by a speaker": (
        table([("conversation_id", "speaker", "text"), *(("1", "customer", q) for q in ASKED)]),
        "a.csv",
        "TD020",
        "user and assistant turns must alternate",
    ),
    "records in a log": (
        "".join(f'2026-01-01 12:00:0{at} INFO {{"prompt": "{q}"}}\n' for at, q in enumerate(ASKED)).encode(),
        "a.jsonl",
        "TD005",
        "precedes each record",
    ),
    "turns without speakers": (
        each(lambda q, _: {"utterances": [{"candidates": [q], "history": []}]}),
        "a.jsonl",
        "TD010",
        "must hold turns with role and content",
    ),
}

READ |= {
    "Cohere's roles": (
        each(lambda q, a: {"messages": [
            {"role": "System", "content": "Be kind."}, {"role": "User", "content": q},
            {"role": "Chatbot", "content": a},
        ]}),
        "a.jsonl", "sharegpt",
    ),
    "Vertex AI's chat-bison": (
        each(lambda q, a: {"context": "Be kind.", "messages": [{"author": "user", "content": q},
                                                               {"author": "assistant", "content": a}]}),
        "a.jsonl", "sharegpt",
    ),
    "ShareGPT's first dump": (
        each(lambda q, a: {"id": "x", "items": [{"from": "human", "value": q}, {"from": "gpt", "value": a}]}),
        "a.jsonl", "sharegpt",
    ),
    "AI Studio's tuning data": (
        each(lambda q, a: {"text_input": q, "output": a}), "a.jsonl", "question-answer",
    ),
    "values that R's jsonlite has boxed": (
        each(lambda q, a: {"prompt": [q], "completion": [a]}), "a.jsonl", "prompt-completion",
    ),
    "documents of Firestore": (
        json.dumps({"documents": [
            {"name": "x", "fields": {"question": {"stringValue": q}, "answer": {"stringValue": a}}}
            for q, a in PAIRS
        ]}).encode(),
        "a.json", "question-answer",
    ),
    "documents of CouchDB": (
        json.dumps({"total_rows": 4, "rows": [
            {"id": "x", "key": "x", "value": {"rev": "1"}, "doc": {"_id": "x", "question": q, "answer": a}}
            for q, a in PAIRS
        ]}).encode(),
        "a.json", "question-answer",
    ),
    "messages that NumPy has printed": (
        table([("messages",), *((f"[{user(q)!r}\n {assistant(a)!r}]",) for q, a in PAIRS)]),
        "a.csv", "openai-chat",
    ),
    "MASSIVE": (
        each(lambda q, a: {"id": "1", "partition": "train", "intent": a.split()[0], "utt": q}),
        "a.jsonl", "text-label",
    ),
    "pairs of Stack Exchange": (
        each(lambda q, a: {"qid": 1, "question": q, "response_j": a, "response_k": "No idea."}),
        "a.jsonl", "preference",
    ),
    **{
        f"columns {asked} and {said}": (table([(asked, said), *PAIRS]), "a.csv", "")
        for asked, said in [
            ("Kysymys", "Vastaus"), ("Pitanje", "Odgovor"), ("Soalan", "Jawapan"), ("Swali", "Jibu"),
            ("প্রশ্ন", "উত্তর"), ("கேள்வி", "பதில்"), ("ప్రశ్న", "సమాధానం"), ("سوال", "جواب"),
            ("Cau hỏi".replace("a", "a\u0302"), "Câu trả lời"),
        ]
    },
}  # fmt: skip

REFUSED |= {
    "Messenger's messages": (
        each(lambda q, _: {"sender_name": "Ann", "timestamp_ms": 1, "content": q}),
        "a.jsonl", "TD010", "a single message is not a record",
    ),
    "fastText": ("".join(f"__label__plant {q}\n" for q in ASKED).encode(), "a.txt", "TD005", "fastText"),
    "server-sent events": (
        "".join(f"data: {json.dumps(one)}\n\n" for one in SIMPLE).encode(),
        "a.txt", "TD005", "remove 'data: '",
    ),
    "a Python program": (
        f"import json\n\ndata = {SIMPLE!r}\n".encode(), "a.py", "TD005", "this is a Python program",
    ),
    "JSON in a call": (
        f"/*O_o*/\ngoogle.setResponse({json.dumps(SIMPLE)});".encode(),
        "a.json", "TD005", "a call of JavaScript",
    ),
    "notes of Anki": (
        ("#separator:tab\n#html:true\n" + "".join(f"{q}\t{a}\n" for q, a in PAIRS)).encode(),
        "a.txt", "TD005", "exported from Anki",
    ),
    "a table of R that spaces separate": (
        ('"q" "a"\n' + "".join(f'"1" "{q}" "{a}"\n' for q, a in PAIRS)).encode(),
        "a.csv", "TD005", "separate the cells with commas",
    ),
    "LZ4": (b"\x04\x22\x4d\x18" + bytes(60), "a.jsonl.lz4", "TD005", "compressed with LZ4"),
    "NULL of MySQL": (
        ("prompt\tcompletion\n" + "".join(f"{q}\t\\N\n" for q in ASKED)).encode(),
        "a.tsv", "TD021", "completion is empty",
    ),
}  # fmt: skip

REFUSED |= {
    "intents in a list": (
        each(lambda q, _: {"text": q, "intents": ["repeat"]}), "a.jsonl", "TD010", "intents beside text",
    ),
    "slots of a banking assistant": (
        each(lambda q, _: {"text": q, "slots": {"time": {"text": "17th", "span": [0, 4]}}}),
        "a.jsonl", "TD010", "slots beside text",
    ),
    "questions and answers without a header, one of which ends with a space": (
        table([(f"{q}?", f"{a} So it is. ") for q, a in PAIRS]), "a.csv", "TD005", "the first row is",
    ),
    "a letter with commas": (
        b"Dear owners:\nLast year, at this time, I wrote.\nToday, I do.\nThe reasons are many.\n"
        b"Bees, mostly, honey.\n"
        b"It was good, it was bad, it was.\n",
        "letter", "TD005", "this is text without records",
    ),
}  # fmt: skip

REFUSED |= {
    "SNIPS": (
        json.dumps({"AddToPlaylist": [{"data": [{"text": "Add "}, {"text": q}]} for q in ASKED]}).encode(),
        "a.json", "TD010", "pieces of an utterance (SNIPS)",
    ),
}  # fmt: skip

READ |= {
    f"columns {asked} and {said}": (table([(asked, said), *PAIRS]), "a.csv", "")
    for asked, said in [
        ("Question:", "Answer:"), ("Q.", "A."), ("Context", "Response"), ("ques", "ans"), ("claim", "label"),
        ("Eingabe", "Ausgabe"), ("entrée", "sortie"), ("入力", "出力"), ("инструкция", "ответ"),
    ]
}  # fmt: skip

READ |= {"a table that DOS has ended": (table([("prompt", "completion"), *PAIRS]) + b"\x1a", "a.csv", "")}


def messages_a_row(titles: list[str], turned: bool = False, **dialect: Any) -> bytes:
    """A table of the conversations, two rows each; `turned` with the answer before the question."""
    rows = []
    for number, (asked, said) in enumerate(PAIRS):
        both = [[number, 1, "customer", asked], [number, 2, "agent", said]]
        rows += both[::-1] if turned else both
    return table([titles, *rows], **dialect)


def of_choices(shape: Callable[[str, list[str], str], Any]) -> bytes:
    """A question with three choices, of which the second is the answer."""
    return lines([shape(q, ["Never.", a, "A wall."], "B") for q, a in PAIRS])


READ |= {
    "MMLU by letter": (
        of_choices(
            lambda q, some, letter: {"question": q, "subject": "it", "choices": some, "answer": letter}
        ),
        "a.jsonl",
        "question-answer",
    ),
    "ARC": (
        of_choices(
            lambda q, some, letter: {
                "id": "1",
                "question": q,
                "choices": {"text": some, "label": list("ABC")},
                "answerKey": letter,
            }
        ),
        "a.jsonl",
        "question-answer",
    ),
    "ARC's own file": (
        of_choices(
            lambda q, some, letter: {
                "question": {
                    "stem": q,
                    "choices": [{"text": t, "label": n} for n, t in zip("ABC", some, strict=True)],
                },
                "answerKey": letter,
            }
        ),
        "a.jsonl",
        "question-answer",
    ),
    "choices in columns": (
        table(
            [("Question", "Option A", "Option B", "Correct Option"), *((q, "x", a, "B") for q, a in PAIRS)]
        ),
        "a.csv",
        "prompt-completion",
    ),
    "SciQ": (
        each(
            lambda q, a: {
                "question": q,
                "distractor1": "No.",
                "correct_answer": a,
                "support": f"{a} So it is.",
            }
        ),
        "a.jsonl",
        "question-answer",
    ),
    "HotpotQA": (
        each(
            lambda q, a: {
                "question": q,
                "answer": a,
                "type": "bridge",
                "supporting_facts": {"title": ["T"], "sent_id": [0]},
                "context": {"title": ["T", "U"], "sentences": [[a, "More."], ["Else."]]},
            }
        ),
        "a.jsonl",
        "question-answer",
    ),
    "HotpotQA's own file": (
        json.dumps(
            [{"question": q, "answer": a, "context": [["T", [a, "More."]]]} for q, a in PAIRS]
        ).encode(),
        "a.json",
        "question-answer",
    ),
    "MuSiQue": (
        each(
            lambda q, a: {
                "paragraphs": [
                    {"idx": 0, "title": "T", "paragraph_text": "Some text of it.", "is_supporting": True}
                ],
                "question": q,
                "answer": a,
                "answerable": True,
            }
        ),
        "a.jsonl",
        "question-answer",
    ),
    "MS MARCO": (
        each(
            lambda q, a: {
                "query": q,
                "answers": [a],
                "passages": {"is_selected": [1], "passage_text": ["Some text of it."], "url": ["u"]},
            }
        ),
        "a.jsonl",
        "question-answer",
    ),
    "RAGAS's test sets": (
        each(lambda q, a: {"user_input": q, "reference_contexts": ["A text."], "reference": a}),
        "a.jsonl",
        "",
    ),
    "Command R in a batch": (
        each(
            lambda q, a: {
                "recordId": "1",
                "modelOutput": {"text": a, "finish_reason": "COMPLETE"},
                "modelInput": {
                    "message": q,
                    "chat_history": [
                        {"role": "USER", "message": "Hi."},
                        {"role": "CHATBOT", "message": "Hello."},
                    ],
                },
            }
        ),
        "a.jsonl",
        "batch-output",
    ),
    "DeepSeek in a batch": (
        each(
            lambda q, a: {
                "recordId": "1",
                "modelInput": {"prompt": q},
                "modelOutput": {"choices": [{"text": a}]},
            }
        ),
        "a.jsonl",
        "batch-output",
    ),
    "OpenAI's assistants": (
        each(
            lambda q, a: {
                "messages": [
                    {"role": role, "content": [{"type": "text", "text": {"value": text, "annotations": []}}]}
                    for role, text in (("user", q), ("assistant", a))
                ]
            }
        ),
        "a.jsonl",
        "openai-chat",
    ),
    "results of Bedrock's evaluation": (
        each(
            lambda q, a: {
                "automatedEvaluationResult": {"scores": []},
                "modelResponses": [{"response": "No."}],
                "inputRecord": {"prompt": q, "referenceResponse": a},
            }
        ),
        "a.jsonl",
        "question-answer",
    ),
    "an instruction that is empty": (
        each(lambda q, a: {"instruction": "", "input": q, "output": a}),
        "a.jsonl",
        "alpaca",
    ),
    "messages in a text": (each(lambda q, a: {"text": json.dumps([user(q), assistant(a)])}), "a.jsonl", ""),
    "messages in an input": (
        each(lambda q, a: {"input": json.dumps({"messages": [user(q), assistant(a)]})}),
        "a.jsonl",
        "openai-chat",
    ),
    "messages encoded twice in cells": (
        table(
            [("id", "messages"), *((1, json.dumps(json.dumps([user(q), assistant(a)]))) for q, a in PAIRS)]
        ),
        "a.csv",
        "",
    ),
    "cells in quotes behind spaces": (
        ("prompt, completion\n" + "".join(f'"{q}", "{a}"\n' for q, a in PAIRS)).encode(),
        "a.csv",
        "",
    ),
    "fields of Salesforce": (
        table([("Name", "Question__c", "Answer__c"), *(("x", *p) for p in PAIRS)]),
        "a.csv",
        "",
    ),
    "a message a row": (messages_a_row(["conversation_id", "turn", "role", "content"]), "a.csv", "sharegpt"),
    "a message a row, the newest first": (
        messages_a_row(["Ticket ID", "Position", "Sender", "Message"], turned=True, delimiter="\t"),
        "a.tsv",
        "",
    ),
}

REFUSED |= {
    "the number of a choice in a column": (
        table([("question", "sol1", "sol2", "answer"), *((q, "x", "y", 1) for q in ASKED)]),
        "a.csv",
        "TD012",
        "which counts from 0 or from 1",
    ),
    "letters of several choices": (
        of_choices(lambda q, some, _: {"question": q, "choices": some, "answer": "A, C"}),
        "a.jsonl",
        "TD012",
        "names several choices",
    ),
    "a message that stands apart": (
        table(
            [
                ("conversation_id", "turn", "role", "content"),
                *(
                    (n, at, role, text)
                    for at, role in enumerate(("user", "assistant"))
                    for n, text in enumerate(ASKED)
                ),
            ]
        ),
        "a.csv",
        "TD009",
        "sort the table by conversation_id and turn",
    ),
    "a message of no conversation": (
        table([("conversation_id", "role", "content"), *(("", "user", q) for q in ASKED)]),
        "a.csv",
        "TD009",
        "its conversation is not known",
    ),
    "QnA Maker": (
        json.dumps(
            {"qnaList": [{"id": 1, "answer": a, "source": "E", "questions": [q]} for q, a in PAIRS]}
        ).encode(),
        "a.json",
        "TD011",
        "questions is a list",
    ),
    "token ids": (
        each(lambda *_: {"input_ids": [1, 2], "labels": [-100, 2]}),
        "a.jsonl",
        "TD010",
        "of another model's tokenizer",
    ),
    "LibreChat": (
        json.dumps(
            {"messages": [{"sender": "User", "isCreatedByUser": True, "text": q} for q in ASKED]}
        ).encode(),
        "a.json",
        "TD010",
        "a single message is not a record",
    ),
    "Google Chat": (
        json.dumps({"messages": [{"creator": {"user_type": "Human"}, "text": q} for q in ASKED]}).encode(),
        "a.json",
        "TD010",
        "a single message is not a record",
    ),
    "IRC": (b"[10:10] <ann> hi\n[10:11] <bob> ho\n", "a.txt", "TD005", "this is a chat log"),
    "Zoom": (b"10:10:00 From Ann to Everyone: hi\n", "a.txt", "TD005", "this is a chat log"),
    "WhatsApp with marks": (
        "\u200e[01.02.24, 10:10:00] Ann: hi\n".encode(),
        "a.txt",
        "TD005",
        "this is a chat log",
    ),
    "DailyDialog": (
        b"Hi there . __eou__ Hello ! __eou__\n",
        "a.txt",
        "TD005",
        "dialogues in the form of DailyDialog",
    ),
    "the Cornell corpus": (b"L1 +++$+++ u0 +++$+++ Hi.\n", "a.txt", "TD005", "or of the Cornell corpus"),
    "YAML in a text": (b"- prompt: How?\n  completion: So.\n", "a.txt", "TD005", "this is YAML"),
    "TOML with a title": (b'title = "x"\n[[record]]\nprompt = "a"\n', "a.toml", "TD005", "this is TOML"),
    "comments inside an array": (
        b'[\n  // mine\n  {"prompt": "a", "completion": "b"}\n]\n',
        "a.json",
        "TD005",
        "no comments",
    ),
    "the archive of Twitter": (
        b'window.YTD.tweets.part0 = [\n{"tweet": {}}]',
        "a.js",
        "TD005",
        "this is JavaScript",
    ),
    "a message with folded headers": (
        b"Received: by x\n        with y\nSubject: a\n\nHello\n",
        "a.eml",
        "TD005",
        "a mailbox or a message",
    ),
    "HTML named as a table": (b"<table><tr><td>prompt</td></tr></table>", "a.csv", "TD005", "XML or HTML"),
    "lists under the names of splits": (
        json.dumps({"train": [[q, "a"] for q in ASKED], "val": [["x", "b"]]}).encode(),
        "a.json",
        "TD005",
        "several parts",
    ),
    "CESU-8": (
        b'{"prompt": "\xed\xa0\xbd\xed\xb8\x80 hi", "completion": "ok"}\n',
        "a.jsonl",
        "TD005",
        "CESU-8",
    ),
    "DuckDB": (bytes(8) + b"DUCK" + bytes(500), "a.db", "TD005", "a DuckDB database"),
    "Access": (b"\0\1\0\0Standard ACE DB\0" + bytes(500), "a.accdb", "TD005", "an Access database"),
    "SPSS": (b"$FL2@(#) SPSS DATA FILE" + bytes(300), "a.sav", "TD005", "an SPSS file"),
    "Stata": (b"<stata_dta><header>", "a.dta", "TD005", "a Stata file"),
    "safetensors": (
        b"\x3c" + bytes(7) + b'{"w":{"dtype":"F32"}}',
        "a.safetensors",
        "TD005",
        "this is a model",
    ),
    "TFRecord": (
        b"\x28" + bytes(7) + b"\x12\x34\x56\x78\n\x26\n\x0a\n\x06prompt\x12\0" + bytes(60) + b"a",
        "a.tfrecord",
        "TD005",
        "a binary file",
    ),
    "a pickle of Python 2": (b"\x80\x02]q\0}q\1(X\6\0\0\0promptq\2", "a.pkl", "TD005", "a Python pickle"),
    "LZMA": (b"\x5d\0\0\x80\0" + b"\xff" * 30, "a.lzma", "TD005", "compressed with LZMA"),
    "compress": (b"\x1f\x9d\x90" + bytes(range(1, 90)), "a.Z", "TD005", "compressed with compress"),
}

READ |= {
    "an array of records in strings": (json.dumps(list(map(json.dumps, SIMPLE))).encode(), "a.json", ""),
    "a table that is filled up with NUL": (
        table([("prompt", "completion"), *PAIRS]) + bytes(64),
        "a.csv",
        "",
    ),
    "columns of several data sets": (
        each(
            lambda q, a: {"instruction": None, "prompt": None, "question": q, "messages": None, "answer": a}
        ),
        "a.jsonl",
        "question-answer",
    ),
}

REFUSED |= {
    "tuples of Python's": (str(PAIRS).encode(), "a.txt", "TD001", "single quotes"),
    "WhatsApp on Android, with its own words": (
        "01.12.24, 20:59 - Nachrichten sind verschlüsselt.\n01.12.24, 21:00 - Ann: Hallo\n".encode(),
        "a.txt",
        "TD005",
        "this is a chat log",
    ),
}


def typed(kind: str, text: str) -> dict[str, Any]:
    """A message as LangChain writes it."""
    return {"type": kind, "content": text}


def built(kind: str, text: str) -> dict[str, Any]:
    """The same with its class, as LangChain's `dumps` writes it."""
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", kind], "kwargs": {"content": text}}


def parts(role: str, text: str, kind: str = "type", name: str = "parts") -> dict[str, Any]:
    """A message whose parts do not stand under content."""
    return {"role": role, name: [{kind: "text", "text": text}]}


BOX = "+----------+--------+\n"

READ |= {
    "a CSV export of LangSmith": (
        table(
            [
                ("inputs", "outputs"),
                *(
                    [
                        json.dumps({"messages": [typed("human", q)]}),
                        json.dumps({"messages": [typed("ai", a)]}),
                    ]
                    for q, a in PAIRS
                ),
            ]
        ),
        "a.csv",
        "openai-chat",
    ),
    "a CSV export of LangSmith with generations": (
        table(
            [
                ("inputs", "outputs"),
                *(
                    [
                        json.dumps({"messages": [[built("HumanMessage", q)]]}),
                        json.dumps({"generations": [[{"text": a, "message": built("AIMessage", a)}]]}),
                    ]
                    for q, a in PAIRS
                ),
            ]
        ),
        "a.csv",
        "openai-chat",
    ),
    "LangChain's objects": (
        each(lambda q, a: {"messages": [built("HumanMessage", q), built("AIMessage", a)]}),
        "a.jsonl",
        "openai-chat",
    ),
    "messages of the AI SDK": (
        each(
            lambda q, a: {
                "messages": [
                    parts("user", q),
                    {"role": "assistant", "parts": [{"type": "step-start"}, {"type": "text", "text": a}]},
                ]
            }
        ),
        "a.jsonl",
        "openai-chat",
    ),
    "messages of LlamaIndex": (
        each(
            lambda q, a: {
                "messages": [
                    parts("user", q, "block_type", "blocks"),
                    parts("assistant", a, "block_type", "blocks"),
                ]
            }
        ),
        "a.jsonl",
        "converse",
    ),
    "a session of Strands": (
        each(lambda q, a: {"messages": [{"message": user(q), "id": 0}, {"message": assistant(a), "id": 1}]}),
        "a.jsonl",
        "openai-chat",
    ),
    "parts of LLaMA-Factory": (
        each(
            lambda q, a: {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "value": q}]},
                    {"role": "assistant", "content": [{"type": "text", "value": a}]},
                ]
            }
        ),
        "a.jsonl",
        "openai-chat",
    ),
    "no tools, in a text": (
        each(
            lambda q, a: {
                "conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": a}],
                "tools": "[]",
            }
        ),
        "a.jsonl",
        "sharegpt",
    ),
    "a table of MySQL's prompt": (
        (
            f"{BOX}| question | answer |\n{BOX}"
            + "".join(f"| {q} | {a} |\n" for q, a in PAIRS)
            + f"{BOX}4 rows in set (0.00 sec)\n"
        ).encode(),
        "a.txt",
        "",
    ),
    "a table of psql": (
        (
            " question | answer\n----------+--------\n"
            + "".join(f" {q} | {a}\n" for q, a in PAIRS)
            + "(4 rows)\n\n"
        ).encode(),
        "a.txt",
        "",
    ),
}

REFUSED |= {
    "words with labels": (
        b"EU B-ORG\nrejects O\nGerman B-MISC\ncall O\n. O\n\nPeter B-PER\n",
        "a.txt",
        "TD005",
        "words with their labels (CoNLL)",
    ),
    "translations of gettext": (
        b'# German\nmsgid ""\nmsgstr ""\n\nmsgid "Open"\nmsgstr "Auf"\n',
        "a.txt",
        "TD005",
        "translations (gettext)",
    ),
    "IRC with modes": (b"14:10 < ann> Hi.\n14:11 <@bo> Hello.\n", "a.txt", "TD005", "a chat log"),
    "a chat in Markdown, in bold": (
        "".join(f"**User:** {q}\n\n**Assistant:** {a}\n\n" for q, a in PAIRS).encode(),
        "a.md",
        "TD005",
        "a conversation in one text",
    ),
    "a chat in Markdown, under headings": (
        "".join(f"## Prompt:\n{q}\n\n## Response:\n{a}\n\n" for q, a in PAIRS).encode(),
        "a.md",
        "TD005",
        "a conversation in one text",
    ),
    "the session of a coding agent": (
        lines([{"type": "user", "message": user(q), "uuid": q} for q in ASKED]),
        "a.jsonl",
        "TD010",
        "a single message",
    ),
    "several choices of Label Studio": (
        lines([{"text": q, "topic": {"choices": ["garden", "travel"]}} for q in ASKED]),
        "a.jsonl",
        "TD010",
        "topic beside text may be its answer",
    ),
    "an intent beside what was said": (
        lines([{"history": [user(q)], "intent": "ask"} for q in ASKED]),
        "a.jsonl",
        "TD012",
        "intent beside a conversation that ends with the user",
    ),
    "one pair about objects": (
        lines([{"question": ASKED[0], "answer": SAID[0], "documents": [{"[doc1]": {"n": 1}}]}]),
        "a.jsonl",
        "TD012",
        "documents must be a string",
    ),
    "a tool's result without a call": (
        lines([{"conversations": [
            {"from": "user", "value": q}, {"from": "assistant", "value": "[f(1)]"},
            {"from": "tool", "value": "1"}, {"from": "assistant", "value": "One."},
        ]} for q in ASKED]),
        "a.jsonl",
        "TD026",
        "belongs to no earlier tool use",
    ),
    "one question with choices, of which none is the answer": (
        lines([{"question": {"stem": ASKED[0], "choices": [{"text": one, "label": one[0]} for one in SAID]},
                "answerKey": ["B"], "n": 1}]),
        "a.jsonl",
        "TD012",
        "answerKey is B, the letter of a choice",
    ),
}  # fmt: skip

READ |= {
    "a question with choices and the letter of one in a list": (
        of_choices(lambda q, said, letter: {"question": q, "choices": said, "answer": [letter]}),
        "a.jsonl",
        "question-answer",
    ),
    "choices with spaces around their letters": (
        of_choices(
            lambda q, said, letter: {
                "question": {
                    "stem": q,
                    "choices": [
                        {"text": one, "label": f" {mark} "} for mark, one in zip("ABC", said, strict=True)
                    ],
                },
                "answerKey": letter,
            }
        ),
        "a.jsonl",
        "question-answer",
    ),
}
