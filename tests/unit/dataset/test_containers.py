# ruff: noqa: RUF001 - letters of many languages
"""Any container and encoding: what goes in comes out as JSON lines with its place, or is listed."""

from __future__ import annotations

import bz2
import csv
import functools
import gzip
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import arro3.core
import arro3.io
import openpyxl
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.situations import SIMPLE
from tunedrop.dataset.formats import json_lines, unreadable
from tunedrop.dataset.sources.containers import reading, spreadsheets
from tunedrop.dataset.sources.local import Held
from tunedrop.dataset.sources.opened import OpenedFile, OpenedFiles, opened
from tunedrop.dataset.types import Place, ReadOptions

PAIRS = [
    {"prompt": f"What does a {word} do?", "completion": f"It keeps, or {word}s."} for word in ("lien", "writ")
]
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(str.strip)
ROWS = st.lists(st.fixed_dictionaries({"prompt": WORDS, "completion": WORDS}), min_size=1, max_size=5)


def read(
    body: bytes, name: str = "data", encoding: str = "", most: int = 1 << 30, **columns: str
) -> OpenedFile:
    sink = io.BytesIO()
    options = ReadOptions(encoding=encoding, columns=columns)
    return opened(Held(body), name, options, sink, lambda: Held(sink.getvalue()), most)


def lines(file: OpenedFile | OpenedFiles) -> list[bytes]:
    return b"".join(file.source.chunks(0, file.source.size)).splitlines()


def records(file: OpenedFile | OpenedFiles) -> list[Any]:
    return [json.loads(line) for line in lines(file)]


def refused(file: OpenedFile) -> list[tuple[int, str]]:
    """(line in the original, code) of everything that could not be read."""
    found = ((number, unreadable.read(line)) for number, line in enumerate(lines(file), 1))
    return [(file.place(number).line, why[0]) for number, why in found if why is not None]


def jsonl(rows: list[Any]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def table(rows: list[Any], **dialect: Any) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, **dialect)
    writer.writerow(["prompt", "completion"])
    writer.writerows([row["prompt"], row["completion"]] for row in rows)
    return text.getvalue().encode()


def workbook(rows: list[list[Any]], title: str = "Sheet1", hidden: bool = False) -> bytes:
    book, sink = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.create_sheet("notes").append(["nothing to learn here"] if hidden else [])
    book.save(sink)
    return sink.getvalue()


def parquet(rows: list[Any]) -> bytes:
    columns = {
        name: arro3.core.Array([row[name] for row in rows], arro3.core.DataType.utf8()) for name in rows[0]
    }
    sink = io.BytesIO()
    arro3.io.write_parquet(arro3.core.Table.from_pydict(columns), sink)
    return sink.getvalue()


def archive(**members: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
        for name, body in members.items():
            file.writestr(name.replace("__", "."), body)
    return sink.getvalue()


CONTAINERS: dict[str, Callable[[list[Any]], bytes]] = {
    "array": lambda rows: json.dumps(rows).encode(),
    "pretty array": lambda rows: json.dumps(rows, indent=2, ensure_ascii=False).encode(),
    "pretty objects": lambda rows: "\n".join(json.dumps(row, indent=4) for row in rows).encode(),
    "one after the other": lambda rows: "".join(map(json.dumps, rows)).encode(),
    "an object of all": lambda rows: json.dumps({"data": rows}, indent=1).encode(),
    "encoded twice": lambda rows: "".join(json.dumps(json.dumps(row)) + "\n" for row in rows).encode(),
    "all in a string": lambda rows: json.dumps(json.dumps(rows)).encode(),
    "old Mac": lambda rows: "\r".join(json.dumps(row) for row in rows).encode(),
    "JSON text sequence": lambda rows: "".join(f"\x1e{json.dumps(row, indent=1)}\n" for row in rows).encode(),
    "CSV": table,
    "all quoted": lambda rows: table(rows, quoting=csv.QUOTE_ALL, lineterminator="\n"),
    "semicolons": lambda rows: table(rows, delimiter=";"),
    "tabs": lambda rows: table(rows, delimiter="\t"),
    "bars": lambda rows: table(rows, delimiter="|"),
    "sep=": lambda rows: b"sep=;\r\n" + table(rows, delimiter=";"),
    "backslashes": lambda rows: table(rows, doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL),
    "Excel": lambda rows: workbook([[*PAIRS[0]], *([row[key] for key in PAIRS[0]] for row in rows)]),
    "Parquet": parquet,
}  # fmt: skip
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
    "zip": lambda body: archive(data=body, _SUCCESS=b"", README__md=b"# Records"),
}
TEXTS = [name for name in CONTAINERS if name not in ("Excel", "Parquet", "backslashes")]
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-32")


