"""Pairs of a prompt and its answer, under all the names that people give them.

| format | keys |
| --- | --- |
| `prompt-completion` | prompt, completion (Bedrock user guide, model-customization-prepare) |
| `alpaca` | instruction, input, output (stanford_alpaca) |
| `dolly` | instruction, context, response (databricks-dolly-15k, SageMaker JumpStart) |
| `question-answer` | any other name of a prompt beside any other name of an answer |
| `text-label` | text, label (classification sets) |

Names count whatever their case and the spaces around them. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tunedrop.dataset.formats.record import Conversation, Reading, SourceFormat, Turn, said

PROMPTS = (
    "prompt", "instruction", "question", "query", "input", "user", "human", "request", "utterance",
    "q", "problem", "inputs", "user_input", "user_message", "input_text", "text", "source",
)  # fmt: skip
ANSWERS = (
    "completion", "output", "response", "answer", "reply", "assistant", "label", "target", "a", "bot", "gpt",
    "model_output", "outputs", "targets", "output_text", "target_text", "solution", "summary", "completions",
    "responses", "answers",
)  # fmt: skip
CLASSES = ("category", "class", "sentiment", "intent", "emotion", "labels", "tag")
"""What stands beside a text to classify it; only beside `text`."""
CONTEXTS = ("input", "context", "passage")
SYSTEMS = ("system", "system_prompt")
_STANFORD = "text"
"""Alpaca's own key for the three others put together."""


class Keys:
    """Which keys of a record are which; the same for all records with the same keys (`keys_of`)."""

    def __init__(self, given: tuple[str, ...]) -> None:
        names = {key.strip().lower().replace(" ", "_"): key for key in reversed(given)}
        self.prompt = next((names[one] for one in PROMPTS if one in names), "")
        usual = ANSWERS if self._lower(self.prompt) != "text" else (*ANSWERS, *CLASSES)
        self.answer = next((names[one] for one in usual if one in names), "")
        rest = [one for one in CONTEXTS if one in names and names[one] != self.prompt]
        self.context = names[rest[0]] if rest and self.prompt else ""
        self.system = next((names[one] for one in SYSTEMS if one in names), "")

    @staticmethod
    def _lower(key: str) -> str:
        return key.strip().lower()

    @property
    def format(self) -> SourceFormat | None:
        """What the keys make of the record; None where it is no pair."""
        prompt, answer = self._lower(self.prompt), self._lower(self.answer)
        if prompt in ("prompt", "") and answer in ("completion", ""):
            return "prompt-completion" if prompt or answer else None
        if prompt == "instruction":
            return "dolly" if answer == "response" or self._lower(self.context) == "context" else "alpaca"
        if not answer:
            return "prompt-completion" if prompt == "prompt" else None
        return "text-label" if prompt == "text" else "question-answer"


@lru_cache(maxsize=1 << 10)
def _keys(given: tuple[str, ...]) -> Keys:
    return Keys(given)


def keys_of(record: Mapping[str, Any]) -> Keys:
    """Which keys of a record are which."""
    return _keys(tuple(record))


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """A record; None where it is broken."""
    if len(record) == 2 and "prompt" in record and "completion" in record:
        prompt, answer = record["prompt"], record["completion"]
        if isinstance(prompt, str) and isinstance(answer, str) and prompt.strip() and answer.strip():
            return Conversation(
                (Turn("user", prompt, (), "$.prompt"), Turn("assistant", answer, (), "$.completion"))
            )
    return _named(record, reading)


def _named(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    there = said(record)
    keys = keys_of(record)
    names = _NEEDED.get(reading.format, ("prompt", "completion"))
    prompt = reading.text(record, keys.prompt or names[0], f"$.{keys.prompt or names[0]}")
    answer = _answer(there, keys.answer or names[1], reading)
    context = there.get(keys.context, "") if keys.context else ""
    if not isinstance(context, str):
        reading.wrong_type(f"$.{keys.context}", "a string", context)
    system = there.get(keys.system, "") if keys.system else ""
    if not isinstance(system, str):
        reading.wrong_type(f"$.{keys.system}", "a string", system)
    if reading.problems or prompt is None or answer is None:
        return None
    used = {keys.prompt, keys.answer, keys.context, keys.system}
    unread = {key: value for key, value in there.items() if key not in used and value != ""}
    whole = f"{prompt}\n\n{context}" if context.strip() else prompt
    if reading.format == "alpaca" and _is_put_together(unread.get(_STANFORD), prompt, answer):
        del unread[_STANFORD]
    question = Turn("user", whole, (), f"$.{keys.prompt}")
    said_ = Turn("assistant", answer, (), f"$.{keys.answer}")
    return Conversation((question, said_), system, {}, unread, (), f"$.{keys.system or 'system'}")


_NEEDED: dict[SourceFormat, tuple[str, str]] = {
    "alpaca": ("instruction", "output"),
    "dolly": ("instruction", "response"),
    "question-answer": ("question", "answer"),
    "text-label": ("text", "label"),
}


def _answer(record: Mapping[str, Any], key: str, reading: Reading) -> str | None:
    """An answer: a label may be a number, and a list of one string is that string."""
    value = record.get(key)
    if key != "completion" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return reading.text({key: value[0]}, key, f"$.{key}[0]")
    return reading.text(record, key, f"$.{key}")


def _is_put_together(text: Any, prompt: str, answer: str) -> bool:
    return isinstance(text, str) and prompt in text and answer in text


def write_pair(conversation: Conversation) -> dict[str, Any]:
    """A prompt and its completion; a system prompt stands before the prompt."""
    prompt, answer = conversation.turns
    whole = f"{conversation.system}\n\n{prompt.text}" if conversation.system else prompt.text
    return {"prompt": whole, "completion": answer.text}


def write_alpaca(conversation: Conversation) -> dict[str, Any]:
    """The same with Alpaca's keys."""
    pair = write_pair(conversation)
    return {"instruction": pair["prompt"], "input": "", "output": pair["completion"]}
