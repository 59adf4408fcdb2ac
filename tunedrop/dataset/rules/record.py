"""A base model's rules for a well-formed record; `formats` checks the form."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from tunedrop.catalog.method import MethodRules
from tunedrop.catalog.model import BaseModel
from tunedrop.dataset import formats
from tunedrop.dataset.formats import SCHEMA_VERSION, Conversation, SourceFormat
from tunedrop.dataset.formats.record import both
from tunedrop.dataset.rules import blocks, excluded
from tunedrop.dataset.rules.texts.rule import Text as Text
from tunedrop.dataset.types import Problem, shorten

BYTES_PER_TOKEN = 6
"""UTF-8 bytes per token. AWS assumes 6 characters per token (Bedrock user guide, model-customization-prepare,
2026-11-23), which is the same for ASCII only; bytes work for every script (`TokenEstimate`)."""

STRICTEST = 2
"""Factor of AWS's own validator for Claude 3, which counts 3 characters per token."""


MOST_MESSAGES = 1_000
"""Of a conversation, where the base model has no lower limit (our choice). Each answer of a held-out one is
asked with all messages before it: their number counts by its square, whatever their length."""


def tokens_of(size: int) -> int:
    """The estimated tokens of a number of UTF-8 bytes; `TokenEstimate` has the range of the actual number."""
    return -(-size // BYTES_PER_TOKEN)


def bytes_of(conversation: Conversation) -> int:
    """The UTF-8 bytes of a whole conversation, including tools and reasoning; of a preference, those of both
    conversations, each with the prompt."""
    if conversation.rejected is not None:
        return sum(map(bytes_of, both(conversation)))
    total = len(conversation.system) if conversation.system.isascii() else _encoded(conversation.system)
    for turn in conversation.turns:
        text = turn.text
        total += len(text) if text.isascii() else _encoded(text)
        if turn.blocks:
            total += sum(_encoded(text) for text in blocks.texts_beside(turn.blocks))
    return total


_LETTERS = string.ascii_letters.encode() + b" " + bytes(range(0x80, 0x100))
_RARE = re.compile(
    " ?[\u0530-\u05ff\u0700-\u08ff\u0980-\u0dff\u0e80-\u1dff\u2100-\u2dff\u3400-\u4dbf\ua000-\uabff"
    "\ud800-\uf8ff\ufb00-\ufdff\U00010000-\U0010ffff]+"
)
"""Scripts, symbols and emoji for which a tokenizer may have no words: those outside Latin, Greek, Cyrillic,
Arabic, Devanagari, Thai, Chinese, Japanese and Korean. A space before them is a token, too."""


def dense_of(conversation: Conversation) -> int:
    """The bytes of a conversation that may be a token each: digits, punctuation, line breaks, rare scripts.

    Tokenizers that fall back to bytes never need more tokens for them.
    """
    if conversation.rejected is not None:
        return sum(map(dense_of, both(conversation)))
    beside = (text for turn in conversation.turns if turn.blocks for text in blocks.texts_beside(turn.blocks))
    return sum(map(dense_in, (conversation.system, *(turn.text for turn in conversation.turns), *beside)))


def dense_in(text: str) -> int:
    """The bytes of a text that may be a token each.

    >>> dense_in("Order 4711 has been sent."), dense_in("ሰላም"), dense_in("привет")
    (5, 9, 0)
    """
    dense = len(text.encode(errors="surrogatepass").translate(None, _LETTERS))
    return dense if text.isascii() else dense + sum(map(_encoded, _RARE.findall(text)))


def longest_of(conversation: Conversation) -> int:
    """The bytes that a model reads at once: of a preference, the longer of its two conversations."""
    if conversation.rejected is None:
        return bytes_of(conversation)
    return max(map(bytes_of, both(conversation)))


def _encoded(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def unread(conversation: Conversation, is_held_out: bool = False) -> Iterator[Problem]:
    """The problems of content that has no place in Bedrock's formats, in a training or held-out file."""
    is_around = conversation.losses or any([turn.extra for turn in conversation.turns])
    if not (conversation.unread or is_around):
        return
    if not is_around and conversation.rejected is None:
        keys = tuple(conversation.unread)
        if len(keys) <= _MOST_KEYS and max(map(len, keys)) <= _MOST_KEYS and (found := _whatever(keys)):
            yield found
            return
    ignored: dict[str, str] = {}
    for path, value in formats.unread_paths(conversation):
        name = path.rpartition(".")[2]
        if name == "weight" and value == 0:
            why = "weight 0 excludes this answer from training, which Bedrock cannot do; remove the turn"
            yield Problem(path, "TD028", why, "0", "no such turn")
            continue
        if why := excluded.why(name, value, is_held_out):
            yield Problem(path, "TD028", why, str(value), "no such record")
            continue
        ignored.setdefault(name, path)
    if ignored:
        yield _ignored(ignored)


_MOST_NAMED = 10
_MOST_KEYS = 64
"""The maximum number of keys of a record, and of letters of a key, for which results are cached."""


@lru_cache(maxsize=256)
def _whatever(keys: tuple[str, ...]) -> Problem | None:
    """The finding about a record's keys, regardless of their values; None if a value may exclude the
    record."""
    names = [shorten(key).rpartition(".")[2] for key in keys]
    if "weight" in names or any(map(excluded.may_exclude, names)):
        return None
    paths: dict[str, str] = {}
    for name, key in zip(names, keys, strict=True):
        paths.setdefault(name, f"$.{shorten(key)}")
    return _ignored(paths)


def _ignored(paths: Mapping[str, str]) -> Problem:
    """The finding about keys of a record that Bedrock ignores, by their names."""
    named = list(paths)[:_MOST_NAMED]
    more = f" and {len(paths) - len(named)} more" if len(paths) > len(named) else ""
    shown, pronoun = f"{', '.join(named)}{more}", "it" if len(paths) == 1 else "them"
    why = f"Bedrock ignores {shown}; Tunedrop leaves {pronoun} out of the file that it writes"
    return Problem(next(iter(paths.values())) if len(paths) == 1 else "$", "TD014", why, shown, "")


def texts_of(conversation: Conversation) -> list[Text]:
    """(JSON path, role, text) of every text of a record."""
    found = [(turn.path or "$", turn.role, turn.text) for turn in conversation.turns]
    if conversation.rejected is not None:
        found.append((conversation.rejected.path, "assistant", conversation.rejected.text))
    if conversation.system:
        found.append((conversation.system_path, "system", conversation.system))
    for turn in conversation.turns:
        if turn.blocks:
            found += [(turn.path, turn.role, text) for text in blocks.texts_beside(turn.blocks)]
    return found


def model_problems(
    conversation: Conversation,
    format_: SourceFormat,
    rules: MethodRules,
    model: BaseModel,
    tokens: int,
    size: int = 0,
) -> Iterator[Problem]:
    """The base model's problems with a well-formed record, except reserved words.

    Parameters
    ----------
    size
        The size of the record's line in bytes, if known.
    """
    if conversation.rejected is not None and rules.format != "preference":
        why = (
            f"a preference between answers, where {model.name} learns from examples: keep the preferred "
            "ones, tunedrop convert --to converse; or tune by preference"
        )
        yield Problem("$", "TD017", why, "chosen and rejected", rules.format)
    if why := formats.refusal(conversation, rules.format):
        yield Problem("$", "TD019", f"{model.name}: {why}", format_, rules.format)
    yield from _lengths(conversation, rules, model, tokens, size)
    yield from _system(conversation, rules, model)
    if format_ == "converse" and not conversation.has_version:
        yield _schema_version(rules, model)
    yield from blocks.model_problems(conversation, rules, model)
    if format_ == "image-caption":
        yield from _caption(conversation, rules, model)


_CHATS, _PAIR = ("converse", "openai-chat", "messages"), "prompt-completion"


def harmless(format_: SourceFormat, views: Iterable[MethodRules | None]) -> tuple[int, int]:
    """Limits (bytes, turns) within which a record that has only texts, and no system prompt, violates no rule
    of `model_problems`."""
    size = turns = 1 << 62
    for rules in views:
        if rules is None:
            continue
        is_pair = formats.METHODS[format_] == ("instruction",)
        if format_ in ("text", "image-caption", "preference") or rules.format not in (
            *_CHATS,
            *([_PAIR] if is_pair else []),
        ):
            return 0, 0
        turns = min(turns, rules.max_messages or MOST_MESSAGES)
        size = min(size, rules.max_line_bytes or size)
        if rules.max_record_tokens:
            size = min(size, rules.max_record_tokens // STRICTEST * BYTES_PER_TOKEN)
    return size, turns


def alike(conversation: Conversation) -> tuple[object, ...] | None:
    """A key that small records (`harmless`) share if they have the same problems."""
    if conversation.system or not conversation.has_version:
        return None
    return blocks.alike("toolConfig" in conversation.extra, [turn.blocks for turn in conversation.turns])


def no_reference(conversation: Conversation) -> Iterator[Problem]:
    """The problem of a record for reinforcement without a reference answer."""
    if "reference_answer" not in conversation.extra:
        near = [key for key in conversation.extra if key in formats.REFERENCES]
        hint = f"; name {near[0]} reference_answer, if it is that" if near else ""
        why = f"no reference_answer; a grader that compares answers with a reference needs one{hint}"
        yield Problem("$.reference_answer", "TD080", why, near[0] if near else "nothing", "reference_answer")


def _schema_version(rules: MethodRules, model: BaseModel) -> Problem:
    if rules.schema_version == "required":
        why = f"schemaVersion is missing; {model.name} requires it: tunedrop check --fix adds it"
        return Problem("$.schemaVersion", "TD018", why, "nothing", SCHEMA_VERSION)
    why = "schemaVersion is missing; AWS's sources disagree on whether it is required: --fix adds it"
    return Problem("$.schemaVersion", "TD013", why, "nothing", SCHEMA_VERSION)


def _lengths(
    conversation: Conversation, rules: MethodRules, model: BaseModel, tokens: int, size: int
) -> Iterator[Problem]:
    most = rules.max_record_tokens
    if most and tokens > most and rules.cuts_records:
        why = (
            f"about {tokens:,} tokens; the training of {model.name} reads the first {most:,} of a record "
            "(hyperparameter dataset_max_len) and cuts the rest: shorten or split it"
        )
        yield Problem("$", "TD035", why, f"about {tokens:,}", f"at most {most:,} tokens")
    elif most and tokens > most:
        why = f"about {tokens:,} tokens; {model.name} takes {most:,} a record: shorten or split it"
        yield Problem("$", "TD031", why, f"about {tokens:,}", f"at most {most:,} tokens")
    elif most and tokens * STRICTEST > most:
        why = (
            f"{tokens:,} tokens, or {tokens * STRICTEST:,} by AWS's strictest estimate; {most:,} are allowed"
        )
        yield Problem("$", "TD035", why, f"about {tokens:,}", f"at most {most:,} tokens")
    if rules.max_line_bytes and size > rules.max_line_bytes:
        why = f"the line has {size:,} bytes; {rules.max_line_bytes:,} are allowed for this method"
        yield Problem("$", "TD045", why, f"{size:,}", f"at most {rules.max_line_bytes:,} bytes")
    count, most = len(conversation.turns), rules.max_messages or MOST_MESSAGES
    if count > most:
        takes = f"{model.name} takes {most} for this method"
        why = f"{count:,} messages; {takes if rules.max_messages else f'a conversation has at most {most:,}'}"
        yield Problem("$.messages", "TD047", why, str(count), f"at most {most}")


def _system(conversation: Conversation, rules: MethodRules, model: BaseModel) -> Iterator[Problem]:
    if not conversation.system:
        return
    if not rules.takes_system_prompt:
        why = f"{model.name} accepts no system prompt; Tunedrop puts it at the start of the prompt"
        yield Problem("$.system", "TD032", why, shorten(conversation.system), "no system prompt")
    elif rules.max_system_blocks and conversation.system_blocks > rules.max_system_blocks:
        count, most = conversation.system_blocks, rules.max_system_blocks
        why = f"{count} system prompts; AWS's own validator allows {most}; Tunedrop joins them"
        yield Problem("$.system", "TD032", why, str(count), f"at most {most}")
    elif rules.system == "key" and conversation.system_path.startswith("$.messages"):
        why = f"{model.name} expects the system prompt under the key system, not in a message"
        yield Problem("$.messages[0]", "TD032", why, "system", "the key system")


def _caption(conversation: Conversation, rules: MethodRules, model: BaseModel) -> Iterator[Problem]:
    image, caption = (turn.text for turn in conversation.turns)
    suffix = image.rpartition(".")[2].lower().replace("jpg", "jpeg")
    if model.images is not None and suffix not in model.images.formats:
        known = ", ".join(model.images.formats)
        why = f"the image ends with {shorten(suffix)}; {model.name} takes {known}"
        yield Problem("$.image-ref", "TD070", why, shorten(suffix), known)
    length, most = len(caption), rules.max_caption_characters
    if length < rules.min_caption_characters or (most and length > most):
        range_ = f"{rules.min_caption_characters:,} to {most:,} characters"
        why = f"the caption has {length:,} characters; {model.name} takes {range_}"
        yield Problem("$.caption", "TD046", why, f"{length:,}", range_)
