"""Exports of other tools that hold no pair, named with what to do; and answers that are none.

| from | what looks like an answer |
| --- | --- |
| MMLU, ARC, WinoGrande | the number or letter of one of several choices |
| Prodigy | accept, reject, ignore: what the annotator decided |

Source: the data sets' cards; Prodigy, API interfaces; Label Studio, export. Read 2026-11-29.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tunedrop.dataset.formats import names

DECISIONS = ("accept", "reject", "ignore")
_OF_PRODIGY = frozenset(("_task_hash", "_input_hash", "spans", "options", "accept", "tokens"))
_CHOICES = ("choices", "options", "endings")
_NUMBERED = re.compile(r"(?:option|choice|sol|ending|answer|op)?_?([a-j]|\d{1,2})")
_INDEX = re.compile(r"[A-Za-z]|\d{1,2}")


def why_no_answer(record: Mapping[str, Any], key: str, prompt: str = "") -> str:
    """Why what stands under a usual name of an answer is none; empty if it is one."""
    value = record.get(key)
    decided = record.get("answer")
    if key != "answer" and decided in DECISIONS[1:] and not _OF_PRODIGY.isdisjoint(record):
        return f"the annotator's decision on this record is {decided}; remove the record"
    if value in DECISIONS and not _OF_PRODIGY.isdisjoint(record):
        return f"{key} is an annotator's decision on the record, {value}; write the chosen value under label"
    choices = [] if isinstance(value, bool) or not _INDEX.fullmatch(str(value)) else _choices(record)
    if not choices or _is_said(str(value), value, choices) or _lists(record.get(prompt), value, choices):
        return ""
    return (
        f"{key} is {value}, the number of a choice; write the choice itself as the answer, and "
        "the choices into the prompt"
    )


def _is_said(text: str, value: Any, choices: list[str]) -> bool:
    """Whether a letter or digits are the choice itself, or no number of one."""
    if text.isalpha():
        return text in choices and ord(text.lower()) - ord("a") >= len(choices)
    return int(text) > len(choices) or (isinstance(value, str) and text in choices)


def _lists(prompt: Any, value: Any, choices: list[str]) -> bool:
    """Whether a prompt lists all choices, with the letter or the number that is the answer before its own."""
    if not isinstance(prompt, str) or not all(one in prompt for one in choices):
        return False
    return re.search(rf"(?:^|[\s(\[]){re.escape(str(value))}[).:\]]", prompt) is not None


def offered(record: Mapping[str, Any], asked: str, answer: str) -> tuple[str, list[str]]:
    """The choices that a question and its answer are about, as a text, and their keys; nothing if there are
    none, or if the question lists them."""
    choices = _by_key(record)
    texts = [text for _, _, text in choices]
    if len(texts) < 2 or not any(_says(answer, one) for one in texts):
        return "", []
    if all(one in asked for one in texts):
        return "", []
    lines = [f"{mark}. {text}" if mark else f"- {text}" for _, mark, text in choices]
    return "\n".join(lines), list(dict.fromkeys(key for key, _, _ in choices))


def _says(answer: str, choice: str) -> bool:
    """Whether an answer has the words of a choice."""
    words = re.escape(choice.strip())
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", answer, re.IGNORECASE) is not None


def _choices(record: Mapping[str, Any]) -> list[str]:
    """The texts of the choices that stand in a record; none if it offers none."""
    return [text for _, _, text in _by_key(record)]


def _by_key(record: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(key, letter or number if it has one, text) of each choice."""
    for name in _CHOICES:
        found = record.get(name)
        if isinstance(found, dict):
            if all(_INDEX.fullmatch(str(one)) for one in found):
                return [(name, str(mark), str(text)) for mark, text in found.items()]
            found = found.get("text")
        if isinstance(found, list) and found:
            return [(name, "", str(one.get("text", one) if isinstance(one, dict) else one)) for one in found]
    numbered = {
        mark: (key, mark.upper(), str(value))
        for key, value in record.items()
        if (mark := _mark(key)) and value not in (None, "")
    }
    return list(numbered.values()) if {"a", "b"} <= numbered.keys() or {"1", "2"} <= numbered.keys() else []