@settings(max_examples=60)
@given(ROWS, st.sampled_from([*CONTAINERS]), st.sampled_from([*PACKED]))
def test_records_in_are_records_out_whatever_they_are_in(
    rows: list[Any], container: str, packed: str
) -> None:
    if container == "Excel":
        rows = [{key: f"_{text}" for key, text in row.items()} for row in rows]  # else "=1" is a formula
    if container == "old Mac" and len(rows) == 1:
        return
    if container == "backslashes":  # which RFC 4180 reads otherwise where nothing tells
        rows = [{key: text.replace("\\", "/") for key, text in row.items()} for row in rows]

    file = read(PACKED[packed](CONTAINERS[container](rows)))

    assert (records(file) if not file.is_plain else rows) == rows
    assert file.problems == []


@settings(max_examples=60)
@given(ROWS, st.sampled_from(["lines", *TEXTS]), st.sampled_from(ENCODINGS))
def test_records_in_are_records_out_in_every_unicode(rows: list[Any], container: str, encoding: str) -> None:
    body = jsonl(rows) if container == "lines" else CONTAINERS[container](rows)

    assert records(read(body.decode().encode(encoding))) == rows


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Où est le “café” ? Ça coûte 5 €, l’été."),
        ("cp1250", "Gdzie są żółte łódki? Zażółć gęślą jaźń."),
        ("cp1251", "Когда поливать рассаду? Рано утром."),
        ("shift_jis", "トマトの苗にはいつ水をやればいいですか。"),
        ("gb18030", "什么时候应该给番茄苗浇水？清晨。"),
        ("cp949", "토마토 모종에는 언제 물을 주어야 하나요?"),
        ("mac_roman", "Où est la bibliothèque ? L’été dernier."),
    ],
)
@pytest.mark.parametrize("container", ["lines", "CSV"])
def test_an_old_encoding_is_guessed_with_a_warning_and_taken_when_it_is_named(
    encoding: str, text: str, container: str
) -> None:
    rows = [{"prompt": text, "completion": f"{text} {number}"} for number in range(30)]
    body = (jsonl(rows) if container == "lines" else table(rows)).decode().encode(encoding)

    guessed, named = read(body), read(body, encoding=encoding)

    assert records(guessed) == records(named) == rows
    assert [problem.code for _, problem in guessed.problems] == ["TD008"]
    assert "--encoding" in guessed.problems[0][1].message
    assert named.problems == []


def test_plain_json_lines_stay_where_they_are() -> None:
    file = read(jsonl(PAIRS))

    assert (file.is_plain, file.container, lines(file)) == (True, "JSON lines", jsonl(PAIRS).splitlines())


def test_each_line_knows_where_it_stood() -> None:
    pretty = read(json.dumps(PAIRS, indent=2).encode())
    quoted = read(b'prompt,completion\n"two\nlines",b\nc,d\n\ne,f\n')
    sheet = read(
        workbook([["Titel"], [], ["prompt", "completion"], ["a", "b"], [], ["c", "d"]], "Blatt"), "x.xlsx"
    )
    zipped = read(archive(b__csv=b"prompt,completion\na,b\n", a__jsonl=jsonl(PAIRS)))

    assert [pretty.place(number) for number in (1, 2)] == [Place(2), Place(6)]
    assert [quoted.place(number) for number in (1, 2, 3)] == [Place(2), Place(4), Place(6)]
    assert [sheet.place(number) for number in (1, 2)] == [Place(4, "Blatt"), Place(6, "Blatt")]
    assert [zipped.place(number) for number in (1, 2, 3)] == [
        Place(1, "a.jsonl"),
        Place(2, "a.jsonl"),
        Place(2, "b.csv"),
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"prompt,completion\na,b\nWhat?,Early, before noon\nc\n", [(3, "TD009"), (4, "TD009")]),
        (b'prompt,completion\n"a","He said "no" to me"\nc,d\n', [(2, "TD009")]),
        (b'prompt,completion\na,b\n"c,d\ne,f\n', [(3, "TD009")]),
        (b"prompt,completion,\na,b,\nc,d,e\n", [(3, "TD009")]),
        (b"prompt,completion\na,b\n\xff\xfe\x81,d\n", [(3, "TD002")]),
        (b'[{"prompt": "a", "completion": "b"},\n{"prompt": "c" "completion": "d"}]', [(2, "TD001")]),
        (gzip.compress(jsonl(PAIRS) * 99)[:-20], [(0, "TD005")]),
        (b"%PDF-1.7 \0", [(0, "TD005")]),
        (b"<html><body>404</body></html>", [(0, "TD005")]),
        (b"name,age\nAnn,3\n", [(0, "TD005")]),
        (archive(train__csv=b"prompt,completion\n", test__csv=b"prompt,completion\n"), [(0, "TD005")]),
        (archive(README__md=b"# none"), [(0, "TD005")]),
    ],
)
def test_unreadable_values_are_listed_with_their_location(
    body: bytes, expected: list[tuple[int, str]]
) -> None:
    assert refused(read(body, encoding="utf-8" if b"\xff" in body else "")) == expected


