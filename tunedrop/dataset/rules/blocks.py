"""Rules for content blocks of Converse records: text, media, reasoning and tools, and what a base model
accepts.

Sources: Nova user guides, fine-tune-prepare-data-understanding; Bedrock user guide, nova-2-sft-data-prep and
model-customization-prepare; aws-samples/amazon-nova-samples, nova_ft_dataset_validator.py. Read 2026-11-25.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tunedrop.catalog.media import Media
from tunedrop.catalog.method import MethodRules
from tunedrop.catalog.model import BaseModel
from tunedrop.dataset.types import Problem, shorten

if TYPE_CHECKING:  # formats uses these rules to read blocks
    from tunedrop.dataset.formats.record import Conversation

MEDIA = ("image", "video", "document")
_MEDIA = frozenset(MEDIA)
KINDS = (*MEDIA, "text", "reasoningContent", "toolUse", "toolResult")
_URI = re.compile(r"(?:s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/)?[A-Za-z0-9_\-/.]+")
_OUTSIDE = re.compile(r"/|(?:.*/)?\.\.(?:/|$)")
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


def content(found: Any, role: Any, path: str) -> Iterator[Problem]:
    """The problems of a message's content, which must be a list of blocks that Bedrock knows."""
    if not isinstance(found, list) or not found:
        expected = 'a list such as [{"text": "…"}]'
        why = f"content must be {expected}, not {shorten(found)}; tunedrop check --fix converts strings"
        yield Problem(f"{path}.content", "TD012", why, shorten(found), expected)
        return
    blank: str | None = None
    says_something = False
    for index, block in enumerate(found):
        where = f"{path}.content[{index}]"
        if not isinstance(block, dict):
            why = f"a content block must be an object, not {shorten(block)}"
            yield Problem(where, "TD012", why, shorten(block), "an object")
            return
        yield from _block(block, where, role)
        if isinstance(block.get("text"), str) and not block["text"].strip():
            blank = blank or f"{where}.text"
        else:
            says_something = True
    if blank and not says_something:
        yield Problem(
            blank, "TD021", "text is empty; remove the record or add the missing text", "", "some text"
        )


def _block(block: Mapping[str, Any], path: str, role: Any) -> Iterator[Problem]:
    kinds = [kind for kind in KINDS if kind in block]
    if len(kinds) != 1:
        known, keys = ", ".join(KINDS), ", ".join(shorten(key) for key in block) or "no keys"
        why = f"a content block must have one of {known}; this one has {keys}"
        yield Problem(path, "TD016", why, keys, known)
        return
    kind, where = kinds[0], f"{path}.{kinds[0]}"
    for key in block:
        if key != kind:
            why = f"Bedrock ignores {shorten(key)} next to {kind}"
            yield Problem(f"{path}.{shorten(key)}", "TD014", why, shorten(key), kind)
    if kind == "text":
        if not isinstance(block["text"], str):
            why = f"text must be a string, got {shorten(block['text'])}"
            yield Problem(where, "TD012", why, shorten(block["text"]), "a text")
    elif kind in MEDIA:
        if role == "assistant":
            yield Problem(
                where, "TD022", f"the assistant may answer only in text: remove the {kind}", kind, "text"
            )
        yield from _location(block[kind], where)
    elif kind == "reasoningContent":
        yield from _reasoning(block[kind], where, role)
    else:
        yield from _tool(block[kind], kind, where, role)


def _location(media: Any, path: str) -> Iterator[Problem]:
    place = media.get("source") if isinstance(media, dict) else None
    place = place.get("s3Location") if isinstance(place, dict) else None
    if not isinstance(place, dict) or not isinstance(media.get("format"), str):
        expected = '{"format": "png", "source": {"s3Location": {"uri": "s3://…"}}}'
        why = f"expected {expected}: Bedrock reads training media from S3"
        yield Problem(path, "TD012", why, shorten(media), expected)
        return
    yield from uri_problems(place.get("uri"), f"{path}.source.s3Location.uri")
    owner = place.get("bucketOwner")
    if owner is not None and not (isinstance(owner, str) and _ACCOUNT.fullmatch(owner)):
        why = f"bucketOwner is {shorten(owner)}; expected the twelve digits of an AWS account, as a string"
        yield Problem(f"{path}.source.s3Location.bucketOwner", "TD074", why, shorten(owner), "twelve digits")


def is_usual_uri(uri: Any) -> bool:
    """Whether `uri_problems` finds nothing wrong with it."""
    return isinstance(uri, str) and _URI.fullmatch(uri) is not None and not _OUTSIDE.match(uri)


def uri_problems(uri: Any, path: str) -> Iterator[Problem]:
    """The problems of a URI, which must be one that Bedrock reads media from, or the path of a file next to
    the dataset."""
    expected = "s3://bucket/key or a path beside the file, with letters, digits, _ - / and . only"
    if is_usual_uri(uri):
        return
    if not isinstance(uri, str) or not _URI.fullmatch(uri):
        yield Problem(path, "TD073", f"uri is {shorten(uri)}; expected {expected}", shorten(uri), expected)
    elif _OUTSIDE.match(uri):
        why = f"uri is {shorten(uri)}, which leads out of the dataset's folder; expected {expected}"
        yield Problem(path, "TD073", why, shorten(uri), expected)


