"""A module or package whose name begins with `_` is used only within the package that it is in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("tunedrop", "lambdas", "infra", "local", "bench", "docs", "examples")


def trespasses(importer: str, source: str) -> list[str]:
    """The private modules of other packages that a module's source imports."""
    return [
        imported
        for imported in _imported(ast.parse(source))
        if (package := _owner(imported)) is not None and not f"{importer}.".startswith(f"{package}.")
    ]


def _owner(module: str) -> str | None:
    """The package that a private name is in; None if no part of the name is private."""
    parts = module.split(".")
    private = [place for place, part in enumerate(parts) if part.startswith("_") and not part.endswith("__")]
    return ".".join(parts[: private[0]]) if private else None


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.startswith("tunedrop."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tunedrop":
            yield from (f"{node.module}.{one.name}" for one in node.names)


@pytest.mark.parametrize(
    ("importer", "source", "found"),
    [
        ("tunedrop.cost.actual", "from tunedrop.cost import _media", []),
        ("tunedrop.cost", "from tunedrop.cost._media import shown_in", []),
        ("tunedrop.cost.deep.er", "import tunedrop.cost._media", []),
        ("tunedrop.results", "from tunedrop.cost import actual", []),
        ("tunedrop.results", "from tunedrop.cost import _media", ["tunedrop.cost._media"]),
        ("tunedrop.costly", "from tunedrop.cost._media import a", ["tunedrop.cost._media.a"]),
        ("lambdas.notify.handler", "def f():\n    import tunedrop.cost._media", ["tunedrop.cost._media"]),
        ("tunedrop.results", "from tunedrop.cost.actual import _bill", ["tunedrop.cost.actual._bill"]),
    ],
)
def test_a_private_name_is_found_wherever_it_is_imported(
    importer: str, source: str, found: list[str]
) -> None:
    assert trespasses(importer, source) == found


def test_no_package_uses_what_another_keeps_private() -> None:
    found = {}
    for path in (file for folder in CODE for file in (ROOT / folder).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if one := trespasses(module, path.read_text("utf-8")):
            found[module] = one

    assert found == {}
