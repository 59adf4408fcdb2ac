"""Finds the records in a file that is a single JSON object, as written by pandas, dataset viewers and
exports.

| form | from |
| --- | --- |
| `{"version": …, "data": [{…}]}` | exports; `{"rows": [{"row": {…}}]}` of dataset viewers |
| `{"prompt": […], "completion": […]}` | `to_dict("list")`, Hugging Face batches |
| `{"prompt": {"0": …}, "completion": {"0": …}}` | `DataFrame.to_json()` |
| `{"0": {"prompt": …}}` | `orient="index"` |
| `{"columns": […], "data": [[…]]}` | `orient="split"` |
| `{"data": [{"paragraphs": [{"qas": …}]}]}` | SQuAD |
| `{"hits": {"hits": [{"_source": …}]}}` | Elasticsearch; any one list of records, wherever it is |

Source: pandas, DataFrame.to_json. Read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tunedrop.dataset import formats
from tunedrop.dataset.formats import choices, names, naming, serialized
from tunedrop.dataset.formats.unreadable import NotReadable
from tunedrop.dataset.types import shorten
from tunedrop.intake import file_names

MOST_BYTES = 256 << 20
"""Maximum size of such a file, which is read into memory."""


class Held(msgspec.Struct, frozen=True):
    """The records of an object, the names of the other fields, and the records' own key if it has a meaning
    (in SNIPS, it is the intent)."""

    records: list[Any]
    beside: tuple[str, ...] = ()
    name: str = ""

    def left_out(self) -> Iterator[str]:
        """The parts of the object that are in no record, in words."""
        if self.beside:
            yield f"{', '.join(self.beside)} next to the list of records was left out"
        if self.name:
            what = f"the key {shorten(self.name)} holds records, but is not in them"
            yield f"{what}: if it is their label, write it into each of them"


def held(whole: Mapping[str, Any]) -> Held | None:
    """The records in an object; None if it is a record itself, or has none of these forms.

    Raises
    ------
    NotReadable
        If it contains several splits of a dataset.
    """
    if (
        formats.read(whole).conversation is not None
        or formats.detect(whole) == "preference"
        or _is_chat(whole)
        or _is_pair(whole)
    ):
        return None
    if {"cells", "nbformat"} <= whole.keys():
        raise NotReadable("this is a Jupyter notebook; export the data in it as JSON lines or CSV")
    lists = {key: one for key, one in whole.items() if _is_of(dict, one) and key not in _PARTS}
    parts = [key for key, value in whole.items() if value and isinstance(value, list)]
    parts = [key for key in parts if file_names.split_of(key) is not None]
    if len(parts) > 1:
        raise NotReadable(
            f"the object contains several parts ({', '.join(parts)}); write each into its own file"
        )
    columns, rows = whole.get("columns"), whole.get("data")
    if isinstance(columns, list) and isinstance(rows, list) and _is_of(str, columns) and _is_of(list, rows):
        return Held([dict(zip(columns, row, strict=False)) for row in rows])
    if len(lists) == 1:
        name = next(iter(lists))
        if all(isinstance(one.get("paragraphs"), list) for one in lists[name]):
            return Held(list(_of_squad(lists[name])), tuple(key for key in whole if key != name))
        beside = tuple(key for key in whole if key != name)
        return Held(lists[name], beside, "" if names.plain(name) in _USUAL else name)
    return _of_columns(whole) or _of_rows(whole) or _further_in(whole)


_USUAL = frozenset(
    ("data", "dataset", "records", "rows", "examples", "items", "samples", "instances", "entries", "elements",
     "documents", "docs", "results", "result", "value", "values", "list", "hits", "train", "training",
     "questions", "faqs", "faq", "qa", "pairs", "prompts", "messages", "conversations", "tickets",
     "utterances", "intents", "common_examples", "chats", "dialogues", "response", "responses", "objects",
     "content")
)  # fmt: skip
"""Common names of lists of records; any other name may be the label to learn."""


def _further_in(whole: Mapping[str, Any]) -> Held | None:
    """The only list of readable records in an object, at any depth (Elasticsearch's hits, Solr's docs, the
    rows of a dataset viewer)."""
    lists = [(path, one) for path, one in _lists_of(whole, "", 0) if _is_readable(one[0])]
    if len(lists) != 1:
        return None
    path, records = lists[0]
    return Held(records, tuple(_besides(whole, path, "")))


_DEEPEST = 4
_PARTS = frozenset((*choices.KEYS, *names.TOOLS))
"""Lists that are parts of one record."""


def _lists_of(value: Mapping[str, Any], path: str, depth: int) -> Iterator[tuple[str, list[Any]]]:
    for key, one in value.items():
        at = f"{path}.{key}" if path else key
        if key in _PARTS:
            continue
        if _is_of(dict, one):
            yield at, one
        elif isinstance(one, dict) and depth < _DEEPEST:
            yield from _lists_of(one, at, depth + 1)


def _is_readable(record: Mapping[str, Any]) -> bool:
    return formats.read(record).conversation is not None


def _besides(value: Mapping[str, Any], taken: str, path: str) -> Iterator[str]:
    """The paths of the fields next to a list."""
    for key, one in value.items():
        at = f"{path}.{key}" if path else key
        if taken.startswith(f"{at}.") and isinstance(one, dict):
            yield from _besides(one, taken, at)
        elif at != taken:
            yield at


def _is_chat(whole: Mapping[str, Any]) -> bool:
    """Whether an object is a conversation, even a malformed one."""
    messages, contents = whole.get("messages"), whole.get("contents")
    if isinstance(contents, list) and all(isinstance(one, dict) and "parts" in one for one in contents):
        return True
    return isinstance(messages, list) and all(
        isinstance(one, dict) and "role" in one for one in serialized.as_chat(messages)
    )


def _is_pair(whole: Mapping[str, Any]) -> bool:
    """Whether an object is a question with its answer, even if its other fields are malformed."""
    keys = naming.keys_of(whole)
    return all(isinstance(whole.get(key), str) for key in (keys.prompt, keys.answer))


def _of_squad(articles: list[Any]) -> Iterator[Any]:
    """The questions of SQuAD's articles, each with its context, in Hugging Face's form."""
    for article in articles:
        for paragraph in article["paragraphs"]:
            for one in paragraph.get("qas") or [] if isinstance(paragraph, dict) else [paragraph]:
                if not isinstance(one, dict):
                    yield one
                    continue
                said = [found.get("text") for found in one.get("answers") or [] if isinstance(found, dict)]
                beside = {"title": article["title"]} if "title" in article else {}
                yield {"context": paragraph.get("context", ""), **one, "answers": {"text": said}, **beside}


def _is_of(kind: type, value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, kind) for one in value)


def _of_columns(whole: Mapping[str, Any]) -> Held | None:
    """The rows of an object whose values are columns."""
    if naming.keys_of(whole).format is None and not {"messages", "text"} & whole.keys():
        return None
    values = list(whole.values())
    if all(isinstance(one, list) for one in values) and len(set(map(len, values))) == 1:
        return Held([dict(zip(whole, row, strict=True)) for row in zip(*values, strict=True)])
    if all(isinstance(one, dict) for one in values) and all(one.keys() == values[0].keys() for one in values):
        return Held([{key: column[row] for key, column in whole.items()} for row in values[0]])
    return None


def _of_rows(whole: Mapping[str, Any]) -> Held | None:
    """The values of an object whose keys are numbers of records, or the content of its only value."""
    values = list(whole.values())
    if len(values) == 1 and isinstance(values[0], dict):
        return held(values[0])
    if len(values) > 1 and all(isinstance(one, dict) and one.keys() == values[0].keys() for one in values):
        named = "" if all(key.isdecimal() for key in whole) else next(iter(whole))
        return Held(values, (), named)
    return None
