"""What makes two datasets related, on public data: `python -m bench related FOLDER`.

FOLDER holds checkouts of public repositories (`SETS`); whoever runs it fetches them. Halves of one dataset
must be related, and datasets of different subjects must not, whatever both say: plain, with one template,
refusals or phrases. Prints the nearest-neighbour share (`relatedness.mixed`) and what is on the wrong side.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from pathlib import Path

from tunedrop.registry import relatedness

Texts = tuple[str, ...]
MOST = 200
"""Records of a dataset, half of them in a half: so many are compared with those of another, too."""

REFUSAL = "I'm sorry, but I can't help with that."
PHRASES = (
    "What is the best way to do this:",
    "Please answer the following question.",
    "Könnten Sie mir bitte sagen, wie ich am besten vorgehe?",
    "请问一下这个问题应该怎么解决比较好",
)
TASK = "Below is an instruction that describes a task. Write a response that completes the request."


def main() -> int:
    if len(sys.argv) != 3 or not Path(sys.argv[2]).is_dir():
        print("usage: python -m bench related FOLDER, with checkouts of", ", ".join(SETS))
        return 2
    found = {name: texts for name, texts in datasets(Path(sys.argv[2])) if len(texts) >= 50}
    relatedness.SAMPLE = MOST // 2
    wrong = 0
    for stock, change in STOCK.items():
        records = {
            name: read(change(number, one) for number, one in enumerate(found[name])) for name in found
        }
        halves = sorted((_mixed(one[::2], one[1::2]), name) for name, one in records.items())
        pairs = [
            (
                _mixed(records[one], records[other]),
                one,
                other,
                relatedness.copied(records[one], records[other]),
            )
            for one, other in combinations(found, 2)
        ]
        apart = [name for share, name in halves if share < relatedness.MIXED]
        strangers = [pair for pair in pairs if pair[0] >= relatedness.MIXED or pair[3]]
        wrong += len(strangers)
        print(
            f"{stock}: {len(halves)} halves {halves[0][0]:.2f} to {halves[-1][0]:.2f}, not related: {apart}"
        )
        print(
            f"  {len(pairs)} pairs, highest {sorted(pairs, reverse=True)[:3]}, related: {strangers}",
            flush=True,
        )
    return 1 if wrong else 0


def read(texts: Iterable[Texts]) -> list[relatedness.Record]:
    return relatedness.records(json.dumps(one).encode() for one in texts)


def _mixed(one: list[relatedness.Record], other: list[relatedness.Record]) -> float:
    return round(relatedness.mixed(one, other), 2)


STOCK: dict[str, Callable[[int, Texts], Texts]] = {
    "plain": lambda _, texts: texts,
    "template": lambda _, texts: (f"{TASK} {texts[0]}", *texts[1:]),
    "one of ten refused": lambda at, texts: texts if at % 10 else (*texts[:-1], REFUSAL),
    "one of ten with a phrase": lambda at, texts: (
        texts if at % 10 else (f"{PHRASES[at // 10 % 4]} {texts[0]}", *texts[1:])
    ),
    "half with a phrase": lambda at, texts: (
        texts if at % 4 < 2 else (f"{PHRASES[at // 4 % 4]} {texts[0]}", *texts[1:])
    ),
}


def datasets(folder: Path) -> Iterator[tuple[str, list[Texts]]]:
    for repository, (pattern, texts_of) in SETS.items():
        for path in sorted((folder / repository).glob(pattern)):
            subjects = defaultdict(list)
            for subject, texts in texts_of(path):
                subjects[subject].append(texts)
            for subject, texts in subjects.items():
                random.Random(7).shuffle(texts)
                yield f"{path.parent.name}/{subject or path.stem}", texts[:MOST]


def _instructions(path: Path) -> Iterator[tuple[str, Texts]]:
    for one in json.loads(path.read_text("utf-8")):
        yield "", (f"{one['instruction']} {one.get('input', '')}", one["output"])


def _instruction_lines(path: Path) -> Iterator[tuple[str, Texts]]:
    for line in path.read_text("utf-8").splitlines():
        one = json.loads(line)
        yield "", (one["instruction"], one["output"])


def _questions(path: Path) -> Iterator[tuple[str, Texts]]:
    for line in path.read_text("utf-8").splitlines():
        one = json.loads(line)
        yield "", (one["question"], one["answer"])


def _tasks(path: Path) -> Iterator[tuple[str, Texts]]:
    for one in json.loads(path.read_text("utf-8"))["examples"]:
        yield "", (one["input"], one["target"])


def _utterances(path: Path) -> Iterator[tuple[str, Texts]]:
    for one in json.loads(path.read_text("utf-8")):
        yield "", (one["userInput"]["text"], "ok")


def _intents(path: Path) -> Iterator[tuple[str, Texts]]:
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield "", (row["text"], row["category"])


def _articles(path: Path) -> Iterator[tuple[str, Texts]]:
    with path.open(encoding="utf-8") as file:
        for subject, text in csv.reader(file, delimiter=";", quotechar="'"):
            yield subject, (text[:600], subject)


SETS: dict[str, tuple[str, Callable[[Path], Iterator[tuple[str, Texts]]]]] = {
    "grade-school-math": ("grade_school_math/data/test.jsonl", _questions),
    "codealpaca": ("data/code_alpaca_2k.json", _instructions),
    "ChatDoctor": ("chatdoctor5k.json", _instructions),
    "Alpaca-CoT": ("data/formatted_cot_data/[ces]*_train.json", _instructions),
    "Huatuo-Llama-Med-Chinese": ("data/llama_data.json", _instruction_lines),
    "task-specific-datasets": ("banking_data/train.csv", _intents),
    "task-specific-datasets/span_extraction": ("*/*/train_0.json", _utterances),
    "10kGNAD": ("test.csv", _articles),
    "BIG-Bench-Hard": ("bbh/*.json", _tasks),
}
"""Repositories on GitHub: openai/grade-school-math, sahil280114/codealpaca, Kent0n-Li/ChatDoctor,
PhoebusSi/Alpaca-CoT, SCIR-HI/Huatuo-Llama-Med-Chinese, PolyAI-LDN/task-specific-datasets, tblock/10kGNAD,
suzgunmirac/BIG-Bench-Hard. Those of one subject in German are news by section."""
