"""`pull`: a dataset of the Hugging Face Hub, as files that the other commands read.

The library `datasets` reads the Hub; it is no dependency of Tunedrop. Code in a dataset's repository is not
run: since version 4 the library refuses it (huggingface/datasets, release notes of 4.0.0, read 2026-11-29).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import arro3.io
import msgspec

from tunedrop import escaping
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import Format, console, errors, fail, print_json
from tunedrop.formatting.commands import command

LIBRARY = "datasets"
OLDEST = 4
"""The first major version that does not run code from a dataset's repository."""


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """One split as it was written."""

    split: str
    file: str
    records: int


def pull(
    name: str,
    config: str | None,
    splits: Sequence[str],
    revision: str | None,
    out: Path | None,
    format_: Format,
) -> int:
    """Write each split of a dataset as a Parquet file; ends the program where that is not possible.

    With `splits` only those are downloaded; they are streamed, and each must fit into memory.
    """
    library = _library()
    folder = out or Path(Path(name).name)
    if out is None and (Path(name).exists() or folder.name in ("", "..")):
        fail(f"{name} is a folder; say where its copy goes", USAGE, "Add: --out DIR")
    if files := [path for path in (folder, *folder.parents) if path.is_file()]:
        fail(f"{files[0]} is a file, not a folder", USAGE, "Choose another folder: --out DIR")
    try:
        loaded = (
            {
                one: library.load_dataset(name, config, revision=revision, split=one, streaming=True)
                for one in splits
            }
            if splits
            else library.load_dataset(name, config, revision=revision)
        )
    except Exception as error:
        fail(f"{name}: {escaping.line(str(error))[:2_000]}", NO)
    wanted = {split: folder / f"{split}.parquet" for split in loaded}
    if there := [path for path in wanted.values() if path.exists()]:
        fail(f"{there[0]} already exists", USAGE, "Remove it, or choose another folder: --out DIR")
    folder.mkdir(parents=True, exist_ok=True)
    pulled = [_written(loaded[split], split, path) for split, path in wanted.items()]
    if format_ is Format.json:
        print_json(pulled)
        return 0
    for one in pulled:
        console.print(f"{one.file}: {one.records:,} records")
    errors.print(f"Check it: {command('check', str(folder))}")
    return 0


def _library() -> Any:
    install = f"Install it: pip install '{LIBRARY}>={OLDEST}'"
    try:
        library = importlib.import_module(LIBRARY)
    except ImportError:
        fail(f"pull needs the Python library {LIBRARY}", USAGE, install)
    if int(library.__version__.partition(".")[0]) < OLDEST:
        fail(f"pull needs {LIBRARY} {OLDEST} or later, got {library.__version__}", USAGE, install)
    return library


def _written(split: Any, name: str, path: Path) -> Pulled:
    """Write a split to a file, which appears only when it is complete."""
    part = path.with_suffix(".part")
    split.to_parquet(part)
    part.rename(path)
    with path.open("rb") as file:
        records = sum(batch.num_rows for batch in arro3.io.read_parquet(file))
    return Pulled(split=name, file=str(path), records=records)
