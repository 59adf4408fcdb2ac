"""Images, videos and documents that records refer to: is each there, and is it what the base model takes?

A record names one by `s3://bucket/key`, or by its path beside the file that the record is in: `beside` says
what such a path is, to everyone who inspects, uploads or copies what it names. A `MediaResolver` inspects
media, wherever they lie; of each it reads the beginning, and of a video the place that has its length.

Sources: the catalog's, for each base model; Nova user guide, fine-tune-prepare-data-understanding (media lie
in the dataset's bucket, and Bedrock's role must be able to read them). Read 2026-11-26.
"""

from __future__ import annotations

import io
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tunedrop.catalog.media import Media
from tunedrop.catalog.method import MethodRules
from tunedrop.catalog.model import BaseModel
from tunedrop.dataset.formats import Conversation, SourceFormat
from tunedrop.dataset.rules.blocks import media_in, taken, uri_problems
from tunedrop.dataset.sources import films
from tunedrop.dataset.types import MediaResolver, Problem, Seen, Unseen, shorten

HEAD_BYTES = 1 << 17
"""Bytes that are read for an image's format and size, which may follow a preview and a colour profile."""

_NAMED = re.compile(rb'"(?:uri|image-ref)"\s*:\s*"([^"\\]{1,1024})"')


class Reference(NamedTuple):
    """A record's word for an image, video or document; `path` is the JSON path of its URI."""

    path: str
    kind: str
    format: str
    uri: str


def references(conversation: Conversation, format_: SourceFormat) -> Iterator[Reference]:
    """The media of a well-shaped record."""
    if format_ == "image-caption":
        uri = conversation.turns[0].text
        yield Reference("$.image-ref", "image", uri.rpartition(".")[2].lower(), uri)
    for turn in conversation.turns:
        for place, block in enumerate(turn.blocks):
            for kind in media_in(block):
                path = f"{turn.path}[{place}].{kind}.source.s3Location.uri"
                yield Reference(path, kind, block[kind]["format"].lower(), _uri(block, kind))


