"""The meaning of a key in the intake bucket."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection
from typing import Literal, get_args

import msgspec

from tunedrop import escaping
from tunedrop.intake.file_names import is_junk, is_markdown

DROP_PREFIX = "drop/"
RUNS_PREFIX = "runs/"
MANIFEST_NAMES = ("run.yaml", "run.yml", "run.json")
MORE_TEST = "test.jsonl"
"""In a run's folder: additional held-out records for a run whose test set was split off and too small."""

AGAIN = "again"
"""Metadata of an object that starts a run (`x-amz-meta-again`): train even if it was trained before."""
SUCCESS = "_SUCCESS"
"""Spark and Hadoop write this file last; to write it by hand: `aws s3api put-object --key
drop/NAME/_SUCCESS`."""

MAX_NAME = 200

Signal = Literal["approve", "stop", "retry"]
SIGNALS: tuple[Signal, ...] = get_args(Signal)


class Upload(msgspec.Struct, frozen=True):
    """The meaning of an object in the intake bucket, and the name of its run.

    A signal has a run id instead, and as `code` the estimate to approve, or the attempt to stop or retry.
    """

    kind: Literal["dataset", "folder", "shard", "manifest", "approve", "stop", "retry", "other"]
    name: str = ""
    code: str = ""


def read_key(key: str, tenants: Collection[str]) -> Upload:
    """The meaning of an intake key. A key below `drop/` is a dataset, unless `is_junk` says otherwise.

    A folder there is a dataset of several shards, started by its `_SUCCESS`. The same holds below
    `drop/TENANT/`, and the names of a tenant's runs begin with its own.

    Parameters
    ----------
    tenants
        The names of the stage's tenants.

    >>> read_key("drop/My support.jsonl", ())
    Upload(kind='dataset', name='My support', code='')
    >>> read_key("drop/garden/part-0.parquet", ()), read_key("drop/garden/_SUCCESS", ())
    (Upload(kind='shard', name='garden', code=''), Upload(kind='folder', name='garden', code=''))
    >>> read_key("drop/law/cases.csv", ["law"]), read_key("drop/law/garden/_SUCCESS", ["law"])
    (Upload(kind='dataset', name='law/cases', code=''), Upload(kind='folder', name='law/garden', code=''))
    >>> read_key("runs/persona/run.yaml", ())
    Upload(kind='manifest', name='persona', code='')
    >>> read_key("runs/persona-0123456789/stop/1", ())
    Upload(kind='stop', name='persona-0123456789', code='1')
    """
    if key.startswith(DROP_PREFIX):
        root = drop_root(key, tenants)
        dropped = _dropped(key.removeprefix(root))
        name = dropped.name and root.removeprefix(DROP_PREFIX) + dropped.name
        return msgspec.structs.replace(dropped, name=name)
    folder, slash, file = key.removeprefix(RUNS_PREFIX).rpartition("/")
    is_manifest = key.startswith(RUNS_PREFIX) and slash and file in MANIFEST_NAMES
    if is_manifest and not _is_of_a_signal(folder):
        return Upload("manifest", name_of(folder))
    return read_signal(key)


def read_signal(key: str) -> Upload:
    """The signal of an intake key, which is the same for all tenants; kind `other` if it is none."""
    match = _SIGNAL_KEY.fullmatch(key)
    if match is None or match["code"] in MANIFEST_NAMES:
        return Upload("other")
    return Upload(match["signal"], match["run_id"], match["code"])  # type: ignore[arg-type]


def _is_of_a_signal(folder: str) -> bool:
    """Whether a folder is one to approve, stop or retry a run: who may write only there starts no run."""
    return not set(SIGNALS).isdisjoint(folder.split("/")[1:])


def _dropped(path: str) -> Upload:
    folder, slash, file = path.partition("/")
    if slash and folder and file == SUCCESS:
        return Upload("folder", name_of(folder))
    if is_junk(path) and (slash or not is_markdown(path)):
        return Upload("other")
    if slash and folder:
        return Upload("shard" if file else "other", name_of(folder))
    return Upload("dataset", name_of(re.sub(r"\.[^./]*$", "", path)))


def drop_root(key: str, tenants: Collection[str]) -> str:
    """The prefix below which a dropped file or folder is a dataset.

    >>> drop_root("drop/law/cases.csv", ["law"]), drop_root("drop/garden/part-0.csv", ["law"])
    ('drop/law/', 'drop/')
    """
    tenant, slash, _ = key.removeprefix(DROP_PREFIX).partition("/")
    return f"{DROP_PREFIX}{tenant}/" if slash and tenant in tenants else DROP_PREFIX


def dropped_folder(key: str, tenants: Collection[str]) -> str:
    """The prefix of the dataset that a shard belongs to.

    >>> dropped_folder("drop/garden/part-0.csv", ()), dropped_folder("drop/law/garden/2026/0.csv", ["law"])
    ('drop/garden/', 'drop/law/garden/')
    """
    root = drop_root(key, tenants)
    return f"{root}{key.removeprefix(root).partition('/')[0]}/"


def name_of(text: str) -> str:
    """The name of a run, from a key or an option: in any script, on one line, never empty.

    Names that look the same are equal, however their letters are composed (Unicode NFC).
    """
    name = escaping.line(unicodedata.normalize("NFC", text)).strip(" /") or "unnamed"
    if len(name) <= MAX_NAME:
        return name
    return f"{name[:MAX_NAME]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def is_folder(key: str, size: int) -> bool:
    """Whether an object is the placeholder that consoles create for an empty folder."""
    return key.endswith("/") and size == 0


_SIGNAL_KEY = re.compile(rf"{RUNS_PREFIX}(?P<run_id>[^/]+)/(?P<signal>{'|'.join(SIGNALS)})/(?P<code>[^/]+)")


def signal_key(run_id: str, signal: Signal, code: str) -> str:
    """The key of the object that approves, stops or retries a run; its content does not matter.

    Parameters
    ----------
    code
        For an approval, the estimate (`waiting.approval.code_of`); for a stop, the attempt to end; for a
        retry, the attempt that has ended. Each signal therefore applies once.
    """
    return f"{RUNS_PREFIX}{run_id}/{signal}/{code}"


def more_test_key(run_id: str) -> str:
    """The key of additional held-out records for a retry of this run."""
    return f"{RUNS_PREFIX}{run_id}/{MORE_TEST}"
