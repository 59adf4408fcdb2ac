"""Converts the rows of a table to records: finds the header, and the role of each column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tunedrop.dataset.formats import names, naming, unreadable
from tunedrop.dataset.formats.unreadable import NotReadable
from tunedrop.dataset.sources.containers import cell_values, message_rows, untitled

_ASKED_ABOUT = frozenset((*names.IMAGES, *names.VIDEOS, *names.SOUNDS, *names.WHAT_IS_ASKED_ABOUT))
PARTS = ("prompt", "completion", "system", "chosen", "rejected")
LOOKED_FOR_HEADER = 20
LONGEST_NAME = 80

_WHOLE: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        (
            {"messages"}, {"conversations"}, {"conversation"}, {"contents"}, {"chosen", "rejected"},
            {"instruction", "output"}, {"instruction", "response"}, {"prompt", "completion"},
            {"prompt", "chosen"}, {"prompt", "ref-image"}, {"image-ref", "caption"},
        ),
    )
)  # fmt: skip
"""Columns that are already keys of a record."""

_ALONE = names.DOCUMENTS
"""Names of a table's only column."""


Skip = Callable[[int], object]
"""Called with the number of each row that is omitted because it is empty."""


class Columns(msgspec.Struct, frozen=True):
    """The record key of each column, and the row from which the records begin.

    `skipped` are the title rows before the header; `header` is 0 if the table has no header.
    """

    keys: tuple[str, ...]
    header: int
    skipped: tuple[int, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    titles: tuple[str, ...] = ()


def columns(rows: Sequence[Sequence[str]], wanted: Mapping[str, str]) -> Columns:
    """Find the header among the first rows of a table, and the role of each column.

    Parameters
    ----------
    wanted
        The columns that the user has named for `PARTS`: by name, or by number from 1 if the table has no
        header.

    Raises
    ------
    NotReadable
        If a requested column is missing, or no column can be identified as the prompt.
    """
    looked_at = rows[:LOOKED_FOR_HEADER]
    for index, row in enumerate(looked_at):
        if (keys := _keys(row, wanted)) is not None and not (index and _is_said_in(row, keys)):
            keys = _told_apart(_with_index(keys))
            titles = [one.strip() for one in row]
            named_twice = next((one for one in keys if one and keys.count(one) > 1), None)
            if named_twice is not None:
                named = [title for title, key in zip(titles, keys, strict=True) if key == named_twice]
                if len(set(map(names.plain, named))) == 1:
                    raise NotReadable(f"{len(named)} columns are named {named[0]!r}; rename all but one")
                both = " and ".join(map(repr, named))
                raise NotReadable(
                    f"the columns {both} both mean {named_twice}; name the one to use with --column "
                    "(data.columns in a manifest), or rename the other"
                )
            renamed = tuple((old, key) for old, key in zip(titles, keys, strict=True) if old and old != key)
            before = enumerate(looked_at[:index], start=1)
            skipped = tuple(number for number, one in before if any(one) and not _is_rule(one))
            return Columns(tuple(keys), index + 1, skipped, renamed, tuple(titles))
    numbers = {part: name for part, name in wanted.items() if name.isdigit()}
    if numbers and len(numbers) == len(wanted):
        return Columns(_by_number(looked_at, numbers), 0)
    raise NotReadable(untitled.why(looked_at, wanted))


def _is_said_in(row: Sequence[str], keys: Sequence[str]) -> bool:
    """Whether a cell without a role is a sentence, which a header row never contains."""
    return any(_is_sentence(cell.strip()) for cell, key in zip(row, keys, strict=True) if key not in PARTS)


def _is_sentence(text: str) -> bool:
    return _END.search(text[-2:]) is not None and _TWO_WORDS.search(text) is not None


_END, _TWO_WORDS = re.compile(r"\w[.!?]\Z"), re.compile(r"\w\s+\w")


def _with_index(keys: list[str]) -> list[str]:
    """The header with a name for the first column, which `DataFrame.to_csv` leaves unnamed."""
    return keys if keys[0] or len(keys) < 3 else ["column 1", *keys[1:]]


def _told_apart(keys: list[str]) -> list[str]:
    """The header with numbers appended to repeated names that have no role."""
    times: Counter[str] = Counter()
    found = []
    for key in keys:
        times[key] += bool(key) and key not in PARTS and names.plain(key) not in cell_values.JSON_COLUMNS
        found.append(f"{key} ({times[key]})" if times[key] > 1 else key)
    return found


def _keys(row: Sequence[str], wanted: Mapping[str, str]) -> list[str] | None:
    """The record keys of a header row's columns; None for any other row."""
    plain = [names.plain(one) for one in row]
    there = set(plain)
    if wanted:
        asked = {names.plain(name): part for part, name in wanted.items()}
        if not asked.keys() <= there:
            return None
        return [
            asked.get(name) or unnamed(original, set(wanted))
            for name, original in zip(plain, row, strict=True)
        ]
    if any(len(one) > LONGEST_NAME for one in row):
        return None
    if any(whole <= there for whole in _WHOLE):
        known = frozenset().union(*_WHOLE) | {"input", "system"}
        return [name if name in known else one.strip() for name, one in zip(plain, row, strict=True)]
    if _are_preferences(there):
        return [one.strip() for one in row]
    pair = naming.Keys(tuple(row))
    if pair.format is not None and pair.prompt and pair.answer:
        parts = {pair.prompt: "prompt", pair.answer: "completion"}
        parts |= {pair.system: "system"} if pair.system else {}
        return [parts.get(one) or kept(one, set(PARTS)) for one in row]
    if any("." in one for one in row) and (named := _by_last_name(row)):
        return [named.get(one) or kept(one, set(PARTS)) for one in row]
    if pair.format is None and (named := _by_last_word(plain)):
        return [named.get(name) or kept(one, set(PARTS)) for name, one in zip(plain, row, strict=True)]
    if message_rows.columns(row) is not None:
        return [one.strip() for one in row]
    if sum(map(bool, plain)) == 1 and there & set(_ALONE):
        return ["input" if name else "" for name in plain]
    return None


def _by_last_name(row: Sequence[str]) -> dict[str, str]:
    """The roles of columns such as `inputs.question` and `outputs.answer`, from flattened objects."""
    last = {one.rpartition(".")[2]: one for one in reversed(row)}
    keys = naming.Keys(tuple(last))
    if not keys.prompt or not keys.answer:
        return {}
    named = {last[keys.prompt]: "prompt", last[keys.answer]: "completion"}
    return named | ({last[keys.system]: "system"} if keys.system else {})


def _by_last_word(plain: Sequence[str]) -> dict[str, str]:
    """The roles of columns such as `customer question` and `our reply`, if there is one of each."""
    asked = [one for one in plain if one.rpartition("_")[2] in _ASKED]
    said = [one for one in plain if one.rpartition("_")[2] in _SAID_TO_IT]
    return {asked[0]: "prompt", said[0]: "completion"} if len(asked) == len(said) == 1 else {}


_ASKED = ("question", "prompt", "query", "request")
_SAID_TO_IT = ("answer", "reply", "response", "completion", "solution", "resolution")


def _are_preferences(there: Collection[str]) -> bool:
    """Whether columns with these names compare two answers."""
    if not set(names.CHOSEN).isdisjoint(there) and not set(names.REJECTED).isdisjoint(there):
        return True
    return any(all(names.plain(one) in there for one in compared) for compared in names.COMPARED)


def kept(name: str, taken: Collection[str]) -> str:
    """The key of a column that is not renamed, distinct from those that are."""
    name = name.strip()
    return f"{name} (column)" if name in taken else name


def unnamed(name: str, taken: Collection[str]) -> str:
    """The key of a column that the user did not name, and so left out on purpose."""
    is_about = names.plain(name) in _ASKED_ABOUT
    return kept(name, [name.strip()] if is_about else taken)


def _by_number(rows: Sequence[Sequence[str]], numbers: Mapping[str, str]) -> tuple[str, ...]:
    width = max(map(len, rows), default=0)
    beyond = next((number for number in numbers.values() if not 1 <= int(number) <= width), None)
    if beyond is not None:
        raise NotReadable(f"there is no column {beyond}; the table has {width}")
    parts = {int(number): part for part, number in numbers.items()}
    return tuple(parts.get(number, f"column {number}") for number in range(1, width + 1))


def records(
    rows: Iterable[tuple[int, Sequence[Any] | str]], found: Columns, skip: Skip
) -> Iterator[tuple[int, bytes]]:
    """(row, JSON line) of each row. A row that does not fit the header, or that is given as the reason why it
    could not be read, becomes a line that says so."""
    has_system = "system" in found.keys
    width = len(found.keys)
    for number, cells in rows:
        if isinstance(cells, str):
            yield number, unreadable.written("TD009", cells)
            continue
        if not any(cell not in (None, "") for cell in cells) or _is_rule(cells):
            skip(number)
            continue
        beyond = [cell for cell in cells[width:] if cell not in (None, "")]
        if beyond or len(cells) < width:
            yield number, unreadable.written("TD009", _misfit(cells, found))
            continue
        if found.titles and [str(cell or "").strip() for cell in cells[:width]] == list(found.titles):
            yield number, unreadable.written("TD009", "the row repeats the header; remove it")
            continue
        unnamed = next(
            (at for at, key in enumerate(found.keys) if not key and cells[at] not in (None, "")), None
        )
        if unnamed is not None:
            yield (
                number,
                unreadable.written("TD009", f"cell {unnamed + 1} of the row has no name in the header"),
            )
            continue
        record = {
            key: cell_values.plain(cell, key) for key, cell in zip(found.keys, cells, strict=False) if key
        }
        yield number, encoded(_with_system(record) if has_system else record)


def _is_rule(cells: Sequence[Any]) -> bool:
    """Whether a row is the separator line of a Markdown table, or the end of a file."""
    said = [cell.strip() for cell in cells if isinstance(cell, str) and cell.strip()]
    if len(said) == 1 and not said[0].strip("\x1a\0"):  # DOS's end-of-file character, or padding
        return True
    if len(said) == 1 and (set(said[0]) == {"+", "-"} or _COUNT.fullmatch(said[0])):  # of a database client
        return True
    return len(said) > 1 and all("--" in one and set(one) <= {"-", ":"} for one in said)


_COUNT = re.compile(r"\(\d{1,12} rows?\)|\d{1,12} rows? in set.{0,40}")
"""Matches the line that psql and mysql write below the rows."""


def _misfit(cells: Sequence[Any], found: Columns) -> str:
    what = f"row has {len(cells)} cells, the header {len(found.keys)}"
    if len(cells) < len(found.keys):
        return f"the {what}: a separator is missing, or a quote or line break is misplaced"
    return f"the {what}: put a text that contains the separator into double quotes"


def _with_system(record: dict[str, Any]) -> dict[str, Any]:
    """A record with a system prompt column, as messages, which can express it."""
    if not {"prompt", "completion"} <= record.keys():
        return record
    parts = (
        ("system", record.pop("system")),
        ("user", record.pop("prompt")),
        ("assistant", record.pop("completion")),
    )
    messages = [{"role": role, "content": text} for role, text in parts if text or role != "system"]
    return {"messages": messages, **record}


def encoded(record: Mapping[str, Any]) -> bytes:
    """A record as a line of JSON, without its end."""
    try:
        return msgspec.json.encode(record)
    except UnicodeEncodeError:
        return unreadable.written(
            "TD002", "the row contains bytes that are invalid in the file's encoding; use --encoding NAME"
        )
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        return unreadable.written("TD001", f"the row cannot be written as JSON: {error}")