def counted(blocks: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many media are among blocks of content, by kind."""
    return dict(Counter(kind for block in blocks for kind in media_in(block)))


def _uri(block: Mapping[str, Any], kind: str) -> str:
    uri: str = block[kind]["source"]["s3Location"]["uri"]
    return uri


def beside(uri: str) -> str | None:
    """The path of a file beside the dataset, inside its folder, written in one way: `./a.png` is `a.png`.

    None if the URI is one in S3, or no path that TD073 lets pass.
    """
    if uri.startswith("s3://") or any(uri_problems(uri, "")):
        return None
    return posixpath.normpath(uri)


def named_in(body: bytes) -> set[str]:
    """What lines seem to refer to: enough to fetch it beforehand."""
    named = {match[1].decode(errors="replace") for match in _NAMED.finditer(body)}
    return {uri for uri in named if not any(uri_problems(uri, ""))}


def are_all_elsewhere(body: bytes, resolver: MediaResolver) -> bool:
    """Whether lines of Converse name only objects in S3, of which nothing can be said from this machine."""
    if not isinstance(resolver, LocalMedia) or b"\\u" in body:
        return False
    named = _NAMED.findall(body)
    return len(named) == body.count(b'"uri"') and all([uri.startswith(b"s3://") for uri in named])


def has_any_to_look_at(conversation: Conversation, format_: SourceFormat, resolver: MediaResolver) -> bool:
    """Whether a record refers to media of which something can be said."""
    return any([resolver.inspect(one.uri) is not None for one in references(conversation, format_)])


def problems(
    conversation: Conversation,
    format_: SourceFormat,
    resolver: MediaResolver,
    rules: MethodRules | None,
    model: BaseModel | None,
) -> Iterator[Problem]:
    """What is wrong with the media themselves.

    Parameters
    ----------
    rules, model
        None: whether they are there, and what they are said to be.
    """
    for one in references(conversation, format_):
        seen = resolver.inspect(one.uri)
        if isinstance(seen, Unseen):
            yield Problem(one.path, seen.code, seen.why, shorten(one.uri), "an object that can be read")
        elif seen is not None:
            yield from _mislabelled(one, seen)
            limits = taken(one.kind, rules, model) if rules is not None and model is not None else None
            if limits is not None and model is not None:
                yield from _too_large(one, seen, limits, model)


_SAME = {"jpg": "jpeg", "mov": "mp4", "webm": "mkv", "m4v": "mp4"}
"""Formats that begin alike, or are one by another name."""

_SURE = frozenset({"png", "jpeg", "gif", "webp", "mkv", "pdf"})
"""Formats that cannot begin in another way; films of QuickTime can."""


def _mislabelled(one: Reference, seen: Seen) -> Iterator[Problem]:
    if not seen.size:
        yield Problem(one.path, "TD078", f"the {one.kind} is empty", "0 bytes", "an image")
        return
    said = _SAME.get(one.format, one.format)
    if said != seen.format and (seen.format or said in _SURE):
        by_bytes = seen.format or "none of that kind"
        why = (
            f"the {one.kind} is {by_bytes} by its first bytes, but the record declares {shorten(one.format)}"
        )
        yield Problem(one.path, "TD079", why, by_bytes, shorten(one.format))


def _too_large(one: Reference, seen: Seen, limits: Media, model: BaseModel) -> Iterator[Problem]:
    if limits.max_bytes and seen.size > limits.max_bytes:
        code = "TD083" if limits.size_is_doubtful else "TD081"
        of_whom = "AWS's own validator names" if limits.size_is_doubtful else f"{model.name} takes"
        why = f"the {one.kind} has {seen.size:,} bytes; {of_whom} {limits.max_bytes:,}"
        yield Problem(one.path, code, why, f"{seen.size:,}", f"at most {limits.max_bytes:,} bytes")
    if limits.max_seconds and seen.seconds > limits.max_seconds:
        why = f"the video is {seen.seconds:,.1f} s long; {model.name} takes {limits.max_seconds:,}"
        yield Problem(one.path, "TD088", why, f"{seen.seconds:,.1f} s", f"at most {limits.max_seconds:,} s")
    if not seen.width or not seen.height:
        return
    sides = f"{seen.width:,} x {seen.height:,}"
    for wrong, expected in _sides(seen, limits):
        if wrong:
            why = f"the image has {sides} pixels; {model.name} takes {expected}"
            yield Problem(one.path, "TD082", why, sides, expected)
            return


def _sides(seen: Seen, limits: Media) -> Iterator[tuple[bool, str]]:
    short, long = sorted((seen.width, seen.height))
    yield short < limits.min_pixels_a_side, f"{limits.min_pixels_a_side:,} a side or more"
    if limits.max_pixels_a_side:
        yield long > limits.max_pixels_a_side, f"{limits.max_pixels_a_side:,} a side or fewer"
    if limits.max_pixels:
        yield short * long > limits.max_pixels, f"{limits.max_pixels:,} in all or fewer"
    if limits.max_aspect_ratio:
        yield long > limits.max_aspect_ratio * short, f"sides of 1 to {limits.max_aspect_ratio:g} at most"


# --- looking -----------------------------------------------------------------------------------------------

_BEGINNINGS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"GIF8", "gif"),
    (8, b"WEBP", "webp"),
    (4, b"ftyp", "mp4"),
    (0, b"\x1aE\xdf\xa3", "mkv"),
    (0, b"%PDF", "pdf"),
)
_WITH_SIDES = frozenset({"png", "jpeg", "gif", "webp"})
_FILMS = frozenset({"mp4", "mkv"})
_QUICKTIME = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip"})
"""How older films of QuickTime begin; so may other files, which then have no length."""


def seen(size: int, head: bytes, further: films.Read) -> Seen:
    """What an object is, by its size and its first bytes.

    Parameters
    ----------
    further
        Reads what lies behind them: a film may have its length at its end.
    """

    def read(at: int, count: int) -> bytes:
        inside = at + count <= len(head) or len(head) == size
        return head[at : at + count] if inside else further(at, count)

    format_ = next((name for at, start, name in _BEGINNINGS if head.startswith(start, at)), "")
    width, height = _sides_of(head) if format_ in _WITH_SIDES else (0, 0)
    film = "mp4" if head[4:8] in _QUICKTIME else format_
    length = films.seconds(film, read, size) if film in _FILMS else 0
    return Seen(size, format_, max(0, width), max(0, height), length)


def _sides_of(head: bytes) -> tuple[int, int]:
    import imagesize  # 1,300 lines that a dataset of texts does not need

    try:
        width, height = imagesize.get(io.BytesIO(head), exif_rotation=False)
    except Exception:  # whatever it makes of broken bytes: then the sides are not known
        return 0, 0
    return int(width), int(height)


class LocalMedia:
    """Files of this machine, beside a dataset; of what lies in S3 nothing can be said from here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def expect(self, uris: Iterable[str]) -> None:
        """There is nothing to gain."""

    def inspect(self, uri: str) -> Seen | Unseen | None:
        """A file."""
        path = beside(uri)
        if path is None:
            return None
        try:
            with (self._folder / path).open("rb") as stream:
                head = stream.read(HEAD_BYTES)
                size = stream.seek(0, io.SEEK_END)

                def read(at: int, count: int) -> bytes:
                    stream.seek(at)
                    return stream.read(count)

                return seen(size, head, read)
        except OSError as error:
            return Unseen("TD078", f"there is no such file next to the dataset ({error.strerror})")


Relocate = Callable[[str], str]
"""Where a copy of an object is, for the training to read."""


def relocated(record: dict[str, Any], format_: str, relocate: Relocate) -> dict[str, Any]:
    """A record that refers to the copies; they belong to whoever owns the dataset's bucket."""
    if format_ == "image-caption":
        return {**record, "image-ref": relocate(record["image-ref"])}
    if format_ != "converse":
        return record
    messages = [
        {**message, "content": [_relocated(block, relocate) for block in message["content"]]}
        for message in record["messages"]
    ]
    return {**record, "messages": messages}


def _relocated(block: dict[str, Any], relocate: Relocate) -> dict[str, Any]:
    for kind in media_in(block):
        place = {"s3Location": {"uri": relocate(_uri(block, kind))}}
        return {kind: {**block[kind], "source": place}}
    return block
