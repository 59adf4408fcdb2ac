"""`make pictures`: the pictures of README and site, taken of one real run on the embedded AWS."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser

from local import demo
from local.browser import Look, chromium, photograph
from local.embedded import ROOT

EXAMPLE = ROOT / "examples" / "support-persona"
PICTURES = ROOT / "docs" / "assets"
SIZE = (1_100, 760)
LOOKS: tuple[Look, ...] = ("light", "dark")


def main() -> int:
    """Run the demo, then photograph what it printed, its report and the index page; 0 when all went well."""
    demo.console.record = True
    sys.argv[1:] = [str(EXAMPLE)]
    if code := demo.main():
        return code
    demo.console.save_svg(str(PICTURES / "demo.svg"), title="make demo")
    pages = demo.OUTPUT / EXAMPLE.name
    with chromium() as browser:
        for page in ("report", "index"):
            for look in LOOKS:
                _take(browser, pages / f"{page}.html", PICTURES / f"{page}-{look}.png", look)
    return 0


def _take(browser: Browser, page: Path, picture: Path, look: Look) -> None:
    photograph(browser, page, picture, SIZE, look, whole=False)
    print(picture.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
