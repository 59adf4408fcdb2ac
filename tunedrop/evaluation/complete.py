"""Whether an answer is whole: cut at the limit on tokens, filtered, or empty it says little of its model."""

from __future__ import annotations

from collections.abc import Sequence

from tunedrop.contracts import Incomplete
from tunedrop.evaluation.ask import Answer
from tunedrop.evaluation.json_leaves import is_document

TRUNCATED = frozenset(("max_tokens", "model_context_window_exceeded", "length", "LENGTH"))
FILTERED = frozenset(("guardrail_intervened", "content_filtered", "CONTENT_FILTERED"))
"""Stop reasons of Converse (botocore's service model, 1.43.106) and of InvokeModel for Llama and Titan (user
guide, model-parameters-meta and model-parameters-titan-text, read 2026-11-26)."""

LONG = 100
"""An answer of so many characters that begins its reference and stops is cut, not short."""


def incomplete(model: str, pairs: Sequence[tuple[str, Answer]]) -> Incomplete:
    """Of (reference, answer) pairs. An answer counts once, and an empty one only where one was wanted."""
    found = [_fault(reference, answer) for reference, answer in pairs]
    return Incomplete(
        model=model,
        truncated=found.count("truncated"),
        filtered=found.count("filtered"),
        empty=found.count("empty"),
    )


def _fault(reference: str, answer: Answer) -> str:
    if answer.stop_reason in FILTERED:
        return "filtered"
    if not answer.text.strip():
        return "empty" if reference.strip() else ""
    cut = answer.stop_reason in TRUNCATED or (not answer.stop_reason and _looks_cut(reference, answer.text))
    return "truncated" if cut else ""


def _looks_cut(reference: str, text: str) -> bool:
    """Without a stop reason: it is the beginning of its reference, or JSON that was never closed."""
    wanted, given = reference.strip(), text.strip()
    if len(given) < LONG:
        return False
    if len(given) < len(wanted) and wanted.startswith(given):
        return True
    return (
        is_document(wanted)
        and given[:1] == wanted[:1]
        and given[-1:] != wanted[-1:]
        and not is_document(given)
    )
