"""The port: who knows what of an engine (`test_sixth_engine.py` adds one)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.recorded import recorded
from tunedrop.training import engines
from tunedrop.training.engine import JobEvent

ROOT = Path(__file__).parents[3]
NAMES = re.compile(r"sagemaker|mantle|jumpstart", re.IGNORECASE)
OUTSIDE = (
    "lambdas", "tunedrop/steps", "tunedrop/reporting", "tunedrop/waiting", "tunedrop/results", "tunedrop/cli",
    "tunedrop/monitoring", "tunedrop/preflight", "tunedrop/registration", "tunedrop/planning",
    "tunedrop/advice", "tunedrop/cost", "tunedrop/notebook",
)  # fmt: skip


def test_every_engine_knows_its_own_jobs_and_models() -> None:
    for engine in engines.every():
        assert engines.of_job(f"arn:aws:x:us-east-1:1{engine.job_arns}a") is engine
        assert engines.of_model(f"arn:aws:x:us-east-1:1{engine.model_arns}a") is engine
        assert engines.named(engine.name) is engine


def test_the_events_of_engines_are_those_that_aws_documents() -> None:
    samples = [recorded(name) for name in ("customization-job-event", "training-job-event")]
    documented = {JobEvent(one["source"], one["detail-type"]) for one in samples}

    assert {one.event for one in engines.every()} == {*documented, None}


def test_no_handler_step_report_or_command_names_an_engine() -> None:
    """They ask the catalog; Bedrock, which serves every model, is the exception."""
    found = [
        f"{file.relative_to(ROOT).as_posix()}: {line.strip()}"
        for folder in OUTSIDE
        for file in sorted((ROOT / folder).rglob("*.py"))
        for line in code_of(file)
        if NAMES.search(line)
    ]

    assert found == []


def test_no_handler_step_or_report_asks_how_a_model_is_served_by_its_name() -> None:
    """They ask the kind: how it is billed, whether it serves files, whether there is a queue."""
    way = re.compile(r"""\bway (?:==|!=|in)|[=!]= ["'](?:on-demand|provisioned|imported|mantle)["']""")
    found = [
        f"{file.relative_to(ROOT).as_posix()}: {line.strip()}"
        for folder in ("lambdas", "tunedrop/steps", "tunedrop/waiting", "tunedrop/results")
        for file in sorted((ROOT / folder).rglob("*.py"))
        for line in code_of(file)
        if way.search(line)
    ]

    assert found == []


def code_of(file: Path) -> list[str]:
    """The lines of a file that are no text for people: docstrings and constants of several words."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            node.value = ""
    return ast.unparse(tree).splitlines()
