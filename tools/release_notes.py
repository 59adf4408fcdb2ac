"""Prints the changelog's section of a version, for its release: `python -m tools.release_notes 0.2.0`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parent.parent / "CHANGELOG.md"


def notes(changelog: str, version: str) -> str:
    """The section of a version, without its heading.

    Raises
    ------
    LookupError
        If there is none, or it says nothing: write it before releasing.
    """
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    found = [one for one in sections if re.split(r"[\s\]]", one.lstrip("["), maxsplit=1)[0] == version]
    text = found[0].partition("\n")[2].strip() if found else ""
    if not text:
        raise LookupError(f"CHANGELOG.md says nothing of {version}")
    return text


def main() -> None:
    try:
        print(notes(CHANGELOG.read_text("utf-8"), sys.argv[1]))
    except LookupError as error:
        sys.exit(str(error.args[0]))


if __name__ == "__main__":
    main()
