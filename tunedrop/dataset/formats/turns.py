"""Builds the turns of a conversation from the messages of any chat format."""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tunedrop.dataset.formats.record import Reading, Turn
from tunedrop.dataset.rules.blocks import is_usual_uri
from tunedrop.dataset.types import Problem, shorten

USER, ASSISTANT, SYSTEM, TOOL, CALL = "user", "assistant", "system", "tool", "call"
ROLES = {
    **dict.fromkeys(("user", "human", "prompter", "customer", "client", "usr"), USER),
    **dict.fromkeys(
        ("assistant", "gpt", "model", "bot", "chatgpt", "ai", "bard", "bing", "agent", "chatbot"), ASSISTANT
    ),
    **dict.fromkeys(("system", "developer", "sys"), SYSTEM),
    **dict.fromkeys(
        ("tool", "function", "observation", "function_response", "tool_response", "ipython"), TOOL
    ),
    **dict.fromkeys(("function_call", "tool_call", "function-call"), CALL),
}
"""The names of roles in all formats."""

_IMAGES = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "gif": "gif", "webp": "webp"}
_ENDS = tuple(f".{suffix}" for suffix in _IMAGES)


class Turns:
    """Takes messages in order; tool results become part of the user's turn, as in Converse."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.turns: list[Turn] = []
        self.system: list[str] = []
        self.system_path = ""
        self._results: list[dict[str, Any]] = []
        self._results_path = ""

    def say(
        self,
        role: str,
        blocks: Iterable[dict[str, Any]],
        path: str,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a message of the user or the assistant."""
        content = list(blocks)
        if role == USER and self._results:
            content = [*self._results, *content]
            self._results = []
        elif role == ASSISTANT:
            self._flush()
        self._add(role, content, path, extra or {})

    def result(self, block: dict[str, Any], path: str) -> None:
        """Add the result of a tool."""
        self._results.append(block)
        self._results_path = self._results_path or path

    def note(self, text: str, path: str) -> None:
        """Add a system prompt, which must precede the conversation."""
        if self.turns or self._results:
            what = (
                "role is system in the middle of the conversation; Bedrock accepts it only at the start. "
                "If this is the answering side, use the role assistant"
            )
            self._reading.add(path, "TD023", what, "system", "user or assistant")
            return
        self.system_path = self.system_path or path
        if text.strip() and text not in self.system:
            self.system.append(text)

    def end(self) -> tuple[Turn, ...]:
        """The turns; problems with their order are added to the reading."""
        self._flush()
        if not self._reading.problems:  # a turn could not be read
            order(self.turns, self._reading)
        return tuple(self.turns)

    def _flush(self) -> None:
        if self._results:
            results, self._results = self._results, []
            self._add(USER, results, self._results_path, {})
        self._results_path = ""

    def _add(self, role: str, content: list[dict[str, Any]], path: str, extra: Mapping[str, Any]) -> None:
        texts = [block["text"] for block in content if "text" in block]
        text = texts[0] if len(texts) == 1 else "\n".join(texts)
        others = len(texts) != len(content)
        if not text.strip() and not others:
            what = "content is empty; remove the record or add the missing text"
            self._reading.add(path, "TD021", what, text, "some text")
        if others:
            content = [block for block in content if "text" not in block or block["text"].strip()]
        self.turns.append(Turn(role, text, tuple(content) if others else (), path, dict(extra)))


def system_answers(roles: Iterable[Any], least: int = 4) -> bool:
    """Whether SYSTEM is the assistant of a dialogue, as in MultiWOZ, where it answers every turn of the
    user."""
    said = [role_of(one) for one in roles]
    return len(said) >= least and said == [(USER, SYSTEM)[at % 2] for at in range(len(said))]


def other_side(roles: Iterable[Any]) -> dict[Any, str]:
    """The role of the only unknown speaker, who alternates with a user or an assistant."""
    said = [one for one in roles if role_of(one) != SYSTEM]
    if not all(isinstance(one, str) for one in said) or len(set(said)) != 2:
        return {}
    if any(one == other for one, other in itertools.pairwise(said)):
        return {}
    known = {role_of(one) for one in set(said)}
    unknown = next((one for one in set(said) if role_of(one) is None), "")
    sides = {USER: ASSISTANT, ASSISTANT: USER}
    side = next((sides[one] for one in known if one in sides), "")
    return {unknown: side} if unknown and side else {}


def role_of(name: Any) -> str | None:
    """The role that a name stands for, ignoring case; None if unknown."""
    return ROLES.get(name.strip().lower()) if isinstance(name, str) else None


def with_assistant(messages: list[Any], reading: Reading, key: str = "role", least: int = 4) -> list[Any]:
    """Messages in which SYSTEM, if it is the assistant, is renamed, with a warning in the reading."""
    if not all(isinstance(one, dict) for one in messages):
        return messages
    if not system_answers((one.get(key) for one in messages), least):
        return messages
    reading.guesses.append(Problem("$", "TD008", _SYSTEM_ANSWERS, str(messages[1][key]), "assistant"))
    return [{**one, key: ASSISTANT} if at % 2 else one for at, one in enumerate(messages)]


_SYSTEM_ANSWERS = "system alternates with the user and is read as the assistant"


