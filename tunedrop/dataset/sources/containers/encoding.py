"""Detects the encoding of a text: by its byte-order mark, else UTF-8 if it is valid, else by chardet.

A guess is always reported, with sample words by which a person can see whether it is right.
"""

from __future__ import annotations

import codecs
import io
import itertools
import re
import unicodedata
from functools import cache
from typing import BinaryIO

import msgspec

from tunedrop.dataset.formats.unreadable import NotReadable

UNDECODED = "surrogateescape"
"""Bytes that are invalid in the encoding become lone surrogates in the text, so that their line can be
reported."""

LOOKED_AT = 4 << 20
"""The number of bytes to read for the detection of an encoding."""
_AT_ONCE = 1 << 16
_CANDIDATES = 8
_WIDER = {
    "None": "cp1252",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
}
"""The encodings that programs actually use under a narrower name."""

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Byte-order marks; UTF-32's first, because one of UTF-16's is a prefix of one of them."""


_CESU_8 = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
"""A surrogate pair that is encoded as two characters."""


class Encoding(msgspec.Struct, frozen=True):
    """The encoding of a text, by its Python name; `mark` is its byte-order mark, `sample` has words that are
    not ASCII."""

    name: str
    mark: bytes = b""
    is_guess: bool = False
    sample: str = ""

    @property
    def is_utf8(self) -> bool:
        return self.name == "utf-8"

    @property
    def guess(self) -> str:
        """The guess in words."""
        seen = f", which makes {self.sample!r} of it" if self.sample else ""
        return f"the file is not UTF-8; it was read as {self.name}{seen}; if wrong, use --encoding NAME"


def named(name: str) -> str:
    """The encoding of this name.

    Raises
    ------
    NotReadable
        If it does not exist, or is not an encoding of text.
    """
    try:
        found = codecs.lookup(name)
        "".encode(found.name)
    except (LookupError, UnicodeError) as error:
        raise NotReadable(f"unknown encoding {name!r}; examples are cp1252, shift_jis and utf-16") from error
    return found.name


def of_text(file: BinaryIO, size: int | None, wanted: str = "") -> Encoding:
    """The encoding of a text; the file is read from its beginning.

    Parameters
    ----------
    size
        The size of the text in bytes, to sample all of it; None if only its beginning can be read.
    wanted
        An encoding named by the user, which is not checked.
    """
    file.seek(0)
    head = file.read(_AT_ONCE)
    mark = next((one for one in _MARKS if head.startswith(one)), b"")
    if wanted:
        return Encoding(named(wanted), mark if mark and _MARKS[mark] in _without_dashes(wanted) else b"")
    if mark:
        return Encoding(_MARKS[mark], mark)
    if (unmarked := _unmarked(head)) is not None:
        return Encoding(unmarked)
    if b"\x1b$" in head and (b"\x1b(B" in head or b"\x1b(J" in head):
        return Encoding("iso2022_jp", is_guess=True, sample=_sample(head.decode("iso2022_jp", "replace")))
    for piece in _pieces(file, head, size):
        if (at := _not_utf8(piece)) is not None and not _is_mostly_utf8(piece):
            if _CESU_8.match(piece, at):
                raise NotReadable(
                    "the text is CESU-8, as Java and Oracle write emojis in UTF-8; export it as UTF-8 itself"
                )
            return _guessed(piece[max(0, at - _AT_ONCE) : at + _AT_ONCE])
    return Encoding("utf-8")


def opened(file: BinaryIO, encoding: Encoding) -> io.TextIOWrapper:
    """The text, with unchanged line ends."""
    file.seek(len(encoding.mark))
    errors = "strict" if encoding.name.startswith(("utf-16", "utf-32")) else UNDECODED
    return io.TextIOWrapper(io.BufferedReader(_Unseekable(file), _AT_ONCE), encoding.name, errors, newline="")


class _Unseekable(io.RawIOBase):
    """A file that cannot be written, sought or closed by the TextIOWrapper around it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _without_dashes(name: str) -> tuple[str, ...]:
    found = codecs.lookup(name).name
    return ("utf-8",) if found in ("utf-8", "utf-8-sig") else (found, f"{found}-le", f"{found}-be")


