"""Keys of a record that exclude it from training, such as `is_correct`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_NO = frozenset(["false", "no", "0", "bad", "wrong", "incorrect"])
_JUDGED = frozenset(
    ["is_correct", "correct", "accepted", "is_accepted", "approved", "is_approved", "is_good", "thumbs_up"]
)
_STATES = frozenset(["status", "review", "review_status", "decision", "state"])
_REFUSED = frozenset(["rejected", "discarded", "declined", "reject", "discard"])
_PARTS = frozenset(["split", "partition", "subset", "fold", "dataset_split"])
_HELD_OUT = frozenset(
    ["test", "validation", "valid", "val", "dev", "eval", "holdout", "held-out", "held_out", "heldout"]
)
_CUT_OFF = frozenset(["length", "max_tokens", "max_output_tokens"])
_ENDS = frozenset(["finish_reason", "finishreason", "stop_reason", "stopreason"])


_NAMES = frozenset(["answer", *_JUDGED, *_STATES, *_PARTS, *_ENDS])


def may_exclude(key: str) -> bool:
    """Whether a value of a key may exclude its record."""
    return _name(key) != ""


@lru_cache(maxsize=1 << 10)
def _name(key: str) -> str:
    """A key, ignoring case and spaces; empty if its value can never exclude a record."""
    name = key.strip().lower().replace(" ", "_")
    return name if name in _NAMES else ""


def why(key: str, value: Any, is_held_out: bool) -> str:
    """Why a key excludes a record from training; empty if it does not, or if it assigns the record to a
    held-out split and the file is one."""
    name = _name(key)
    if not name or not isinstance(value, str | bool | int):
        return ""
    said = str(value).strip().lower()
    if name == "answer" and said in ("reject", "ignore"):
        return f"an annotator decided to {said} this record, but it would be trained on; remove it"
    if (name in _JUDGED and said in _NO) or (name in _STATES and said in _REFUSED):
        return f"{key} is {said}, but this answer would be trained on; remove the record"
    if name in _PARTS and said in _HELD_OUT and not is_held_out:
        return (
            f"{key} is {said}, but all records of this file are for one use; write those of each part into a "
            "file of its own (train.jsonl, validation.jsonl, test.jsonl)"
        )
    if name in _ENDS and said in _CUT_OFF:
        return (
            f"{key} is {said}: the answer was cut off, and a model would learn to stop so; remove the record"
        )
    return ""
