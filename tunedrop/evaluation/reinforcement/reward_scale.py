"""The scale on which the gate and the report compare a grader's rewards. Without numpy: pages need it too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tunedrop.evaluation.inference.evaluate import Prediction

OUTLYING = 0.01
"""Such a share of the rewards may lie beyond either end of the scale: one of 100 among 160 says little."""


class Scale(NamedTuple):
    """What rewards count as 0 and as 1; what lies beyond counts as the end that it is beyond."""

    least: float
    most: float

    def of(self, reward: float) -> float:
        """A reward from 0 to 1."""
        return min(1.0, max(0.0, (reward - self.least) / (self.most - self.least)))


def scale_of(answered: Sequence[Prediction]) -> Scale:
    """0 to 1 or as much wider as the rewards of all answers are, without the outlying ones."""
    given = [reward for one in answered for reward in one.rewards.values()]
    if not given:
        return Scale(0.0, 1.0)
    given.sort()
    beyond = math.ceil(OUTLYING * (len(given) - 1))
    least, most = given[beyond], given[-1 - beyond]
    return Scale(min(0.0, least), max(1.0, most))
