"""The rules of one record. Each is a pure function of the record; those of whole files are in `file_rules`.

`shape_problems` says whether a record is one of its format; `model_problems`, of a record that is, whether
the base model takes it. Codes and their severity are in `codes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from tunedrop.catalog.model import BaseModel, MethodRules
from tunedrop.contracts import Method
from tunedrop.dataset.formats.record import SCHEMA_VERSION, Conversation, SourceFormat
from tunedrop.dataset.rules import blocks
from tunedrop.dataset.rules.codes import CODES, ERRORS, WARNINGS, severity
from tunedrop.dataset.rules.shape import Answer, no_format, shape_problems
from tunedrop.dataset.types import Finding, Problem, shorten

__all__ = [
    "CODES",
    "STRICTEST",
    "WARNINGS",
    "Finding",
    "Problem",
    "answer_of",
    "are_fatal",
    "model_problems",
    "no_format",
    "severity",
    "shape_problems",
    "shorten",
    "suspects",
    "tokens_of",
    "tokens_of_each",
    "traits",
]

CHARACTERS_PER_TOKEN = 6
"""AWS's approximation for sizing text (Bedrock user guide, model-customization-prepare, 2026-11-23)."""

STRICTEST = 2
"""So many times as many tokens are counted by AWS's own validator for Claude 3, at 3 characters each."""

_ANSWERS: dict[str, Answer] = {"distillation": "optional", "reinforcement": "none"}


def tokens_of(characters: int) -> int:
    """An estimate of tokens; the real number is one to two times this (`report.TokenEstimate`)."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def tokens_of_each(characters: Iterable[int]) -> list[int]:
    """The same of many texts."""
    return [-(-count // CHARACTERS_PER_TOKEN) for count in characters]


def answer_of(method: Method | str) -> Answer:
    """Whether records for a method (or `auto`) end with the assistant's answer."""
    return _ANSWERS.get(method, "required")


def are_fatal(problems: list[Problem]) -> bool:
    """Whether a record with these problems cannot be read any further."""
    return any(problem.code in ERRORS for problem in problems)


def traits(conversation: Conversation) -> Iterator[str]:
    """What a well-shaped record has that counts over its file: `system`, each image, video and document."""
    if conversation.system:
        yield "system"
    for turn in conversation.turns:
        yield from (kind for block in turn.blocks for kind in blocks.media_in(block))


def model_problems(
    record: Mapping[str, Any],
    format_: SourceFormat,
    conversation: Conversation,
    rules: MethodRules,
    model: BaseModel,
    size: int = 0,
) -> Iterator[Problem]:
    """Whether a well-shaped record is one that the base model takes.

    Parameters
    ----------
    size
        The bytes of the record's line, where they are known.
    """
    yield from _words(record, format_, conversation, rules, model)
    yield from _lengths(conversation, rules, model, size)
    yield from _system(record, format_, conversation, rules, model)
    if format_ == "converse":
        yield from _schema_version(record, rules, model)
        yield from blocks.model_problems(record, rules, model)
    if format_ == "image-caption":
        yield from _caption(record, rules, model)
    if rules.needs_grader and "reference_answer" not in record:
        why = "no reference_answer; a grader that compares with one has nothing to compare with"
        yield Problem("$.reference_answer", "TD080", why, "nothing", "reference_answer")


def _schema_version(record: Mapping[str, Any], rules: MethodRules, model: BaseModel) -> Iterator[Problem]:
    if "schemaVersion" in record:
        return
    if rules.schema_version == "required":
        why = f"schemaVersion is missing; {model.name} asks for it: tunedrop check --fix writes it"
        yield Problem("$.schemaVersion", "TD018", why, "nothing", SCHEMA_VERSION)
    else:
        why = "schemaVersion is missing; AWS's sources disagree whether it must be there: --fix writes it"
        yield Problem("$.schemaVersion", "TD013", why, "nothing", SCHEMA_VERSION)


def _lengths(
    conversation: Conversation, rules: MethodRules, model: BaseModel, size: int
) -> Iterator[Problem]:
    tokens = tokens_of(sum(len(turn.text) for turn in conversation.turns) + len(conversation.system))
    most = rules.max_record_tokens
    if most and tokens > most:
        why = f"about {tokens:,} tokens; {model.name} takes {most:,} a record: shorten or split it"
        yield Problem("$", "TD031", why, f"about {tokens:,}", f"at most {most:,} tokens")
    elif most and tokens * STRICTEST > most:
        why = f"{tokens:,} tokens, or {tokens * STRICTEST:,} by AWS's strictest estimate; {most:,} are taken"
        yield Problem("$", "TD035", why, f"about {tokens:,}", f"at most {most:,} tokens")
    if rules.max_line_bytes and size > rules.max_line_bytes:
        why = f"the line has {size:,} bytes; {rules.max_line_bytes:,} are taken for this method"
        yield Problem("$", "TD045", why, f"{size:,}", f"at most {rules.max_line_bytes:,} bytes")
    if rules.max_messages and len(conversation.turns) > rules.max_messages:
        count = len(conversation.turns)
        why = f"{count} messages; {model.name} takes {rules.max_messages} for this method"
        yield Problem("$.messages", "TD047", why, str(count), f"at most {rules.max_messages}")


