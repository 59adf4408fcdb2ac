"""Pairs of a prompt and its answer, under any common names.

| format | keys |
| --- | --- |
| `prompt-completion` | prompt, completion (Bedrock user guide, model-customization-prepare) |
| `alpaca` | instruction, input, output (stanford_alpaca) |
| `dolly` | instruction, context, response (databricks-dolly-15k, SageMaker JumpStart) |
| `question-answer` | any other name of a prompt beside any other name of an answer |
| `text-label` | text, label (classification sets) |

Names (`names`) match regardless of case and surrounding spaces. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

from tunedrop.dataset.formats import choices, contexts, exports, names, naming, tools
from tunedrop.dataset.formats.record import Conversation, Reading, SourceFormat, Turn, said
from tunedrop.dataset.types import Problem, shorten

_STANFORD = "text"
"""Alpaca's key for the other three, joined."""


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """Read a record; None if it is malformed."""
    if len(record) == 2 and "prompt" in record and "completion" in record:
        prompt, answer = record["prompt"], record["completion"]
        if isinstance(prompt, str) and isinstance(answer, str) and prompt.strip() and answer.strip():
            if lists_answers(answer):
                return _named(record, reading)
            return Conversation(
                (Turn("user", prompt, (), "$.prompt"), Turn("assistant", answer, (), "$.completion"))
            )
    return _named(record, reading)


