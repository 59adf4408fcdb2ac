"""Compares an upload with the training data of the production model of the same name.

Many uploads are named `train.jsonl`. A model of unrelated data may be better on its own held-out records, and
would then replace a model that others use. Such a run needs approval, and is checked again before promotion,
since another run of the same name may have been promoted meanwhile.

`tunedrop.registry.relatedness` decides whether two datasets are related.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from tunedrop import aws, naming
from tunedrop.contracts import Dataset, Estimate, Run
from tunedrop.errors import NameTaken
from tunedrop.registry._records import UNREADABLE
from tunedrop.registry._runs import Registry
from tunedrop.registry.aliases import Aliases, InProduction
from tunedrop.registry.relatedness import related

_log = logging.getLogger(__name__)

STRETCH = 256 << 10
STRETCHES = 8
"""Places sampled in a training file, and bytes read at each; smaller files are read completely."""


def unrelated_to(s3: Any, registry: Registry, aliases: Aliases, run: Run, dataset: Dataset) -> str:
    """The run whose model is in production under the same name, if its data is unrelated to this run's.

    Empty if the data is related, or no run's model is in production. A run that tunes that model further is
    checked too, because anyone who may upload may name it with `from`.

    Raises
    ------
    NameTaken
        If the alias of this run's name is another name's.
    """
    aliases.refuse_anothers(run.name)
    model = aliases.intended(run.name)
    if model is None or model.run_id in ("", run.run_id):
        return ""
    earlier = _dataset_of(registry, model)
    is_related = earlier is not None and have_in_common(s3, dataset.train.uri, earlier.train.uri)
    return "" if is_related else model.run_id


def uncompared_with(aliases: Aliases, run: Run) -> str:
    """The run whose model is in production under the same name, if nothing serves it, so that it cannot be
    asked; else empty."""
    model = _anothers(aliases, run)
    return model.run_id if model is not None and aliases.champion(run.name) is None else ""


def put_by_hand(aliases: Aliases, run: Run) -> str:
    """The modelId that the alias of a run's name holds, if somebody has written it by hand, such as that of a
    copied model: nobody knows what it has learned; else empty."""
    model = aliases.intended(run.name)
    return model.model_id if model is not None and not model.run_id else ""


def check_before_promotion(
    s3: Any, registry: Registry, aliases: Aliases, run: Run, dataset: Dataset, *, compared: bool
) -> None:
    """Check again: since the estimate, another run of the same name may have been promoted.

    Parameters
    ----------
    compared
        Whether the evaluation asked a model in production, or found that it was deleted.

    Raises
    ------
    NameTaken
        If its data is unrelated to this run's or unknown, or the two were not compared, and its replacement
        was not approved; or if it was promoted while this run was evaluated.
    """
    _check_none_came_between(registry, aliases, run)
    record = registry.get(run.run_id)
    estimate = record.document("estimate", Estimate) if record is not None else None
    by_hand = put_by_hand(aliases, run)
    if by_hand and (estimate is None or estimate.put_by_hand != by_hand):
        raise NameTaken(
            f"since this run was estimated, somebody has put {by_hand} into production under the name "
            f"{run.name}, by hand. Nothing was replaced, and the model is kept. To replace it, run tunedrop "
            f"retry {run.run_id}, which asks for approval and does not train again"
        )
    if not compared:
        _check_uncompared(aliases, run, estimate)
    taken = unrelated_to(s3, registry, aliases, run, dataset)
    if taken and (estimate is None or estimate.unrelated_to != taken):
        raise NameTaken(
            f"since this run was estimated, {taken} was put into production under the name {run.name}, and "
            "its data has nothing in common with this run's. Nothing was replaced, and the model is kept. To "
            f"replace it, run tunedrop retry {run.run_id}, which asks for approval and does not train again. "
            "For a separate model, upload the data under another name"
        )


def _check_uncompared(aliases: Aliases, run: Run, estimate: Estimate | None) -> None:
    """Refuse to replace a model that was not served during the evaluation, unless that was approved."""
    model = _anothers(aliases, run)
    if model is not None and (estimate is None or estimate.uncompared_with != model.run_id):
        raise NameTaken(
            f"the model of {model.run_id}, in production under the name {run.name}, was not served while "
            "this run was evaluated, and the two were not compared. Nothing was replaced, and the model is "
            f"kept. To compare them, run tunedrop promote {model.run_id} --serve, then tunedrop retry "
            f"{run.run_id}, which does not train again"
        )


def _check_none_came_between(registry: Registry, aliases: Aliases, run: Run) -> None:
    model = _anothers(aliases, run)
    if model is None:
        return
    since = run.resumed_at if run.evaluation_attempt == run.attempt and run.resumed_at else run.created_at
    asked = [
        one.started_at for one in registry.steps(run.run_id)
        if one.step == "evaluate_model" and one.started_at >= since
    ]  # fmt: skip
    if asked and _promoted_at(aliases.history(run.name), model) >= min(asked):
        raise NameTaken(
            f"while this run was evaluated, {model.run_id} was put into production under the name "
            f"{run.name}, and the two were not compared. Nothing was replaced, and the model is kept. To "
            f"compare them, run tunedrop retry {run.run_id}, which does not train again"
        )


def _anothers(aliases: Aliases, run: Run) -> InProduction | None:
    """What a name has in production, if that is the model of another run."""
    model = aliases.intended(run.name)
    return model if model is not None and model.model_id and model.run_id not in ("", run.run_id) else None


def _promoted_at(history: list[InProduction], model: InProduction) -> str:
    """Since when the model has been in production, whatever has served it."""
    same = itertools.takewhile(lambda one: one.model_id and one.model_arn == model.model_arn, history)
    return min((one.since for one in same), default=model.since)


def have_in_common(s3: Any, one: str, other: str) -> bool:
    """Whether two training files in S3 are related. False if one no longer exists."""
    try:
        ours, theirs = (list(_records(s3, uri)) for uri in (one, other))
    except ClientError as error:
        if aws.is_missing(error):
            return False
        raise
    return related(ours, theirs)


def _dataset_of(registry: Registry, model: InProduction) -> Dataset | None:
    """What a model was trained on; None if that is not known, also because the row of its run cannot be
    read."""
    try:
        record = registry.get(model.run_id)
        return record.document("dataset", Dataset) if record is not None else None
    except UNREADABLE:
        _log.exception("the row of %s cannot be read: its data counts as unrelated", model.run_id)
        return None


def _records(s3: Any, uri: str) -> Iterator[bytes]:
    """Complete lines of a file, from sections spread over it."""
    bucket, key = naming.place_of(uri)
    size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    if size <= STRETCH * STRETCHES:
        yield from s3.get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()
        return
    for number in range(STRETCHES):
        start = number * (size - STRETCH) // (STRETCHES - 1)
        asked = f"bytes={start}-{start + STRETCH - 1}"
        lines = s3.get_object(Bucket=bucket, Key=key, Range=asked)["Body"].read().split(b"\n")
        yield from lines[1:-1]
