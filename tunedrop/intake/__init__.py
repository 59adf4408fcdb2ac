"""What the names of uploaded objects and data files mean."""

from tunedrop.intake.keys import (
    AGAIN,
    DROP_PREFIX,
    MANIFEST_NAMES,
    MAX_NAME,
    MORE_TEST,
    RUNS_PREFIX,
    SIGNALS,
    SUCCESS,
    Signal,
    Upload,
    is_folder,
    more_test_key,
    name_of,
    read_key,
    signal_key,
)

__all__ = [
    "AGAIN",
    "DROP_PREFIX",
    "MANIFEST_NAMES",
    "MAX_NAME",
    "MORE_TEST",
    "RUNS_PREFIX",
    "SIGNALS",
    "SUCCESS",
    "Signal",
    "Upload",
    "is_folder",
    "more_test_key",
    "name_of",
    "read_key",
    "signal_key",
]
