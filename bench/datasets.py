"""Checking public datasets, against a pydantic model: `python -m bench datasets FOLDER`.

FOLDER holds checkouts of public repositories (`bench.related.SETS`); whoever runs it fetches them. Their
records are written as Bedrock's pairs, in the order of their files and at most `MOST` of each repository;
both read the same bytes in one process, in turns. The best round counts, in CPU time.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from bench import related
from bench.kinds import OF_PYDANTIC, compared

MOST = 20_000
"""What Bedrock takes."""


def main() -> int:
    """Print the table; 1 when a mark is missed."""
    if len(sys.argv) != 3 or not Path(sys.argv[2]).is_dir():
        print("usage: python -m bench datasets FOLDER, with checkouts of", ", ".join(related.SETS))
        return 2
    table = Table(
        title="public datasets, against pydantic", title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    for header in ("repository", "records", "MB", "MB/s", "its structure", "the same rules", ""):
        table.add_column(header, justify="left" if header in ("repository", "") else "right")
    missed = 0
    with TemporaryDirectory() as folder:
        for repository, (pattern, texts_of) in related.SETS.items():
            path = Path(folder) / "train.jsonl"
            files = sorted((Path(sys.argv[2]) / repository).glob(pattern))
            texts = [texts for file in files for _, texts in texts_of(file)][:MOST]
            if not texts:
                print(f"{repository}: not in {sys.argv[2]}", file=sys.stderr)
                continue
            pairs = [{"prompt": "\n".join(one[:-1]), "completion": one[-1]} for one in texts]
            path.write_text("".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in pairs), "utf-8")
            found = compared(path, "prompt-completion")
            size = path.stat().st_size / 1e6
            missed += found.same_rules < OF_PYDANTIC or found.differs != ""
            row = (
                repository,
                f"{len(texts):,}",
                f"{size:.1f}",
                f"{size / found.seconds:,.0f}",
                f"{found.structure:.2f}",
                f"{found.same_rules:.2f}",
            )
            table.add_row(*row, found.differs or ("met" if found.same_rules >= OF_PYDANTIC else "missed"))
    Console(width=110).print(table)
    return int(missed > 0 or not table.row_count)


if __name__ == "__main__":
    sys.exit(main())
