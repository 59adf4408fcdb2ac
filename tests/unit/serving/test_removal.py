"""Custom models and what serves them are deleted in one place, which looks at the aliases first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

ROOT = Path(__file__).parents[3]
BEHIND = {"tunedrop/serving/models.py": "delete", "tunedrop/serving/throughput.py": "release"}
"""The functions that call Bedrock's delete operations, by file: only `Removal` may call them."""

REMOVAL = "tunedrop/serving/removal.py"


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


def places(names: set[str], root: Path = ROOT) -> set[str]:
    """The files of the product that use one of some names."""
    files = (file for folder in ("tunedrop", "lambdas") for file in (root / folder).rglob("*.py"))
    return {
        file.relative_to(root).as_posix()
        for file in files
        if names & set(used(ast.parse(file.read_text(encoding="utf-8"))))
    }


def test_botocore_knows_the_operations_that_are_looked_for() -> None:
    assert deletes() >= {
        "delete_custom_model", "delete_custom_model_deployment", "delete_provisioned_model_throughput",
    }  # fmt: skip


def test_bedrocks_delete_operations_are_called_behind_removal_alone() -> None:
    assert places(deletes()) == set(BEHIND)


def test_nothing_but_removal_asks_for_them() -> None:
    behind = {f"{Path(file).stem}.{function}" for file, function in BEHIND.items()}

    assert places(behind) == {REMOVAL}


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
