"""Rules for whole files and the dataset, as functions of counts, so that parts of a file can be added up.

Sources: the catalog's, for each base model; Nova user guide, fine-tune-prepare-data-understanding (names of
files, one kind of media); aws/nova-forge-sdk (optional keys in all records or in none).
Read 2026-11-25.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import msgspec

from tunedrop.catalog.method import MethodRules
from tunedrop.catalog.model import BaseModel
from tunedrop.catalog.refusals import refusal
from tunedrop.contracts import Method
from tunedrop.dataset.types import Problem, Split, shorten

FEWEST_FOR_SHARES = 20
_NAME = re.compile(r"[A-Za-z0-9_\-/.]+\.jsonl")


class FileCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules need to know about a file; `traits` has the counts of `rules.traits`."""

    name: str
    records: int = 0
    bytes: int = 0
    errors: int = 0
    duplicates: int = 0
    contradictions: int = 0
    contradicted_prompts: int = 0
    traits: dict[str, int] = {}


Found = tuple[Split, Problem]


def dataset_problems(
    files: Mapping[Split, FileCounts],
    method: Method | None,
    model: BaseModel | None,
    threshold: Callable[[str], float],
) -> Iterator[Found]:
    """The problems of whole files; `threshold` returns one of `settings.THRESHOLDS` by name."""
    for split, file in files.items():
        yield from ((split, problem) for problem in _file(file, threshold))
    yield from _media(files)
    if method is None or model is None:
        return
    rules = model.methods.get(method)
    if rules is None:
        offered = ", ".join(model.methods)
        refused = refusal(model.id, method)
        nearest = f". {refused.nearest}" if refused is not None else ""
        why = f"{model.name} does not take {method}; it takes {offered}{nearest}"
        yield "train", Problem("", "TD042", why, method, offered)
        return
    yield from _counts(files, method, rules, model)
    yield from _sizes(files, rules, model)


def _file(file: FileCounts, threshold: Callable[[str], float]) -> Iterator[Problem]:
    if not file.records and not file.errors:
        yield Problem("", "TD006", "the file is empty; it needs at least one record", "nothing", "records")
    if "." in file.name and not _NAME.fullmatch(file.name):
        expected = "letters, digits, _ - / . and .jsonl at the end"
        why = f"Bedrock takes file names of {expected}; Tunedrop gives its copy a valid name"
        yield Problem("", "TD007", why, shorten(file.name), expected)
    with_system = file.traits.get("system", 0)
    if 0 < with_system < file.records:
        why = (
            f"{with_system:,} of {file.records:,} records have a system prompt: the model learns "
            f"inconsistent behaviour, "
            "and AWS's Forge SDK refuses the file"
        )
        yield Problem("", "TD015", why, f"{with_system:,}", f"0 or {file.records:,}")
    if file.records < FEWEST_FOR_SHARES:
        return
    most = threshold("duplicates")
    if file.duplicates > most * file.records:
        why = f"{file.duplicates:,} of {file.records:,} records are duplicates; --fix removes them"
        yield Problem("", "TD054", why, f"{file.duplicates:,}", f"at most {most:.0%}")
    most = threshold("contradictions")
    if file.contradictions > most * file.records:
        why = (
            f"{file.contradicted_prompts:,} prompts have several answers, {file.contradictions:,} of "
            f"{file.records:,} records give another one: the model learns inconsistent behaviour, "
            f"unless that is "
            "meant (paraphrases, several samples)"
        )
        yield Problem("", "TD055", why, f"{file.contradictions:,}", f"at most {most:.0%}")


def _media(files: Mapping[Split, FileCounts]) -> Iterator[Found]:
    together = {kind for file in files.values() for kind in ("image", "video") if file.traits.get(kind)}
    if len(together) > 1:
        why = "some records have images and some have videos; make two datasets of them"
        yield "train", Problem("", "TD076", why, "images and videos", "one kind")


def _counts(
    files: Mapping[Split, FileCounts], method: Method, rules: MethodRules, model: BaseModel
) -> Iterator[Found]:
    train = files["train"].records
    validation = files["validation"].records if "validation" in files else 0
    least, advised = rules.min_train_records, rules.recommended_records
    if 0 < train < least:
        why = f"{train:,} records; {model.name} takes at least {least:,} for {method}"
        yield "train", Problem("", "TD040", why, f"{train:,}", f"at least {least:,}")
    elif 0 < train < advised:
        why = f"{train:,} records; {advised:,} are advised for {model.name}"
        yield "train", Problem("", "TD044", why, f"{train:,}", f"{advised:,} or more")
    if validation and not rules.takes_validation:
        why = f"{model.name} takes no validation set for {method}; leave it out"
        yield "validation", Problem("", "TD043", why, f"{validation:,} records", "none")
        return
    limits: tuple[tuple[Split, str, int, int], ...] = (
        ("train", "records", train, rules.max_train_records),
        ("validation", "records", validation, rules.max_validation_records),
        ("train", "records of training and validation", train + validation, rules.max_total_records),
    )
    for split, what, count, most in limits:
        if most and count > most:
            why = f"{count:,} {what}; {model.name} takes at most {most:,}"
            yield split, Problem("", "TD040", why, f"{count:,}", f"at most {most:,}")
            return


def _sizes(files: Mapping[Split, FileCounts], rules: MethodRules, model: BaseModel) -> Iterator[Found]:
    limits: tuple[tuple[Split, int], ...] = (
        ("train", rules.max_train_bytes),
        ("validation", rules.max_validation_bytes),
    )
    for split, most in limits:
        size = files[split].bytes if split in files else 0
        if most and size > most:
            why = f"{size:,} bytes; {model.name} takes {most:,}"
            yield split, Problem("", "TD041", why, f"{size:,}", f"at most {most:,}")