@lru_cache(maxsize=1 << 10)
def _mark(key: str) -> str:
    """The letter or the number of the choice that stands under a key; empty if the key names none."""
    match = _NUMBERED.fullmatch(names.plain(key))
    return match[1] if match else ""


def hint(record: Mapping[str, Any]) -> str:
    """What a record without a prompt or without an answer is, and what to do; empty if nobody knows."""
    if known := _of_a_tool(record):
        return known
    if "custom_id" in record and ("response" in record or "result" in record):
        return "this is batch output; its prompts are in the batch input: join them by custom_id"
    if isinstance(record.get("choices"), list) and record.get("object") == "chat.completion":
        return "this is an OpenAI response without its prompt; add the messages of the request"
    if "annotations" in record and isinstance(record.get("data"), dict):
        return "this is Label Studio's full export; export JSON-MIN or CSV"
    translation = record.get("translation")
    if isinstance(translation, dict) and len(translation) > 1:
        languages = ", ".join(map(str, list(translation)[:2]))
        return f"translation holds {languages}; write one as prompt and the other as completion"
    if isinstance(instances := record.get("instances"), list) and len(instances) > 1:
        return f"instances holds {len(instances)} examples; write one record per example"
    if isinstance(comments := record.get("comments"), list) and comments:
        return (
            "comments is a list; write each question with its answer as a record, or the conversation as "
            "messages with role and content"
        )
    if "caption" in record and not {"image", "file_name"}.isdisjoint(record):
        return "an image caption; the key of the image's path must be image-ref"
    if _choices(record):
        return "the record lists choices; write them into the prompt, and the right one as the answer"
    return ""


def _of_a_tool(record: Mapping[str, Any]) -> str:
    """The same of exports whose parts have names that nothing else has."""
    if len(record) == 1 and not record.keys().isdisjoint(("index", "create", "update", "delete")):
        return (
            "an action line of Elasticsearch's bulk format; remove these lines, which precede each record: "
            "grep -v '\"_index\"'"
        )
    if isinstance(record.get("Transcript"), list) and "ParticipantRole" in str(record["Transcript"][:1]):
        return (
            "a transcript of Amazon Connect or Transcribe; write it as messages with role and content: "
            "user for CUSTOMER, assistant for AGENT, what one says in a row as one message"
        )
    if "conversation_parts" in record:
        return (
            "an Intercom conversation; write its source and its parts as messages with role and content: "
            "user for the customer, assistant for the team"
        )
    if "userSays" in record or {"data", "isTemplate"} <= record.keys():
        return "training phrases of Dialogflow; write each phrase as text and the name of its intent as label"
    pieces = record.get("data")
    if isinstance(pieces, list) and pieces and all(isinstance(one, dict) and "text" in one for one in pieces):
        return (
            "pieces of an utterance (SNIPS); join their texts as text, and write the name of the intent, "
            "which is the only key of the file, as label"
        )
    if isinstance(record.get("prompt"), dict) and "replies" in record["prompt"]:
        return "a tree of replies (OpenAssistant); write one record per branch, with messages"
    for asked, said in (("patterns", "responses"), ("questions", "answers"), ("questions", "responses")):
        if isinstance(record.get(asked), list) and (isinstance(record.get(said), list | dict)):
            return f"{asked} and {said} are lists; write one record per question, with one answer"
    if isinstance(record.get("segments"), list):
        return "segments without roles (axolotl); write messages with role and content"
    if isinstance(record.get("summaries"), list) and "choice" in record:
        return "two answers and which is better; write prompt, chosen and rejected"
    choices = record.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict) and "turns" in choices[0]:
        return "answers without their questions (MT-Bench); join them with the questions by question_id"
    for key, value in record.items():
        if key.endswith("-metadata") and isinstance(value, dict) and "class-name" in value:
            return f"a manifest of Ground Truth; write source as text, and class-name of {key} as label"
    if record and all(isinstance(one, str) and len(key.split()) > 2 for key, one in record.items()):
        return 'the keys are texts; write each key and its value as {"prompt": KEY, "completion": VALUE}'
    return ""
