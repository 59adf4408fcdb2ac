"""Preferences between answers, which no base model of Bedrock is tuned on: named, and refused.

Sources: OpenAI, direct preference optimization; TRL, dataset formats (DPO, KTO). Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PREFERRED = frozenset(("chosen", "rejected"))


def kind(record: Mapping[str, Any]) -> str | None:
    """What trains on such records: DPO, KTO; None where a record is no preference."""
    if not _PREFERRED.isdisjoint(map(str.lower, record)):
        return "DPO, chosen and rejected"
    if "preferred_output" in record or "non_preferred_output" in record:
        return "DPO in OpenAI's form, preferred_output"
    messages = record.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    if isinstance(last, dict) and "candidates" in last:
        return "preference tuning with candidates"
    if isinstance(record.get("label"), bool) and ("messages" in record or "completion" in record):
        return "KTO, a label true or false for each answer"
    if isinstance(record.get("kto_tag"), bool):
        return "KTO, kto_tag"
    return None
