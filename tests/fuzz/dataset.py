"""Coverage-guided fuzzing of whatever reads datasets; not a part of `make test`.

    pip install --target /tmp/atheris atheris
    PYTHONPATH=/tmp/atheris:. python tests/fuzz/dataset.py -max_total_time=600 -max_len=4000 CORPUS

The first two bytes of an input choose the base model, the method and where the file is cut; the rest is the
file. A crash is kept as `crash-…`, and is run again by naming that file instead of the corpus.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["tunedrop.dataset"]):
    from tests.hostile import everything


def one(data: bytes) -> None:
    """One file."""
    everything(data[2:], int.from_bytes(data[:2]))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
