"""Modules import each other in one direction: whichever is imported first, all can be."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]


def modules() -> dict[str, Path]:
    found = {}
    for package in ("tunedrop", "lambdas", "infra", "local"):
        for path in (ROOT / package).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imported(nodes: Iterable[ast.AST], known: Iterable[str]) -> Iterator[str]:
    """What is imported when the module itself is; not what its functions import when they are called."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                inner = f"{node.module}.{one.name}"
                yield inner if inner in known else str(node.module)
        elif isinstance(node, ast.Try):
            yield from imported(node.body, known)


def test_no_module_imports_one_that_imports_it() -> None:
    known = modules()
    graph = {
        name: {one for one in imported(ast.parse(path.read_text()).body, known) if one in known} - {name}
        for name, path in known.items()
    }

    order = list(TopologicalSorter(graph).static_order())  # raises CycleError with the modules of a cycle

    assert len(order) == len(known) > 600
