"""Tokens counted by two tokenizers against the estimate: `python -m bench tokens FOLDER`.

Texts: the translations, messages and source of Django; from FOLDER, which is the one of `bench.public`, the
questions and answers of GSM8K (`grade-school-math`). Tokenizers: npm's, of Llama 3 and of GPT-4o. Django and
the tokenizers are downloaded into a temporary folder.
"""

from __future__ import annotations

import gettext
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tunedrop.dataset.rules.record import tokens_of

DJANGO, TOKENIZERS = "Django==5.2.19", ("llama3-tokenizer-js@1.2.0", "gpt-tokenizer@4.0.0")
LANGUAGES = (
    "de", "fr", "es", "pt", "pl", "tr", "vi", "el", "ru", "uk", "ar", "fa", "hi", "th", "zh_Hans", "zh_Hant",
    "ja", "ko", "he", "ka",
)  # fmt: skip
MOST, SHORTEST = 400, 20
"""Texts of a kind, and the minimum of characters of one."""

COUNT = """
import llama from 'llama3-tokenizer-js'
import { encode } from 'gpt-tokenizer'
import { readFileSync } from 'node:fs'
const kinds = JSON.parse(readFileSync(0, 'utf8'))
const sum = (texts, count) => texts.reduce((total, text) => total + count(text), 0)
const alone = { bos: false, eos: false }
const counted = texts => [
  sum(texts, text => llama.encode(text, alone).length),
  sum(texts, text => encode(text).length),
]
const found = Object.entries(kinds).map(([kind, texts]) => [kind, counted(texts)])
console.log(JSON.stringify(Object.fromEntries(found)))
"""


def main() -> int:
    if len(sys.argv) != 3:
        print("say where the public repositories are: python -m bench tokens FOLDER")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        kinds = dict(_kinds(Path(sys.argv[2]), Path(folder)))
        counts = _count(kinds, Path(folder))
    table = Table("text", "texts", "bytes a token, Llama 3", "actual / estimate, Llama 3", "GPT-4o")
    for kind, texts in kinds.items():
        llama, gpt = counts[kind]
        size = sum(len(text.encode()) for text in texts)
        estimated = sum(tokens_of(len(text.encode())) for text in texts)
        table.add_row(
            kind, str(len(texts)), f"{size / llama:.1f}", f"{llama / estimated:.2f}", f"{gpt / estimated:.2f}"
        )
    Console(width=100).print(table)
    return 0


def _kinds(public: Path, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The texts of each kind."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, DJANGO], check=True
    )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        english: list[str] = []
        for language in LANGUAGES:
            name = f"django/conf/locale/{language}/LC_MESSAGES/django.mo"
            messages = vars(gettext.GNUTranslations(io.BytesIO(wheel.read(name))))["_catalog"]
            long = {
                key: text for key, text in messages.items() if isinstance(key, str) and len(text) > SHORTEST
            }
            english = english or [key for key in long if key]
            yield language, [text for key, text in long.items() if key][:MOST]
        yield "English", english[:MOST]
        sources = (wheel.read(one).decode() for one in wheel.namelist() if one.startswith("django/forms/"))
        yield "Python", [text for text in sources if len(text) > SHORTEST][:MOST]
    lines = (public / "grade-school-math/grade_school_math/data/test.jsonl").read_text().splitlines()[:MOST]
    records = [json.loads(line) for line in lines]
    yield "GSM8K questions", [one["question"] for one in records]
    yield "GSM8K answers", [one["answer"] for one in records]
    yield "GSM8K as JSON", lines


def _count(kinds: dict[str, list[str]], folder: Path) -> dict[str, tuple[int, int]]:
    """Tokens by Llama 3 and by GPT-4o of all texts of each kind."""
    subprocess.run(["npm", "install", "--silent", *TOKENIZERS], cwd=folder, check=True)
    (folder / "count.mjs").write_text(COUNT)
    done = subprocess.run(
        ["node", "count.mjs"], cwd=folder, input=json.dumps(kinds), capture_output=True, text=True, check=True
    )
    found: dict[str, tuple[int, int]] = json.loads(done.stdout)
    return found
