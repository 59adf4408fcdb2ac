"""When two records are alike: hashes that do not change with case, spaces, numbers and punctuation.

`likeness` is cheap: a sum over the letters of the prompt. Records whose likeness differs are different in
every sense that we report; those that share one are looked at again, by their `Fingerprint`.
"""

from __future__ import annotations

import hashlib

import msgspec

from tunedrop.dataset.formats.record import Conversation

FEWEST_LETTERS_TO_COMPARE = 40
_LOWER = bytes(range(256)).lower()
_SPACES = b" \t\r\n\x0b\x0c"
NO_LETTERS = bytes(one for one in range(128) if not chr(one).isalpha())
"""Tables for bytes.translate, which lowers and drops ASCII in one pass at the speed of memory."""


class Fingerprint(msgspec.Struct, frozen=True):
    """Hashes of 8 bytes: of the prompt and of the answer, whatever their case, spaces and escaped line ends;
    and of the letters alone, empty where there are too few for it to mean anything, and beside images."""

    prompt: bytes
    answer: bytes
    letters: bytes


def fingerprint(conversation: Conversation) -> Fingerprint:
    """The hashes by which a record is compared with others."""
    asked = conversation.asked or conversation.turns
    media = [msgspec.json.encode(turn.blocks).decode() for turn in asked if turn.blocks]
    return Fingerprint(
        prompt=_digest(conversation.system, *(turn.text for turn in asked), *media),
        answer=_digest(conversation.answer),
        letters=b"" if media else _letters(*(turn.text for turn in conversation.turns)),
    )


def _digest(*texts: str) -> bytes:
    plain = "\0".join(texts).replace("\\n", "")
    return _hash(_bytes(plain).translate(_LOWER, _SPACES))


def _letters(*texts: str) -> bytes:
    parts = [_bytes(text).translate(_LOWER, NO_LETTERS) for text in texts]
    return _hash(b"\0".join(parts)) if sum(map(len, parts)) >= FEWEST_LETTERS_TO_COMPARE else b""


def _bytes(text: str) -> bytes:
    return (text if text.isascii() else text.lower()).encode(errors="surrogatepass")


def _hash(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=8).digest()


def likeness(prompt: str) -> int:
    """64 bits that are equal for records whose prompts have the same fingerprint, or the same letters.

    Parameters
    ----------
    prompt
        The texts of all turns before the answer, in any order; of all turns where there is no answer.
    """
    text = prompt.encode().lower()
    return sum(text.count(byte) * weight for byte, weight in _WEIGHTS_OF_LOWER) % (1 << 64)


def prompt_of(conversation: Conversation) -> str:
    """The texts of a conversation that its likeness is made of."""
    return "\0".join([turn.text for turn in conversation.asked or conversation.turns])


def _weights() -> tuple[int, ...]:
    """A weight a byte of UTF-8: of letters, whatever their case, and of the bytes that begin letters without
    case.

    No weight have n, since an escaped line end has one; i and k, which other letters are lowered to; and
    all bytes of UTF-8 that occur in letters with case.
    """
    weights = [0] * 256
    for letter in b"abcdefghjlmopqrstuvwxyz":
        weights[letter] = weights[letter - 32] = _weight(letter)
    for lead in (*range(0xE3, 0xEA), *range(0xEB, 0xF0)):  # from U+3000, without the Cherokee of U+AB70
        weights[lead] = _weight(lead)
    return tuple(weights)


def _weight(byte: int) -> int:
    return int.from_bytes(hashlib.blake2b(bytes([byte]), digest_size=8).digest())


WEIGHTS = _weights()
"""64 bits each: only texts of the same letters, in any order, have the same sum, but for one in billions."""

_WEIGHTS_OF_LOWER = [(byte, WEIGHTS[byte]) for byte in range(256) if WEIGHTS[byte] and byte == _LOWER[byte]]
