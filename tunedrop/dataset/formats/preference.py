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
| Nova | messages whose last has `candidates`, one `preferred` and one `non-preferred` |

Labels of single answers (KTO) are no preferences: they are named, and refused. `write` gives the
messages that serverless customization reads.

Sources: SageMaker AI developer guide, customizing-models-dpo; sagemaker-python-sdk, schemas dpo.json and
hf_preference.json; OpenAI, direct preference optimization; TRL, dataset formats. Read 2026-11-29.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tunedrop.dataset.formats import comparisons, names, pairs, turns
from tunedrop.dataset.formats.record import Conversation, Reading, Turn, said
from tunedrop.dataset.types import Problem, shorten

NAME = "preference"
_MESSAGE = frozenset({"role", "from", "content", "value"})
_SPEAKER = re.compile(r"(?:\A|\n\n)\s*(Human|Assistant):[ \t]?")
_ENOUGH = frozenset(("chosen", "rejected", "rejected_response", "preferred_output", "non_preferred_output"))
"""Names that nothing else has, so that one of them is half a preference."""

_Said = tuple[str, str, Any, Mapping[str, Any]]
"""Of a message its path, who speaks, what is said, and the message itself."""


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record says which of two answers is better, or has a part of that."""
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
    return bool(comparisons.candidates(record)) or any(
        key in record and one in record for one, _, key in names.COMPARED
    )


def is_label(record: Mapping[str, Any]) -> bool:
    """Whether a record says of one answer whether it is good (KTO)."""
    answered = "messages" in record or "completion" in record
    return isinstance(record.get("kto_tag"), bool) or (isinstance(record.get("label"), bool) and answered)


def read(record: Mapping[str, Any], reading: Reading) -> Conversation | None:
    """A record; None where it is broken."""
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
    prompt, used = _prompt(record, reading, losses)
    if any(isinstance(one, str) and any(_transcript(one)) for one in record.values()):
        record = {**record, **{key: one.strip() for key in keys if isinstance(one := record[key], str)}}
    chosen, rejected = (_side(record[key], key, prompt, reading, losses) for key in keys)
    if chosen is None or rejected is None:
        return None
    _compare(chosen, rejected, keys[1], reading)
    if reading.problems:
        return None
    _warn_of_scores(record, reading)
    if chosen.turns[0].path.startswith(f"$.{keys[0]}"):  # the answers bring their prompt
        used = tuple(key for key in used if chosen.system_path == f"$.{key}")
    rest = {key: one for key, one in record.items() if key not in (*used, *keys) and one != ""}
    return msgspec.structs.replace(
        chosen,
        unread={key: one for key, one in rest.items() if not _is_said(one, record[keys[0]], chosen)},
        losses=tuple(dict.fromkeys(losses)),
        rejected=rejected.turns[-1],
    )


def _is_said(value: Any, side: Any, chosen: Conversation) -> bool:
    """Whether the preferred conversation says a value too: the prompt once more, or all of it."""
    if isinstance(value, str):
        return value.strip() in {chosen.system.strip(), *(turn.text.strip() for turn in chosen.turns)}
    return isinstance(value, list) and isinstance(side, list) and value == side[: len(value)]


def _prompt(
    record: Mapping[str, Any], reading: Reading, losses: list[str]
) -> tuple[list[_Said], tuple[str, ...]]:
    """The messages before both answers, system prompt first, and the keys that they stand under."""
    rest = {key: one for key, one in record.items() if key not in comparisons.sides_in(record)}
    keys = pairs.keys_of({key: one for key, one in rest.items() if isinstance(one, str | list | dict)})
    found: list[_Said] = []
    if keys.system and isinstance(system := rest[keys.system], str | list) and system:
        found.append((f"$.{keys.system}", turns.SYSTEM, system, {}))
    listed = next(
        (key for key in rest if names.plain(key) in ("messages", *names.CONVERSATIONS)
         and comparisons.are_messages(rest[key])), "",
    )  # fmt: skip
    if keys.prompt and isinstance(rest[keys.prompt], dict):
        inside = rest[keys.prompt]
        losses += [f"$.{keys.prompt}.{shorten(one)}" for one in inside if one != "messages" and inside[one]]
        found += _messages(inside.get("messages"), f"$.{keys.prompt}.messages", reading)
        return found, (keys.system, keys.prompt)
    if keys.prompt and isinstance(text := rest[keys.prompt], str) and text.strip():
        about = rest.get(keys.context, "") if keys.context else ""
        if isinstance(about, str) and about.strip():
            text = f"{text}\n\n{about}"
        found += _messages(text, f"$.{keys.prompt}", reading, turns.USER)
        return found, (keys.system, keys.prompt, *([keys.context] if about else []))
    if keys.prompt and comparisons.are_messages(rest[keys.prompt]):
        listed = keys.prompt
    told = next((key for key in rest if names.plain(key) in names.CONVERSATIONS), "")
    if not listed and told and isinstance(rest[told], str):
        return [*found, *_messages(rest[told], f"$.{told}", reading, turns.USER)], (keys.system, told)
    if listed:
        found += _messages(rest[listed], f"$.{listed}", reading)
    return found, (keys.system, listed)


def _messages(value: Any, path: str, reading: Reading, speaker: str = turns.ASSISTANT) -> Iterator[_Said]:
    """The messages of a text, a transcript, a message or a list of them."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "[") and '"role"' in value:
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, ValueError):
            yield path, speaker, value, {}
            return
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]
    if isinstance(value, str):
        transcript = list(_transcript(value))
        if speaker == turns.USER and transcript and not transcript[-1][1]:
            transcript.pop()  # the answer begins there
        yield from ((path, who, text, {}) for who, text in transcript or [(speaker, value)])
        return
    if isinstance(value, dict):
        value = value["messages"] if comparisons.are_messages(value.get("messages")) else [value]
    if not isinstance(value, list):
        reading.wrong_type(path, "a string or a list of messages", value)
        return
    if len(value) > 1 and all(isinstance(one, str) for one in value):
        what = f"{len(value)} texts where one is needed; write a record for each pair"
        reading.add(path, "TD012", what, value, "a string or a list of messages")
        return
    for index, one in enumerate(value):
        at = f"{path}[{index}]"
        if not isinstance(one, dict):
            reading.wrong_type(at, "a message", one)
            return
        role = one.get("role", one.get("from", speaker if len(value) == 1 else None))
        kind = turns.ROLES.get(role.strip().lower()) if isinstance(role, str) else None
        if kind not in (turns.USER, turns.ASSISTANT, turns.SYSTEM):
            what = f"role is {shorten(role)}; a preference has user, assistant and system"
            reading.add(f"{at}.role", "TD023", what, role, "user or assistant")
            return
        yield f"{at}.content", kind, one.get("content", one.get("value", one.get("text"))), one


