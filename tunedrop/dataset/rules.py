"""What a record must be: every rule with its code, its message and how to cure it.

A rule looks at one record and yields findings; rules about whole files are in `check`. Sources: Bedrock user
guide, model-customization-prepare; AWS's sample validators (aws-samples/amazon-bedrock-samples); Nova user
guide, fine-tune-prepare-data-understanding. Read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tunedrop.catalog.model import MethodRules
from tunedrop.dataset.formats import SCHEMA_VERSION, SourceFormat

MAX_SHOWN = 60
CHARACTERS_PER_TOKEN = 6
"""AWS's approximation for sizing text (Bedrock user guide, model-customization-prepare, 2026-11-23)."""

CODES: dict[str, str] = {
    "TD001": "A line is one JSON object.",
    "TD002": "A file is UTF-8 without a byte-order mark.",
    "TD003": "There are no blank lines.",
    "TD004": "A JSON object names each key once.",
    "TD005": "A file holds JSON lines: not a JSON array, CSV, Parquet or a compressed file.",
    "TD006": "A file is not empty.",
    "TD010": "All records have one format that Bedrock or we can read.",
    "TD011": "Every key that the format needs is there.",
    "TD012": "Values have the type that the format wants.",
    "TD013": "schemaVersion is bedrock-conversation-2024.",
    "TD020": "Roles are user and assistant, in turn; the user begins and the assistant ends.",
    "TD021": "Prompts and answers are not empty.",
    "TD022": "The assistant answers in text only.",
    "TD030": "No reserved word of the base model is in a prompt or system text.",
    "TD031": "A record is within the base model's number of tokens.",
    "TD032": "The base model takes a system prompt.",
    "TD033": "The base model takes images or videos.",
    "TD040": "The number of records is within the base model's limits.",
    "TD041": "The file is within the base model's size.",
    "TD042": "The base model has the method.",
    "TD050": "Records are different from each other.",
    "TD051": "One prompt has one answer.",
    "TD052": "No record is in the held-out set and in the training set.",
    "TD053": "Records differ in more than numbers and punctuation.",
    "TD060": "No leftover of a template is in a text.",
    "TD061": "No key, token or other secret is in a text.",
    "TD062": "No personal data is in a text.",
    "TD063": "Answers are alike in kind: no single words among sentences.",
    "TD064": "No record is many times longer than the others.",
    "TD065": "Labels are balanced, and none is too rare to learn.",
}
"""Every rule by its stable code."""

WARNINGS = frozenset(code for code in CODES if code >= "TD050")
"""Rules about what is legal and trains badly; breaking one does not stop a run, but for TD052."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong: where, which rule, and what to do. `line` 0 is the whole file."""

    file: str
    line: int
    path: str
    code: str
    message: str


Problem = tuple[str, str, str]
"""JSON path, code, message."""


def shorten(value: Any) -> str:
    """A value as it may be shown in a terminal or a page: short, with control characters escaped."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode(errors="replace")
    shown = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in shown)


def tokens_of(characters: int) -> int:
    """An estimate of tokens; real counts differ by about a third either way."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def shape_problems(record: Mapping[str, Any], format_: SourceFormat) -> Iterator[Problem]:
    """Whether a record has its format's keys and types, and roles that make sense."""
    match format_:
        case "prompt-completion":
            yield from _texts(record, ("prompt", "completion"))
        case "alpaca":
            yield from _texts(record, ("instruction", "output"))
        case "text":
            yield from _texts(record, ("input",) if "input" in record else ("text",))
        case _:
            yield from _conversation(record, format_)


