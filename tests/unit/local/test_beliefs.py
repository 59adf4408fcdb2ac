"""Every belief of our services stands on the page with its authority, and none that they do not hold."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.reference.local_bedrock import SERVICES, beliefs, markdown
from local.bedrock.service import services as bedrock_services
from local.bedrock.world import World
from local.faults import Faults
from local.mantle.service import services as mantle_services
from local.mantle.state import State as MantleState
from local.sagemaker.service import services as sagemaker_services
from local.sagemaker.state import State
from tests.recorded import recorded

FOLDER = Path(__file__).parents[3] / "local"
MODULES = {
    "bedrock": ("bedrock", "bedrock_runtime"),
    "mantle": ("bedrock-mantle",),
    "sagemaker": ("sagemaker",),
}
"""MiniStack's names of what each folder serves."""

of_each_service = pytest.mark.parametrize("service", SERVICES)
NO_ANSWER_OF_AWS = re.compile(r"on purpose|part of the local|no operation answers")
"""Refusals that say that a test or our service is at fault, never AWS."""


@of_each_service
def test_every_operation_is_on_the_page_and_none_besides(tmp_path: Path, service: str) -> None:
    world = World(Faults(tmp_path / "faults.json"), 3600, "")
    ours = bedrock_services(world) | sagemaker_services(State(world)) | mantle_services(MantleState(world))
    operations = {name for one in MODULES[service] for name in ours[one]._router._operations}  # type: ignore[attr-defined]

    assert {one["operation"] for one in beliefs(service)["answer"]} == operations


@of_each_service
def test_every_refusal_is_on_the_page_and_none_besides(service: str) -> None:
    assert {one["text"] for one in beliefs(service)["refusal"]} == set(refusals(service))


@of_each_service
def test_every_duration_is_on_the_page(service: str) -> None:
    found = {
        f"{module.stem}.{name}"
        for module in (FOLDER / service).glob("*.py")
        for name in re.findall(r"^([A-Z_]+_MINUTES) =", module.read_text(), re.MULTILINE)
        if name != "TICK_MINUTES"
    }

    assert {one["name"] for one in beliefs(service)["duration"]} == found
    for name in found:
        module, _, constant = name.partition(".")
        assert getattr(importlib.import_module(f"local.{service}.{module}"), constant) > 0


@of_each_service
def test_every_row_names_an_authority_and_where_it_is_not_ours_the_source(service: str) -> None:
    for rows in beliefs(service).values():
        for one in rows:
            assert one["authority"] in ("recorded", "documented", "reported", "belief"), one
            assert one["authority"] == "belief" or one.get("source"), one
    for one in beliefs(service)["answer"]:
        if one["authority"] == "recorded":
            assert recorded(re.split(r"[:;]", one["source"])[0])


def test_the_page_shows_every_row() -> None:
    text = markdown()

    assert all(one["operation"] in text for service in SERVICES for one in beliefs(service)["answer"])


def refusals(service: str) -> Iterator[str]:
    """The texts of all refusals and failed jobs, with `{}` for what is filled in."""
    for module in (FOLDER / service).glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                said = {"Refusal": 1, "JobFailed": 0, "EvaluationFailed": 0}.get(node.func.id)
                text = template(node.args[said]) if said is not None else "{}"
                if text != "{}" and not NO_ANSWER_OF_AWS.search(text):
                    yield text


def template(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return template(node.left) + template(node.right)
    return "{}"
