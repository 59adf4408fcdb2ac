"""Opens files of this machine; converted copies are kept in temporary files while they are open."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from tunedrop.dataset.sources.local import LocalFile
from tunedrop.dataset.sources.opened import OpenedFile, OpenedFiles, opened
from tunedrop.dataset.types import Opened, ReadOptions, Split

DataFiles = Mapping[Split, Sequence[Path]]
"""The files of each split of a dataset; several files of a split are read in order."""


@contextmanager
def open_files(files: DataFiles, options: ReadOptions | None = None) -> Iterator[dict[Split, Opened]]:
    """The files of a dataset as JSON lines, within the context."""
    bare = Counter(path.name for paths in files.values() for path in paths)
    with ExitStack() as stack:

        def joined(paths: Sequence[Path]) -> Opened:
            names = [path.name if bare[path.name] == 1 else str(path) for path in paths]
            each = [_one(*one, options or ReadOptions(), stack) for one in zip(paths, names, strict=True)]
            return each[0] if len(each) == 1 else OpenedFiles(each)

        yield {split: joined(paths) for split, paths in files.items()}


def _one(path: Path, name: str, options: ReadOptions, stack: ExitStack) -> OpenedFile:
    source = LocalFile(path)
    sink = stack.enter_context(tempfile.NamedTemporaryFile(suffix=".jsonl"))  # noqa: SIM115 - the stack does

    def keep() -> LocalFile:
        sink.flush()
        return LocalFile(Path(sink.name), source.resolver)

    return opened(source, name, options, cast(BinaryIO, sink), keep)
