"""`python -m local.reports [FOLDER]`: writes a sample report for every possible result of a run.

With `--pictures` each is also photographed in headless Chromium: light and dark, wide and narrow, printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from local import browser, samples
from local.embedded import ROOT
from local.samples import stages
from tunedrop.reporting.report import render

WIDE, NARROW, PAPER = (1280, 900), (390, 844), (718, 1047)
"""Pixels of a screen, of a phone, and of an A4 page between its margins."""

LOOKS: tuple[tuple[browser.Look, tuple[int, int]], ...] = (
    ("light", WIDE), ("light", NARROW), ("dark", WIDE), ("dark", NARROW), ("print", PAPER),
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Write the reports; 0 if all succeeded."""
    folders = [one for one in arguments if not one.startswith("-")]
    folder = Path(folders[0]) if folders else ROOT / ".work" / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for name, material in samples.all_of_them().items():
        page = folder / f"{name}.html"
        page.write_text(render(material), encoding="utf-8", errors="replace")
        pages.append(page)
        print(page)
    index = folder / "index.html"
    index.write_text(stages.index(), encoding="utf-8", errors="replace")
    pages.append(index)
    print(index)
    if "--pictures" in arguments:
        _photograph(pages)
    return 0


def _photograph(pages: list[Path]) -> None:
    with browser.chromium() as chromium:
        for page in pages:
            for look, size in LOOKS:
                picture = page.with_name(f"{page.stem}-{look}-{size[0]}.png")
                browser.photograph(chromium, page, picture, size, look)
                print(picture)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