def _unmarked(head: bytes) -> str | None:
    """UTF-16 without a byte-order mark: every other byte of ASCII is NUL, which no other text contains."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if not even + odd:
        return None
    if max(even, odd) < len(head) / 20 or min(even, odd) > max(even, odd) / 4:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _pieces(file: BinaryIO, head: bytes, size: int | None) -> list[bytes]:
    if len(head) < _AT_ONCE:
        return [head]
    if size is None or size <= LOOKED_AT:
        return [head + file.read(LOOKED_AT - len(head))]
    found = []
    for place in range(0, size, size // (LOOKED_AT // _AT_ONCE)):
        file.seek(place)
        found.append(file.read(_AT_ONCE))
    return found


def _not_utf8(piece: bytes) -> int | None:
    """The position at which a piece of text, which may begin and end within a character, is not UTF-8."""
    begun = next((index for index, byte in enumerate(piece[:4]) if byte & 0xC0 != 0x80), 0)
    try:
        codecs.utf_8_decode(piece[begun:], "strict", False)
    except UnicodeDecodeError as error:
        return begun + error.start
    return None


def _is_mostly_utf8(piece: bytes) -> bool:
    """Whether more lines are non-ASCII UTF-8 than invalid UTF-8: then only some lines are damaged."""
    right = wrong = 0
    for line in piece.split(b"\n")[:-1] or [piece]:
        try:
            right += not line.decode().isascii()
        except UnicodeDecodeError:
            wrong += 1
    return right > wrong


def _guessed(piece: bytes) -> Encoding:
    """chardet's guess: of its candidates, the first whose words mix scripts the least."""
    import chardet  # takes 70 ms; most files do not need it

    eras = chardet.EncodingEra
    found = chardet.detect_all(
        piece,
        ignore_threshold=True,
        encoding_era=eras.MODERN_WEB | eras.LEGACY_ISO | eras.LEGACY_MAC | eras.DOS,
        compat_names=False,
        exclude_encodings=["utf-8", "utf-7"],
    )
    names = [_WIDER.get(str(one["encoding"]), str(one["encoding"])) for one in found[:_CANDIDATES]]
    texts = {name: piece.decode(name, "replace") for name in [*names, "cp1252"]}
    odd = {name: _oddities(text) for name, text in texts.items()}
    name = min(odd, key=odd.__getitem__)
    if name == "mac-roman" and not odd["cp1252"] and not _has_accents(texts[name]):
        name = "cp1252"
    if (odd[name] or name == "gb18030") and _is_korean(piece):
        name = "cp949"
    elif odd[name] and _is_gb2312(piece):
        name = "gb18030"
    text = texts[name] if name in texts else piece.decode(name, "replace")
    return Encoding(codecs.lookup(name).name, is_guess=True, sample=_sample(text))


def _is_gb2312(piece: bytes) -> bool:
    """Whether bytes are simplified Chinese, which chardet misses if most of the text is ASCII."""
    try:
        return not _oddities(piece.decode("gb2312"))
    except UnicodeDecodeError:
        return False


def _is_korean(piece: bytes) -> bool:
    """Whether bytes are Korean: many words end like its particles and verbs. Chinese decoded as Korean
    consists of other words, or of rare Hanja."""
    try:
        text = piece.decode("euc_kr")
    except UnicodeDecodeError:
        return False
    words = {word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()}
    if not words or any(_script(letter) != "HANGUL" for word in words for letter in word):
        return False
    return 4 * sum(word[-1] in _ENDINGS for word in words) >= len(words)


_ENDINGS = "다요까은는이가을를에의도고로서지면한"


def _has_accents(text: str) -> bool:
    """Whether non-ASCII letters are in words, and not isolated like symbols."""
    words = re.findall(r"[^\W\d_]+", text)
    return any(not word.isascii() and any(map(str.isascii, word)) for word in words)


def _oddities(text: str) -> int:
    """The number of characters and words that occur in no text or language, which shows a wrong encoding."""
    odd = sum(
        one == "\ufffd" or unicodedata.category(one) in ("Cc", "Co", "Cn")
        for one in text
        if one not in "\t\r\n"
    )
    odd += len(_STRANGE.findall(text))
    words = {word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()}
    return odd + sum(map(_is_odd, words))


def _is_odd(word: str) -> bool:
    """Whether a word has letters of two scripts, capitals after lower-case letters, or isolated accents."""
    scripts = {_script(letter) for letter in word}
    if len(scripts) > 1 or any(one.islower() and other.isupper() for one, other in itertools.pairwise(word)):
        return True
    return scripts == {"LATIN"} and len(word) > 2 and not any(map(str.isascii, word))


_STRANGE = re.compile(
    r"[\ufb00-\ufb06\u2500-\u259f]|[\u00b8\u02c6-\u02dd]"
    r"|\w[^\w\s\x00-\x7f\u2019\u2018\u0e30-\u0e4e\u3000-\u303f\uff00-\uffef]\w"
)
"""Whether a character is typical for wrongly decoded letters: ligatures, box drawing, isolated accents, and
symbols within a word (except Thai vowels, and Chinese and Japanese punctuation)."""


@cache
def _script(letter: str) -> str:
    script = unicodedata.name(letter, "").partition(" ")[0]
    return (
        "CJK" if script in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "FULLWIDTH", "MODIFIER") else script
    )


def _sample(text: str) -> str:
    """The first non-ASCII words of a text."""
    words = (word for word in re.split(r"[\s,;|:.!?\"'()\[\]{}]+", text) if not word.isascii())
    return " ".join(word[:30] for word, _ in zip(dict.fromkeys(words), range(3), strict=False))
