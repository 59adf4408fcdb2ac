"""The scale on which the gate and the report compare a grader's rewards. Without numpy, because pages need it
too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tunedrop.evaluation.inference.evaluate import Prediction

OUTLYING = 0.01
"""The share of rewards that may lie beyond each end of the scale, because single outliers mean little."""


class Scale(NamedTuple):
    """The rewards that count as 0 and as 1; rewards beyond them are clipped."""

    least: float
    most: float

    def of(self, reward: float) -> float:
        """A reward from 0 to 1."""
        return min(1.0, max(0.0, (reward - self.least) / (self.most - self.least)))


def scale_of(answered: Sequence[Prediction]) -> Scale:
    """0 to 1, or wider if the rewards of all answers are, without the outliers."""
    given = [reward for one in answered for reward in one.rewards.values()]
    if not given:
        return Scale(0.0, 1.0)
    given.sort()
    beyond = math.ceil(OUTLYING * (len(given) - 1))
    least, most = given[beyond], given[-1 - beyond]
    return Scale(min(0.0, least), max(1.0, most))
