"""Parts of a file, examined anywhere and put together, give the report of one pass."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import builders
from tunedrop import catalog
from tunedrop.dataset.check.check import check_files
from tunedrop.dataset.check.merge import merge_ranges
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.check.results import Range, RangeResult
from tunedrop.dataset.check.scan import scan_range
from tunedrop.dataset.formats import json_lines as lines
from tunedrop.dataset.sources.local import Held
from tunedrop.dataset.types import Source

NOVA_LITE = "amazon.nova-lite-v1:0:300k"
NAMES: Any = {split: f"{split}.jsonl" for split in ("train", "validation", "test")}
TEXTS = st.sampled_from(
    [
        "How do I return an order that came broken?",
        "how do I return an order  that came broken?",
        "Order 17 was shipped on the first of the month to the buyer in town",
        "Order 18 was shipped on the first of the month to the buyer in town",
        "Yes",
        " ",
        "Привет, {{name}}",
        "User: ask ann.lee@example.com",
        "词" * 30,
    ]
)


def pair(prompt: str, answer: str) -> dict[str, Any]:
    return {"prompt": prompt, "completion": answer}


def chat(*texts: str) -> dict[str, Any]:
    roles = ("user", "assistant") * 3
    return {"messages": [{"role": r, "content": [{"text": t}]} for r, t in zip(roles, texts, strict=False)]}


RECORDS = st.one_of(
    st.builds(pair, TEXTS, TEXTS),
    st.lists(TEXTS, min_size=1, max_size=5).map(lambda texts: chat(*texts)),
    st.builds(lambda text: {"input": text}, TEXTS),
    st.sampled_from([{}, [1], {"prompt": 5}, {"messages": []}]),
)
LINES = st.one_of(
    RECORDS.map(lambda record: json.dumps(record, ensure_ascii=False).encode()),
    st.sampled_from([b"", b"{broken", b"\xff", b'{"prompt": "a", "prompt": "b"}', b"\r", b"x" * 90]),
)
FILES = st.tuples(st.lists(LINES, max_size=30).map(b"\n".join), st.sampled_from([b"", b"\xef\xbb\xbf"])).map(
    lambda parts: parts[1] + parts[0]
)


def whole(files: dict[Any, bytes], asked: CheckOptions) -> Report:
    return check_files({split: Held(body) for split, body in files.items()}, NAMES, asked)


def in_parts(files: dict[Any, bytes], asked: CheckOptions, cuts: list[float]) -> Report:
    sources: dict[Any, Source] = {split: Held(body) for split, body in files.items()}
    partials = []
    for split, source in sources.items():
        places = sorted({0, source.size, *(int(cut * source.size) for cut in cuts)})
        for start, stop in pairwise(places):
            sent = msgspec.msgpack.encode(scan_range(source, Range(split, start, stop), asked))
            partials.append(msgspec.msgpack.decode(sent, type=RangeResult))
    return merge_ranges(partials, sources, NAMES, asked)


@settings(deadline=None)
@given(
    train=FILES,
    test=FILES,
    cuts=st.lists(st.floats(0, 1), max_size=12),
    model=st.sampled_from([None, builders.LLAMA_3_3, NOVA_LITE]),
    most=st.sampled_from([0, 1, 3, 100]),
)
def test_any_split_of_the_files_gives_the_report_of_one_pass(
    train: bytes, test: bytes, cuts: list[float], model: str | None, most: int
) -> None:
    asked = CheckOptions(base_model=catalog.find(model) if model else None, max_findings=most)
    files = {"train": train, "test": test}

    assert in_parts(files, asked, cuts) == whole(files, asked)


@settings(deadline=None)
@given(train=FILES, cuts=st.lists(st.floats(0, 1), max_size=4), chunk=st.integers(1, 200))
def test_lines_longer_than_a_chunk_or_the_limit_change_nothing(
    train: bytes, cuts: list[float], chunk: int
) -> None:
    asked, files = CheckOptions(), {"train": train}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_LINE_BYTES", 80)
        expected = whole(files, asked)
        patch.setattr(lines, "CHUNK", chunk)
        patch.setattr("tunedrop.dataset.sources.local.CHUNK", chunk)

        assert in_parts(files, asked, cuts) == expected


@settings(deadline=None)
@given(train=FILES, test=FILES)
def test_records_are_compared_alike_whatever_fits_into_memory(train: bytes, test: bytes) -> None:
    asked, files = CheckOptions(), {"train": train, "test": test}
    expected = whole(files, asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunedrop.dataset.duplicates.candidates.AT_ONCE", 2)

        assert whole(files, asked) == expected


ONE, TWO = (json.dumps(pair(f"What is lien {n}?", f"A claim {n}.")).encode() for n in (1, 2))


@pytest.mark.parametrize(
    ("body", "wrong_lines"),
    [
        (ONE + TWO + b"\n\n", [1, 2]),
        (b"\n" + ONE + b" " + TWO + b"\n", [1, 2]),
        (ONE.replace(b", ", b",\n", 1) + TWO + b"\n", [1, 2]),
    ],
)
def test_two_objects_on_a_line_do_not_make_up_for_a_line_that_has_none(
    body: bytes, wrong_lines: list[int]
) -> None:
    records = b"".join(json.dumps(pair(f"Question {n}?", f"Answer {n}.")).encode() + b"\n" for n in range(9))

    report = whole({"train": body + records}, CheckOptions())

    assert [finding.line for finding in report.errors if finding.line] == wrong_lines
    assert report.records == 9


def test_what_a_long_chat_with_a_system_prompt_says_is_looked_at() -> None:
    said = [("user", "assistant")[n % 2] for n in range(256)]
    messages = [{"role": role, "content": f"Mail ann{n}@example.com"} for n, role in enumerate(said)]
    record = {"messages": [{"role": "system", "content": "Be brief."}, *messages]}

    report = whole(
        {"train": json.dumps(record).encode() + b"\n"}, CheckOptions(base_model=catalog.find(NOVA_LITE))
    )

    assert report.by_code["TD062"] == 1
