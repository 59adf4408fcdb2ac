"""Fingerprints of records, which are equal for duplicates: hashes that ignore case and surrounding spaces,
and, for near duplicates (`letters`), also numbers, spaces and punctuation.

Each has 64 bits, by XXH3: among 20 million different records, a collision occurs in one of 90,000 datasets.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from xxhash import xxh3_64_intdigest

from tunedrop.dataset.formats.batch import Batch
from tunedrop.dataset.formats.record import Conversation

FEWEST_LETTERS = 40
WHOLE, WINDOW = 256, 96
"""The number of letters to compare at the beginning and the end of long texts."""
_LETTERS = 64
HASHES = 1 << 64
_ENCODER = msgspec.json.Encoder()
NO_LETTERS = bytes(one for one in range(128) if not chr(one).isalpha())
"""The characters to delete with bytes.translate: everything in ASCII that is not a letter."""


class Fingerprints(NamedTuple):
    """The hashes of records in order: of the prompt (with the system prompt and all earlier turns), of the
    answer, and of the letters of both. The answer's hash of a preference is the hash of the preferred answer
    minus that of the rejected one, so that the reversed pair has the negative. The hash of the letters is 0
    if there are too few letters to be meaningful, or if the record has media."""

    prompts: list[int]
    answers: list[int]
    letters: list[int]


def fingerprints(conversations: list[Conversation]) -> Fingerprints:
    """The hashes of records for comparison."""
    compared = [_compared(one) for one in conversations]
    found = _digests(
        [prompt for prompt, _, _ in compared],
        [answer for _, answer, _ in compared],
        [letters for _, _, letters in compared],
    )
    for at, one in enumerate(conversations):
        if one.rejected is not None:
            found.answers[at] = (found.answers[at] - xxh3_64_intdigest(plain(one.rejected.text))) % HASHES
    return found


def fingerprints_of(batch: Batch) -> Fingerprints:
    """The same for a batch."""
    prompts, answers = _plain(batch.prompts), _plain(batch.answers)
    ends = [
        prompt + answer if len(prompt) <= WHOLE and len(answer) <= WHOLE else _ends(prompt) + _ends(answer)
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
    if batch.systems:
        prompts = [
            prompt + b"\0" + plain(system) if system else prompt
            for prompt, system in zip(prompts, batch.systems, strict=True)
        ]
    letters = _BETWEEN.join(ends).translate(None, NO_LETTERS).split(_BETWEEN)
    for at, (asked, answered) in batch.added.items():
        prompts[at] += asked
        answers[at] += answered
        letters[at] = b""
    return _digests(prompts, answers, letters)


_BETWEEN = b"\xff"
"""A separator that cannot occur in UTF-8, and that NO_LETTERS does not delete."""


def _plain(texts: list[str]) -> list[bytes]:
    return list(map(str.encode, map(str.lower, map(str.strip, texts))))


def _digests(prompts: list[bytes], answers: list[bytes], letters: list[bytes]) -> Fingerprints:
    digest = xxh3_64_intdigest
    return Fingerprints(
        list(map(digest, prompts)),
        list(map(digest, answers)),
        [digest(one) if len(one) >= FEWEST_LETTERS else 0 for one in letters],
    )


def _compared(conversation: Conversation) -> tuple[bytes, bytes, bytes]:
    """The bytes to hash: the prompt, the answer, the letters of both."""
    turns = conversation.turns
    if len(turns) == 2 and turns[1].role == "assistant":
        prompt = turns[0].text.strip().lower().encode("utf-8", "surrogatepass")
        answer = turns[1].text.strip().lower().encode("utf-8", "surrogatepass")
        if not (conversation.system or turns[0].blocks or turns[1].blocks):
            return prompt, answer, _letters(prompt, answer)
    else:
        asked = conversation.asked or turns
        prompt = plain("\0".join([turn.text for turn in asked]))
        answer = plain(turns[-1].text) if len(asked) < len(turns) else b""
        if conversation.extra and not answer:
            answer = msgspec.json.encode(conversation.extra, order="sorted")
    letters = _letters(prompt, answer)
    if conversation.system:
        prompt += b"\0" + plain(conversation.system)
    if any([turn.blocks for turn in turns]):
        letters = b""
        prompt += _ENCODER.encode([turn.blocks for turn in conversation.asked if turn.blocks])
        answer += _ENCODER.encode(turns[-1].blocks) if conversation.is_answered else b""
    return prompt, answer, letters


def plain(text: str) -> bytes:
    """A text in lower case, without the spaces around it."""
    return text.strip().lower().encode(errors="surrogatepass")


def _letters(prompt: bytes, answer: bytes) -> bytes:
    if len(prompt) <= WHOLE and len(answer) <= WHOLE:
        return (prompt + answer).translate(None, NO_LETTERS)
    return (_ends(prompt) + _ends(answer)).translate(None, NO_LETTERS)


def _ends(text: bytes) -> bytes:
    """The compared letters at the beginning and the end of a text; a short text as it is."""
    if len(text) <= WHOLE:
        return text
    first = text[:WINDOW].translate(None, NO_LETTERS)[:_LETTERS]
    return first + text[-WINDOW:].translate(None, NO_LETTERS)[-_LETTERS:]
