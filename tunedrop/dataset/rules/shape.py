"""What a record must be, whatever the base model: its format's keys and types, and roles that make sense.

Sources: Bedrock user guide, model-customization-prepare, distillation-prepare-datasets and rft-prepare-data;
Nova user guide, fine-tune-prepare-data-understanding; AWS's sample validators (aws-samples, in
amazon-bedrock-samples and amazon-nova-samples). Read 2026-11-23 and 2026-11-25.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from tunedrop.dataset.formats.record import SCHEMA_VERSION, SourceFormat, is_preference
from tunedrop.dataset.rules import blocks
from tunedrop.dataset.types import Problem, shorten

Answer = Literal["required", "optional", "none"]

_KEYS: dict[SourceFormat, frozenset[str]] = {
    "prompt-completion": frozenset({"prompt", "completion"}),
    "alpaca": frozenset({"instruction", "input", "output", "text"}),
    "text": frozenset({"input", "text"}),
    "image-caption": frozenset({"image-ref", "caption"}),
    "converse": frozenset({"schemaVersion", "system", "messages", "toolConfig"}),
    "openai-chat": frozenset({"messages", "system"}),
}
_MESSAGE_KEYS = frozenset({"role", "content"})
KNOWN_KEYS = _MESSAGE_KEYS.union(*_KEYS.values())
"""Those of records and messages that mean something in some format."""

_TOOL_ROLES = frozenset({"tool", "function"})
_FORMATS = "prompt and completion, messages, instruction and output, image-ref and caption, or input"


def no_format(record: Mapping[str, Any]) -> Problem:
    """Why a record is of no format that can be trained on."""
    keys = ", ".join(shorten(key) for key in record) or "none"
    if is_preference(record):
        message = (
            "a preference between answers; no base model of Bedrock is tuned on those: keep the chosen one"
        )
        return Problem("$", "TD017", message, keys, "prompt and completion, or messages")
    return Problem("$", "TD010", f"no known format: the keys are {keys}; expected {_FORMATS}", keys, _FORMATS)


def shape_problems(
    record: Mapping[str, Any], format_: SourceFormat, answer: Answer = "required"
) -> Iterator[Problem]:
    """Whether a record has its format's keys and types, and roles that make sense.

    Parameters
    ----------
    answer
        Whether a conversation ends with the assistant; `optional` for distillation, `none` for reinforcement.
    """
    match format_:
        case "prompt-completion":
            yield from _texts(record, ("prompt", "completion"))
        case "alpaca":
            yield from _texts(record, ("instruction", "output"))
        case "image-caption":
            yield from _texts(record, ("image-ref", "caption"))
            if isinstance(record.get("image-ref"), str):
                yield from blocks.uri_problems(record["image-ref"], "$.image-ref")
        case "text":
            yield from _texts(record, ("input",) if "input" in record else ("text",))
        case _:
            yield from _conversation(record, format_, "none" if "reference_answer" in record else answer)
    if "reference_answer" not in record:  # what the grader is given beside it is its own business
        yield from _unknown(record, _KEYS[format_], "$")


def _unknown(value: Mapping[str, Any], known: frozenset[str], path: str) -> Iterator[Problem]:
    for key in value:
        if key not in known:
            message = f"Bedrock does not read {shorten(key)}; what Tunedrop writes leaves it out"
            yield Problem(f"{path}.{shorten(key)}", "TD014", message, shorten(key), ", ".join(sorted(known)))


def _texts(record: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[Problem]:
    for name in names:
        value = record.get(name)
        if name not in record:
            keys = ", ".join(shorten(key) for key in record) or "no keys"
            yield Problem(f"$.{name}", "TD011", f"{name} is missing; this record has {keys}", keys, name)
        elif not isinstance(value, str):
            yield _not(f"$.{name}", "a text", value, name)
        elif not value.strip():
            message = f"{name} is empty; a model learns nothing from it: remove the record"
            yield Problem(f"$.{name}", "TD021", message, shorten(value), "some text")


def _not(path: str, expected: str, value: Any, name: str) -> Problem:
    return Problem(
        path, "TD012", f"{name} must be {expected}, not {shorten(value)}", shorten(value), expected
    )


def _conversation(record: Mapping[str, Any], format_: SourceFormat, answer: Answer) -> Iterator[Problem]:
    if format_ == "converse":
        yield from _converse_header(record)
    elif "system" in record and not isinstance(record["system"], str):
        yield _not("$.system", "a text", record["system"], "system")
    messages = record["messages"]
    if not isinstance(messages, list) or not messages:
        yield _not("$.messages", "a list of messages", messages, "messages")
        return
    roles: list[Any] = []
    for index, message in enumerate(messages):
        path = f"$.messages[{index}]"
        if not isinstance(message, dict):
            yield _not(path, "an object", message, "a message")
            return
        roles.append(message.get("role"))
        yield from (
            _plain_content(message, path) if format_ == "openai-chat" else blocks.content(message, path)
        )
        yield from _unknown(message, _MESSAGE_KEYS, path)
    yield from _role_problems(roles, format_, answer)


def _converse_header(record: Mapping[str, Any]) -> Iterator[Problem]:
    version = record.get("schemaVersion")
    if version is not None and version != SCHEMA_VERSION:
        message = (
            f"schemaVersion is {shorten(version)}; AWS's sources disagree, and all take {SCHEMA_VERSION}"
        )
        yield Problem("$.schemaVersion", "TD013", message, shorten(version), SCHEMA_VERSION)
    system = record.get("system")
    if system is not None and not (
        isinstance(system, list)
        and all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in system)
    ):
        yield _not("$.system", 'a list such as [{"text": "…"}]', system, "system")


def _plain_content(message: Mapping[str, Any], path: str) -> Iterator[Problem]:
    content = message.get("content")
    if message.get("role") in _TOOL_ROLES or "tool_calls" in message or "function_call" in message:
        what = "tool calls of this form cannot be written in a format of Bedrock's; remove the record"
        yield Problem(path, "TD024", what, shorten(message.get("role")), "user or assistant")
    elif not isinstance(content, str):
        yield _not(f"{path}.content", "a text", content, "content")
    elif not content.strip():
        what = "content is empty; remove the record or write what was said"
        yield Problem(f"{path}.content", "TD021", what, shorten(content), "some text")


def _role_problems(roles: list[Any], format_: SourceFormat, answer: Answer) -> Iterator[Problem]:
    start = 1 if format_ == "openai-chat" and roles[0] == "system" else 0
    spoken = roles[start:]
    strangers = [index for index, role in enumerate(spoken) if role not in ("user", "assistant")]
    for index in strangers:
        yield _stranger(f"$.messages[{index + start}].role", spoken[index])
    if strangers:
        return
    for index, role in enumerate(spoken):
        expected = "user" if index % 2 == 0 else "assistant"
        if role != expected:
            message = f"role is {shorten(role)}; expected {expected}: user and assistant take turns"
            yield Problem(f"$.messages[{index + start}].role", "TD020", message, shorten(role), expected)
            return
    yield from _end(f"$.messages[{len(roles) - 1}]", spoken, answer)


def _stranger(path: str, role: Any) -> Problem:
    if isinstance(role, str) and role.lower() in ("user", "assistant"):
        message = f"role is {shorten(role)}; write it in lower case: {role.lower()}"
    elif role == "system":
        message = (
            "role is system; a system text stands before the conversation, in Converse under the key system"
        )
    elif role in _TOOL_ROLES:
        message = f"role is {role}; Bedrock's formats have no such turn: remove the record"
    else:
        message = f"role is {shorten(role)}; expected user or assistant"
    return Problem(path, "TD023", message, shorten(role), "user or assistant")


def _end(path: str, spoken: list[Any], answer: Answer) -> Iterator[Problem]:
    answered = len(spoken) > 1 and len(spoken) % 2 == 0
    if answer == "required" and not answered:
        message = (
            "the conversation must end with the assistant's answer (but for distillation and reinforcement)"
        )
        yield Problem(path, "TD020", message, shorten(spoken[-1] if spoken else "nothing"), "assistant")
    elif not spoken:
        yield Problem(path, "TD020", "the conversation has no turn of the user's", "nothing", "user")
    elif answer == "none" and answered:
        message = "the conversation must end with the user: the model's own answers are what is graded"
        yield Problem(path, "TD020", message, "assistant", "user")