def order(turns: list[Turn], reading: Reading) -> None:
    """Add a problem unless user and assistant alternate, beginning with the user."""
    for index, turn in enumerate(turns):
        expected = ASSISTANT if index % 2 else USER
        if turn.role != expected:
            at = turn.path[: turn.path.find("]") + 1]
            what = f"role is {turn.role}; expected {expected}: user and assistant turns must alternate"
            reading.add(f"{at}.role", "TD020", what, turn.role, expected)
            return
    if not turns:
        reading.add("$", "TD020", "the conversation has no user turn", "nothing", "user")


def parts(content: Any, path: str, reading: Reading, losses: list[str]) -> list[dict[str, Any]] | None:
    """The blocks of a message's content in the forms of OpenAI and Anthropic, except tools; None if
    malformed."""
    if isinstance(content, str):
        return [{"text": content}]
    if content is None:
        return []
    if not isinstance(content, list):
        reading.wrong_type(path, "a string or a list of parts", content)
        return None
    found: list[dict[str, Any]] = []
    for index, part in enumerate(content):
        where = f"{path}[{index}]"
        block = _part(part, where, reading, losses)
        if block is None:
            return None
        found.append(block)
    return found


def _part(part: Any, path: str, reading: Reading, losses: list[str]) -> dict[str, Any] | None:
    if isinstance(part, str):
        return {"text": part}
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict):
        reading.wrong_type(path, 'a part such as {"type": "text"}', part)
        return None
    if kind == "text" and isinstance(part.get("text"), dict):  # of OpenAI's assistants
        part = {**part, **part["text"], "text": part["text"].get("value"), "value": None}
    if kind in ("text", "reasoning") and "text" not in part and isinstance(part.get("value"), str):
        part = {**{key: one for key, one in part.items() if key != "value"}, "text": part["value"]}
    if part.get("thought") is True and isinstance(part.get("text"), str):  # of Gemini
        part = {**{key: one for key, one in part.items() if key != "thought"}, "type": "reasoning"}
        kind = "reasoning"
    if kind in ("text", "input_text", "output_text") or (kind is None and isinstance(part.get("text"), str)):
        if not isinstance(part.get("text"), str):
            reading.wrong_type(f"{path}.text", "a string", part.get("text"))
            return None
        losses += [
            f"{path}.{shorten(key)}" for key, one in part.items() if key not in ("type", "text") and one
        ]
        return {"text": part["text"]}
    if kind in ("thinking", "reasoning") and isinstance(part.get("thinking", part.get("text")), str):
        losses += [f"{path}.{key}" for key in part if key not in ("type", "thinking", "text")]
        return reasoning(part.get("thinking", part.get("text")))
    if kind in ("image_url", "input_image", "image"):
        losses += _about_an_image(part, path)
        return _image(part, path, reading)
    shown = shorten(kind if kind is not None else part)
    reading.add(
        path, "TD016", f"a part of the type {shown} cannot be written for Bedrock", shown, "text, image"
    )
    return None


def reasoning(text: Any) -> dict[str, Any]:
    """A block of reasoning."""
    return {"reasoningContent": {"reasoningText": {"text": text}}}


def _image(part: Mapping[str, Any], path: str, reading: Reading) -> dict[str, Any] | None:
    url = part.get("image_url", part.get("url", part.get("image", part.get("source"))))
    if isinstance(url, dict):
        url = url.get("url", url.get("uri", url.get("data")))
    if not is_place(url) or not is_usual_uri(url):
        what = "Bedrock reads images from S3: put the image next to the dataset and give its path"
        reading.add(path, "TD073", what, url, "s3://bucket/cat.png or cat.png")
        return None
    return _block(str(url))


def _about_an_image(part: Mapping[str, Any], path: str) -> list[str]:
    inside = part.get("image_url")
    detail = inside.get("detail") if isinstance(inside, dict) else part.get("detail")
    return [f"{path}.detail"] if detail else []


def places(images: Any) -> list[Any]:
    """The images under one key, in the forms of LLaMA-Factory, LLaVA, TRL and Hugging Face."""
    found = images if isinstance(images, list) else [images]
    return [
        one.get("path") or one.get("url") if isinstance(one, dict) and not one.get("bytes") else one
        for one in found
    ]


def is_place(url: Any) -> bool:
    """Whether a value names an image that may be next to the dataset or in S3."""
    if not isinstance(url, str) or not url[-5:].lower().endswith(_ENDS):
        return False
    return "://" not in url.removeprefix("s3://") and len(url) <= 1024


def with_images(turns_: tuple[Turn, ...], images: Any) -> tuple[Turn, ...]:
    """The first turn with the images next to the messages; unchanged if they cannot be read."""
    named = places(images) if images else []
    if not named or not turns_ or turns_[0].blocks:
        return turns_
    if not all(is_place(one) and is_usual_uri(one) for one in named):
        return turns_
    first = turns_[0]
    text = without_place(first.text)
    blocks = (*map(_block, named), *([{"text": text}] if text else []))
    return (msgspec.structs.replace(first, text=text, blocks=blocks), *turns_[1:])


def without_place(text: str) -> str:
    """A text without the placeholder of its image (LLaVA)."""
    return text.replace("<image>", "").strip()


def _block(url: str) -> dict[str, Any]:
    suffix = posixpath.splitext(url)[1][1:].lower()
    return {"image": {"format": _IMAGES[suffix], "source": {"s3Location": {"uri": url}}}}
