"""The manifest that submits a run: `run.yaml` (YAML 1.2) or `run.json`, uploaded last.

YAML 1.2 semantics: `1e-5` is a number and `no` is a string. An unknown key is an error that names the nearest
known one; every error says which line to look at, and all of them are reported at once.
"""

from tunedrop.manifest._reading import read, share
from tunedrop.manifest._shapes import (
    NO_JUDGE,
    RANGES,
    STAGE_JUDGE,
    Data,
    Deployment,
    Evaluation,
    Judge,
    Manifest,
    Retune,
    Scalar,
    Stage,
    Teacher,
    is_pattern,
)
from tunedrop.manifest.yaml_document import MAX_BYTES

__all__ = [
    "MAX_BYTES",
    "NO_JUDGE",
    "RANGES",
    "STAGE_JUDGE",
    "Data",
    "Deployment",
    "Evaluation",
    "Judge",
    "Manifest",
    "Retune",
    "Scalar",
    "Stage",
    "Teacher",
    "is_pattern",
    "read",
    "share",
]