def _transcript(text: str) -> Iterator[tuple[str, str]]:
    """The turns of a transcript as hh-rlhf has them; none of a text that is no such one."""
    parts = _SPEAKER.split(text)
    if len(parts) < 3 or parts[0].strip() or parts[1] != "Human":
        return
    for who, words in zip(parts[1::2], parts[2::2], strict=True):
        yield (turns.USER if who == "Human" else turns.ASSISTANT), words.strip()


def _side(
    value: Any, key: str, prompt: list[_Said], reading: Reading, losses: list[str]
) -> Conversation | None:
    """The conversation that ends with one of the two answers."""
    mine = list(_messages(value, f"$.{key}", reading))
    if reading.problems:
        return None
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
    """Whether both answer the same prompt, and differ."""
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
        one, other = record.get(better), record.get(worse)
        if isinstance(one, int | float) and isinstance(other, int | float) and one <= other:
            how = "as good as" if one == other else "worse than"
            what = (
                f"by {better} and {worse} the preferred answer is {how} the rejected one; is it a preference?"
            )
            reading.guesses.append(Problem(f"$.{better}", "TD091", what, f"{one:g}", f"more than {other:g}"))


def write(conversation: Conversation) -> dict[str, Any]:
    """Both conversations as messages, as serverless customization reads them for DPO."""
    rejected = conversation.rejected
    if rejected is None:
        raise ValueError("no rejected answer")
    return {
        "chosen": _written(conversation.system, conversation.turns),
        "rejected": _written(conversation.system, (*conversation.turns[:-1], rejected)),
    }


def _written(system: str, said_: Iterable[Turn]) -> list[dict[str, str]]:
    first = [{"role": "system", "content": system}] if system else []
    return [*first, *({"role": one.role, "content": one.text} for one in said_)]
