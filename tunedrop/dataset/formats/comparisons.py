"""Converts other forms of preferences to `chosen` and `rejected` (`preference`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from tunedrop.dataset.formats import names, naming, serialized, turns
from tunedrop.dataset.formats.record import Reading
from tunedrop.dataset.types import shorten

_SIDES = frozenset((*names.CHOSEN, *names.REJECTED))
_VERDICTS = frozenset(verdict for _, _, verdict in names.COMPARED)
_STATES = ("rejected", "dispreferred", "non_preferred")
"""Other keys that may say whether an answer was rejected."""
_LABELS = {"preferred": 0, "non-preferred": 1}
"""Nova's `preferenceLabel`."""


def as_pair(record: Mapping[str, Any], reading: Reading) -> Mapping[str, Any]:
    """The record with its two answers under `chosen` and `rejected`; problems are added to the reading."""
    given = _compared(_scored(_labelled(record, reading), reading), reading)
    found = _answered(given)
    rejected = key_in(found, names.REJECTED)
    if rejected and _is_state(given, found, rejected):
        what = (
            f"{shorten(rejected)} says whether an answer was rejected, not which one: write the rejected "
            "answer, or rename or remove the key"
        )
        reading.add(f"$.{shorten(rejected)}", "TD012", what, found[rejected], "an answer")
    return found


def _is_state(record: Mapping[str, Any], found: Mapping[str, Any], rejected: str) -> bool:
    """Whether a value under `rejected` is a yes or no, while the answer is neither."""
    if names.plain(rejected) not in _STATES or not _is_flag(found[rejected]):
        return False
    chosen = key_in(found, names.CHOSEN)
    if not key_in(record, names.CHOSEN):
        return bool(chosen) and not _is_flag(found[chosen])
    rest = without_sides(record)
    answer = naming.keys_of(rest).answer
    return bool(answer) and _is_flag(found[chosen]) and not _is_flag(rest[answer])


def _is_flag(value: Any) -> bool:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    said = value.get("content", value.get("value")) if isinstance(value, dict) else value
    return isinstance(said, str) and said.strip().casefold() in ("yes", "no", "true", "false")


@lru_cache(maxsize=1 << 12)
def may_compare(keys: tuple[str, ...]) -> bool:
    """Whether a record with these keys may compare two answers."""
    is_scored = "contents" in keys and "completions" in keys
    return is_scored or any(names.plain(key) in _SIDES or key in _VERDICTS for key in keys)


def sides_in(record: Mapping[str, Any]) -> list[str]:
    """The keys that name a better and a worse answer."""
    return [key for key in record if names.plain(key) in _SIDES]


