"""`convert`: writes a dataset in another format, and lists what is lost or cannot be expressed."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from tunedrop.cli.data._files import copy_of
from tunedrop.cli.exits import NO, USAGE
from tunedrop.cli.output import Format, errors, fail, print_json
from tunedrop.dataset.sources.opening import open_files
from tunedrop.dataset.tools.convert import Conversion, Note, Target, convert
from tunedrop.dataset.types import ReadOptions


def convert_file(
    file: Path, target: Target, output: Path | None, reading: ReadOptions, skip: bool, format_: Format
) -> int:
    """Write a dataset in another format, to standard output by default.

    Returns 0, or 1 if records cannot be converted; then nothing is written unless they are skipped.
    """
    done, refused = convert_into(file, target, output, reading, skip)
    if format_ is Format.json and output is not None:
        print_json(done)
    else:
        _tell(done, str(output or "standard output"), refused)
    return NO if refused else 0


def convert_into(
    file: Path, target: Target, output: Path | None, reading: ReadOptions, skip: bool
) -> tuple[Conversion, bool]:
    """Write a dataset in another format; returns the result and whether it was refused."""
    if not file.is_file():
        fail(f"there is no file {file}", USAGE)
    with tempfile.TemporaryFile() as written:
        done = _converted(file, written, target, reading)
        refused = bool(done.refused) and not skip
        if not refused:
            written.seek(0)
            if output is None:
                shutil.copyfileobj(written, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                with copy_of(file, output) as sink:
                    shutil.copyfileobj(written, sink)
    return done, refused


def _converted(file: Path, sink: BinaryIO, target: Target, reading: ReadOptions) -> Conversion:
    with open_files({"train": [file]}, reading) as files:
        opened = files["train"]
        for _, problem in opened.problems:
            errors.print(f"{file.name}: {problem.message} [{problem.code}]")
        chunks = opened.source.chunks(0, opened.source.size)
        return convert(chunks, sink, target, lambda line: opened.place(line).line)


def _tell(done: Conversion, output: str, refused: bool) -> None:
    for note in done.refused.values():
        errors.print(f"refused: {_lines(note)}: {note.what}", style="red")
    for note in done.lost.values():
        errors.print(f"changed: {_lines(note)}: {note.what}")
    if refused:
        errors.print(
            f"{done.refusals:,} of {done.read:,} records cannot be expressed in this format; nothing was "
            "written (--skip leaves them out)"
        )
    else:
        errors.print(f"{output}: {done.written:,} of {done.read:,} records")


def _lines(note: Note) -> str:
    if note.lines == [0]:
        return "the file"
    named = ", ".join(f"{line:,}" for line in note.lines)
    more = f" and {note.count - len(note.lines):,} more" if note.count > len(note.lines) else ""
    return f"line{'s' if note.count > 1 else ''} {named}{more}"
