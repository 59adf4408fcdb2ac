"""Makes MiniStack do once what it repeats; private names as in `local.ministack`."""

from __future__ import annotations

import functools
import secrets
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
from ministack.core import iam_evaluator, lambda_runtime, router
from ministack.services import dynamodb


def patch(unpacked: Path, services: set[str]) -> None:
    """Cache what MiniStack would repeat.

    Parameters
    ----------
    unpacked
        The folder of unpacked code and layers.
    services
        The services of `local` that MiniStack does not route; it would read every service model of botocore
        to find out whether AWS has them.
    """
    router._KNOWN_AWS_SERVICE_NAMES = frozenset(services)
    dynamodb._condition_syntax_error = functools.lru_cache(maxsize=1024)(dynamodb._condition_syntax_error)
    _parse_policies_once()
    # Each job of the local Bedrock has a session with its own credentials; service models are shared.
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    unpack_once(unpacked)


def unpack_once(folder: Path) -> None:
    """Keep code and layers of functions unpacked in a folder; their processes find links to that."""
    lambda_runtime.zipfile = SimpleNamespace(
        ZipFile=functools.partial(_UnpackedOnce, unpacked=folder),
        BadZipFile=zipfile.BadZipFile,
        LargeFileError=zipfile.LargeZipFile,  # MiniStack catches a name that zipfile does not have
    )


def _parse_policies_once() -> None:
    """MiniStack parses all policies of the caller at each request; the same text says the same."""
    parse = iam_evaluator.parse_policy_document
    parse_text = functools.lru_cache(maxsize=1024)(parse)

    def parsed(document: Any) -> Any:
        return parse_text(document) if isinstance(document, str) else parse(document)

    iam_evaluator.parse_policy_document = parsed


class _UnpackedOnce(zipfile.ZipFile):
    """A bundle of a function, unpacked for the first process that runs it; others get links to that."""

    def __init__(self, file: str, *, unpacked: Path) -> None:
        super().__init__(file)
        content = hash(tuple((one.filename, one.CRC, one.file_size) for one in self.infolist()))
        self._kept = unpacked / f"{content & (1 << 64) - 1:016x}"

    def namelist(self) -> list[str]:
        """The names that have not been checked yet."""
        return [] if self._kept.exists() else super().namelist()

    def extractall(self, path: str) -> None:  # type: ignore[override]
        if not self._kept.exists():
            mine = self._kept.with_suffix(f".{secrets.token_hex(4)}")
            super().extractall(mine)
            try:
                mine.rename(self._kept)
            except OSError:  # another thread was first
                shutil.rmtree(mine)
        for entry in self._kept.iterdir():
            (Path(path) / entry.name).symlink_to(entry)
