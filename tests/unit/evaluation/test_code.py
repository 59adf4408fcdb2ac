"""Code that cannot run, which has every word of its reference."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

import tunedrop
from tunedrop.contracts import Evaluation
from tunedrop.evaluation.answers.code import fault_of

WORDS = (
    "amber",
    "birch",
    "cedar",
    "dune",
    "ember",
    "flint",
    "grove",
    "heath",
    "iris",
    "jade",
    "kelp",
    "larch",
)
PYTHON = "def {name}(rows):\n    total = {n}\n    for row in rows:\n        total += row\n    return total\n"
FORMULA = "def {name}(rows):\n    return (len(rows) + {n}) / 2\n"
SCRIPT = "const {name}Of = (rows) => {{\n  return rows.map((row) => row * {n});\n}};\n"
SQL = "SELECT id FROM {name} WHERE owner = 'x{n}' AND city = 'Graz';"
YAML = "service:\n  {name}:\n    image: x{n}\n    cpu: 2\n"


def evaluated(template: str, answer: Callable[[str], str]) -> Evaluation:
    draw, rows = random.Random(4), []
    for _ in range(60):
        words = draw.sample(WORDS, 5)
        wanted = template.format(name=words[0], n=draw.randint(10, 99))
        prompt = f"{' '.join(words)}: {wanted.split()[-2]}"
        rows.append({"prompt": prompt, "reference": wanted, "base": "I can help.", "tuned": answer(wanted)})
    return tunedrop.evaluate(rows)


BROKEN: dict[str, tuple[str, Callable[[str], str]]] = {
    "Python without indentation": (PYTHON, lambda text: "\n".join(map(str.strip, text.splitlines()))),
    "Python in one line": (PYTHON, lambda text: " ".join(text.split())),
    "Python without colons": (PYTHON, lambda text: text.replace(":", "")),
    "an unclosed bracket": (PYTHON, lambda text: text.replace("(rows)", "(rows")),
    "a return inside the loop": (PYTHON, lambda text: text.replace("    return", "        return")),
    "a formula without its brackets": (FORMULA, lambda text: re.sub(r"return \((.*)\)", r"return \1", text)),
    "a script without braces": (SCRIPT, lambda text: text.replace("{", "").replace("}", "")),
    "an unclosed call": (SCRIPT, lambda text: text.replace(");", ";")),
    "names in another case": (SCRIPT, str.lower),
    "SQL without quotes": (SQL, lambda text: text.replace("'", "")),
    "YAML under another key": (YAML, lambda text: text.replace("    cpu", "  cpu")),
    "YAML without indentation": (YAML, lambda text: "\n".join(map(str.strip, text.splitlines()))),
}

RUNS: dict[str, tuple[str, Callable[[str], str]]] = {
    "another indentation": (PYTHON, lambda text: text.replace("    ", "  ")),
    "more brackets": (FORMULA, lambda text: re.sub(r"return (.*)", r"return (\1)", text)),
    "a fence and remarks": (PYTHON, lambda text: f"Here it is:\n```python\n{text}```\nThis adds all rows."),
    "fences of other things": (
        PYTHON,
        lambda text: f"```sh\npip install it\n```\nThen:\n```python\n{text}```\n```\n3 4\n```",
    ),
    "remarks without a fence": (PYTHON, lambda text: f"Here it is (I hope):\n{text}\nThis: it adds up!"),
    "a script in one line": (SCRIPT, lambda text: " ".join(text.split())),
    "SQL with other quotes": (SQL, lambda text: text.replace("'", '"')),
    "deeper YAML": (YAML, lambda text: text.replace("  ", "    ")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_code_that_cannot_run_is_not_promoted(name: str) -> None:
    evaluation = evaluated(*BROKEN[name])

    assert evaluation.verdict == "inconclusive", evaluation.reason
    assert "cannot run" in evaluation.reason


@pytest.mark.parametrize("name", RUNS)
def test_code_that_runs_is_promoted(name: str) -> None:
    evaluation = evaluated(*RUNS[name])

    assert evaluation.verdict == "promote", evaluation.reason


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("Ask Ann (the clerk) for the key.", "Ask Ann the clerk for the key"),
        ("Bring:\n  a tent\n  a lamp", "Bring:\na tent\na lamp"),
        ("ports:\n  - 80\n  - 443\n", "ports:\n- 80\n- 443\n"),
        ("The shop opens at nine :)", "The shop opens at nine"),
        ("a) call us\nb) write to us", "(a) call us\n(b) write to us"),
        ("McDonald sells it.", "mcdonald sells it."),
        ("lamp", "(lamp"),
        ("x = 12; y = 30", "So x = 12 and y = 30"),
        ("raise prices", "Raise the prices."),
        ('Decision: send "lamp" (blue) back', "Decision: send lamp blue back"),
        ("Delete the file(s) in the folder(s)", "Delete the files in the folders"),
    ],
)
def test_prose_has_no_faults_of_code(reference: str, answer: str) -> None:
    assert not fault_of(reference, answer)


@pytest.mark.parametrize(
    "text", ["-" * 19_000 + "1", "x" + ".y" * 9_000, "x = " + "(" * 9_000, "\0", "if x:\n  y\0"]
)
def test_what_no_parser_can_read_is_no_python(text: str) -> None:
    assert fault_of("if x:\n    y = 1", text)
    assert not fault_of(text, text + " ")
