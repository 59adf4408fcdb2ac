"""The verdict on a dataset: what `tunedrop check --format json` prints."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tunedrop.contracts import Method
from tunedrop.dataset.file_rules import Split
from tunedrop.dataset.formats import SourceFormat
from tunedrop.dataset.problem import Finding
from tunedrop.dataset.statistics import Statistics


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one file holds."""

    records: int
    tokens: int
    bytes: int
    error_count: int
    shortest_tokens: int
    longest_tokens: int
    statistics: Statistics


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a dataset.

    `errors` and `warnings` hold the first ones in the order of files and lines, `error_count` and
    `warning_count` say how many there are; tokens are estimated at 6 characters each.
    """

    valid: bool
    method: Method | None
    format: SourceFormat | None
    records: int
    tokens: int
    error_count: int
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    warning_count: int
    duplicates: int
    files: dict[Split, FileReport]


def plain_errors(report: Report, most: int = 20) -> Iterator[str]:
    """The errors as lines for a person: file, line, path, reason; then how many more there are."""
    for one in report.errors[:most]:
        where = f"{one.file} line {one.line}" if one.line else one.file
        yield f"{where}{' ' + one.path if one.path not in ('', '$') else ''}: {one.message} [{one.code}]"
    if report.error_count > most:
        yield f"… and {report.error_count - most:,} more"
