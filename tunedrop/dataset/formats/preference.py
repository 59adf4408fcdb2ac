"""Preferences: a prompt with the answer that was preferred and the one that was rejected.

| from | form |
| --- | --- |
| SageMaker AI, TRL | `{"prompt", "chosen", "rejected"}`, as strings or as lists of messages |
| SageMaker AI, TRL, UltraFeedback | `{"chosen": [messages], "rejected": [messages]}`, each with the prompt |
| OpenAI | `{"input": {"messages"}, "preferred_output": [message], "non_preferred_output": [message]}` |
| hh-rlhf | `{"chosen", "rejected"}`, each a transcript: `\\n\\nHuman: …\\n\\nAssistant: …` |
| LLaMA-Factory | `{"conversations", "chosen": {message}, "rejected": {message}}` |
| ms-swift | messages with the preferred answer, and `rejected_response` |
| PKU-SafeRLHF, Chatbot Arena, SHP | two answers, and a key that says which is better (`names.COMPARED`) |
| Gemini | `contents`, and `completions` with the scores 1 and 0 |
| Nova | messages whose last has `candidates`, one `preferred` and one `non-preferred` |

Labels of single answers (KTO) are not preferences and are refused by name. `write` produces the messages that
serverless customization reads.

Sources: SageMaker AI developer guide, customizing-models-dpo; sagemaker-python-sdk, schemas dpo.json and
hf_preference.json; OpenAI, direct preference optimization; TRL, dataset formats. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tunedrop.dataset.formats import (
    comparisons,
    names,
    naming,
    openai_chat,
    preference_prompts,
    preference_texts,
    turns,
)
from tunedrop.dataset.formats.record import Conversation, Reading, both, said
from tunedrop.dataset.types import Problem, shorten

NAME = "preference"
_MESSAGE = frozenset({"role", "from", "content", "value"})
_ENOUGH = frozenset(
    ("chosen", "preferred_output", *names.REJECTED[:10], "rejected_messages", "rejected_message")
)
"""Unmistakable names: a record with one of them is a preference, even if the other answer is missing."""


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record is a preference, or a part of one."""
    if not comparisons.may_compare(tuple(record)):
        return "messages" in record and bool(comparisons.candidates(record))
    said_ = {
        names.plain(key)
        for key in comparisons.sides_in(record)
        if isinstance(record[key], str | list | dict) and record[key] != []
    }
    if not said_.isdisjoint(_ENOUGH) or (
        not said_.isdisjoint(names.CHOSEN) and not said_.isdisjoint(names.REJECTED)
    ):
        return True
    return (
        bool(comparisons.candidates(record))
        or comparisons.is_scored(record)
        or any(key in record and one in record for one, _, key in names.COMPARED)
    )


def is_label(record: Mapping[str, Any]) -> bool:
    """Whether a record labels a single answer as good or bad (KTO)."""
    answered = "messages" in record or "completion" in record
    label = record.get("label")
    is_bool = isinstance(label, bool) or (isinstance(label, str) and label.strip().lower() in _TRUE_OR_FALSE)
    return isinstance(record.get("kto_tag"), bool) or (is_bool and answered)


_TRUE_OR_FALSE = ("true", "false")
"""A label in a table."""


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """Read a record; None if it is malformed."""
    record = comparisons.as_pair(said(record), reading)
    if reading.problems:
        return None
    keys = [comparisons.key_in(record, among) for among in (names.CHOSEN, names.REJECTED)]
    for key, missing in zip(keys, ("chosen", "rejected"), strict=True):
        if not key:
            what = f"{missing} is missing: a preference has a preferred and a rejected answer"
            reading.add("$", "TD011", what, ", ".join(map(shorten, record)), missing)
            return None
    losses: list[str] = []
    rest = comparisons.without_sides(record)
    asked, used = preference_prompts.asked(rest, reading, losses)
    if any(
        isinstance(one, str) and any(preference_texts.transcript(one))
        for one in (rest if asked else record).values()
    ):
        record = {**record, **{key: one.strip() for key in keys if isinstance(one := record[key], str)}}
    sides = [preference_texts.answer(record[key], f"$.{key}", asked, reading) for key in keys]
    if not any(who == turns.USER for side in sides for _, who, _, _ in side):
        asked = preference_prompts.before(rest, asked, used, reading, losses)
    if reading.problems:
        return None
    prompt = [*_system(rest, used), *asked]
    chosen, rejected = (
        _side(side, key, prompt, reading, losses) for side, key in zip(sides, keys, strict=True)
    )
    if chosen is None or rejected is None:
        return None
    _compare(chosen, rejected, keys[1], reading)
    if reading.problems:
        return None
    losses += [
        f"{turn.path.removesuffix('.content')}.{shorten(key)}"
        for turn in rejected.turns[:-1]
        if turn.path.startswith(f"$.{keys[1]}")
        for key in turn.extra
    ]
    _warn_of_scores(record, reading)
    if chosen.turns[0].path.startswith(f"$.{keys[0]}"):  # the answers contain their prompt
        used = {key for key in used if chosen.system_path == f"$.{key}"}
    rest = {key: one for key, one in record.items() if key not in (*used, *keys) and one != ""}
    return msgspec.structs.replace(
        chosen,
        unread={key: one for key, one in rest.items() if not _is_said(one, record[keys[0]], chosen)},
        losses=tuple(dict.fromkeys(losses)),
        rejected=rejected.turns[-1],
    )


