"""Output files: written completely or not at all, and never over their input."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tunedrop.cli.exits import USAGE
from tunedrop.cli.output import fail


@contextmanager
def copy_of(source: Path, output: Path) -> Iterator[BinaryIO]:
    """A temporary file for a changed copy of `source`; renamed to `output` on success."""
    if output.exists() and output.samefile(source):
        fail(f"{output} is the input file, which is never overwritten: choose another name", USAGE)
    if output.is_dir():
        fail(f"cannot write to {output}: it is a folder", USAGE)
    if not output.parent.is_dir():
        fail(f"cannot write to {output}: there is no folder {output.parent}", USAGE)
    unfinished = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with unfinished.open("xb") as sink:
            yield sink
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)
