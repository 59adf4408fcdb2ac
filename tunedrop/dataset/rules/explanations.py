"""Explanations of the rules, each with a passing and a failing file: `explanations.toml`."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from tunedrop.contracts import Method
from tunedrop.dataset.formats import SCHEMA_VERSION, SourceFormat, detect

FILL = 120


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dataset in short form: `text`, repeated `times`, among `fill` valid records.

    `%s` in the text is replaced by `long` letters, `%d` by the number of the record; `more` follows it.
    """

    text: str = ""
    fill: int = FILL
    times: int = 1
    lines: int = 0
    long: int = 0
    more: str = ""
    name: str = "train.jsonl"
    validation: str = ""
    test: str = ""

    def files(self, filler: SourceFormat) -> dict[str, bytes]:
        """The files of this dataset, by split."""
        texts = [
            self.text.replace("%s", "x" * self.long).replace("%d", str(one)) for one in range(self.times)
        ]
        said = "\n".join([*texts, self.more] if self.more else texts)
        good = [json.dumps(_good(filler, number)) for number in range(self.fill)]
        middle = [said] if said or self.lines else []
        whole = [*good[: self.fill // 2], *middle, *good[self.fill // 2 :]]
        files = {"train": "".join(line + "\n" for line in whole)}
        files |= {
            split: text + "\n"
            for split, text in (("validation", self.validation), ("test", self.test))
            if text
        }
        return {split: body.encode() for split, body in files.items()}


class Explanation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The explanation of a rule. `prose` replaces examples that would be too large as files."""

    why: str
    fix: str
    source: str
    model: str = ""
    method: Method | str = "auto"
    prose: str = ""
    breaks: Example | None = None
    holds: Example | None = None

    @property
    def filler(self) -> SourceFormat:
        """The format of the valid records around the examples."""
        for one in (self.holds, self.breaks):
            if one is not None and one.text:
                return (
                    detect(json.loads(one.text.partition("\n")[0].replace("%s", ""))) or "prompt-completion"
                )
        return "converse" if self.model else "prompt-completion"


@cache
def load() -> dict[str, Explanation]:
    """The explanation of each code."""
    page = (resources.files(__package__) / "explanations.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(page), dict[str, Explanation])


def surroundings(example: Example) -> str:
    """The surroundings of an example's text, in words."""
    parts = [f"a file named `{example.name}`"] if example.name != "train.jsonl" else []
    if not example.text and not example.lines:
        parts.append(f"{example.fill:,} good records" if example.fill else "an empty file")
    elif example.fill not in (0, FILL):
        parts.append(f"among {example.fill:,} good records")
    parts += ["a blank line"] if example.lines else []
    parts += [f"{example.times:,} times"] if example.times > 1 else []
    return ", " + ", ".join(parts) if parts else ""


def shown(example: Example) -> str:
    """The text of an example for people."""
    long = f"… {example.long:,} letters …"
    text = example.text.replace("%s", long).replace("%d", "1")
    return "\n".join([text, example.more.replace("%d", "2")] if example.more else [text])


def _good(format_: SourceFormat, number: int) -> dict[str, Any]:
    """A valid record that differs from all others."""
    word = "".join(chr(ord("a") + int(digit)) for digit in f"{number:06}")
    asked, said = f"What does {word} mean?", f"The word {word} has a meaning of its own."
    match format_:
        case "prompt-completion":
            return {"prompt": asked, "completion": said}
        case "alpaca":
            return {"instruction": asked, "output": said}
        case "preference":
            return {"prompt": asked, "chosen": said, "rejected": "I do not know."}
        case "text":
            return {"input": said}
        case "image-caption":
            return {"image-ref": f"s3://data/{word}.png", "caption": said}
        case "openai-chat":
            return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}
        case _:
            turns = (("user", asked), ("assistant", said))
            messages = [{"role": role, "content": [{"text": text}]} for role, text in turns]
            return {"schemaVersion": SCHEMA_VERSION, "messages": messages}
