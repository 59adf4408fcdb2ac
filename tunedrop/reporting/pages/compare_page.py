"""The page of `tunedrop compare --html`."""

from __future__ import annotations

from tunedrop.evaluation.scoring.metrics import TITLES
from tunedrop.reporting import _document
from tunedrop.reporting.comparison import Comparison
from tunedrop.reporting.pages import STYLES
from tunedrop.stage import Stage


def render(stage: Stage, found: Comparison) -> str:
    """A comparison as one HTML document, with all answers."""
    metrics = dict.fromkeys(score.metric for one in found.against_first for score in one.scores)
    return _document.render(
        "compare.html", styles=STYLES, stage=stage, found=found, metrics=list(metrics), titles=TITLES
    )
