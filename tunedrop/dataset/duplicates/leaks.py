"""Finds user turns of a held-out file in the training data, exactly or nearly the same.

`candidates` finds complete prompts that are equal. This module finds the rest: a conversation whose beginning
is in the training data, or a question with one more word elsewhere. Every JSON object is searched, even if it
is not valid. Only the held-out file, which is small, is indexed; the training data is read once.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from xxhash import xxh3_64_intdigest

from tunedrop.dataset import formats
from tunedrop.dataset.formats import names, naming, plain, preference, sharegpt, turns
from tunedrop.dataset.types import Problem, Split

if TYPE_CHECKING:
    import rensa

FEWEST_LETTERS = 40
"""Minimum length of a turn; shorter ones, such as greetings, are equal by chance."""
MOST_INDEXED = 20_000
"""Maximum number of held-out records; Bedrock's evaluation allows far fewer."""
MOST_COMPARED = 2_000
"""Number of compared characters of a turn; the rest of a long one rarely matters."""
_BANDS, _PERMUTATIONS, _SEED = 16, 64, 1

_LISTS = ("messages", "contents", *sharegpt.SURE)
_CONTENTS = (*sharegpt.TEXTS, "parts")
_HISTORIES = frozenset(names.CONVERSATIONS)
_WORDS = re.compile(r"\w+")


class Turn(NamedTuple):
    """A user turn of a record: its words, and a hash of them with the preceding turns and the answer."""

    words: str
    whole: int
    letters: int


class Leak(NamedTuple):
    """A held-out record that is in the training data too: its line, and the line there. `similarity` is 100
    if a turn is the same.
    """

    line: int
    trained_on: int
    similarity: float

    def problem(self, split: Split, trained_on: str) -> Problem:
        """The problem of this record of a held-out file; `trained_on` is the place of the other in words."""
        if self.similarity < 100:
            why = f"the prompt is nearly the same as at {trained_on} ({self.similarity:g} % similar)"
            return Problem("$", "TD058", why)
        what = "training records cannot be held out" if split == "test" else "the loss is measured on it"
        code = "TD052" if split == "test" else "TD056"
        return Problem("$", code, f"a turn of this conversation is also at {trained_on}: {what}")


class HeldOut:
    """The turns of a held-out file, to be searched for.

    `similarity` is the threshold for near-duplicates, from 0 to 1 (rapidfuzz's ratio: 1 minus the share of
    edits).
    """

    def __init__(self, lines: Iterable[tuple[int, bytes]], similarity: float) -> None:
        self._similarity = 100 * similarity
        self._whole: dict[int, int] = {}
        self._words: dict[int, int] = {}
        self._turns: list[tuple[int, str]] = []
        import rensa  # only in the layer of functions that read datasets

        self._index = rensa.RMinHashLSH(threshold=0.5, num_perm=_PERMUTATIONS, num_bands=_BANDS)
        for number, (line, raw) in enumerate(lines):
            if number >= MOST_INDEXED:
                break
            for turn in turns_of(raw):
                if turn.letters >= FEWEST_LETTERS:
                    self._whole.setdefault(turn.whole, line)
                if len(turn.words) >= FEWEST_LETTERS:
                    self._words.setdefault(_hash(turn.words), line)
                    self._index.insert(len(self._turns), _sketch(turn.words))
                    self._turns.append((line, turn.words))

    def search(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Leak]:
        """The held-out records that occur in these lines, each once, exact matches first."""
        near: dict[int, Leak] = {}
        found = set[int]()
        for trained_on, raw in lines:
            for turn in turns_of(raw):
                line = self._whole.get(turn.whole) if turn.letters >= FEWEST_LETTERS else None
                if line is None and len(turn.words) >= FEWEST_LETTERS:
                    line = self._words.get(_hash(turn.words))
                    if line is None:
                        self._near(turn.words, trained_on, near)
                if line is not None and line not in found:
                    found.add(line)
                    yield Leak(line, trained_on, 100.0)
        yield from (leak for line, leak in sorted(near.items()) if line not in found)

    def _near(self, words: str, trained_on: int, near: dict[int, Leak]) -> None:
        from rapidfuzz import fuzz  # needed only for test sets

        for index in self._index.query(_sketch(words)):
            line, other = self._turns[index]
            if line in near or _numbers(words) != _numbers(other):
                continue
            similarity = fuzz.ratio(words, other, score_cutoff=self._similarity)
            if similarity:
                near[line] = Leak(line, trained_on, round(similarity, 1))


