"""Custom models and what serves them are deleted in one place, which looks at the aliases first."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

ROOT = Path(__file__).parents[3]
ENGINE = "tunedrop/training/engines/bedrock"
KINDS = "tunedrop/serving/kinds"
BEHIND = {
    f"{ENGINE}/custom_models.py",
    *(f"{KINDS}/{name}.py" for name in ("deployment", "imported", "provisioned")),
}
"""The files that call Bedrock's delete operations."""

ASKED_BY = {
    "custom_models.delete": f"{ENGINE}/__init__.py",
    "delete_model": "tunedrop/serving/models.py",
    "models.delete": "tunedrop/serving/removal.py",
    "throughput.release": "tunedrop/serving/removal.py",
}
"""Who asks for each: `Removal` alone asks for both of the last."""


def deletes() -> set[str]:
    """Bedrock's operations that delete a custom model or what serves one, as botocore spells them."""
    methods = boto3.client("bedrock", region_name="us-east-1").meta.method_to_api_mapping
    return {one for one in methods if one.startswith("delete_") and "model" in one}


def used(tree: ast.Module) -> Iterator[str]:
    """The names that a module takes from elsewhere, calls or not, and texts that may name an operation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
            yield f"{ast.unparse(node.value)}.{node.attr}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.ImportFrom):
            package = (node.module or "").rpartition(".")[2]
            yield from (f"{package}.{one.name}" for one in node.names)


@functools.cache
def used_by_file(root: Path) -> dict[str, frozenset[str]]:
    """What each file of the product uses."""
    files = (file for folder in ("tunedrop", "lambdas") for file in (root / folder).rglob("*.py"))
    return {
        file.relative_to(root).as_posix(): frozenset(used(ast.parse(file.read_text(encoding="utf-8"))))
        for file in files
    }


def places(names: set[str], root: Path = ROOT) -> set[str]:
    """The files of the product that use one of some names."""
    return {file for file, found in used_by_file(root).items() if names & found}


def test_botocore_knows_the_operations_that_are_looked_for() -> None:
    assert deletes() >= {
        "delete_custom_model", "delete_custom_model_deployment", "delete_provisioned_model_throughput",
    }  # fmt: skip


def test_bedrocks_delete_operations_are_called_behind_removal_alone() -> None:
    assert places(deletes()) == BEHIND


@pytest.mark.parametrize(("name", "file"), ASKED_BY.items())
def test_nothing_but_removal_asks_for_them(name: str, file: str) -> None:
    assert places({name}) == {file}


@pytest.mark.parametrize(
    "code",
    [
        "bedrock.delete_custom_model(modelIdentifier=arn)",
        "call = self._aws.bedrock.delete_custom_model_deployment",
        "getattr(bedrock, 'delete_provisioned_model_throughput')(provisionedModelId=arn)",
    ],
)
def test_another_place_is_found(tmp_path: Path, code: str) -> None:
    (tmp_path / "lambdas").mkdir()
    (tmp_path / "lambdas" / "other.py").write_text(code)

    assert places(deletes(), tmp_path) == {"lambdas/other.py"}
