"""Checks datasets: all records and findings, in bounded memory.

The same code runs as `tunedrop check` and in the validate_data step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from typing import Literal

from tunedrop.catalog.model import BaseModel
from tunedrop.contracts import Method
from tunedrop.dataset.check.merge import merge_ranges
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.report import FileReport, Report, plain_errors
from tunedrop.dataset.check.results import ranges
from tunedrop.dataset.check.scan import scan_range
from tunedrop.dataset.sources.local import Spooled
from tunedrop.dataset.types import Opened, Source, Split

__all__ = ["FileReport", "Report", "check", "check_files", "plain_errors"]


def check(
    sources: Mapping[Split, Iterable[bytes]],
    names: Mapping[Split, str],
    base_model: BaseModel | None = None,
    method: Method | Literal["auto"] = "auto",
    max_errors: int = 100,
) -> Report:
    """Check the files of a dataset, given as streams, against the base model's rules.

    Parameters
    ----------
    sources
        Chunks of bytes of each file, in any sizes.
    names
        The names of the files in findings.
    max_errors
        Maximum number of errors and warnings to list; all are counted.
    """
    asked = CheckOptions(base_model=base_model, method=method, max_findings=max_errors)
    with ExitStack() as stack:
        spooled = {split: stack.enter_context(closing(Spooled(chunks))) for split, chunks in sources.items()}
        return check_files(spooled, names, asked)


def check_files(
    sources: Mapping[Split, Source],
    names: Mapping[Split, str],
    asked: CheckOptions,
    opened: Mapping[Split, Opened] | None = None,
) -> Report:
    """Check the files of a dataset in this process; see `merge_ranges` for `opened`."""
    in_order: list[Split] = [split for split in ("train", "validation", "test") if split in sources]
    partials = (
        scan_range(sources[split], range_, asked)
        for split in in_order
        for range_ in ranges(split, sources[split])
    )
    return merge_ranges(partials, sources, names, asked, opened=opened)
