"""`make pictures`: the pictures of README and site, taken of one real run on the embedded AWS."""

from __future__ import annotations

import sys
from itertools import product

from local import demo
from local.browser import Look, chromium, photograph
from local.embedded import ROOT

EXAMPLE = ROOT / "examples" / "support-persona"
PICTURES = ROOT / "docs" / "assets"
DESK, PHONE = (1_100, 760), (390, 760)
SHOWN = (
    ("report", "report", DESK, "section.advice"),
    ("report-phone", "report", PHONE, "header.verdict"),
    ("index", "index", DESK, "section:last-of-type"),
)
"""Name of a picture, its page, the size of the window, and the last element that is shown."""

LOOKS: tuple[Look, ...] = ("light", "dark")


def main() -> int:
    """Run the demo, then photograph its output, its report and the index page; 0 if it succeeded."""
    demo.console.record = True
    sys.argv[1:] = [str(EXAMPLE)]
    if code := demo.main():
        return code
    demo.console.save_svg(str(PICTURES / "demo.svg"), title="make demo")
    pages = demo.OUTPUT / EXAMPLE.name
    with chromium() as browser:
        for (name, page, size, until), look in product(SHOWN, LOOKS):
            picture = PICTURES / f"{name}-{look}.png"
            photograph(browser, pages / f"{page}.html", picture, size, look, until=until, scale=2)
            print(picture.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
