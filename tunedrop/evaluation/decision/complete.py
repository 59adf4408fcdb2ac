"""Whether an answer is complete: a truncated, filtered or empty one says little about its model."""

from __future__ import annotations

from collections.abc import Sequence

from tunedrop.contracts import Incomplete
from tunedrop.evaluation.inference.ask import Answer
from tunedrop.evaluation.scoring.json_leaves import is_document
from tunedrop.evaluation.scoring.words import words

TRUNCATED = frozenset(("max_tokens", "model_context_window_exceeded", "length", "LENGTH"))
FILTERED = frozenset(("guardrail_intervened", "content_filtered", "CONTENT_FILTERED"))
"""Stop reasons of Converse (botocore's service model, 1.43.106) and of InvokeModel for Llama and Titan (user
guide, model-parameters-meta and model-parameters-titan-text, read 2026-11-26)."""

LONG = 100
"""JSON of at least this many characters that is not closed counts as truncated."""

FEWEST_WORDS, NO_LABEL = 2, 6
"""An answer of so many words that begins its reference is cut where it ends within a sentence, or within a
word of a reference of so many words, which is no label."""

STATED = 0.8
"""The share of the words of a sentence's end that the prompt has where the answer may leave that end out."""

_STOPS = ".!?。！？।؟…"  # noqa: RUF001 - full-width forms are meant


def incomplete(model: str, rows: Sequence[tuple[str, str, Answer]]) -> Incomplete:
    """Counts for (prompt, reference, answer). An answer counts once, and an empty one only if the
    reference is not empty."""
    found = [_fault(*row) for row in rows]
    return Incomplete(
        model=model,
        truncated=found.count("truncated"),
        filtered=found.count("filtered"),
        empty=found.count("empty"),
    )


def _fault(prompt: str, reference: str, answer: Answer) -> str:
    if answer.stop_reason in FILTERED:
        return "filtered"
    if not answer.text.strip():
        return "empty" if reference.strip() else ""
    if answer.stop_reason:
        return "truncated" if answer.stop_reason in TRUNCATED else ""
    return "truncated" if _looks_cut(prompt, reference, answer.text) else ""


def _looks_cut(prompt: str, reference: str, text: str) -> bool:
    """Without a stop reason, an answer counts as truncated if it is a beginning of its reference, or JSON
    that is not closed.

    A full stop within a sentence of the reference does not end the answer, unless the prompt states the rest.
    """
    wanted, given = reference.strip(), text.strip()
    open_end = given.rstrip(_STOPS)
    if len(words(open_end)) >= NO_LABEL and not wanted.startswith(given) and wanted.startswith(open_end):
        given = open_end
        if _states(prompt, wanted[len(given) :]):
            return False
    rest = wanted[len(given) :] if wanted.startswith(given) else ""
    if words(rest) and len(words(given)) >= FEWEST_WORDS:
        one_word = (given[-1] + rest[0]).isalpha() and len(words(given[-1] + rest[0])) == 1
        within_word = one_word and len(words(wanted)) >= NO_LABEL
        within_sentence = wanted[-1] in _STOPS and given[-1] not in _STOPS
        return len(given) >= LONG or within_word or within_sentence
    return (
        len(given) >= LONG
        and is_document(wanted)
        and given[:1] == wanted[:1]
        and given[-1:] != wanted[-1:]
        and not is_document(given)
    )


def _states(prompt: str, text: str) -> bool:
    known, said = set(words(prompt)), words(text)
    return sum(word in known for word in said) >= STATED * len(said)