def _reasoning(block: Any, path: str, role: Any) -> Iterator[Problem]:
    text = block.get("reasoningText") if isinstance(block, dict) else None
    if not isinstance(text, dict) or not isinstance(text.get("text"), str) or not text["text"].strip():
        expected = '{"reasoningText": {"text": "…"}}'
        yield Problem(path, "TD012", f"reasoningContent must be {expected}", shorten(block), expected)
    elif role != "assistant":
        yield Problem(path, "TD025", "only the assistant may have reasoning", shorten(role), "assistant")


def _tool(block: Any, kind: str, path: str, role: Any) -> Iterator[Problem]:
    speaker = "assistant" if kind == "toolUse" else "user"
    if not isinstance(block, dict) or not isinstance(block.get("toolUseId"), str) or not block["toolUseId"]:
        yield Problem(
            path, "TD012", f"{kind} must be an object with a toolUseId", shorten(block), "toolUseId"
        )
    elif role != speaker:
        yield Problem(
            path, "TD026", f"{kind} belongs in a message from the {speaker}", shorten(role), speaker
        )


def media_in(block: Mapping[str, Any]) -> list[str]:
    """The kind of media of a well-formed content block; empty for text."""
    return [kind for kind in MEDIA if kind in block]


def media_of(contents: Iterable[Iterable[Mapping[str, Any]]]) -> tuple[str, ...]:
    """The media of a well-formed record, from the blocks of its turns, in order."""
    return tuple([kind for content in contents for block in content for kind in block if kind in _MEDIA])


def alike(has_tools: bool, contents: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[object, ...]:
    """A key that small records share if they have the same problems with a base model.

    Parameters
    ----------
    contents
        The content blocks of each turn; no blocks if it is plain text.
    """
    kinds: list[object] = [has_tools, len(contents)]
    for turn, content in enumerate(contents):
        if content:
            kinds.append(turn)
            for block in content:
                (kind,) = block
                kinds.append(block[kind]["format"] if kind in _MEDIA else kind)
                kinds.append(kind)
    return tuple(kinds)


def texts_beside(blocks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Further texts in blocks: reasoning, and the texts of tool results."""
    for block in blocks:
        if "reasoningContent" in block:
            yield block["reasoningContent"]["reasoningText"]["text"]
        elif "toolResult" in block:
            for part in block["toolResult"].get("content") or ():
                if isinstance(part, dict) and isinstance(part.get("text"), str):
                    yield part["text"]


def model_problems(conversation: Conversation, rules: MethodRules, model: BaseModel) -> Iterator[Problem]:
    """The problems of a well-formed record's blocks with a base model."""
    has_tools = "toolConfig" in conversation.extra
    for turn in conversation.turns:
        if not turn.blocks:
            continue
        found: dict[str, int] = dict.fromkeys(MEDIA, 0)
        for place, block in enumerate(turn.blocks):
            where = f"{turn.path}[{place}]"
            for kind in media_in(block):
                found[kind] += 1
                yield from _media(kind, block[kind]["format"], f"{where}.{kind}", rules, model)
            if "reasoningContent" in block and not rules.takes_reasoning:
                why = f"{model.name} does not train on reasoning; remove the block"
                yield Problem(f"{where}.reasoningContent", "TD025", why, "reasoningContent", "text")
            has_tools = has_tools or "toolUse" in block or "toolResult" in block
        yield from _together(found, turn.path, model)
    if has_tools and rules.tools != "yes":
        yield from _tools(rules, model)


def taken(kind: str, rules: MethodRules, model: BaseModel) -> Media | None:
    """The media of a kind that a base model accepts for a method; None if it accepts none."""
    return {
        "image": model.images if rules.takes_images else None,
        "video": model.videos if rules.takes_video else None,
        "document": model.documents if rules.takes_documents else None,
    }[kind]


def _media(kind: str, format_: str, path: str, rules: MethodRules, model: BaseModel) -> Iterator[Problem]:
    media = taken(kind, rules, model)
    if media is None:
        why = f"{model.name} takes no {kind} for this method; remove it"
        yield Problem(path, "TD033", why, kind, "text")
        return
    formats = ", ".join(media.formats + media.doubtful_formats)
    if format_.lower() in media.doubtful_formats:
        why = (
            f"AWS's sources disagree on whether {model.name} accepts {shorten(format_)}: {media.source.doubt}"
        )
        sure = ", ".join(media.formats) or f"no {kind}"
        yield Problem(f"{path}.format", "TD077", why, shorten(format_), sure)
    elif format_.lower() not in media.formats:
        why = f"format is {shorten(format_)}; {model.name} takes {formats}"
        yield Problem(f"{path}.format", "TD070", why, shorten(format_), formats)


def _together(found: Mapping[str, int], path: str, model: BaseModel) -> Iterator[Problem]:
    limits = {"image": model.images, "video": model.videos, "document": model.documents}
    for kind, count in found.items():
        media = limits[kind]
        if media is not None and media.max_per_message and count > media.max_per_message:
            most = media.max_per_message
            why = f"{count} {kind}s in one message; {model.name} takes {most}"
            yield Problem(path, "TD071", why, str(count), f"at most {most}")
    if found["video"] and (found["image"] or found["document"]):
        why = "a video and images or documents in one message; keep one kind"
        yield Problem(path, "TD072", why, "video and others", "one kind")


def _tools(rules: MethodRules, model: BaseModel) -> Iterator[Problem]:
    if rules.tools == "no":
        why = f"{model.name} does not train on tool use with this method; remove the record"
        yield Problem("$.toolConfig", "TD024", why, "tools", "text")
        return
    why = f"tool sections may make the job fail with {model.name}: AWS's sources disagree"
    yield Problem("$.toolConfig", "TD027", why, "tools", "text")
