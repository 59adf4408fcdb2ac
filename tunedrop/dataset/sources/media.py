"""Checks that the images, videos and documents in records exist, and that the base model accepts them.

A record refers to one by `s3://bucket/key`, or by its path relative to the record's file; `beside` is the
only place that interprets such paths. A `MediaResolver` inspects media anywhere: it reads the beginning of
each, and the part of a video that has its duration.

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
from tunedrop.dataset import formats
from tunedrop.dataset.formats import Conversation, SourceFormat, json_lines
from tunedrop.dataset.rules.blocks import media_in, taken, uri_problems
from tunedrop.dataset.sources import films
from tunedrop.dataset.types import MediaResolver, Problem, Seen, Unseen, shorten

HEAD_BYTES = 1 << 17
"""The number of bytes to read for an image's format and size, which may follow a preview and a colour
profile."""

_NAMED = re.compile(rb'"uri"\s*:\s*"([^"\\]{1,1024})"')


class Reference(NamedTuple):
    """A record's reference to an image, video or document; `path` is the JSON path of its URI."""

    path: str
    kind: str
    format: str
    uri: str


def references(conversation: Conversation, format_: SourceFormat) -> Iterator[Reference]:
    """The media of a well-formed record."""
    if format_ == "image-caption":
        uri = conversation.turns[0].text
        yield Reference("$.image-ref", "image", uri.rpartition(".")[2].lower(), uri)
    for turn in conversation.turns:
        for place, block in enumerate(turn.blocks):
            for kind in media_in(block):
                path = f"{turn.path}[{place}].{kind}.source.s3Location.uri"
                yield Reference(path, kind, block[kind]["format"].lower(), _uri(block, kind))


def counted(blocks: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The number of media in content blocks, by kind."""
    return dict(Counter(kind for block in blocks for kind in media_in(block)))


def _uri(block: Mapping[str, Any], kind: str) -> str:
    uri: str = block[kind]["source"]["s3Location"]["uri"]
    return uri


def beside(uri: str) -> str | None:
    """The normalized path of a file in the dataset's folder: `./a.png` is `a.png`.

    None if the URI is in S3, or is not a path that TD073 allows.
    """
    if uri.startswith("s3://") or any(uri_problems(uri, "")):
        return None
    return posixpath.normpath(uri)


def named_in(body: bytes) -> Iterator[str]:
    """The media that lines refer to, each once, to fetch them in advance: any key may name a picture."""
    named: set[str] = set()
    for number, raw in enumerate(json_lines.split(body)):
        line = json_lines.parse(number, raw)
        reading = formats.read(line.record) if line.problem is None else None
        if reading is not None and reading.conversation is not None:
            for one in references(reading.conversation, reading.format):
                if one.uri not in named:
                    named.add(one.uri)
                    yield one.uri


def are_all_elsewhere(body: bytes, resolver: MediaResolver) -> bool:
    """Whether Converse lines refer only to objects in S3, which cannot be checked from this machine."""
    if not isinstance(resolver, LocalMedia) or b"\\u" in body:
        return False
    named = _NAMED.findall(body)
    return len(named) == body.count(b'"uri"') and all([uri.startswith(b"s3://") for uri in named])


def has_any_to_look_at(conversation: Conversation, format_: SourceFormat, resolver: MediaResolver) -> bool:
    """Whether a record refers to media that can be checked."""
    return any([resolver.inspect(one.uri) is not None for one in references(conversation, format_)])


def problems(
    conversation: Conversation,
    format_: SourceFormat,
    resolver: MediaResolver,
    rules: MethodRules | None,
    model: BaseModel | None,
) -> Iterator[Problem]:
    """The problems of the media themselves.

    Parameters
    ----------
    rules, model
        None: check only that they exist, and that their format is the declared one.
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
"""Formats with the same beginning, or several names."""

_SURE = frozenset({"png", "jpeg", "gif", "webp", "mkv", "pdf"})
"""Formats with only one possible beginning; QuickTime videos have several."""


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
"""The beginning of older QuickTime videos; other files may have it too, and then have no duration."""


def seen(size: int, head: bytes, further: films.Read) -> Seen:
    """Describe an object by its size and its first bytes.

    Parameters
    ----------
    further
        Reads the rest: a video may have its duration at the end.
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
    import imagesize  # 1,300 lines, which text datasets do not need

    try:
        width, height = imagesize.get(io.BytesIO(head), exif_rotation=False)
    except Exception:  # damaged bytes may raise anything: the dimensions are unknown
        return 0, 0
    return int(width), int(height)


class LocalMedia:
    """Files next to a dataset on this machine; objects in S3 cannot be checked from here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def expect(self, uris: Iterable[str]) -> None:
        """Do nothing: local files are read quickly."""

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
"""Returns the URI of an object's copy, which the training reads."""


def relocated(record: dict[str, Any], format_: str, relocate: Relocate) -> dict[str, Any]:
    """The record with references to the copies, which belong to the owner of the dataset's bucket."""
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