def without_sides(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record other than the answers of `sides_in`."""
    return {key: one for key, one in record.items() if names.plain(key) not in _SIDES}


def key_in(record: Mapping[str, Any], among: Iterable[str]) -> str:
    """The first of these names that is a key of the record; empty if none is."""
    there = {names.plain(key): key for key in reversed(tuple(record))}
    return next((there[name] for name in among if name in there), "")


def are_messages(value: Any) -> bool:
    """Whether a value is a list of messages."""
    return isinstance(value, list) and bool(value) and all(map(_is_message, value))


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role", value.get("from")), str)


def _compared(record: Mapping[str, Any], reading: Reading) -> Mapping[str, Any]:
    """The record with two answers and a verdict as `chosen` and `rejected`."""
    for first, second, verdict in names.COMPARED:
        if verdict not in record or first not in record or second not in record:
            continue
        which = names.VERDICTS.get(str(record[verdict]).strip().lower().removesuffix(".0"))  # 1.0 of pandas
        if verdict == "labels" and which is not None:
            which = 1 - which  # SHP: 1 where the first is preferred
        if which is None:
            what = f"{verdict} does not say which answer is better; remove the record"
            reading.add(f"$.{verdict}", "TD089", what, record[verdict], "which of the two is better")
            return record
        rest = {key: one for key, one in record.items() if key not in (first, second, verdict)}
        sides = (record[first], record[second])
        return {**rest, "chosen": sides[which], "rejected": sides[1 - which]}
    return record


def _answered(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with the final answer of its conversation or pair as the preferred one."""
    if key_in(record, names.CHOSEN) or not key_in(record, names.REJECTED):
        return record
    for key, value in record.items():
        if names.plain(key) in ("messages", *names.CONVERSATIONS) and are_messages(value):
            last = value[-1].get("role", value[-1].get("from"))
            if len(value) > 1 and turns.role_of(last) == turns.ASSISTANT:
                return {**record, key: value[:-1], "chosen": [value[-1]]}
    rest = without_sides(record)
    answer = naming.keys_of(rest).answer
    if answer and isinstance(rest[answer], str):
        return {**{key: one for key, one in record.items() if key != answer}, "chosen": rest[answer]}
    return record


def candidates(record: Mapping[str, Any]) -> list[Any]:
    """The candidates of the last message; empty if it has none."""
    messages = record.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    found = last.get("candidates") if isinstance(last, dict) else None
    return found if isinstance(found, list) else []


def _labelled(record: Mapping[str, Any], reading: Reading) -> Mapping[str, Any]:
    """The record with the candidates as `chosen` and `rejected`."""
    two = candidates(record)
    if not two:
        return record
    by_label: dict[int, list[Any]] = {}
    for one in two:
        label = one.get("preferenceLabel") if isinstance(one, dict) else None
        by_label.setdefault(_LABELS.get(str(label).lower(), 2), []).append(one)
    if sorted(by_label) != [0, 1] or len(two) != 2:
        what = "candidates must be two: one preferred and one non-preferred; write a record for each pair"
        reading.add("$.messages", "TD011", what, f"{len(two)} candidates", "preferenceLabel")
        return record
    before, last = list(record["messages"][:-1]), record["messages"][-1]
    around = {key: one for key, one in last.items() if key != "candidates"}
    rest = {key: one for key, one in record.items() if key not in ("messages", "schemaVersion")}
    sides = [
        [{"role": turns.ASSISTANT, **around, **{k: v for k, v in one.items() if k != "preferenceLabel"}}]
        for (one,) in (by_label[0], by_label[1])
    ]
    return {**rest, "messages": before, "chosen": sides[0], "rejected": sides[1]}


def is_scored(record: Mapping[str, Any]) -> bool:
    """Whether a record has the two scored completions of Gemini's preference tuning."""
    found = record.get("completions")
    return isinstance(record.get("contents"), list) and isinstance(found, list) and bool(found)


def _scored(record: Mapping[str, Any], reading: Reading) -> Mapping[str, Any]:
    """The record with the completion of the higher score as the preferred one; `contents` is the prompt."""
    if not is_scored(record):
        return record
    two = [one for one in record["completions"] if isinstance(one, dict)]
    scores = [one.get("score") for one in two]
    if len(two) != 2 or len(record["completions"]) != 2 or {*map(str, scores)} not in _SCORES:
        what = "completions must be two, with the scores 1 and 0; write a record for each pair"
        reading.add("$.completions", "TD011", what, record["completions"], "score and completion")
        return record
    better, worse = sorted(two, key=lambda one: -float(one["score"]))
    asked = [serialized.of_gemini(one) for one in record["contents"]]
    system = record.get("systemInstruction")
    before = (
        [{"role": "system", "content": serialized.parts_of_gemini(system)}]
        if isinstance(system, dict)
        else []
    )
    rest = {
        key: one for key, one in record.items() if key not in ("contents", "completions", "systemInstruction")
    }
    sides = [
        [{**one, **serialized.of_gemini(said)} if isinstance(said, dict) else said]
        for one, said in ((_without_score(one), one.get("completion")) for one in (better, worse))
    ]
    return {**rest, "messages": [*before, *asked], "chosen": sides[0], "rejected": sides[1]}


def _without_score(one: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key not in ("score", "completion")}


_SCORES = ({"1", "0"}, {"1.0", "0.0"}, {"1.0", "0"}, {"1", "0.0"})
