"""The dashboard answers what a person on call asks, and its tables read what the sweep writes."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest

from tests.infra.conftest import Resources
from tunedrop.contracts import Outcome
from tunedrop.monitoring.state import MonthSoFar, OpenRun, Served

ANSWERS = {
    "what runs, what waits and why": "Open runs, and what each waits for",
    "what bills now": "Served models, and what they cost by the hour",
    "spend against the month": "This month against the budget",
    "outcomes": "Results of runs",
    "errors": "Errors by function",
    "lost events": "Lost events, expired throughput, failing subjects",
    "alarms": "Alarms",
}


@pytest.fixture(scope="module")
def widgets(resources: Resources) -> dict[str, dict[str, Any]]:
    """The widgets by title; references are written by their names."""
    (dashboard,) = resources.of("AWS::CloudWatch::Dashboard").values()
    parts = dashboard["DashboardBody"]["Fn::Join"][1]
    body = json.loads(
        "".join(part if isinstance(part, str) else str(next(iter(part.values()))) for part in parts)
        if all(isinstance(part, str) or "Ref" in part for part in parts)
        else "".join(part if isinstance(part, str) else "reference" for part in parts)
    )
    return {one["properties"]["title"]: one for one in body["widgets"]}


@pytest.mark.parametrize("question", ANSWERS)
def test_each_question_has_its_widget(widgets: dict[str, dict[str, Any]], question: str) -> None:
    assert ANSWERS[question] in widgets


@pytest.mark.parametrize(
    ("question", "message", "shape"),
    [
        ("what runs, what waits and why", "open run", OpenRun),
        ("what bills now", "served", Served),
        ("spend against the month", "month so far", MonthSoFar),
    ],
)
def test_a_table_asks_for_what_the_sweep_writes(
    widgets: dict[str, dict[str, Any]], question: str, message: str, shape: Any
) -> None:
    """The messages are those of `tests/unit/steps/test_handlers.py`, which runs the sweep."""
    query = widgets[ANSWERS[question]]["properties"]["query"]

    assert f'filter message = "{message}"' in query
    asked = {*re.findall(r"latest\((\w+)\)", query), *re.findall(r" by (\w+)", query)}
    assert asked == set(shape.__struct_fields__)


def test_every_outcome_is_drawn(widgets: dict[str, dict[str, Any]]) -> None:
    drawn = {metric[3] for metric in widgets[ANSWERS["outcomes"]]["properties"]["metrics"]}

    assert drawn == set(get_args(Outcome))
