"""The meaning of a key in the intake bucket."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Literal, get_args

import msgspec

from tunedrop import shown
from tunedrop.intake.file_names import is_junk

DROP_PREFIX = "drop/"
RUNS_PREFIX = "runs/"
MANIFEST_NAMES = ("run.yaml", "run.yml", "run.json")
MORE_TEST = "test.jsonl"
"""In the folder of a run: held-out records for one whose own were split off, and too few to decide."""

AGAIN = "again"
"""Metadata of an object that starts a run (`x-amz-meta-again`): train it although it was trained before."""
SUCCESS = "_SUCCESS"
"""Spark and Hadoop write it last; by hand: `aws s3api put-object --key drop/NAME/_SUCCESS`."""

MAX_NAME = 200

Signal = Literal["approve", "stop", "retry"]
SIGNALS: tuple[Signal, ...] = get_args(Signal)


class Upload(msgspec.Struct, frozen=True):
    """An object that somebody put into the intake bucket, and the name it gives its run.

    A signal names a run id instead, and with `code` the one thing that it is about: an estimate to approve,
    an attempt to stop or to continue.
    """

    kind: Literal["dataset", "folder", "shard", "manifest", "approve", "stop", "retry", "other"]
    name: str = ""
    code: str = ""


def read_key(key: str) -> Upload:
    """What an intake key asks for. A key below `drop/` is a dataset's, unless programs leave such files.

    A folder there is one dataset of several shards, which its `_SUCCESS` starts.

    >>> read_key("drop/My support.jsonl")
    Upload(kind='dataset', name='My support', code='')
    >>> read_key("drop/garden/part-0.parquet"), read_key("drop/garden/_SUCCESS")
    (Upload(kind='shard', name='garden', code=''), Upload(kind='folder', name='garden', code=''))
    >>> read_key("runs/persona/run.yaml")
    Upload(kind='manifest', name='persona', code='')
    >>> read_key("runs/persona-0123456789/stop/1")
    Upload(kind='stop', name='persona-0123456789', code='1')
    """
    if key.startswith(DROP_PREFIX):
        return _dropped(key.removeprefix(DROP_PREFIX))
    if not key.startswith(RUNS_PREFIX):
        return Upload("other")
    folder, slash, file = key.removeprefix(RUNS_PREFIX).rpartition("/")
    if slash and file in MANIFEST_NAMES:
        return Upload("manifest", name_of(folder))
    if match := _SIGNAL_KEY.fullmatch(key):
        return Upload(match["signal"], match["run_id"], match["code"])  # type: ignore[arg-type]
    return Upload("other")


def _dropped(path: str) -> Upload:
    folder, slash, file = path.partition("/")
    if slash and folder and file == SUCCESS:
        return Upload("folder", name_of(folder))
    if is_junk(path):
        return Upload("other")
    if slash and folder:
        return Upload("shard" if file else "other", name_of(folder))
    return Upload("dataset", name_of(re.sub(r"\.[^./]*$", "", path)))


def name_of(text: str) -> str:
    """The name of a run, as a key or a person says it: of any script, on one line, never empty.

    What looks the same has the same name, however its letters are composed (Unicode NFC).
    """
    name = shown.line(unicodedata.normalize("NFC", text)).strip(" /") or "unnamed"
    if len(name) <= MAX_NAME:
        return name
    return f"{name[:MAX_NAME]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def is_folder(key: str, size: int) -> bool:
    """Whether an object is nothing but the mark that consoles make for an empty folder."""
    return key.endswith("/") and size == 0


_SIGNAL_KEY = re.compile(rf"{RUNS_PREFIX}(?P<run_id>[^/]+)/(?P<signal>{'|'.join(SIGNALS)})/(?P<code>[^/]+)")


def signal_key(run_id: str, signal: Signal, code: str) -> str:
    """The object whose arrival approves, stops or retries a run; what it holds does not matter.

    Parameters
    ----------
    code
        Of an approval, the estimate that it is about (`waiting.approval.code_of`). Of a stop, the attempt
        that ends; of a retry, the attempt that has ended. It makes every signal count once, for one thing.
    """
    return f"{RUNS_PREFIX}{run_id}/{signal}/{code}"


def more_test_key(run_id: str) -> str:
    """The object that adds held-out records when this run is retried."""
    return f"{RUNS_PREFIX}{run_id}/{MORE_TEST}"
