"""Passages that a question is about, in the forms of reading comprehension datasets, joined into one text.

| from | form |
| --- | --- |
| RAGAS | `["…", "…"]` |
| HotpotQA, 2WikiMultihopQA | `[["title", ["sentence", "sentence"]]]` |
| the same of Hugging Face | `{"title": […], "sentences": [["sentence", "sentence"]]}` |
| MuSiQue | `[{"title", "paragraph_text", "is_supporting"}]` |
| MS MARCO | `{"passage_text": […], "is_selected": […], "url": […]}` |

Source: the data sets' cards. Read 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

_TEXTS = (
    "text", "paragraph_text", "passage_text", "page_content", "pagecontent", "content", "contents",
    "sentences", "passage", "paragraph", "snippet", "body", "context", "contexts",
)  # fmt: skip
_TITLES = ("title", "heading")


class Passages(NamedTuple):
    """The passages in order, each after its title; `losses` are the omitted keys."""

    text: str
    losses: tuple[str, ...] = ()


def of(value: Any) -> Passages | None:
    """Passages in any of these forms; None for any other value."""
    losses: dict[str, None] = {}
    if isinstance(value, dict):
        value = _rows(value)
    found = [_passage(one, losses) for one in value] if isinstance(value, list) else [None]
    texts = [one for one in found if one is not None]
    return Passages("\n\n".join(texts), tuple(losses)) if len(texts) == len(found) else None


def _passage(value: Any, losses: dict[str, None]) -> str | None:
    match value:
        case str():
            return value
        case [str(title), list(sentences)]:
            return _joined(title, sentences)
        case dict():
            text = next((key for key in value if key.lower() in _TEXTS), "")
            title = next((key for key in _TITLES if isinstance(value.get(key), str)), "")
            if not text:
                return None
            losses |= dict.fromkeys(key for key, one in value.items() if key not in (text, title) and one)
            return _joined(value.get(title), value[text])
    return None


def _joined(title: Any, text: Any) -> str | None:
    """A text, or its sentences, after its title."""
    if isinstance(text, list) and all(isinstance(one, str) for one in text):
        text = " ".join(one.strip() for one in text)
    if not isinstance(text, str):
        return None
    return f"{title}\n{text}" if title else text


def _rows(columns: Mapping[str, Any]) -> list[Any]:
    """One passage, or the passages of parallel lists; a single one if the lists differ in length."""
    values = list(columns.values())
    if not all(isinstance(one, list) and len(one) == len(values[0]) for one in values):
        return [columns]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]
