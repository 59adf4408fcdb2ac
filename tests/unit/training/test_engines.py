"""The port: who knows what of an engine (`test_sixth_engine.py` adds one)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.recorded import recorded
from tunedrop.training import engines
from tunedrop.training.engine import JobEvent, TrainingEngine

ROOT = Path(__file__).parents[3]
OUTSIDE = (
    "lambdas", "tunedrop/steps", "tunedrop/reporting", "tunedrop/waiting", "tunedrop/results", "tunedrop/cli",
    "tunedrop/monitoring", "tunedrop/preflight", "tunedrop/registration", "tunedrop/planning",
    "tunedrop/advice", "tunedrop/cost", "tunedrop/notebook", "tunedrop/registry", "tunedrop/doctor",
    "tunedrop/evaluation",
)  # fmt: skip
TEXTS_TOO = ("lambdas", "tunedrop/steps", "tunedrop/reporting", "tunedrop/waiting", "tunedrop/results")
"""Folders whose texts for people name no engine either; those of others tell how to choose one."""

OURS = {part for one in engines.every() for part in (one.name, one.job_arns, one.model_arns)}
NAMES = re.compile(
    "|".join(
        ["sagemaker", "jumpstart", r"""(?:==|!=|\bin)\W+bedrock["']""", *map(re.escape, OURS - {"bedrock"})]
    ),
    re.IGNORECASE,
)


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
    """They ask the catalog. Bedrock, which serves every model, may be named, but nothing may depend on
    whether it has trained one, or on what the ARNs of an engine's jobs and models look like."""
    found = [
        f"{file.relative_to(ROOT).as_posix()}: {line.strip()}"
        for folder in OUTSIDE
        for file in sorted((ROOT / folder).rglob("*.py"))
        for line in code_of(file, texts=folder in TEXTS_TOO)
        if NAMES.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("engine", engines.every(), ids=lambda one: one.name)
def test_such_a_line_is_found(engine: TrainingEngine, tmp_path: Path) -> None:
    for line in (
        f"if engine.name == '{engine.name}': pass",
        f"if base.engine in ('{engine.name}',): pass",
        f"if '{engine.job_arns}' in arn: pass",
        f"if '{engine.model_arns}' in arn: pass",
    ):
        (tmp_path / "a.py").write_text(line)
        assert any(NAMES.search(one) for one in code_of(tmp_path / "a.py")), line


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


def code_of(file: Path, *, texts: bool = False) -> list[str]:
    """The lines of a file without its docstrings and, unless `texts`, without constants of several words."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    said = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        if id(node) in said or (" " in node.value and not texts):
            node.value = ""
    return ast.unparse(tree).splitlines()
