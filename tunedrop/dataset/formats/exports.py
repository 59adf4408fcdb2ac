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
from typing import Any

from tunedrop.dataset.formats import names

DECISIONS = ("accept", "reject", "ignore")
_OF_PRODIGY = frozenset(("_task_hash", "_input_hash", "spans", "options", "accept", "tokens"))
_CHOICES = ("choices", "options", "endings")
_NUMBERED = re.compile(r"(?:option|choice|sol|ending|answer|op)?_?(a|b|1|2)")
_INDEX = re.compile(r"[A-Za-z]|\d{1,2}")


def why_no_answer(record: Mapping[str, Any], key: str) -> str:
    """Why what stands under a usual name of an answer is none; empty where it is one."""
    value = record.get(key)
    if value in DECISIONS and not _OF_PRODIGY.isdisjoint(record):
        return f"{key} is what an annotator decided of the record, {value}; write what was chosen under label"
    if isinstance(value, bool) or not _INDEX.fullmatch(str(value)) or not _offers_choices(record):
        return ""
    return (
        f"{key} is {value}, the number of one of several choices; write the choice itself as the answer, and "
        "the choices into the prompt"
    )


def _offers_choices(record: Mapping[str, Any]) -> bool:
    if any(isinstance(record.get(name), list | dict) for name in _CHOICES):
        return True
    found = {match[1] for key in record if (match := _NUMBERED.fullmatch(names.plain(key)))}
    return {"a", "b"} <= found or {"1", "2"} <= found


def hint(record: Mapping[str, Any]) -> str:
    """What a record without a prompt or without an answer is, and what to do; empty where nobody knows."""
    if "custom_id" in record and ("response" in record or "result" in record):
        return "this is the output of a batch; its prompts are in the input: join them by custom_id"
    if isinstance(record.get("choices"), list) and record.get("object") == "chat.completion":
        return "this is an answer of OpenAI's without its prompt; put the messages of the request beside it"
    if "annotations" in record and isinstance(record.get("data"), dict):
        return "this is Label Studio's full export; export JSON-MIN or CSV"
    translation = record.get("translation")
    if isinstance(translation, dict) and len(translation) > 1:
        languages = ", ".join(map(str, list(translation)[:2]))
        return f"translation holds {languages}; write the one as prompt and the other as completion"
    if "caption" in record and not {"image", "file_name"}.isdisjoint(record):
        return "a caption of an image; the image's path is called image-ref"
    if _offers_choices(record):
        return "several choices are offered; write them into the prompt, and the right one as the answer"
    return ""
