"""The entry point of the console script `tunedrop`."""

from __future__ import annotations

import sys

from tunedrop import __version__


def main() -> None:
    """Run the command line. `--version` is handled before anything else is imported."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        print(f"tunedrop {__version__}")
        return
    try:
        from tunedrop.cli.app import app

        app()
    except KeyboardInterrupt:  # during import or exit
        sys.stderr.write("\ninterrupted\n")
        sys.exit(130)