def turns_of(raw: bytes) -> list[Turn]:
    """All user turns of a record in any format; none if the line is not a JSON object."""
    spoken = list(said(raw))
    before, found = "", []
    for number, (is_user, words) in enumerate(spoken):
        if is_user and words:
            answer = spoken[number + 1][1] if number + 1 < len(spoken) else ""
            whole = f"{before}\\0{words}\\0{answer}"
            letters = len(words) + len(answer) if answer else 0
            found.append(Turn(words[:MOST_COMPARED], _hash(whole), letters))
        before += f"\\0{words}"
    return found


def said(raw: bytes) -> Iterator[tuple[bool, str]]:
    """(whether it is the user's, its words) of each turn of a record of any format, without the system
    prompt."""
    try:
        record = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return
    if not isinstance(record, dict):
        return
    found = list(_said(record)) if _is_usual(record) else []
    if not any(is_user and words for is_user, words in found):
        found = _read(record) or list(_said(record))  # a malformed record is searched by its usual keys
    yield from found


def _is_usual(record: Mapping[str, Any]) -> bool:
    """Whether a record has only usual keys, so that it can be searched without being read, which is
    faster."""
    if preference.fits(record) or not _HISTORIES.isdisjoint(record):
        return False
    return isinstance(record.get("messages"), list) or naming.keys_of(record).format is not None


def _read(record: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """The turns of a record of any other supported format; of a preference, up to the preferred answer."""
    conversation = formats.read(record).conversation
    read = conversation.turns if conversation is not None else ()
    return [(turn.role != turns.ASSISTANT, _plain(turn.text)) for turn in read]


def _said(record: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    given = next((record[name] for name in _LISTS if isinstance(record.get(name), list)), None)
    if given is None:
        keys = naming.keys_of(record)
        asked = (keys.prompt or plain.key_of(record), keys.context, *keys.others)
        yield True, _plain(" ".join(_texts(record.get(key)) for key in asked if key))
        yield False, _plain(_texts(record.get(keys.answer)))
        return
    for turn in given:
        if isinstance(turn, Mapping):
            role = turns.role_of(turn.get(sharegpt.speaker_of(turn)))
            content = next((turn[name] for name in _CONTENTS if name in turn), "")
            if role != turns.SYSTEM:
                yield role == turns.USER, _plain(_texts(content))


def _texts(value: Any, depth: int = 4) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and depth:
        return " ".join(_texts(one, depth - 1) for one in value)
    if isinstance(value, Mapping) and depth:
        return " ".join(_texts(value[name], depth - 1) for name in _CONTENTS if name in value)
    return ""


def _plain(text: str) -> str:
    """The words of a text, ignoring case, spaces, punctuation, accents, letter width and HTML entities."""
    if "&" in text:
        text = html.unescape(text)
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text)
        text = "".join(one for one in apart if not unicodedata.combining(one))
    return " ".join(_WORDS.findall(text.casefold()))


def _numbers(words: str) -> list[str]:
    return [word for word in words.split() if any(map(str.isdigit, word))]


def _sketch(words: str) -> rensa.RMinHash:
    import rensa

    parts = words.split()
    if len(parts) < 4:  # a script without spaces, or very long words
        parts = [words[at : at + 4] for at in range(max(1, len(words) - 3))]
    sketch = rensa.RMinHash(num_perm=_PERMUTATIONS, seed=_SEED)
    sketch.update([f"{one} {other}" for one, other in pairwise(parts)])
    return sketch


def _hash(text: str) -> int:
    return xxh3_64_intdigest(text.encode(errors="surrogatepass"))
