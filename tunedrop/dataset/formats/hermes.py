"""Tools in the text markup of Hermes and Qwen: `<tools>`, `<tool_call>` and `<tool_response>`.

Source: NousResearch/Hermes-Function-Calling, README, prompt format. Read 2026-11-29.
"""

from __future__ import annotations

import re
from typing import Any

from tunedrop.dataset.formats import tools

_TOOLS = re.compile(r"<tools>\s*([\[{].*?)\s*</tools>", re.DOTALL)
_CALL = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)
_RESPONSE = re.compile(r"<tool_response>\s*(.*?)\s*</tool_response>", re.DOTALL)


def definitions(system: Any) -> list[Any]:
    """The tools that a system prompt lists, as one list or one per line; empty if there are none."""
    found = _TOOLS.search(system) if isinstance(system, str) else None
    if found is None:
        return []
    whole = tools.decoded(found[1])
    listed = whole if isinstance(whole, list) else [tools.decoded(line) for line in found[1].splitlines()]
    return listed if tools.are_definitions(listed) else []


def parts(text: Any) -> tuple[str, list[dict[str, Any]]] | None:
    """The text of an answer, and the tool calls in it; None if it has none that can be read."""
    if not isinstance(text, str) or "<tool_call>" not in text:
        return None
    calls = [tools.decoded(one) for one in _CALL.findall(text)]
    said = _CALL.sub("", text).strip()
    if (
        not calls
        or "<tool_call>" in said
        or not all(isinstance(one, dict) and "name" in one for one in calls)
    ):
        return None
    return said, calls


def results(text: Any) -> list[Any]:
    """The results in a tool's message; empty if they have another form."""
    return _RESPONSE.findall(text) if isinstance(text, str) else []