def _named(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    keys = naming.keys_of(record)
    needed = _NEEDED.get(reading.format, ("prompt", "completion"))
    asked = keys.prompt or needed[0]
    record = _unboxed(record, asked, keys)
    if wrong := _no_answer(record, keys, reading.format):
        reading.problems.append(wrong)
        return None
    there = said(record)
    if named := choices.chosen(there, keys.answer, asked):
        there = {**there, keys.answer: named.text}
        reading.guesses.append(Problem(f"$.{keys.answer}", "TD008", _NAMED, shorten(named.mark), "a text"))
    prompt = reading.text(there, asked, f"$.{asked}")
    answer = answer_of(there, keys.answer or needed[1], reading)
    losses: list[str] = []
    about = contexts.asked_about(there, keys, prompt, answer, reading, losses)
    offered, listed = choices.offered(there, str(prompt), str(answer))
    system = there.get(keys.system, "") if keys.system else ""
    if not isinstance(system, str):
        reading.wrong_type(f"$.{keys.system}", "a string", system)
    if reading.problems or prompt is None or answer is None:
        return None
    losses += choices.losses(there, listed)
    used = {keys.prompt, keys.answer, keys.system, *about, *listed}
    if not contexts.stands_for_nothing(there.get(keys.context)):
        used.add(keys.context)
    unread = {key: value for key, value in there.items() if key not in used and value != ""}
    if reading.format == "alpaca" and contexts.is_put_together(unread.get(_STANFORD), prompt, answer):
        del unread[_STANFORD]
    question = Turn(
        "user", "\n\n".join(filter(None, [prompt, *about.values(), offered])), (), f"$.{keys.prompt}"
    )
    said_ = Turn("assistant", answer, (), f"$.{keys.answer}")
    said_of = there.get(keys.answer)
    if isinstance(said_of, list) and len(said_of) == 1:
        said_of = said_of[0]
    if isinstance(said_of, dict):
        own = text_key(said_of) or "text"
        losses += [f"$.{shorten(keys.answer)}.{shorten(key)}" for key in said_of if key != own]
    return Conversation((question, said_), system, {}, unread, tuple(losses), f"$.{keys.system or 'system'}")


_NAMED = "the answer is the letter or the number of a choice; the choice itself is read as the answer"


def _unboxed(record: Mapping[str, Any], key: str, keys: naming.Keys) -> Mapping[str, Any]:
    """The record with its prompt as a string: from a list with one element, as R's jsonlite writes each
    value, from an object with a text, or, if the prompt is empty, from the context next to it."""
    match record.get(key):
        case [str(text)]:
            return {**record, key: text}
        case {"text": str(text), **rest} | {"stem": str(text), **rest} if keys.answer:
            inside = {one if one in choices.KEYS else f"{key}.{one}": value for one, value in rest.items()}
            return {**inside, **record, key: text}
        case str(text) if not text.strip() and isinstance(about := record.get(keys.context), str):
            return {**record, key: about, keys.context: ""} if about.strip() else record
    return record


def _no_answer(record: Mapping[str, Any], keys: naming.Keys, format_: SourceFormat) -> Problem | None:
    """The problem of a record that has no prompt, or no real answer; None if it has both."""
    if not keys.prompt and format_ in ("question-answer", "text-label"):
        shown = shorten(", ".join(map(shorten, record)))
        return Problem("$", "TD011", _no_prompt(record, keys.answer), shown, "a prompt")
    if not keys.answer and (known := exports.hint(record)):
        return Problem("$", "TD011", known, shorten(", ".join(map(shorten, record))), "an answer")
    if not keys.answer and format_ == "prompt-completion" and isinstance(record.get(keys.prompt), str):
        return Problem("$.completion", "TD011", _no_completion(record), "nothing", "completion")
    value, path = record.get(keys.answer), f"$.{shorten(keys.answer)}"
    if why := exports.why_no_answer(record, keys.answer, keys.prompt):
        return Problem(path, "TD012", why, shorten(value), "what is to be learned")
    are_calls = names.plain(keys.answer) in names.CALLS or not isinstance(value, str)
    if are_calls and tools.calls_in(value):
        return Problem(path, "TD026", _UNDECLARED, shorten(value), "tools")
    return None


def _no_completion(record: Mapping[str, Any]) -> str:
    there = ", ".join(map(shorten, record))
    return (
        f"completion is missing; this record has {there}. Prompts without answers are for distillation and "
        'reinforcement: write {"messages": [{"role": "user", "content": PROMPT}]}'
    )


def joined(record: Mapping[str, Any]) -> list[str]:
    """The keys of the texts that follow the question in the prompt."""
    keys = naming.keys_of(record)
    record = _unboxed(record, keys.prompt, keys)
    asked, answer = record.get(keys.prompt), record.get(keys.answer)
    about = [
        key
        for key in (keys.context, *keys.others)
        if key and contexts.text_of(key, record.get(key), asked, answer, [])
    ]
    named = choices.chosen(record, keys.answer, keys.prompt)
    return [*about, *choices.offered(record, str(asked), named.text if named else str(answer))[1]]


_UNDECLARED = (
    "the answer contains calls of undeclared tools, which a model would learn as plain text: add the "
    "tool definitions under tools"
)


def _no_prompt(record: Mapping[str, Any], answer: str) -> str:
    if known := exports.hint(record):
        return known
    keys = ", ".join(map(shorten, record))
    return (
        f"next to {shorten(answer)}, no key has a usual name for a prompt; this record has {shorten(keys)}: "
        "--column prompt=KEY --column completion=KEY"
    )


_NEEDED: dict[SourceFormat, tuple[str, str]] = {
    "alpaca": ("instruction", "output"),
    "dolly": ("instruction", "response"),
    "question-answer": ("question", "answer"),
    "text-label": ("text", "label"),
}


def answer_of(record: Mapping[str, Any], key: str, reading: Reading) -> str | None:
    """The answer as a string: labels may be numbers or booleans, and a list with one string (also SQuAD's) is
    that string."""
    value = record.get(key)
    if isinstance(value, str) and value[:1] in ("[", "{") and (key.endswith("s") or lists_answers(value)):
        value = _in_a_cell(value)
        if value is None:
            what = f"{key} lists answers in NumPy's notation; write one answer as a string, or a JSON list"
            reading.add(f"$.{key}", "TD012", what, record[key], "a string")
            return None
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict | int):
        value = value[0]
    if isinstance(value, dict) and (inside := text_key(value)):
        return reading.text(value, inside, f"$.{key}.{inside}")
    if isinstance(value, dict) and isinstance(value.get("text"), list):
        value = list(dict.fromkeys(map(str, value["text"])))
        if not value:
            what = f"{key} is empty; a model learns nothing from it: remove the record"
            reading.add(f"$.{key}", "TD021", what, record[key], "some text")
            return None
    if isinstance(value, bool) and reading.format in ("text-label", "question-answer"):
        return "true" if value else "false"
    if key != "completion" and isinstance(value, int | float) and not isinstance(value, bool):
        return "" if isinstance(value, float) and isnan(value) else str(value)  # an empty cell of pandas
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return reading.text({key: value[0]}, key, f"$.{key}[0]")
    if isinstance(value, list) and len(value) > 1:
        what = f"{key} holds {len(value)} answers; keep one, or write one record per answer"
        reading.add(f"$.{key}", "TD012", what, value, "a string")
        return None
    return reading.text(record, key, f"$.{key}")


def text_key(answer: Mapping[str, Any]) -> str:
    """The key of the text in an answer that is an object, such as {"text", "source"}."""
    return next((key for key in ("text", "value") if isinstance(answer.get(key), str)), "")


def lists_answers(text: str) -> bool:
    """Whether a string holds SQuAD's answers with their positions."""
    return text[:1] == "{" and "answer_start" in text


def _in_a_cell(text: str) -> Any:
    """The answers that a string lists in JSON or Python notation; else the string; None for NumPy's
    notation."""
    found = tools.printed(text)
    if found is text and lists_answers(text):
        return None
    is_list = isinstance(found, list) and all(isinstance(one, str) for one in found)
    return found if is_list or (isinstance(found, dict) and "answer_start" in found) else text


def write_pair(conversation: Conversation) -> dict[str, Any]:
    """Write a prompt and its completion; a system prompt is put before the prompt."""
    prompt, answer = conversation.turns
    whole = f"{conversation.system}\n\n{prompt.text}" if conversation.system else prompt.text
    return {"prompt": whole, "completion": answer.text}


def write_alpaca(conversation: Conversation) -> dict[str, Any]:
    """The same with Alpaca's keys."""
    pair = write_pair(conversation)
    return {"instruction": pair["prompt"], "input": "", "output": pair["completion"]}
