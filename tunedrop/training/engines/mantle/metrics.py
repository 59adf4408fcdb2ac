"""The course of a training, from the events and checkpoints of its job.

AWS's walk-through of 2026-03-25 names `critic_rewards_mean`. That it lies in an event's `data` or a
checkpoint's `metrics`, by `step`, is a belief: OpenAI leaves `data` untyped, its metrics of checkpoints are
losses, and AWS publishes no example. Losses are not read: no page names one for reinforcement.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from typing import Any

from tunedrop.aws.mantle import JOBS, id_in
from tunedrop.training.curves import Curves, Reward
from tunedrop.training.engines.mantle.files import pages

REWARD = "critic_rewards_mean"

_log = logging.getLogger(__name__)


def curves(mantle: Any, job_address: str) -> Curves:
    """The mean rewards by step; empty if they cannot be read, which fails no run that has been paid."""
    try:
        found = dict(_rewards(mantle, id_in(job_address, JOBS)))
    except Exception:  # also of an answer that is not of the form above
        _log.warning("the events of %s could not be read", job_address, exc_info=True)
        return Curves()
    return Curves(rewards=tuple(Reward(step, reward) for step, reward in sorted(found.items())))


def _rewards(mantle: Any, id_: str) -> Iterator[tuple[int, float]]:
    """Step and reward; of a step with both, the checkpoint's is the last."""
    for event in pages(mantle.list_fine_tuning_events, id=id_):
        yield from _reward(event.get("data"), "step")
    for checkpoint in pages(mantle.list_fine_tuning_checkpoints, id=id_):
        yield from _reward({**checkpoint, **(checkpoint.get("metrics") or {})}, "step_number")


def _reward(metrics: Any, step: str) -> Iterator[tuple[int, float]]:
    if isinstance(metrics, dict) and _is_number(metrics.get(step)) and _is_number(metrics.get(REWARD)):
        yield int(metrics[step]), float(metrics[REWARD])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
