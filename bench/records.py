"""Records such as people fine-tune on, made from a seed: prose, lists, code, quotes, accents, dashes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

FORMATS = ("prompt-completion", "converse", "openai-chat", "text")
_SYLLABLES = (
    "ba be bi bo ca ce co da de di do fa fe fi ga ge go ha he ho in is ka la le li lo ma me mi mo na ne no "
    "on or pa pe po ra re ri ro sa se si so ta te ti to un ur va ve vi wa we za"
)
_COMMON = (
    "the of and to a in is it you that he was for on are with as his they be at one have this from or had "
    "by but what some we can out other were all there when up use your how said an each she which do their "
    "time if will way about many then them would like so these her long make thing see him two has look more"
)
_SYSTEM = (
    "You are a careful assistant of the support team. Answer in the customer's language, briefly, and say so "
    "when you do not know."
)


class Writer:
    """Generates texts, deterministically by seed."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._common = _COMMON.split()
        syllables = _SYLLABLES.split()
        self._words = [
            "".join(self._draw.choices(syllables, k=self._draw.randint(2, 4))) for _ in range(4_000)
        ]
        self._words += ["café", "naïve", "Zürich"]

    def sentence(self) -> str:
        """One sentence, with a comma, a quotation, a dash or a number now and then."""
        draw, count = self._draw, self._draw.randint(6, 20)
        words = [draw.choice(self._common if draw.random() < 0.5 else self._words) for _ in range(count)]
        place = draw.randrange(count)
        twist = draw.random()
        if twist < 0.25:
            words[place] += ","
        elif twist < 0.35:
            words[place] = f'"{words[place]}"'
        elif twist < 0.36:
            words[place] += " —"
        elif twist < 0.56:
            words[place] = str(draw.randint(2, 2_500))
        return " ".join(words).capitalize() + draw.choice("...?")

    def prose(self, characters: int) -> str:
        """Paragraphs, a list, or some code among them, of about so many characters."""
        parts: list[str] = []
        length = 0
        while length < characters:
            kind = self._draw.random()
            if kind < 0.15:
                part = "\n" + "\n".join(f"- {self.sentence()}" for _ in range(3))
            elif kind < 0.20:
                part = f'\n```python\nresult = find("{self._draw.choice(self._words)}")\nprint(result)\n```'
            else:
                part = self.sentence() + ("\n\n" if kind > 0.85 else "")
            parts.append(part)
            length += len(part) + 1
        return " ".join(parts).strip()


def _pair(writer: Writer) -> dict[str, Any]:
    return {"prompt": writer.prose(400), "completion": writer.prose(1_200)}


def _turns(writer: Writer, number: int) -> list[str]:
    return [writer.prose((400 if place % 2 == 0 else 1_200) // (number // 2)) for place in range(number)]


def _converse(writer: Writer) -> dict[str, Any]:
    turns = _turns(writer, 2)
    messages = [
        {"role": ("user", "assistant")[place % 2], "content": [{"text": text}]}
        for place, text in enumerate(turns)
    ]
    return {"schemaVersion": "bedrock-conversation-2024", "system": [{"text": _SYSTEM}], "messages": messages}


def _chat(writer: Writer, number: int) -> dict[str, Any]:
    turns = _turns(writer, 2 if number % 5 else 4)
    messages = [{"role": "system", "content": _SYSTEM}]
    messages += [
        {"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(turns)
    ]
    return {"messages": messages}


_MAKERS: dict[str, Callable[[Writer, int], dict[str, Any]]] = {
    "prompt-completion": lambda writer, _: _pair(writer),
    "converse": lambda writer, _: _converse(writer),
    "openai-chat": _chat,
    "text": lambda writer, _: {"input": writer.prose(1_600)},
}


def lines(format_: str, count: int, seed: int = 1) -> Iterator[bytes]:
    """The given number of lines in a format, as json.dumps writes them, each with its line end."""
    writer = Writer(seed)
    for number in range(count):
        record = _MAKERS[format_](writer, number)
        yield json.dumps(record, ensure_ascii=number % 2 == 0).encode() + b"\n"
