"""The meaning of object keys and file names in uploads."""

from tunedrop.intake._keys import (
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
