"""`check`: the whole validation of a dataset on this machine, without AWS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tunedrop import catalog
from tunedrop.catalog.model import BaseModel
from tunedrop.cli.output import NO, USAGE, Format, console, fail, print_json, table
from tunedrop.contracts import Method
from tunedrop.dataset.check import Report, Split, check

CHUNK = 1 << 20
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def check_files(
    files: list[Path],
    base_model: str | None,
    method: Method | Literal["auto"],
    format_: Format,
    max_errors: int,
) -> int:
    """Check one to three files (training, validation, held out); 0 valid, 1 invalid, 2 usage."""
    if len(files) > len(SPLITS):
        fail("give at most three files: training, validation, held out", USAGE)
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        fail(f"there is no file {', '.join(missing)}", USAGE)
    named = dict(zip(SPLITS, files, strict=False))
    report = check(
        {split: chunks(file) for split, file in named.items()},
        {split: file.name for split, file in named.items()},
        _base_model(base_model),
        method,
        max_errors,
    )
    if format_ is Format.json:
        print_json(report)
    else:
        _show(report)
    return 0 if report.valid else NO


def _base_model(name: str | None) -> BaseModel | None:
    try:
        return catalog.find(name) if name else None
    except LookupError as error:
        fail(str(error.args[0]), USAGE)


def _show(report: Report) -> None:
    for finding in report.errors:
        console.print(
            f"{finding.file}:{finding.line}: error: {finding.message} [{finding.code}]", style="red"
        )
    for finding in report.warnings:
        console.print(f"{finding.file}:{finding.line}: warning: {finding.message} [{finding.code}]")
    files = table("file", "records", "tokens (estimated)", "errors")
    for split, file in report.files.items():
        files.add_row(split, f"{file.records:,}", f"{file.tokens:,}", f"{file.error_count:,}")
    console.print(files)
    verdict = "valid" if report.valid else f"not valid: {report.error_count:,} errors"
    console.print(f"{verdict}; method {report.method or 'unknown'}, format {report.format or 'unknown'}")


def chunks(file: Path) -> Iterator[bytes]:
    """A file's bytes, a mebibyte at a time."""
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk
