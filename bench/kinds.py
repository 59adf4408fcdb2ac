"""Checking records of one kind at 100 % share, against a pydantic model: `python -m bench kinds [KIND…]`.

Plain text is one thing; an e-mail address, a tool call or an escape in every record is another program.
Short records are the hardest case: what each costs beside its bytes shows. All read the same bytes in one
process, in turns; the best round counts, in CPU time. The model with the same rules (`bench.strict`) must
find what ours finds in texts, and the same exact duplicates; the one of structure alone shows what the rules
cost.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

from rich.console import Console
from rich.table import Table

from bench import strict
from bench.records import Writer
from tunedrop import catalog
from tunedrop.dataset.check.check import Report, check_files
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.rules.texts import RULES
from tunedrop.dataset.sources.local import LocalFile
from tunedrop.dataset.sources.opening import open_files

RECORDS, ROUNDS = 2_000, 5
OF_PYDANTIC, OF_PYDANTIC_PLAIN = 1.0, 1.5
"""The marks, of any kind and of plain text, against the model with the same rules."""
PLAIN = ("plain pairs", "plain conversations")
SCRIPTS = {
    "Chinese": "番茄黄瓜茄子樱花梅竹松树菊水稻小麦茶桃什么时候浇应该在清晨太阳出来之前",
    "Japanese": "とまとはあさにみずをやるのがいいですトマト朝水夏畑",
    "Korean": "토마토는아침에물을주는것이좋습니다여름밭",
    "Russian": "поливайте томаты утром до восхода солнца",
    "Arabic": "اسق الطماطم في الصباح قبل شروق الشمس",
    "Hindi": "टमाटर को सुबह सूरज निकलने से पहले पानी दें",
    "Thai": "รดน้ำมะเขือเทศตอนเช้าก่อนพระอาทิตย์ขึ้น",
}

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


def _script(letters: str) -> Make:
    def make(_: Writer, number: int) -> dict[str, Any]:
        text = "".join(random.Random(number).choices(letters, k=90))
        return {"prompt": f"{text[:40]}", "completion": f"{text[40:]}"}

    return make


def _wide(writer: Writer, number: int) -> dict[str, Any]:
    return _pair(writer) | {f"column {which}": number * which for which in range(20)}


def _many_turns(writer: Writer, _: int) -> dict[str, Any]:
    return _converse(*([_text(writer)] for _ in range(40)))


class Kind(NamedTuple):
    """A format, what makes a record of it, and how it is written: as text, escaped, CRLF or a table."""

    format: str
    make: Make
    written: Literal["text", "escaped", "CRLF", "table"] = "text"


_PAIRS = "prompt-completion"
KINDS: dict[str, Kind] = {
    "plain pairs": Kind(_PAIRS, lambda writer, _: _pair(writer)),
    "plain conversations": Kind("converse", lambda writer, _: _converse([_text(writer)], [_text(writer)])),
    "e-mail addresses": Kind(_PAIRS, lambda writer, n: _pair(writer, f"a{n}@example.com")),
    "13 to 16 digits": Kind(_PAIRS, lambda writer, n: _pair(writer, str(4_000_000_000_000 + n))),
    "code": Kind(_PAIRS, lambda writer, _: _pair(writer, "`const x = ${port}`")),
    "role words": Kind(_PAIRS, lambda writer, _: _pair(writer, "\nuser: hello")),
    "escapes": Kind(_PAIRS, lambda writer, _: _pair(writer, "<b>"), "escaped"),
    **{name: Kind(_PAIRS, _script(letters)) for name, letters in SCRIPTS.items()},
    **{f"{name}, escaped": Kind(_PAIRS, _script(letters), "escaped") for name, letters in SCRIPTS.items()},
    "tools": Kind("converse", _tools),
    "images": Kind("converse", _image),
    "reasoning": Kind("converse", _reasoning),
    "many turns": Kind("converse", _many_turns),
    "20 more keys": Kind("wide pairs", _wide),
    "short": Kind(_PAIRS, lambda _, n: {"prompt": f"{n} + {n}?", "completion": str(2 * n)}),
    "long": Kind(
        _PAIRS, lambda writer, _: {"prompt": writer.prose(2_000), "completion": writer.prose(8_000)}
    ),
    "duplicates": Kind(_PAIRS, lambda _, n: _pair(Writer(n % 20))),
    "near duplicates": Kind(_PAIRS, lambda _, n: _pair(Writer(n % 20), f"and {n}")),
    "CRLF": Kind(_PAIRS, lambda writer, _: _pair(writer), "CRLF"),
    "table": Kind(_PAIRS, lambda writer, _: _pair(writer), "table"),
}


def main() -> int:
    """Print the table, of all kinds or the named ones; 1 when a mark is missed."""
    if unknown := [kind for kind in sys.argv[2:] if kind not in KINDS]:
        print(f"no kind is called {', '.join(unknown)}; there are {', '.join(KINDS)}")
        return 2
    return show(sys.argv[2:])


def show(kinds: Sequence[str] = ()) -> int:
    """Print the table of some kinds, by default of all; 1 when a mark is missed."""
    table = Table(title=f"{RECORDS:,} records of each kind, against pydantic", title_justify="left", box=None)
    for header in ("kind", "MB/s", "µs a record", "its structure", "the same rules", "mark", ""):
        table.add_column(header, justify="left" if header in ("kind", "") else "right")
    missed = 0
    with TemporaryDirectory() as folder:
        for kind in kinds or KINDS:
            path = Path(folder) / ("train.csv" if KINDS[kind].written == "table" else "train.jsonl")
            path.write_bytes(lines(kind))
            found = compared(path, KINDS[kind].format)
            mark = OF_PYDANTIC_PLAIN if kind in PLAIN else OF_PYDANTIC
            said = "met" if found.same_rules >= mark else "missed"
            missed += found.same_rules < mark or found.differs != ""
            rate, each = path.stat().st_size / found.seconds / 1e6, found.seconds / RECORDS * 1e6
            ratios = f"{found.structure:.2f}", f"{found.same_rules:.2f}"
            table.add_row(kind, f"{rate:,.0f}", f"{each:.1f}", *ratios, f"{mark:.1f}", found.differs or said)
    Console(width=110).print(table)
    return int(missed > 0)


def lines(kind: str) -> bytes:
    """The file of a kind."""
    writer, written = Writer(7), KINDS[kind].written
    records = [KINDS[kind].make(writer, number) for number in range(RECORDS)]
    if written == "table":
        file = io.StringIO(newline="")
        rows = csv.DictWriter(file, records[0])
        rows.writeheader()
        rows.writerows(records)
        return file.getvalue().encode()
    found = [json.dumps(record, ensure_ascii=written == "escaped") for record in records]
    if kind == "escapes":
        found = [line.replace("<", "\\u003c").replace(">", "\\u003e") for line in found]
    end = "\r\n" if written == "CRLF" else "\n"
    return "".join(f"{line}{end}" for line in found).encode()


class Compared(NamedTuple):
    """Ours against a model of pydantic's.

    Attributes
    ----------
    seconds
        The CPU time of ours, in seconds.
    structure, same_rules
        How many times as long the model takes, without and with our rules about texts.
    differs
        What the model with the same rules finds otherwise; "" if nothing.
    """

    seconds: float
    structure: float
    same_rules: float
    differs: str


_COMPARED = {rule.code for rule in RULES} | {"TD050"}


def compared(path: Path, format_: str, rounds: int = ROUNDS) -> Compared:
    """Check a file with ours and with pydantic's, in turns."""
    is_table = path.suffix == ".csv"
    models = [strict.Checker(format_, same_rules) for same_rules in (False, True)]
    works: list[Callable[[], Any]] = [
        lambda: _ours(path, is_table),
        *(partial(one.table if is_table else one.lines, path) for one in models),
    ]
    best, found = [float("inf")] * 3, list[Any]()
    for _ in range(rounds):
        found.clear()
        for index, work in enumerate(works):
            started = time.process_time()
            found.append(work())
            best[index] = min(best[index], time.process_time() - started)
    report, _, theirs = found
    differs = ", ".join(
        f"{code}: {report.by_code.get(code, 0)}, not {theirs[code]}"
        for code in sorted(_COMPARED)
        if report.by_code.get(code, 0) != theirs[code]
    )
    return Compared(best[0], best[1] / best[0], best[2] / best[0], differs)


def _ours(path: Path, is_table: bool) -> Report:
    asked = CheckOptions(base_model=catalog.find("amazon.nova-2-lite-v1:0:256k"), max_findings=5)
    if not is_table:
        return check_files({"train": LocalFile(path)}, {"train": path.name}, asked)
    with open_files({"train": [path]}) as opened:
        return check_files({"train": opened["train"].source}, {"train": path.name}, asked, opened)


if __name__ == "__main__":
    raise SystemExit(main())
