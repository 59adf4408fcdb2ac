"""Whether an answer is complete: a truncated, filtered or empty one says little about its model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tunedrop.contracts import Incomplete
from tunedrop.evaluation.ask import Answer
from tunedrop.evaluation.json_leaves import is_document
from tunedrop.evaluation.words import words

TRUNCATED = frozenset(("max_tokens", "model_context_window_exceeded", "length", "LENGTH"))
FILTERED = frozenset(("guardrail_intervened", "content_filtered", "CONTENT_FILTERED"))
"""Stop reasons of Converse (botocore's service model, 1.43.106) and of InvokeModel for Llama and Titan (user
guide, model-parameters-meta and model-parameters-titan-text, read 2026-11-26)."""

LONG = 100
"""JSON of at least this many characters that is not closed counts as truncated."""

FEWEST_WORDS, NO_LABEL = 2, 6
"""An answer of so many words that begins its reference is cut where it ends within a sentence, or within a
word of a reference of so many words, which is no label."""

_SENTENCE = re.compile(r"[.!?。！？।؟…]+$")  # noqa: RUF001 - full-width forms are meant


def incomplete(model: str, pairs: Sequence[tuple[str, Answer]]) -> Incomplete:
    """Counts for (reference, answer) pairs. An answer counts once, and an empty one only if the reference is
    not empty."""
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
    """Without a stop reason, an answer counts as truncated if it is a beginning of its reference, or JSON
    that is not closed.

    A full stop within a sentence of the reference does not end the answer.
    """
    wanted, given = reference.strip(), text.strip()
    open_end = _SENTENCE.sub("", given)
    if len(words(open_end)) >= NO_LABEL and not wanted.startswith(given) and wanted.startswith(open_end):
        given = open_end
    rest = wanted[len(given) :] if wanted.startswith(given) else ""
    if words(rest) and len(words(given)) >= FEWEST_WORDS:
        one_word = (given[-1] + rest[0]).isalpha() and len(words(given[-1] + rest[0])) == 1
        within_word = one_word and len(words(wanted)) >= NO_LABEL
        within_sentence = _SENTENCE.search(wanted) and not _SENTENCE.search(given)
        return len(given) >= LONG or within_word or bool(within_sentence)
    return (
        len(given) >= LONG
        and is_document(wanted)
        and given[:1] == wanted[:1]
        and given[-1:] != wanted[-1:]
        and not is_document(given)
    )
