"""Plain text and Markdown for continued pre-training: every word is in a passage, and no table is a text."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunedrop.cli.data import _fixing, checking, converting
from tunedrop.cli.data.folder import data_files
from tunedrop.dataset.sources.containers import documents
from tunedrop.dataset.types import ReadOptions

PARAGRAPHS = [f"Hive {n}.\nBees swarm in May, mostly; {'on warm days, ' * n}they say." for n in range(60)]
BOOK = "\n\n".join(PARAGRAPHS)
DOCUMENTS = {
    "heading.md": "# Roses\n\nThey need sun, and water.\n",
    "link.md": "[Roses](https://example.com) are red.\n\nMore of them.\n",
    "front.md": "---\ntitle: Roses\ntags: [red, white]\n---\n\nText of it, with commas.\n",
    "html.md": "<div align=center>\n<b>Roses</b>\n</div>\n\nText of roses.\n",
    "liquid.md": "{% include roses %}\n\nText.\n",
    "sample.md": '# API\n\nSend this:\n\n```json\n{"prompt": "a"}\n```\n\nand be glad of it.\n',
    "table.md": "# FAQ\n\n| question | answer |\n|---|---|\n| a b | c |\n\nMore text follows here.\n",
    "letter.txt": "Dear owners:\nLast year, at this time, I wrote.\nToday, I do.\nThe reasons are many.\n",
    "play.txt": "A play.\n\nuser: hello there\n\nassistant: no\n",
    "words.txt": "Rose\nTulip\nLily\n",
    "thai.txt": "รดน้ำมะเขือเทศตอนเช้าก่อนพระอาทิตย์ขึ้น\n",
}


def _passages(text: str) -> list[str]:
    return [json.loads(line)["input"] for _, line in documents.passages(io.StringIO(text, newline=""))]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_text_is_learned_as_it_is(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(DOCUMENTS[name])

    report = checking.report_of([tmp_path / name], None, "auto", 5)
    done, _ = converting.convert_into(tmp_path / name, "text", tmp_path / "out", ReadOptions(), skip=False)
    _fixing.fix(tmp_path / name, tmp_path / "fixed.jsonl", ReadOptions())

    assert (report.valid, report.method, report.records) == (True, "continued-pretraining", 1), report.errors
    assert done.written == 1
    for written in ("out", "fixed.jsonl"):
        assert json.loads((tmp_path / written).read_bytes()) == {"input": DOCUMENTS[name].strip()}


@pytest.mark.parametrize(
    ("name", "body", "method"),
    [
        ("a.txt", 'prompt,completion\n"a, b",c\n"d, e, f",g\n', "instruction"),
        ("a.txt", "question\tanswer\na b\tc\n", "instruction"),
        ("a.txt", '{"prompt": "a b", "completion": "c"}\n', "instruction"),
        ("a.txt", '[{"prompt": "a b", "completion": "c"}]', "instruction"),
        ("a.md", "| question | answer |\n|---|---|\n| a b | c |\n", "instruction"),
    ],
)
def test_records_in_a_text_file_are_still_records(name: str, body: str, method: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(body)

    report = checking.report_of([tmp_path / name], None, "auto", 5)

    assert (report.valid, report.method) == (True, method), report.errors


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Spalte A\tSpalte B\na b\tc\n", "the first row is 'Spalte A', 'Spalte B'"),
        ("Spalte A;Spalte B\na b;c\nd;e\n", "the first row is 'Spalte A', 'Spalte B'"),
        ("Q: What is this?\nA: That.\n\nQ: And this?\nA: Those.\n", "this is a conversation in one text"),
        ("Human: hi there\nAI: hello\n", "this is a conversation in one text"),
        ("12/05/2021, 10:10 - Ann: hi\n12/05/2021, 10:11 - Bob: ho\n", "this is a chat log"),
        ("1\n00:00:01,000 --> 00:00:02,000\nHi\n", "these are subtitles"),
        ("Here they are:\n" + '{"prompt": "a b", "completion": "c"}\n' * 3, "not a record"),
    ],
)
def test_what_is_no_text_is_not_learned_as_one(body: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(body)

    report = checking.report_of([tmp_path / "a.txt"], None, "auto", 5)

    assert words in report.errors[0].message


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_passage_is_made_of_whole_paragraphs_and_says_where_it_begins(line_end: str) -> None:
    book = BOOK.replace("\n", line_end)

    found = [
        (line, json.loads(record)["input"])
        for line, record in documents.passages(io.StringIO(book, newline=""))
    ]

    assert len(found) > 3
    assert (line_end * 2).join(passage for _, passage in found) == book
    assert all(len(passage) <= documents.LONGEST for _, passage in found)
    starts = {3 * number + 1: text.splitlines()[0] for number, text in enumerate(PARAGRAPHS)}
    assert all(passage.startswith(starts[line]) for line, passage in found)


@given(
    st.lists(
        st.sampled_from(["\n", "\r\n", "\n\n", " ", "a", "蜂" * 900, "ab. " * 500, "\u2028"]), max_size=40
    )
)
def test_no_word_is_lost_or_said_twice(pieces: list[str]) -> None:
    text = "".join(pieces)

    found = _passages(text)

    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(found)
    assert max(map(len, found), default=0) <= documents.LONGEST + 1


def test_a_line_without_an_end_takes_little_memory_and_time() -> None:
    found = documents.passages(io.StringIO("蜂" * 1_000_000))

    assert sum(len(json.loads(record)["input"]) for _, record in found) == 1_000_000


@pytest.mark.parametrize("packed", ["gzip", "zip"])
def test_documents_are_unpacked(packed: str, tmp_path: Path) -> None:
    file = tmp_path / ("a.txt.gz" if packed == "gzip" else "a.zip")
    if packed == "gzip":
        file.write_bytes(gzip.compress(BOOK.encode()))
    else:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("book.md", BOOK)
            archive.writestr("README.md", "# About the book\n")

    report = checking.report_of([file], None, "auto", 5)

    assert (report.valid, report.method, report.records) == (
        True,
        "continued-pretraining",
        len(_passages(BOOK)),
    )


def test_a_document_beside_records_of_another_method_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"prompt": "a b", "completion": "c"}\n' * 3)
    (tmp_path / "notes.txt").write_text("These pairs are mine.\n")

    report = checking.report_of([tmp_path / "train.jsonl", tmp_path / "notes.txt"], None, "auto", 5)

    assert not report.valid
    assert {one.file for one in report.errors} == {"notes.txt"}


def test_markdown_in_a_folder_is_data_only_if_nothing_else_is(tmp_path: Path) -> None:
    for name in ("b.md", "a.md", "README.md"):
        (tmp_path / name).write_text("# Roses\n")
    assert [one.name for one in data_files(tmp_path)] == ["a.md", "b.md"]

    (tmp_path / "train.jsonl").write_text("{}\n")
    assert [one.name for one in data_files(tmp_path)] == ["train.jsonl"]


def test_a_name_and_a_beginning_decide() -> None:
    assert documents.is_prose("Bees swarm.\n", "a.TXT.gz")
    assert not documents.is_prose("Bees swarm.\n", "a.log")
    assert not documents.is_prose('{"prompt": "Bees swarm."}\n', "a.txt")