def _texts(record: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[Problem]:
    for name in names:
        value = record.get(name)
        if name not in record:
            keys = ", ".join(shorten(key) for key in record)
            yield f"$.{name}", "TD011", f"{name} is missing; this record has {keys or 'no keys'}"
        elif not isinstance(value, str):
            yield f"$.{name}", "TD012", f"{name} must be a text, not {shorten(value)}"
        elif not value.strip():
            yield f"$.{name}", "TD021", f"{name} is empty; a model learns nothing from it: remove the record"


def _conversation(record: Mapping[str, Any], format_: SourceFormat) -> Iterator[Problem]:
    if format_ == "converse":
        yield from _converse_header(record)
    messages = record["messages"]
    if not isinstance(messages, list) or not messages:
        yield "$.messages", "TD012", f"messages must be a list of messages, not {shorten(messages)}"
        return
    roles: list[Any] = []
    for index, message in enumerate(messages):
        path = f"$.messages[{index}]"
        if not isinstance(message, dict):
            yield path, "TD012", f"a message must be an object, not {shorten(message)}"
            return
        roles.append(message.get("role"))
        reader = _plain_content if format_ == "openai-chat" else _content_blocks
        yield from reader(message, path)
    yield from _role_problems(roles, format_)


def _converse_header(record: Mapping[str, Any]) -> Iterator[Problem]:
    version = record.get("schemaVersion")
    if version is None:
        yield "$.schemaVersion", "TD011", f"schemaVersion is missing; write {SCHEMA_VERSION}"
    elif version != SCHEMA_VERSION:
        yield "$.schemaVersion", "TD013", f"schemaVersion is {shorten(version)}; write {SCHEMA_VERSION}"
    system = record.get("system")
    if system is not None and not (
        isinstance(system, list)
        and all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in system)
    ):
        yield "$.system", "TD012", 'system must be a list such as [{"text": "…"}]'


def _plain_content(message: Mapping[str, Any], path: str) -> Iterator[Problem]:
    content = message.get("content")
    if not isinstance(content, str):
        yield f"{path}.content", "TD012", f"content must be a text, not {shorten(content)}"
    elif not content.strip():
        yield f"{path}.content", "TD021", "content is empty; remove the record or write what was said"


def _content_blocks(message: Mapping[str, Any], path: str) -> Iterator[Problem]:
    content = message.get("content")
    if not isinstance(content, list) or not content:
        yield (
            f"{path}.content",
            "TD012",
            f'content must be a list such as [{{"text": "…"}}], not {shorten(content)}',
        )
        return
    for index, block in enumerate(content):
        where = f"{path}.content[{index}]"
        if not isinstance(block, dict):
            yield where, "TD012", f"a content block must be an object, not {shorten(block)}"
        elif "text" not in block:
            if message.get("role") == "assistant":
                yield where, "TD022", "the assistant answers in text only"
        elif not isinstance(block["text"], str):
            yield f"{where}.text", "TD012", f"text must be a text, not {shorten(block['text'])}"
        elif not block["text"].strip():
            yield f"{where}.text", "TD021", "text is empty; remove the record or write what was said"


def _role_problems(roles: list[Any], format_: SourceFormat) -> Iterator[Problem]:
    start = 1 if format_ == "openai-chat" and roles[0] == "system" else 0
    spoken = roles[start:]
    for index, role in enumerate(spoken):
        expected = "user" if index % 2 == 0 else "assistant"
        if role != expected:
            path = f"$.messages[{index + start}].role"
            yield (
                path,
                "TD020",
                f"role is {shorten(role)}; expected {expected}: user and assistant take turns",
            )
            return
    if len(spoken) < 2 or len(spoken) % 2:
        path = f"$.messages[{len(roles) - 1}]"
        yield path, "TD020", "the conversation must end with the assistant's answer"


def model_problems(
    texts: list[tuple[str, str, bool]], system: str, has_media: bool, rules: MethodRules, base_model: str
) -> Iterator[Problem]:
    """Whether a well-shaped record is one that the base model takes.

    Parameters
    ----------
    texts
        (JSON path, text, whether it is a prompt) of each text in the record.
    """
    for path, text, is_prompt in texts:
        for word in rules.reserved_words if is_prompt else ():
            if word in text:
                yield (
                    path,
                    "TD030",
                    f"{word} is reserved by {base_model} and would fail the job; write it otherwise",
                )
    tokens = tokens_of(sum(len(text) for _, text, _ in texts) + len(system))
    if rules.max_record_tokens and tokens > rules.max_record_tokens:
        yield (
            "$",
            "TD031",
            f"about {tokens:,} tokens; {base_model} takes {rules.max_record_tokens:,} a record: "
            "shorten or split it",
        )
    if has_media and not (rules.takes_images or rules.takes_video):
        yield "$", "TD033", f"{base_model} is tuned on text only; remove the image or video"
