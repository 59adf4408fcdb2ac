"""The fast way finds what the rules find, record by record, on anything that a file may hold."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile import without_the_fast_way
from tunedrop import catalog
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.fast import Batch, FastReader
from tunedrop.dataset.check.options import Asked
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.sources.local import Held

NAMES: Any = {"train": "train.jsonl", "test": "test.jsonl"}
SCHEMA = "bedrock-conversation-2024"

TELLING = [
    "{{name}}", "{%if%}", "${x}", "<|im_start|>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "### Input:",
    "###Response:", "TODO", "FIXME", "TBD", "Lorem ipsum", "[INSERT NAME]", "[YOUR NAME]",
    "AKIAIOSFODNN7EXAMPLE", "-----BEGIN RSA PRIVATE KEY-----", "ghp_" + "a1B2" * 9, "sk-" + "a1B2c3" * 5,
    "rk_live_" + "a1B2c3" * 5, "xoxb-123456789012-abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5", "ann.lee@example.com",
    "é@müller.de", "078-05-1120", "4111 1111 1111 1111", "4111111111111111", "DE89 3704 0044 0532 0130 00",
    "User:", "user: x", "operating system: y", "Thought:", "<unk>", "<un\u212a>", "<image>", "[EOS]",
    "Assi\u017ftant:", "4111".translate({ord(str(digit)): 0x660 + digit for digit in range(10)}) * 4,
]  # fmt: skip
"""What rules about texts look for, and what only looks like it."""

PLAIN = [
    "How do I return it?",
    "The order came\nbroken.",
    "Yes",
    "no",
    "词" * 30,
    "Привет",
    'say \\"a": b',
    " :",
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(TELLING + PLAIN + ["\n", " ", "x"]), min_size=1, max_size=4).map("".join),
    st.sampled_from(PLAIN),
    st.text(max_size=20),
)


def said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": [{"text": text}]}


def converse(texts: list[str], system: str | None) -> dict[str, Any]:
    roles = ("user", "assistant") * 4
    messages = [said(role, text) for role, text in zip(roles, texts, strict=False)]
    start = {"system": [{"text": system}]} if system is not None else {}
    return {"schemaVersion": SCHEMA, **start, "messages": messages}


def chat(texts: list[str], system: str | None) -> dict[str, Any]:
    roles = ("user", "assistant") * 4
    start = [{"role": "system", "content": system}] if system is not None else []
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
    return {"messages": start + turns}


TURNS = st.lists(TEXTS, min_size=1, max_size=6)
SYSTEMS = st.one_of(st.none(), TEXTS)
EXTRAS = st.dictionaries(
    st.sampled_from(["id", "source", "role", "text", "system", "reference_answer", "weight", "é", "k" * 40]),
    st.recursive(
        st.one_of(
            TEXTS, st.integers(), st.integers(0, 9), st.floats(allow_nan=False), st.booleans(), st.none()
        ),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "role", "n"]), inner)
        ),
        max_leaves=3,
    ),
    max_size=2,
)
"""What records carry beside what is trained on."""


def with_extras(record: dict[str, Any], mine: dict[str, Any], of_messages: dict[str, Any]) -> dict[str, Any]:
    messages = [{**of_messages, **one} for one in record.get("messages", [])]
    return {**mine, **record, **({"messages": messages} if messages else {})}


OF_A_FORMAT = [
    st.builds(lambda asked, answer: {"prompt": asked, "completion": answer}, TEXTS, TEXTS),
    st.builds(lambda asked, answer: {"instruction": asked, "input": "", "output": answer}, TEXTS, TEXTS),
    st.builds(converse, TURNS, SYSTEMS),
    st.builds(chat, TURNS, SYSTEMS),
    st.builds(lambda text: {"input": text}, TEXTS),
    st.builds(lambda text: {"text": text}, TEXTS),
]
OF_A_FORMAT += [st.builds(with_extras, records, EXTRAS, EXTRAS) for records in OF_A_FORMAT]


def mutated(record: dict[str, Any], change: int, style: int) -> bytes:
    """A record in one of many ways to write it, some of them wrong."""
    ways: list[dict[str, Any]] = [
        {},
        {"separators": (",", ":")},
        {"separators": (" , ", " : ")},
        {"indent": None},
    ]
    text = json.dumps(record, ensure_ascii=style % 2 == 0, **ways[style % 4])
    changes: list[tuple[str, str]] = [
        ("", ""), ("@", "\\u0040"), ("<", "\\u003c"), ("{{", "\\u007b{"), ('"text"', '"\\u0074ext"'),
        ("/", "\\/"), ('"role": "user"', '"role": "user", "role": "user"'), ('"user"', '"User"'),
        ('"prompt"', '"prompt": "x", "prompt"'), ('"text"', '"id": 1, "text"'), ("}]", "}"),
        ('"text": ', '"text":\t'), ('"completion":', '"completion"  :'), ("[{", "[[{"),
        ('"prompt":', '"prompt" : "y", "prompt":'), ("}", "}\r"), ("}", "} {}"), ('"assistant"', '"system"'),
        ('"messages"', '"reference_answer": 1, "messages"'),
    ]  # fmt: skip
    old, new = changes[change % len(changes)]
    return (text.replace(old, new) if old else text).encode(errors="surrogatepass")


LINES = st.sampled_from(OF_A_FORMAT).flatmap(
    lambda records: st.lists(
        st.builds(
            mutated, records, st.sampled_from([0] * 30 + list(range(19))), st.sampled_from([0, 1, 2, 3])
        ),
        max_size=12,
    )
)
FILES = st.lists(LINES, min_size=1, max_size=3).map(
    lambda parts: b"\n".join(chain.from_iterable(parts)) + b"\n"
)
MODELS = [None, *(model.id for model in catalog.load().values())]


def report(train: bytes, asked: Asked) -> Report:
    return check_files({"train": Held(train), "test": Held(train[: len(train) // 2])}, NAMES, asked)


@settings(deadline=None, max_examples=300)
@given(
    train=FILES,
    model=st.sampled_from(MODELS),
    method=st.sampled_from(["auto", "auto", "distillation", "single-turn", "reinforcement"]),
)
def test_the_fast_way_and_the_rules_give_one_report(train: bytes, model: str | None, method: Any) -> None:
    asked = Asked(base_model=catalog.find(model) if model else None, method=method, max_findings=50)
    with without_the_fast_way():
        expected = report(train, asked)

    assert report(train, asked) == expected


@pytest.mark.parametrize("text", TELLING)
@pytest.mark.parametrize("model", [None, "amazon.nova-lite-v1:0:300k"])
def test_what_a_rule_looks_for_passes_no_screen(text: str, model: str | None) -> None:
    asked = Asked(base_model=catalog.find(model) if model else None)
    for record in clean_records(f"It says {text}, so it is."):
        lines = b"".join(json.dumps(one).encode() + b"\n" for one in [*clean_records("fine"), record])
        with without_the_fast_way():
            expected = report(lines, asked)

        assert report(lines, asked) == expected


def clean_records(text: str) -> list[dict[str, Any]]:
    return [
        {"prompt": "Why is that so?", "completion": text},
        converse(["Why is that so?", text], None),
        converse(["Why is that so?", text] * 2, "Be brief."),
        chat([text, "Because it is."], None),
        chat(["Why is that so?", text], "Be brief."),
        {"input": text},
        {"text": text},
    ]


@pytest.mark.parametrize("record", clean_records("It is what it is: no more, no less."))
def test_clean_records_take_the_fast_way(record: dict[str, Any]) -> None:
    line = json.dumps(record).encode() + b"\n"

    (batch,) = FastReader(Asked()).read(line * 3)

    assert isinstance(batch, Batch)
    assert (len(batch.tokens), batch.suspects) == (3, [])


@pytest.mark.parametrize(
    "body",
    [
        b'{"input": "a"}\n\n{"input": "b"}\n',
        b'{"input": "a"} {"input": "b"}\n\n',
        b'{"input":\n"a"}\n{"input": "b"} {"input": "c"}\n',
        b'{"input": "a"} {"input": "b"}\n{"input":\n"c"}\n',
        b'{"input": "a", "input": "b"}\n',
        b'{"input" : "a", "input": "b"}\n',
        b'{"input"  : "a", "input": "b"}\n',
        b'{"input"\t: "a", "input": "b"}\n',
        b'{"input"\r: "a", "input": "b"}\n',
        b'{"inp\\u0075t": "a", "input": "b"}\n',
        b'{"input" : "a", "input": "b: \\": "}\n',
        b'{"input": " \\n\\u00a0"}\n',
        b'{"input": "a"}\r\r\n{"input": "b"}\n',
    ],
)
def test_lines_that_hide_something_are_read_one_by_one(body: bytes) -> None:
    alone = [one for one in FastReader(Asked()).read(body) if isinstance(one, bytes)]

    assert alone == [line for line in lines.split(body) if line not in (b'{"input": "a"}', b'{"input": "b"}')]
    assert alone
