"""Every belief of the local Bedrock stands on the page with its authority, and none that it does not hold."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from docs.reference.local_bedrock import beliefs, markdown
from local.bedrock.service import services
from local.bedrock.world import World
from local.faults import Faults
from tests.recorded import recorded

FOLDER = Path(__file__).parents[3] / "local" / "bedrock"
NO_ANSWER_OF_AWS = re.compile(r"on purpose|part of the local Bedrock|no operation answers")
"""Refusals that say that a test or this Bedrock is at fault, never AWS."""


def test_every_operation_is_on_the_page_and_none_besides(tmp_path: Path) -> None:
    ours = services(World(Faults(tmp_path / "faults.json"), 3600, ""))
    operations = {name for one in ("bedrock", "bedrock_runtime") for name in ours[one]._router._operations}  # type: ignore[attr-defined]

    assert {one["operation"] for one in beliefs()["answer"]} == operations


def test_every_refusal_is_on_the_page_and_none_besides() -> None:
    assert {one["text"] for one in beliefs()["refusal"]} == set(refusals())


def test_every_duration_is_on_the_page() -> None:
    found = {
        f"{module.stem}.{name}"
        for module in FOLDER.glob("*.py")
        for name in re.findall(r"^([A-Z_]+_MINUTES) =", module.read_text(), re.MULTILINE)
        if name != "TICK_MINUTES"
    }

    assert {one["name"] for one in beliefs()["duration"]} == found
    for name in found:
        module, _, constant = name.partition(".")
        assert getattr(importlib.import_module(f"local.bedrock.{module}"), constant) > 0


def test_every_row_names_an_authority_and_where_it_is_not_ours_the_source() -> None:
    for rows in beliefs().values():
        for one in rows:
            assert one["authority"] in ("recorded", "documented", "reported", "belief"), one
            assert one["authority"] == "belief" or one.get("source"), one
    for one in beliefs()["answer"]:
        if one["authority"] == "recorded":
            assert recorded(re.split(r"[:;]", one["source"])[0])


def test_the_page_shows_every_row() -> None:
    text = markdown()

    assert all(one["operation"] in text for one in beliefs()["answer"])


def refusals() -> Iterator[str]:
    """The texts of all refusals and failed jobs, with `{}` for what is filled in."""
    for module in FOLDER.glob("*.py"):
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
