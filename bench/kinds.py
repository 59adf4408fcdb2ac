"""Checking records of one kind at 100 % share, against a pydantic model: `python -m bench.kinds`.

Plain text is one thing; an e-mail address, a tool call or an escape in every record is another program. Short
records are the hardest case: what each costs beside its bytes shows. Both have the same shapes and rules, and
read the same bytes in one process, in turns; the best round counts, in CPU time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import strict
from bench.records import Writer
from tunedrop import catalog
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.options import Asked
from tunedrop.dataset.sources.local import LocalFile

RECORDS, ROUNDS = 2_000, 3
OF_PYDANTIC, OF_PYDANTIC_PLAIN = 1.0, 1.5
"""The marks, of any kind and of plain text."""
PLAIN = ("plain pairs", "plain conversations")
_CHINESE = "番茄黄瓜茄子樱花梅竹松树菊水稻小麦茶桃什么时候浇应该在清晨太阳出来之前"

Make = Callable[[Writer, int], dict[str, Any]]


def _pair(writer: Writer, more: str = "") -> dict[str, Any]:
    return {
        "prompt": f"{writer.sentence()} {more}".strip(),
        "completion": f"{writer.sentence()} {writer.sentence()}",
    }


def _converse(*contents: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    roles = ("user", "assistant") * len(contents)
    messages = [{"role": role, "content": one} for role, one in zip(roles, contents, strict=False)]
    return {"schemaVersion": "bedrock-conversation-2024", **more, "messages": messages}


def _text(writer: Writer) -> dict[str, str]:
    return {"text": writer.sentence()}


_TOOL = {
    "toolSpec": {
        "name": "price",
        "description": "Says the price of an item",
        "inputSchema": {"json": {"type": "object", "properties": {"item": {"type": "string"}}}},
    }
}


def _tools(writer: Writer, number: int) -> dict[str, Any]:
    use = {"toolUse": {"toolUseId": f"t{number}", "name": "price", "input": {"item": writer.sentence()}}}
    result = {"toolResult": {"toolUseId": f"t{number}", "content": [{"json": {"price": number}}]}}
    return _converse([_text(writer)], [use], [result], [_text(writer)], toolConfig={"tools": [_TOOL]})


def _image(writer: Writer, number: int) -> dict[str, Any]:
    source = {"s3Location": {"uri": f"s3://bucket/images/{number}.png"}}
    return _converse([{"image": {"format": "png", "source": source}}, _text(writer)], [_text(writer)])


def _reasoning(writer: Writer, _: int) -> dict[str, Any]:
    thought = {"reasoningContent": {"reasoningText": _text(writer)}}
    return _converse([_text(writer)], [thought, _text(writer)])


def _chinese(_: Writer, number: int) -> dict[str, Any]:
    text = "".join(_CHINESE[(number * 7 + place * 5 + place * place) % len(_CHINESE)] for place in range(90))
    return {"prompt": f"{number}{text[:40]}", "completion": f"{text[40:]}{number}"}


KINDS: dict[str, tuple[str, Make]] = {
    "plain pairs": ("prompt-completion", lambda writer, _: _pair(writer)),
    "plain conversations": ("converse", lambda writer, _: _converse([_text(writer)], [_text(writer)])),
    "e-mail addresses": ("prompt-completion", lambda writer, n: _pair(writer, f"a{n}@example.com")),
    "13 to 16 digits": ("prompt-completion", lambda writer, n: _pair(writer, str(4_000_000_000_000 + n))),
    "code": ("prompt-completion", lambda writer, _: _pair(writer, "`const x = ${port}`")),
    "role words": ("prompt-completion", lambda writer, _: _pair(writer, "\nuser: hello")),
    "escapes": ("prompt-completion", lambda writer, _: _pair(writer, "<b>")),
    "Chinese": ("prompt-completion", _chinese),
    "tools": ("converse", _tools),
    "images": ("converse", _image),
    "reasoning": ("converse", _reasoning),
}


def main() -> int:
    """Print the table; 1 when a mark is missed."""
    table = Table(
        title=f"{RECORDS:,} records of each kind", title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    for header in ("kind", "MB/s", "µs a record", "of pydantic", "mark", ""):
        table.add_column(header, justify="left" if header in ("kind", "") else "right")
    missed = 0
    with TemporaryDirectory() as folder:
        for kind, (format_, make) in KINDS.items():
            path = Path(folder) / "train.jsonl"
            path.write_bytes(_lines(kind, make))
            ours, theirs = seconds(path, format_)
            mark = OF_PYDANTIC_PLAIN if kind in PLAIN else OF_PYDANTIC
            is_met = theirs / ours >= mark
            missed += not is_met
            rate, each = path.stat().st_size / ours / 1e6, ours / RECORDS * 1e6
            row = (kind, f"{rate:,.0f}", f"{each:.1f}", f"{theirs / ours:.2f}", f"{mark:.1f}")
            table.add_row(*row, "met" if is_met else "missed")
    Console(width=100).print(table)
    return int(missed > 0)


def _lines(kind: str, make: Make) -> bytes:
    writer = Writer(7)
    lines = [json.dumps(make(writer, number), ensure_ascii=False) for number in range(RECORDS)]
    if kind == "escapes":
        lines = [line.replace("<", "\\u003c").replace(">", "\\u003e") for line in lines]
    return ("\n".join(lines) + "\n").encode()


def seconds(path: Path, format_: str) -> tuple[float, float]:
    """The best CPU time of ours and of pydantic's."""
    asked = Asked(base_model=catalog.find("amazon.nova-2-lite-v1:0:256k"), max_findings=5)
    works: tuple[Callable[[], object], ...] = (
        lambda: check_files({"train": LocalFile(path)}, {"train": path.name}, asked),
        lambda: strict.checker(format_)(path),
    )
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for index, work in enumerate(works):
            started = time.process_time()
            work()
            best[index] = min(best[index], time.process_time() - started)
    return best[0], best[1]


if __name__ == "__main__":
    raise SystemExit(main())
