"""Images and tools next to a question and its answer, which belong into the conversation.

| from | form |
| --- | --- |
| VQA, LLaVA | `{"image": "cats/1.png", "question", "answer"}` |
| xLAM, APIGen | `{"query", "tools": "[…]", "answers": "[{\\"name\\", \\"arguments\\"}]"}` |

Without them, a model would learn to answer about images that it has not seen, or to call undeclared tools, so
those that cannot be read are an error. Source: the datasets' cards, read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from tunedrop.dataset.formats import names, naming, pairs, tools, turns
from tunedrop.dataset.formats.record import Conversation, Reading
from tunedrop.dataset.types import Problem, shorten

_KINDS = {
    **dict.fromkeys(names.IMAGES, "an image"),
    **dict.fromkeys(names.VIDEOS, "a video"),
    **dict.fromkeys(names.SOUNDS, "sound"),
}


def folded(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A pair as a chat with the images and tools next to it; the same record if there are none."""
    if "messages" in record:
        return record
    around = _telling(record)
    if tools_key := _declared_in(around):
        return _with_tools(record, tools_key)
    keys = naming.keys_of(record)
    key = pictures({name: one for name, one in around.items() if name not in (keys.prompt, keys.answer)})
    places = turns.places(record[key]) if key else []
    if not places or not all(map(turns.is_place, places)):
        return record
    pair = _pair(record)
    if pair is None:
        return record
    question, answer = pair.turns
    parts = [
        *({"type": "image", "image": one} for one in places),
        {"type": "text", "text": turns.without_place(question.text)},
    ]
    return _chat(pair, parts, {"content": answer.text}, {key})


def _pair(record: Mapping[str, Any]) -> Conversation | None:
    """Whether a pair is read without losses."""
    format_ = naming.keys_of(record).format
    found = pairs.read(record, Reading(format_)) if format_ else None
    return found if found is not None and not found.losses else None


def _chat(pair: Conversation, asked: Any, answer: dict[str, Any], used: set[str]) -> dict[str, Any]:
    system = [{"role": "system", "content": pair.system}] if pair.system else []
    said = [{"role": "user", "content": asked}, {"role": "assistant", **answer}]
    return {"messages": [*system, *said], **{k: one for k, one in pair.unread.items() if k not in used}}


