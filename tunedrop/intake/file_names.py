"""Recognizes data files, and their split, by name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeVar, get_args

Split = Literal["train", "validation", "test"]

P = TypeVar("P", str, Path)

_SPLITS: dict[str, Split] = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "eval": "validation",
    "test": "test", "testing": "test", "heldout": "test",
}  # fmt: skip

_JUNK = re.compile(
    r"[._]|~\$|("
    r"(readme([-_.][a-z]{2}([-_][a-z]{2,4})?)?|notice|copying|changelog)(\.txt)?|"
    r"licen[cs]e([-_](mit|apache|bsd|cc|[al]?gpl|mpl|code|data|model)[-.\d]*([-_](by|sa|nc|nd)[-.\d]*)*)?(\.txt)?|"
    r"(config|manifest|state|dataset_infos?|dataset_dict|run)\.json|manifest(\.txt)?|config(\.txt)?|"
    r"requirements([-_.](dev|tests?|docs))?\.txt|thumbs\.db|desktop\.ini|"
    r".*\.(md|rst|html?|ya?ml|toml|ini|cfg|py|ipynb|sh|log|crc|sha256|md5|tmp|"
    r"part|crdownload|lock|bak|png|jpe?g|gif|webp|mp4|mov|pdf|docx?)"
    r")$",
    re.IGNORECASE,
)
"""Names of files next to data that contain none: hidden files (Hadoop's begin with `.` or `_`), whole names
that are usual, and endings. `license-plates.csv` is data."""


def is_junk(name: str) -> bool:
    """Whether a file is not data but left by programs, or documentation."""
    return "__MACOSX/" in name or bool(_JUNK.match(posixpath.basename(name)))


def is_markdown(name: str) -> bool:
    """Whether a file is Markdown that documents no dataset, as README.md does."""
    stem, dot, ending = name.rpartition(".")
    return bool(dot) and ending.lower() == "md" and not is_junk(stem)


def of_data(files: Iterable[P]) -> list[P]:
    """The files that may contain data; Markdown only if there are no others, which it may describe."""
    listed = list(files)
    found = [file for file in listed if not is_junk(str(file))]
    return found or [file for file in listed if is_markdown(str(file))]


def split_of(name: str) -> Split | None:
    """The split that a file's name says: `test-00000-of-00002.parquet`."""
    words = re.split(r"[^a-z]+", posixpath.basename(name).lower())
    return next((_SPLITS[word] for word in words if word in _SPLITS), None)


def by_split(files: Sequence[P]) -> dict[Split, Sequence[P]]:
    """The files of a folder by split, each split in the order of the numbers in the names.

    Names count as splits only if one of them says training; otherwise all files are shards of one training
    set.
    """
    named = [(split_of(str(file)), file) for file in in_order(files)]
    if all(split != "train" for split, _ in named):
        return {"train": [file for _, file in named]}
    found: dict[Split, Sequence[P]] = {}
    for split in get_args(Split):
        if mine := [file for one, file in named if (one or "train") == split]:
            found[split] = mine
    return found


def in_order(files: Iterable[P]) -> list[P]:
    """Files in the order of the numbers in their names."""
    return sorted(files, key=lambda file: natural(str(file)))


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts part-2 before part-10."""
    return [(int(digits or 0), text) for text, digits in re.findall(r"(\D*)(\d*)", name)]
