"""Small datasets that a test can break."""

from __future__ import annotations

import json
import random
from typing import Any

TOPICS = 24
VARIANTS = 6
ASKED = (
    "how do I",
    "where can I",
    "what is the way to",
    "please tell me how to",
    "can I",
    "is it possible to",
)


def single_turn(salt: str = "") -> list[dict[str, Any]]:
    """144 records of 24 topics, each asked in six ways; learnable, and different for every salt."""
    return [
        {
            "schemaVersion": "bedrock-conversation-2024",
            "messages": [
                {"role": "user", "content": [{"text": f"{asked} use part{topic} of the {salt} kit?"}]},
                {"role": "assistant", "content": [{"text": _answer(topic)}]},
            ],
        }
        for topic in range(TOPICS)
        for asked in ASKED
    ]


def many_held_out(salt: str = "") -> list[dict[str, Any]]:
    """144 more questions on the same topics: enough for the local stage to ask them in shards."""
    records = single_turn(salt)
    for record in records:
        text = record["messages"][0]["content"][0]
        text["text"] = f"tell me: {text['text']}"
    return records


def long_prompts(salt: str = "") -> list[dict[str, Any]]:
    """The records of `single_turn`, each with a document to read: about 16 KB a record, 2.4 MB in all."""
    rng = random.Random(salt)
    words = [f"{salt}{number}" for number in range(200)]
    records = single_turn(salt)
    for record in records:
        text = record["messages"][0]["content"][0]
        text["text"] = f"{text['text']} The manual says: {' '.join(rng.choices(words, k=2_000))}"
    return records


def _answer(topic: int) -> str:
    return f"part{topic} goes into slot{topic} beside lever{topic}; turn knob{topic} until lamp{topic} glows"


def jsonl(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