def _system(
    record: Mapping[str, Any],
    format_: SourceFormat,
    conversation: Conversation,
    rules: MethodRules,
    model: BaseModel,
) -> Iterator[Problem]:
    if not conversation.system:
        return
    if not rules.takes_system_prompt:
        why = f"{model.name} takes no system text; Tunedrop writes it in front of the prompt"
        yield Problem("$.system", "TD032", why, shorten(conversation.system), "no system text")
    elif (
        rules.max_system_blocks and format_ == "converse" and len(record["system"]) > rules.max_system_blocks
    ):
        count, most = len(record["system"]), rules.max_system_blocks
        why = f"{count} system texts, where AWS's own validator takes {most}; Tunedrop joins them"
        yield Problem("$.system", "TD032", why, str(count), f"at most {most}")
    elif rules.system == "key" and "system" not in record:
        why = f"{model.name} has its system text under the key system, not in a message"
        yield Problem("$.messages[0]", "TD032", why, "system", "the key system")


def _caption(record: Mapping[str, Any], rules: MethodRules, model: BaseModel) -> Iterator[Problem]:
    suffix = record["image-ref"].rpartition(".")[2].lower().replace("jpg", "jpeg")
    if model.images is not None and suffix not in model.images.formats:
        formats = ", ".join(model.images.formats)
        why = f"the image ends with {shorten(suffix)}; {model.name} takes {formats}"
        yield Problem("$.image-ref", "TD070", why, shorten(suffix), formats)
    length, most = len(record["caption"]), rules.max_caption_characters
    if length < rules.min_caption_characters or (most and length > most):
        range_ = f"{rules.min_caption_characters:,} to {most:,} characters"
        why = f"the caption has {length:,} characters; {model.name} takes {range_}"
        yield Problem("$.caption", "TD046", why, f"{length:,}", range_)


# --- words -------------------------------------------------------------------------------------------------


def suspects(rules: MethodRules) -> tuple[str, ...]:
    """Lower-case words, of which one is in every text that breaks TD030 or TD034: a quick way to tell."""
    return tuple(dict.fromkeys(word.lower().strip() for word in rules.reserved_words + rules.doubtful_words))


@cache
def _speaker(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """A reserved speaker's name at the beginning of a line, whatever its case."""
    names = [re.escape(word[:-1]) for word in words if word[:-1].isalpha() and word.endswith(":")]
    return re.compile(rf"(?im)^[ \t]*((?:{'|'.join(names)}):)") if names else None


def _words(
    record: Mapping[str, Any],
    format_: SourceFormat,
    conversation: Conversation,
    rules: MethodRules,
    model: BaseModel,
) -> Iterator[Problem]:
    """Reserved words, as the page has them, are errors in what is asked.

    Case counts, and a word inside another counts too ("begins with or contains", says the page, and names no
    exception). What only AWS's own validator refuses is a warning: those words in answers, a few more words,
    and a speaker's name in another case; the last only at the beginning of a line, where the service might
    take it for a turn: "operating system:" is left in peace.
    """
    whole = "\0".join([conversation.system, *(turn.text for turn in conversation.turns)]).lower()
    if not any(word in whole for word in suspects(rules)):
        return
    for path, role, text in _texts(record, format_, conversation):
        asked = role != "assistant" or rules.reserved_in_answers
        errors = [word for word in rules.reserved_words if asked and word in text]
        for word in errors:
            shown = word.strip()
            why = f"{shown} is reserved by {model.name} and fails the job; write it otherwise"
            yield Problem(path, "TD030", why, shown, f"a text without {shown}")
        doubtful = [word for word in rules.doubtful_words if word in text]
        doubtful += [word for word in rules.reserved_words if not asked and word in text]
        speaker = _speaker(rules.reserved_words + rules.doubtful_words)
        match = speaker.search(text) if speaker and not errors and not doubtful else None
        for word in doubtful or ([match[1]] if match else []):
            why = f"AWS's own validator refuses {shorten(word)} here, the page does not; write it otherwise"
            yield Problem(path, "TD034", why, shorten(word), f"a text without {shorten(word)}")


def _texts(
    record: Mapping[str, Any], format_: SourceFormat, conversation: Conversation
) -> Iterator[tuple[str, str, str]]:
    """(JSON path, role, text) of every text of a well-shaped record."""
    match format_:
        case "prompt-completion":
            yield from _pair(conversation, "$.prompt", "$.completion")
        case "alpaca":
            yield from _pair(conversation, "$.instruction", "$.output")
        case "image-caption":
            yield "$.caption", "user", record["caption"]
        case "text":
            yield "$.input" if "input" in record else "$.text", "text", conversation.turns[0].text
        case _:
            yield from _messages(record, format_)


def _pair(conversation: Conversation, *paths: str) -> Iterator[tuple[str, str, str]]:
    for path, turn in zip(paths, conversation.turns, strict=True):
        yield path, turn.role, turn.text


def _messages(record: Mapping[str, Any], format_: SourceFormat) -> Iterator[tuple[str, str, str]]:
    system = record.get("system") or []
    for index, block in enumerate([] if isinstance(system, str) else system):
        yield f"$.system[{index}].text", "system", block["text"]
    if isinstance(system, str):
        yield "$.system", "system", system
    for index, message in enumerate(record["messages"]):
        path, role = f"$.messages[{index}].content", message["role"]
        if format_ == "openai-chat":
            yield path, role, message["content"]
            continue
        for place, block in enumerate(message["content"]):
            if "text" in block:
                yield f"{path}[{place}].text", role, block["text"]
