"""The list of faults is held to the code: a fault that fits nowhere any more tests nothing."""

from __future__ import annotations

import ast

import pytest

from tools import operators
from tools.mutants import AREAS, LISTS, ROOT, listed


@pytest.mark.parametrize("area", AREAS)
def test_every_listed_fault_fits_the_code_and_leaves_a_program(area: str) -> None:
    """Where it does not: write the fault anew for the code as it is, or remove it with the code."""
    for fault in listed(area):
        text = (ROOT / fault.file).read_text("utf-8")
        assert fault.put_into(text) != text
        ast.parse(fault.put_into(text))


def test_every_list_is_of_an_area() -> None:
    assert {path.stem for path in LISTS.glob("*.toml")} <= set(AREAS)


def test_operators_change_one_place_each_and_leave_a_program() -> None:
    text = (
        "class C(D, frozen=True):\n    pass\n\n\ndef f(a, b):\n"
        "    if not a and b < 1:\n        g()\n    return a + 'x', b * 2, True, a is not b\n"
    )

    made = {text[:start] + new + text[stop:] for start, stop, new, _ in operators.changes(text)}

    for one in made:
        ast.parse(one)
    assert "def f(a, b):\n    if not a or b < 1:" in "\n".join(made)
    assert "b <= 1" in "\n".join(made)
    assert "        pass\n" in "\n".join(made)
    assert "b / 2" in "\n".join(made)
    assert "a - 'x'" not in "\n".join(made)
    assert len(made) == 10
