r"""The words of a text in any script, which token F1, ROUGE-L and the search for near-duplicates count.

Text is NFKC-normalised and casefolded. A token is a run of letters, digits and combining marks; in scripts
that write no spaces each character with its marks is one, as in sacreBLEU's `zh` tokenizer and in MLQA's
evaluation (Lewis et al. 2020, arXiv 1910.07475). Signs, operators and emoji are tokens: an answer that
differs only there is another answer. Other punctuation is dropped; between digits it stays (`3.14`, `10:30`),
except the comma of thousands. So `don't` is `dont`, as SQuAD has it, and `C++`, `-5`, `50%` keep their signs.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import regex

CACHED = 65_536
"""The number of cached texts: all texts of an evaluation with 16,000 prompts, which are compared many
times."""


FIRST_LETTERS = 400
"""So many characters tell the script of a text."""


class _Spellings(dict[int, str | int | None]):
    """Applied before NFKC: the drawing style of an emoji does not matter, a minus is a hyphen, 10² is not
    102, and a digit is the same in every script."""

    def __missing__(self, code: int) -> str | int:
        digit = unicodedata.decimal(chr(code), None)
        found = self[code] = code if digit is None else str(digit)
        return found


_SPELLINGS = _Spellings({0xFE0E: None, 0xFE0F: None, 0x2212: "-"})
_SPELLINGS |= {ord(sign): f"^{digit}" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}

_CONTRACTIONS = (
    (re.compile(r"\bcan(?:['’]t|not)\b", re.IGNORECASE), "can not"),  # noqa: RUF001 - the apostrophe is meant
    (re.compile(r"\bwon['’]t\b", re.IGNORECASE), "will not"),  # noqa: RUF001
    (re.compile(r"n['’]t\b", re.IGNORECASE), " not"),  # noqa: RUF001
    (re.compile(r"(?<=\w)['’]re\b", re.IGNORECASE), " are"),  # noqa: RUF001
    (re.compile(r"(?<=\w)['’]ll\b", re.IGNORECASE), " will"),  # noqa: RUF001
    (re.compile(r"(?<=\w)['’]ve\b", re.IGNORECASE), " have"),  # noqa: RUF001
    (re.compile(r"\b(i)['’]m\b", re.IGNORECASE), r"\1 am"),  # noqa: RUF001
    (re.compile(r"\b(it|that|there|here|he|she|what|where|who|how)['’]s\b", re.IGNORECASE), r"\1 is"),  # noqa: RUF001
)
"""English contractions that always stand for the same words."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"

_THOUSANDS = regex.compile(r"(?<=\p{N}),(?=\p{N}{3}(?!\p{N}))")

_KEPT = r"""
    [%‰@&/\\] | (?<=[\p{N}]) [.:,] (?=\p{N})
  | \# (?=\w) | (?<=\w) \#
  | (?<=\w) \*+ (?=\w) | (?<=\w\ ) \*+ (?=\ \w)
  | (?<![\p{L}\p{M}]) - (?=\p{Sc}?\p{N}) | (?<=\p{N}\ ) - (?=\ \p{N})
  | ! (?==) | (?<!\w) ! (?=\w)
"""
_PUNCTUATION = regex.compile(rf"({_KEPT}) | [\p{{P}}\p{{Cf}}`]", regex.VERBOSE)

_TOKEN = regex.compile(
    rf"""[{_UNSPACED}]\p{{M}}*
      | (?:(?![{_UNSPACED}])[\p{{L}}\p{{N}}\p{{M}}] | (?<=\p{{N}})[.:,](?=\p{{N}}))+
      | \S""",
    regex.VERBOSE,
)

_NUMBER = regex.compile(r"\p{N}")

_PLAIN = re.compile(r"[a-z0-9.:, \t\n\r\f\v]*")
"""Text whose tokens are separated by spaces after its other punctuation is removed, which is much faster to
split."""


@lru_cache(CACHED)
def words(text: str) -> tuple[str, ...]:
    """The tokens; a word that contains punctuation is one token, as in SQuAD."""
    return _tokens(text, r"\1")


@lru_cache(CACHED)
def split_words(text: str) -> tuple[str, ...]:
    """The tokens; a word that contains punctuation is several tokens, as in rouge-score."""
    return _tokens(text, r" \1 ")


@lru_cache(CACHED)
def spelled_out(text: str) -> str:
    """The text with English contractions expanded: `doesn't` becomes `does not`."""
    if "'" not in text and "’" not in text and "cannot" not in text:  # noqa: RUF001 - the apostrophe is meant
        return text
    for short, long in _CONTRACTIONS:
        text = short.sub(long, text)
    return text


def in_common(expected: Sequence[str], given: Sequence[str]) -> int:
    """The number of common tokens of two texts, with multiplicity."""
    one, other = set(expected), set(given)
    both = one & other
    if len(one) == len(expected) or len(other) == len(given):
        return len(both)
    wanted, said = Counter(expected), Counter(given)
    return sum(min(wanted[word], said[word]) for word in both)


@lru_cache(CACHED)
def has_digit(word: str) -> bool:
    """Whether a word is or contains a number in any script, such as a date or a code."""
    return _NUMBER.search(word) is not None


def folded(text: str) -> str:
    """NFKC without case, for comparisons that ignore case and the form of characters."""
    text = unicodedata.normalize("NFKC", text.translate(_SPELLINGS))
    return unicodedata.normalize("NFKC", text.casefold())


def script_of(text: str) -> str:
    """The script of most of its first letters: Latin, Cyrillic, Han, …; empty without letters."""
    names = Counter(
        unicodedata.name(letter, "?").partition(" ")[0] for letter in text[:FIRST_LETTERS] if letter.isalpha()
    )
    script = names.most_common(1)[0][0] if names else ""
    return "Han" if script == "CJK" else script.capitalize()


def _tokens(text: str, kept: str) -> tuple[str, ...]:
    plain = _PUNCTUATION.sub(kept, _THOUSANDS.sub("", folded(text)))
    tokens = plain.split() if _PLAIN.fullmatch(plain) else _TOKEN.findall(plain)
    return tuple(map(sys.intern, tokens))