def test_an_unreadable_line_reaches_the_reader_of_lines() -> None:
    file = read(b"prompt,completion\na,b,c\n")

    (line,) = json_lines.read(file.source.chunks(0, file.source.size))

    assert line.problem is not None
    assert line.problem[0] == "TD009"
    assert "3 cells" in line.problem[1]


def test_columns_are_found_by_name_number_and_option() -> None:
    german = b"Frage;Antwort;Nr\nWer?;Ich.;1\n"
    bare = b"Who is it?,It is me.\nWhat?,That.\n"

    assert records(read(german, prompt="frage", completion="Antwort")) == [
        {"prompt": "Wer?", "completion": "Ich.", "Nr": "1"}
    ]
    assert records(read(bare, prompt="1", completion="2"))[0] == {
        "prompt": "Who is it?",
        "completion": "It is me.",
    }
    assert records(read(jsonl([{"q": "a", "prompt": "b"}]), prompt="q")) == [
        {"prompt": "a", "prompt (column)": "b"}
    ]
    assert records(read(b"Instruction,INPUT,Output\na,b,c\n")) == [
        {"instruction": "a", "input": "b", "output": "c"}
    ]
    assert records(read(b'text\n"hello, you"\n', "x.csv")) == [{"input": "hello, you"}]


def test_conversations_may_be_json_in_a_cell() -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "It's me"}]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["messages"], [json.dumps(messages)], [repr(messages)]])

    assert records(read(text.getvalue().encode())) == [{"messages": messages}] * 2


def test_spreadsheet_values_are_kept_including_errors() -> None:
    rows = [["prompt", "completion"], ["a", "#REF!"], ["b", 1.0], ["c", 2.5], ["d", True], [3, "x"]]

    file = read(workbook(rows, hidden=True))

    assert [row["completion"] for row in records(file)] == ["#REF!", "1", "2.5", "TRUE", "x"]
    assert [problem.code for _, problem in file.problems] == ["TD008"]


def test_what_unpacks_to_too_much_is_refused() -> None:
    bomb = gzip.compress(b" " * (64 << 20))

    for body in (bomb, archive(data=b" " * (64 << 20)), gzip.compress(bomb)):
        assert refused(read(body, most=1 << 20)) == [(0, "TD005")]


@given(st.binary(max_size=300))
def test_no_bytes_make_a_reader_fail(body: bytes) -> None:
    read(body)


@functools.cache
def made(container: str) -> bytes:
    """The same bytes each time: a workbook holds the time at which it was made."""
    return CONTAINERS[container](PAIRS)


@given(st.sampled_from([*CONTAINERS]), st.data())
def test_a_damaged_file_is_never_a_crash(container: str, data: st.DataObject) -> None:
    body = bytearray(made(container))
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))

    for line in lines(read(bytes(body[: data.draw(st.integers(1, len(body)))]))):
        assert b"\n" not in line


def test_several_files_are_one_dataset_each_line_in_its_own() -> None:
    shards = [read(jsonl(PAIRS).rstrip(), "a.jsonl"), read(table(PAIRS), "b.csv"), read(b"", "c.jsonl")]

    whole = OpenedFiles(shards)

    assert records(whole) == PAIRS * 2
    assert [whole.place(number) for number in (1, 2, 3, 4)] == [
        Place(1, file="a.jsonl"),
        Place(2, file="a.jsonl"),
        Place(2, file="b.csv"),
        Place(3, file="b.csv"),
    ]
    everything = b"".join(whole.source.chunks(0, whole.source.size))
    for start in range(0, whole.source.size, 7):
        assert b"".join(whole.source.chunks(start, start + 20)) == everything[start : start + 20]


def test_a_few_words_of_windows_are_not_taken_for_those_of_a_mac() -> None:
    said = {"prompt": "Wann gießt man?", "completion": "Früh, „morgens“"}

    assert records(read(json.dumps(said, ensure_ascii=False).encode("cp1252"))) == [said]


def test_hidden_parts_of_a_workbook_are_reported() -> None:
    book, sink = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    sheet.append(["prompt", "completion"])
    sheet.append(["one and one", '=CONCATENATE("t", "wo")'])
    sheet.sheet_state = "hidden"
    book.create_sheet("seen")
    book.save(sink)

    told = [problem.message for _, problem in read(sink.getvalue(), "a.xlsx").problems]

    assert ["hidden" in " ".join(told), "formulas without values" in " ".join(told)] == [True, True]