def _system(record: Mapping[str, Any], used: set[str]) -> Iterator[preference_texts.Said]:
    key = naming.keys_of(record).system
    if key and isinstance(system := record[key], str | list) and system:
        used.add(key)
        yield f"$.{key}", turns.SYSTEM, system, {}


def _is_said(value: Any, side: Any, chosen: Conversation) -> bool:
    """Whether the preferred conversation repeats a value: the prompt, or the whole conversation."""
    if isinstance(value, str):
        return value.strip() in {chosen.system.strip(), *(turn.text.strip() for turn in chosen.turns)}
    return isinstance(value, list) and isinstance(side, list) and value == side[: len(value)]


def _side(
    mine: list[preference_texts.Said],
    key: str,
    prompt: list[preference_texts.Said],
    reading: Reading,
    losses: list[str],
) -> Conversation | None:
    """The conversation that ends with one of the two answers."""
    asks = any(who == turns.USER for _, who, _, _ in mine)
    kept = [one for one in prompt if one[1] == turns.SYSTEM] if asks else prompt
    if asks and any(who == turns.SYSTEM for _, who, _, _ in mine):
        kept = []
    if not any(who == turns.USER for _, who, _, _ in [*kept, *mine]):
        what = "no prompt: a preference is between two answers to one question"
        reading.add("$", "TD011", what, key, "prompt")
        return None
    chat = turns.Turns(reading)
    for path, who, content, message in [*kept, *mine]:
        if content is None:
            reading.wrong_type(path, "a string", content)
            return None
        blocks = turns.parts(content, path, reading, losses)
        if blocks is None:
            return None
        if who == turns.SYSTEM:
            chat.note("\n".join(one.get("text", "") for one in blocks), path)
            continue
        chat.say(who, blocks, path, {name: one for name, one in message.items() if name not in _MESSAGE})
    found = chat.end()
    if reading.problems:
        reading.problems = [
            one._replace(path=f"$.{shorten(key)}") if one.path.startswith(".") else one
            for one in reading.problems
        ]
        return None
    if found[-1].role != turns.ASSISTANT:
        what = f"{shorten(key)} must end with the assistant's answer"
        reading.add(f"$.{key}", "TD020", what, found[-1].role, "assistant")
        return None
    return Conversation(found, "\n".join(chat.system), system_path=chat.system_path or "$.system")


def _compare(chosen: Conversation, rejected: Conversation, key: str, reading: Reading) -> None:
    """Whether both answers belong to the same prompt, and differ; else the problem is added to the
    reading."""
    pairs_ = zip(chosen.turns[:-1], rejected.turns[:-1], strict=False)
    same = all(one.role == other.role and one.text.strip() == other.text.strip() for one, other in pairs_)
    if not same or len(chosen.turns) != len(rejected.turns) or chosen.system != rejected.system:
        what = (
            "the two answers belong to different conversations: only the last answer may differ. Leave the "
            "record out, or cut both where they part"
        )
        reading.add(f"$.{shorten(key)}", "TD090", what, f"{len(rejected.turns)} messages", "the same prompt")
    elif chosen.turns[-1].text.strip() == rejected.turns[-1].text.strip():
        what = "the preferred and the rejected answer are the same: there is nothing to prefer; remove it"
        reading.add(f"$.{shorten(key)}", "TD089", what, rejected.turns[-1].text, "another answer")


def _warn_of_scores(record: Mapping[str, Any], reading: Reading) -> None:
    for better, worse in names.SCORES_OF_PREFERENCES:
        one, other = _number(record.get(better)), _number(record.get(worse))
        if one is not None and other is not None and one <= other:
            how = "as good as" if one == other else "worse than"
            what = (
                f"by {better} and {worse} the preferred answer is {how} the rejected one; is it a preference?"
            )
            reading.guesses.append(Problem(f"$.{better}", "TD091", what, f"{one:g}", f"more than {other:g}"))


def _number(value: Any) -> float | None:
    """A score; in a CSV table it is a string."""
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None


def write(conversation: Conversation) -> dict[str, Any]:
    """Write both conversations as messages, as serverless customization reads them for DPO.

    Raises
    ------
    ValueError
        If it has no rejected answer.
    """
    return {
        side: openai_chat.write_messages(one)["messages"]
        for side, one in zip(("chosen", "rejected"), both(conversation), strict=True)
    }
