"""What is written in C: loops over bytes and keys, for which Python would take fifty times as long.

It is compiled at first use, by ziglang, which is a C compiler from PyPI and makes code for every platform on
each; `infra/bundling.py` compiles it for Lambda.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
SUFFIX = ".lib"

FAST = ("-O2", "-g0")
CHECKED = ("-O1", "-fsanitize=undefined", "-fsanitize-trap=undefined")
"""To go beyond an array ends the process: for tests."""

_OPTIONS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-mcpu=baseline", "-shared", "-nostdlib")


@cache
def library() -> ctypes.CDLL:
    """The functions of the `.c` files beside this one.

    Raises
    ------
    RuntimeError
        When they have not been compiled before, and cannot be; the message is the compiler's.
    """
    path = path_in(FOLDER)
    if not path.exists():
        build(path, sources(FOLDER))
    return ctypes.CDLL(str(path))


def sources(folder: Path) -> list[Path]:
    """What is compiled, in one order everywhere."""
    return sorted(folder.glob("*.c"))


def path_in(folder: Path) -> Path:
    """Where the library of a folder is, which has another name after each change."""
    files = sorted(folder.glob("*.[ch]"))
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in files))
    return folder / f"native-{digest.hexdigest()[:12]}{SUFFIX}"


def build(path: Path, files: Sequence[Path], triple: str = "", options: Sequence[str] = FAST) -> None:
    """Compile C that needs no other library, not even C's own.

    Parameters
    ----------
    triple
        The platform, as LLVM says it: `aarch64-linux-gnu`; empty for this one.

    Raises
    ------
    RuntimeError
        When it cannot be compiled; the message is the compiler's.
    """
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / path.name
        command = [sys.executable, "-m", "ziglang", "cc", *_OPTIONS, *options]
        command += ["-target", triple] if triple else []
        caches = dict.fromkeys(("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"), scratch)
        done = subprocess.run(  # noqa: S603 - our own words
            [*command, "-o", str(made), *map(str, files)],
            env=os.environ | caches,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{path.name} could not be compiled:\n{done.stderr.strip()}")
        copy = path.with_name(f"{os.getpid()}-{path.name}")
        shutil.copyfile(made, copy)
        copy.rename(path)  # at once: another process may be doing the same