def _telling(found: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that may hold tools or media; a number only if its key says so."""
    return {
        key: one
        for key, one in found.items()
        if one and (not isinstance(one, _NUMBER) or _name_of_media(key))
    }


_NUMBER = int | float


def _declared_in(record: Mapping[str, Any]) -> str:
    """The key of the tools that a record declares."""
    return next((key for key, one in record.items() if one and _declares(key, one)), "")


def _declares(key: str, value: Any) -> bool:
    if value[:1] != "[" if isinstance(value, str) else not isinstance(value, list):
        return False
    return tools.are_definitions(value, whole=names.plain(key) not in names.TOOLS)


def _with_tools(record: Mapping[str, Any], declared: str) -> Mapping[str, Any]:
    """A question with its tool calls, or with its answer, as a chat with tools."""
    answer = naming.keys_of(record).answer
    said = next((key for key in record if names.plain(key) in names.CALLS and record[key]), answer)
    calls = tools.calls_in(record.get(said))
    rest = {key: one for key, one in record.items() if key != declared and not (calls and key == said)}
    calls_alone = bool(calls) and (not answer or said == answer)
    if calls_alone:
        rest["answer"] = "calls"  # the answer of a pair, which is not copied here
    elif not calls and str(record.get(said)).strip()[:1] in ("[", "{"):
        return record  # no calls, or calls in an unknown form, which `left_out` reports
    pair = _pair(rest)
    if pair is None:
        return record
    question, text = pair.turns
    spoken: dict[str, Any] = {"tool_calls": calls} if calls else {}
    if not calls_alone:
        spoken["content"] = text.text
    given = record[declared]
    definitions = tools.decoded(given) if isinstance(given, str) else given
    return {**_chat(pair, question.text, spoken, set()), "tools": definitions}


def pictures(record: Mapping[str, Any]) -> str:
    """The key of a record's images; empty if there are none."""
    return next((key for key, value in record.items() if value and _kind(key, value) == "an image"), "")


def _kind(key: str, value: Any) -> str:
    if name := _name_of_media(key):
        return "" if _says_how_many(name, value) else _KINDS.get(name, "")
    if isinstance(value, str):
        return "an image" if turns.is_place(value) and " " not in value else ""
    return "an image" if isinstance(value, dict) and "bytes" in value else ""  # Hugging Face's


@lru_cache(maxsize=1 << 10)
def _name_of_media(key: str) -> str:
    """The plain name of a key that names media; empty if only its value can show that."""
    name = names.plain(key)
    return name if name in _KINDS or name in names.SMALL else ""


def _says_how_many(name: str, value: Any) -> bool:
    """Whether a value only counts images or says whether there are any; `image: 42` may be the number of an
    image."""
    said = str(value).strip().casefold() if isinstance(value, str | bool | int | float) else "an image"
    return said in names.YES_OR_NO or (said.isdecimal() and name.endswith("s"))


def left_out(conversation: Conversation) -> Iterator[Problem]:
    """Problems with images, videos, audio and tools that the answers are about but that no turn contains."""
    for where, key, value in _around(conversation):
        if _declares(key, value):
            why = f"{shorten(key)} {_NOT_CALLED}"
            yield Problem(f"{where}.{shorten(key)}", "TD026", why, shorten(value), _CALLS)
        if kind := _kind(key, value):
            is_text = conversation.turns[0].role == "text" and kind != "sound"
            how = _HOWS["text"] if is_text else _how(kind, value)
            why = f"{shorten(key)} holds {kind}, which the model needs to answer the prompt: {how}. {_OR}"
            code = "TD016" if kind == "sound" else "TD073"
            yield Problem(f"{where}.{shorten(key)}", code, why, shorten(value), _BLOCK)


def answer(conversation: Conversation) -> Problem | None:
    """The problem of an answer next to a conversation that ends with the user, which would not be trained
    on."""
    if conversation.is_answered:
        return None
    for key, value in conversation.unread.items():
        if value and names.plain(key) in _ANSWERS and isinstance(value, str | list | dict):
            what = (
                f"{shorten(key)} beside a conversation that ends with the user may be its answer: write it "
                "as the last message, with the role of the assistant; or, for a grader, as reference_answer "
                "beside OpenAI's messages; or remove it"
            )
            return Problem(f"$.{shorten(key)}", "TD012", what, shorten(value), "the last message")
    return None


_ANSWERS = frozenset(
    (*names.REFERENCES, "completion", "response", "output", "ideal", "reference_answer", "label", "labels",
     "intent", "sentiment", "emotion")
)  # fmt: skip
_BLOCK = '{"image": {"format": "png", "source": {"s3Location": {"uri": "cat.png"}}}}'
_HOWS = {
    "text": "texts for continued pre-training cannot have any; write messages, or image-ref and caption",
    "sound": "no base model trains on it, so write its content into the prompt",
    "a video": "put the file beside the dataset, and a Converse block with its path into the user's message",
    "a path": "put a block with its path into the user's message; single-turn and multi-turn take images",
    "an image": "put the file beside the dataset and name its path; single-turn and multi-turn take images",
}
_OR = (
    "To leave it out on purpose, name the columns (--column prompt=KEY --column completion=KEY), or "
    "remove the key"
)


_NOT_CALLED = (
    "declares tools, but their calls cannot be read: next to a question, calls are JSON with name and "
    "arguments; next to Converse messages, tools go under toolConfig. A model would learn only the text"
)
_CALLS = '[{"name": "weather", "arguments": {"city": "Bern"}}]'


def _how(kind: str, value: Any) -> str:
    return _HOWS["a path" if kind == "an image" and turns.is_place(value) else kind]


def _around(conversation: Conversation) -> Iterator[tuple[str, str, Any]]:
    """(path of the object, key, value) of everything except the texts."""
    for key, value in (*_telling(conversation.unread).items(), *_telling(conversation.extra).items()):
        yield "$", key, value
    for turn in conversation.turns:
        for key, value in _telling(turn.extra).items():
            yield turn.path.removesuffix(".content"), key, value
