"""`python -m bench [NAME…]`: run all measurements, or the named ones; 1 when one misses its mark.

`python -m bench chaos` breaks a stage at random instead, `rows` runs each row of method, base model and
Region, and `kinds` checks records of each kind, or of named ones. Some take a FOLDER of public data:
`python -m bench public` decides on published answers, `datasets` checks public datasets, `related` compares
them and `tokens` counts tokens (each says in `bench` what it needs). `python -m bench gate --write` updates
the docs.
"""

from __future__ import annotations

import importlib
import os
import sys

WITH_OPTIONS = ("chaos", "datasets", "kinds", "public", "related", "rows", "tokens")
"""Run alone, with the arguments that follow."""

NAMES = ("check", "memory", "evaluate", "gate", "gate_texts", "cost", "load", "pipeline")

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""Before numpy is imported: on a busy machine its threads wait for each other ten times as long as they work.
"""


def main() -> int:
    if len(sys.argv) > 1 and sys.argv[1] in WITH_OPTIONS:
        return importlib.import_module(f"bench.{sys.argv[1]}").main()
    names = [name for name in sys.argv[1:] if name != "--write"] or NAMES
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"no measurement is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
        return 2
    results = [importlib.import_module(f"bench.{name}").main() for name in names]
    return max(results, default=0)


if __name__ == "__main__":
    sys.exit(main())
