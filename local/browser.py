"""Headless Chromium without anything installed by hand: from a pinned npm package, driven by Playwright.

The package (@sparticuz/chromium) carries a Chromium for Lambda, compressed, with the few libraries that it
needs besides glibc. It is for Linux on x86-64; elsewhere an installed Chromium or Chrome is used.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from local.embedded import ROOT

PACKAGE = ROOT / "node_modules" / "@sparticuz" / "chromium"
_INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
TALLEST = 6_000
"""Maximum height of a picture, in pixels."""

MARGIN = 24
"""What is shown below the last element, in pixels."""

_UNPACK = """
const { createBrotliDecompress } = require("node:zlib");
process.stdin.pipe(createBrotliDecompress()).pipe(process.stdout);
"""
_FONTS = """<?xml version="1.0"?><fontconfig><dir>{own}</dir><dir>/usr/share/fonts</dir>
<cachedir>{own}/cache</cachedir></fontconfig>"""


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """A headless Chromium for as long as the block lasts.

    Raises
    ------
    RuntimeError
        If there is none for this machine; the message says what to do.
    """
    program, environment = _program()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=program,
            env={**os.environ, **environment},
            # The sandbox and a large /dev/shm are what containers do not give; the pages are our own.
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", *arguments],
        )
        try:
            yield found
        finally:
            found.close()


Look = Literal["light", "dark", "print"]


def photograph(
    chromium: Browser, page: Path, picture: Path, size: tuple[int, int], look: Look, *, until: str = "",
    scale: int = 1,
) -> None:  # fmt: skip
    """A page as a PNG, in a window of this width and height.

    Parameters
    ----------
    until
        The CSS selector of the last element to show; empty: all, down to where a GPU would be needed.
    scale
        Pixels of the picture for each pixel of the page, in both directions.
    """
    width, height = size
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if look == "dark" else "light",
        device_scale_factor=scale,
    )
    shown = context.new_page()
    shown.emulate_media(media="print" if look == "print" else "screen")
    shown.goto(page.resolve().as_uri())
    if until:
        length = MARGIN + round(
            shown.evaluate("of => document.querySelector(of).getBoundingClientRect().bottom", until)
        )
    else:
        length = max(height, shown.evaluate("document.documentElement.scrollHeight"))
    shown.screenshot(
        path=picture,
        full_page=True,
        clip={"x": 0, "y": 0, "width": width, "height": min(length, TALLEST)},
    )
    context.close()


def _program() -> tuple[Path, dict[str, str]]:
    if sys.platform == "linux" and platform.machine() == "x86_64" and PACKAGE.exists():
        folder = _unpacked()
        return folder / "chromium", {
            "LD_LIBRARY_PATH": str(folder / "lib"),
            "FONTCONFIG_FILE": str(folder / "fonts.conf"),
        }
    for name in _INSTALLED:
        if installed := shutil.which(name):
            return Path(installed), {}
    if _MAC.exists():
        return _MAC, {}
    raise RuntimeError(
        "no Chromium for this machine: run `make setup` (Linux on x86-64), or install Chromium or Chrome"
    )


def _unpacked() -> Path:
    """The folder of the unpacked package; made once, for all processes."""
    version = json.loads((PACKAGE / "package.json").read_text())["version"]
    final = ROOT / ".work" / f"chromium-{version}"
    if final.exists():
        return final
    final.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=final.parent, prefix="chromium-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        _decompress("chromium", made / "chromium")
        (made / "chromium").chmod(0o755)
        for name in ("al2023.tar", "fonts.tar", "swiftshader.tar"):
            _decompress(name, made / name)
            with tarfile.open(made / name) as archive:
                archive.extractall(made, filter="data")
            (made / name).unlink()
        (made / "fonts.conf").write_text(_FONTS.format(own=final / "fonts"))
        try:
            made.rename(final)
        except OSError:
            if not final.exists():  # else another process has unpacked it meanwhile
                raise
    return final


def _decompress(name: str, target: Path) -> None:
    """Brotli is in Node.js, which the CDK CLI needs anyway, and not in Python."""
    with (PACKAGE / "bin" / f"{name}.br").open("rb") as source, target.open("wb") as sink:
        subprocess.run(["node", "-e", _UNPACK], stdin=source, stdout=sink, check=True)