def test_a_stream_of_arrow_and_a_label_that_is_a_number_are_read() -> None:
    sink = io.BytesIO()
    columns = {
        "text": arro3.core.Array(["roses"], arro3.core.DataType.utf8()),
        "label": arro3.core.Array([1], arro3.core.DataType.int64()),
    }
    arro3.io.write_ipc_stream(arro3.core.Table.from_pydict(columns), sink)

    assert records(read(sink.getvalue(), "a.arrow")) == [{"prompt": "roses", "completion": "1"}]


def test_an_xz_file_of_several_streams_is_read_to_its_end_and_one_that_is_cut_is_not() -> None:
    body = jsonl(PAIRS * 2_000)
    middle = body.index(b"\n", len(body) // 2) + 1
    packed = lzma.compress(body[:middle]) + bytes(8) + lzma.compress(body[middle:]) + bytes(4)

    assert records(read(packed)) == PAIRS * 2_000
    assert refused(read(packed[:-40]))[-1][1] == "TD005"


def test_an_xz_file_that_asks_for_gigabytes_of_memory_is_refused() -> None:
    packed = bytearray(lzma.compress(jsonl(PAIRS)))
    assert packed[14:16] == b"\x21\x01"  # LZMA2, with one byte of properties: the size of its dictionary
    packed[16] = 40  # 4 GB (xz file format 1.2.0, 5.3.1)
    packed[20:24] = zlib.crc32(packed[12:20]).to_bytes(4, "little")

    (line,) = lines(read(bytes(packed)))

    assert b"Memory usage limit exceeded" in line


def test_a_workbook_of_more_texts_than_are_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MOST_TEXTS", 100)

    with_texts = archive(**{
        "xl/workbook__xml": b"", "xl/strings__xml": bytes(200),
        "[Content_Types]__xml": b"<Override PartName='/xl/strings.xml' ContentType='x.sharedStrings+xml'/>",
    })  # fmt: skip

    (line,) = lines(read(with_texts))

    assert b"texts unpack to more than" in line


def test_what_members_of_an_archive_unpack_to_is_on_disk_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a small archive of many archives fills a disk."""
    opened_now, most = set[int](), 0

    class Spooled(io.BytesIO):
        def __init__(self, _: int) -> None:
            nonlocal most
            super().__init__()
            opened_now.add(id(self))
            most = max(most, len(opened_now))

        def __exit__(self, *_: object) -> None:
            opened_now.discard(id(self))

    monkeypatch.setattr(reading.tempfile, "SpooledTemporaryFile", Spooled)
    inner = archive(data=jsonl(PAIRS))

    found = read(archive(**{f"part{number}": inner for number in range(5)}))

    assert len(records(found)) == 5 * len(PAIRS)
    assert most == 1


def test_an_archive_whose_member_is_damaged_is_refused() -> None:
    whole = archive(a__jsonl=jsonl(PAIRS), b__jsonl=jsonl(PAIRS))
    second = whole.index(b"PK\x03\x04", 4)

    damaged = read(whole[:second] + b"PK\x03\x05" + whole[second + 4 :])

    assert lines(damaged)[: len(PAIRS)] == jsonl(PAIRS).splitlines()
    assert [code for _, code in refused(damaged)] == ["TD005"]


@pytest.mark.parametrize(
    ("whole", "told"),
    [
        ({"AddToPlaylist": SIMPLE}, "the key AddToPlaylist holds records, but is not in them"),
        ({f"algebra/{at}.json": one for at, one in enumerate(SIMPLE)}, "the key algebra/0.json holds"),
        ({"data": SIMPLE}, ""),
        ({str(at): one for at, one in enumerate(SIMPLE)}, ""),
    ],
)
def test_the_name_of_a_list_that_no_record_has_is_told(whole: dict[str, Any], told: str) -> None:
    found = reading.read(io.BytesIO(json.dumps(whole).encode()), "a.json", io.BytesIO(), ReadOptions())

    assert [message for _, message in found.warnings if told and told in message] or not (
        told or found.warnings
    )


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("word/document.xml", "a document, not a table"),
        ("ppt/presentation.xml", "a document, not a table"),
        ("content.xml", "save it as .xlsx or CSV"),
        ("xl/workbook.bin", "save it as .xlsx or CSV"),
        ("Index/Document.iwa", "Apple Numbers, Pages or Keynote; export it"),
    ],
)
def test_a_document_of_an_office_is_refused_by_its_kind(member: str, told: str) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr(member, "<x/>")

    (line,) = lines(read(body.getvalue()))
    why = unreadable.read(line)
    assert why is not None
    assert told in why[1]
