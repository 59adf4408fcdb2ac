"""Mutation testing: puts one fault at a time into a copy of the tree, and sees whether a test fails.

    python -m tools.mutants --area cost                      # every listed and generated fault of an area
    python -m tools.mutants --sample 600 --seed 7            # what ten minutes hold, some areas in turn
    python -m tools.mutants --generated --draw 80 --seed 16  # 80 of each area, drawn at random
    python -m tools.mutants --listed --area infra --survivors

Faults come from `tests/mutants/<area>.toml`, written by hand, and from operators over the syntax tree,
generated. `AREAS` lists the code and the deciding tests of each area. The user's tree is never touched:
faults go into a git worktree of the present state (staged files and changes too) in a temporary folder.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tools import operators, test_process

ROOT = Path(__file__).resolve().parent.parent
LISTS = ROOT / "tests" / "mutants"

AT_ONCE = 20
"""Faults of an area before a sample continues with the next: one unchanged run of its tests costs as much."""

Lines = dict[str, dict[str, list[str]]]
"""The tests that run each line of each file; empty for lines that run at import."""


class Area(NamedTuple):
    """The code of an area, and the tests that decide it, the most likely first."""

    code: tuple[str, ...]
    tests: tuple[str, ...]
    generated: bool = True

    @property
    def recorded(self) -> tuple[str, ...]:
        """Code that runs once for all tests, such as for the template, belongs to no single test."""
        return self.code if self.generated else ()


class Fault(NamedTuple):
    """One change of one file: the text from `start` to `stop` becomes `new`."""

    area: str
    file: str
    start: int
    stop: int
    new: str
    what: str
    harmless: str = ""

    def put_into(self, text: str) -> str:
        return text[: self.start] + self.new + text[self.stop :]


AREAS = {
    "cost": Area(("tunedrop/cost", "lambdas/estimate_cost"), ("tests/unit/cost", "tests/unit/steps")),
    "preflight": Area(
        ("tunedrop/preflight",),
        ("tests/unit/preflight", "tests/unit/aws", "tests/unit/serving/test_bases.py"),
    ),
    "evaluation": Area(("tunedrop/evaluation",), ("tests/unit/evaluation",)),
    "training": Area(("tunedrop/training",), ("tests/unit/training", "tests/unit/serving/test_bases.py")),
    "waiting": Area(
        ("tunedrop/waiting",),
        ("tests/unit/waiting", "tests/unit/cli/test_approving.py"),
    ),
    "serving": Area(("tunedrop/serving",), ("tests/unit/serving", "tests/unit/results")),
    "registry": Area(("tunedrop/registry",), ("tests/unit/registry", "tests/unit/results")),
    "registration": Area(
        ("tunedrop/registration", "tunedrop/intake"),
        ("tests/unit/registration", "tests/unit/test_intake.py"),
    ),
    "results": Area(
        ("tunedrop/results",), ("tests/unit/results", "tests/unit/reporting/test_notification.py")
    ),
    "steps": Area(
        ("lambdas", "tunedrop/steps", "tunedrop/aws"),
        ("tests/unit/steps", "tests/unit/aws", "tests/unit/results", "tests/unit/evaluation/test_step.py"),
    ),
    "dataset": Area(("tunedrop/dataset/rules", "tunedrop/dataset/prepare"), ("tests/unit/dataset",)),
    "infra": Area(("infra",), tuple(f"tests/infra/test_{name}.py" for name in (
        "watching", "attackers", "engines", "seventh_engine", "needs", "permissions", "workflow", "lifecycle",
        "storage", "functions", "intake", "construct", "application", "authorization", "jsonata",
    )), generated=False),
}  # fmt: skip

# --- listed faults -----------------------------------------------------------------------------------------


def listed(area: str) -> Iterator[Fault]:
    """Our own faults of an area.

    Raises
    ------
    ValueError
        If the text that a fault replaces is not exactly once in its file, because the code has changed.
    """
    path = LISTS / f"{area}.toml"
    for entry in tomllib.loads(path.read_text("utf-8"))["fault"] if path.exists() else ():
        text, old = (ROOT / entry["file"]).read_text("utf-8"), entry["old"]
        if text.count(old) != 1:
            where = f"{path.relative_to(ROOT)}: {entry['breaks']}"
            raise ValueError(f"{where}: {entry['file']} holds {old!r} {text.count(old)} times, wanted once")
        start = text.index(old)
        yield Fault(
            area, entry["file"], start, start + len(old), entry["new"], entry["breaks"],
            entry.get("harmless", ""),
        )  # fmt: skip


def faults_of(area: str, *, lists: bool, made: bool) -> list[Fault]:
    """The faults of an area: those of the list first."""
    found = list(listed(area)) if lists else []
    if made and AREAS[area].generated:
        for folder in AREAS[area].code:
            for path in sorted((ROOT / folder).rglob("*.py")):
                file = path.relative_to(ROOT).as_posix()
                found += [Fault(area, file, *one) for one in operators.changes(path.read_text("utf-8"))]
    return found


# --- trying them -------------------------------------------------------------------------------------------


@contextmanager
def scratch() -> Iterator[Path]:
    """A worktree of the current state, with changes and staged files."""
    state = _git("stash", "create") or "HEAD"
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _git("worktree", "add", "--detach", str(tree), state)
        try:
            for name in (".venv", "node_modules"):
                (tree / name).symlink_to(ROOT / name)
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*words: str) -> str:
    command = [shutil.which("git") or "git", *words]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


class OutOfTime(Exception):
    """The deadline has passed before there was an outcome."""


class Trial:
    """An area's tests in the scratch tree: run once as they are, then once a fault.

    `deadline` is a `time.monotonic()`; past it, everything raises `OutOfTime`.
    """

    def __init__(self, tree: Path, area: str, tests: Sequence[str], quick: bool, deadline: float) -> None:
        self._tree, self._quick, self._deadline = tree, quick, deadline
        self._tests = [one for one in tests or AREAS[area].tests if (tree / one).exists()]
        began = time.monotonic()
        self._seconds = 3600.0
        if self._run(self._tests, AREAS[area].recorded) != 0:
            raise SystemExit(f"{area}: the tests fail without any fault: {' '.join(self._tests)}")
        self._seconds = 60 + 5 * (time.monotonic() - began)
        record: Any = {"lines": {}, "seconds": {}}
        if AREAS[area].recorded:
            record = json.loads((tree / test_process.RECORD).read_text("utf-8"))
        self._lines: Lines = record["lines"]
        self._lasting: defaultdict[str, float] = defaultdict(float)
        for name, seconds in record["seconds"].items():
            self._lasting[_function(name)] += seconds

    def outcome(self, fault: Fault) -> str:
        """`survived` when the tests pass, `killed` when one fails, `timeout` when they take far longer."""
        path = self._tree / fault.file
        text, as_it_was = path.read_text("utf-8"), path.stat()
        tests = self._tests_of(fault, text)
        path.write_text(fault.put_into(text), "utf-8")
        try:
            code = self._run(tests) if tests else 0
            if code == 0 and tests != self._tests and not self._quick:
                code = self._run(self._tests)
        finally:
            path.write_text(text, "utf-8")
            os.utime(path, ns=(as_it_was.st_atime_ns, as_it_was.st_mtime_ns))  # its bytecode is still valid
        return {0: "survived", None: "timeout"}.get(code, "killed")

    def _run(self, tests: Sequence[str], record: Sequence[str] = ()) -> int | None:
        left = self._deadline - time.monotonic()
        code = test_process.run(self._tree, tests, min(left, self._seconds), record)
        if code is None and left < self._seconds:
            raise OutOfTime
        return code

    def _tests_of(self, fault: Fault, text: str) -> list[str]:
        """The tests that run the statement at fault, the quickest first; all where it runs at import."""
        if (lines := self._lines.get(fault.file)) is None:
            return self._tests
        around = [one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.stmt)]
        first, last = (text.count("\n", 0, place) + 1 for place in (fault.start, fault.stop))
        first = max(
            (one.lineno for one in around if one.lineno <= first <= (one.end_lineno or 0)), default=first
        )
        by = {name for row in range(first, last + 1) for name in lines.get(str(row), ())}
        if "" in by:
            return self._tests
        return sorted({_function(one) for one in by}, key=lambda one: self._lasting[one])


def _function(test: str) -> str:
    """The test function of a test with parameters."""
    return test.partition("[")[0]


def run(
    faults: list[Fault], tests: Sequence[str], deadline: float, report: Path | None, quick: bool
) -> list[dict[str, str]]:
    """Try faults until the deadline (`time.monotonic()`); one line each as they come."""
    results: list[dict[str, str]] = []
    with scratch() as tree:
        trials: dict[str, Trial] = {}
        for fault in faults:
            try:
                if fault.area not in trials:
                    trials[fault.area] = Trial(tree, fault.area, tests, quick, deadline)
                found = "harmless" if fault.harmless else trials[fault.area].outcome(fault)
            except OutOfTime:
                break
            results.append({"area": fault.area, "outcome": found, "file": fault.file, "what": fault.what})
            print(f"{found:9} {fault.area:13} {fault.file}: {fault.what}", flush=True)
            if report is not None:
                report.write_text("".join(json.dumps(one) + "\n" for one in results), "utf-8")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--area", action="append", choices=AREAS, help="only this area; may be repeated")
    parser.add_argument("--listed", action="store_true", help="only the faults of tests/mutants")
    parser.add_argument("--generated", action="store_true", help="only the faults of operators")
    parser.add_argument(
        "--sample", type=float, metavar="SECONDS", help="as many as fit, 20 of an area in turn"
    )
    parser.add_argument("--draw", type=int, metavar="N", help="so many of each area, drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="faults whose file or description holds this text")
    parser.add_argument("--tests", nargs="+", default=(), help="these tests instead of the area's")
    parser.add_argument(
        "--quick", action="store_true", help="try survivors on no tests but those seen to run them"
    )
    parser.add_argument("--write-report", type=Path, metavar="FILE", help="JSON lines, one a fault")
    asked = parser.parse_args()
    by_area = []
    for area in asked.area or AREAS:
        found = faults_of(area, lists=not asked.generated, made=not asked.listed)
        found = [one for one in found if asked.only in f"{one.file}: {one.what}"]
        if asked.sample or asked.draw:
            random.Random(f"{asked.seed} {area}").shuffle(found)  # noqa: S311 - a sample
        by_area.append(found[: asked.draw])
    if asked.sample:  # starts with other areas at another seed, because the time may not suffice for all
        random.Random(asked.seed).shuffle(by_area)  # noqa: S311 - a sample
    faults = [one for row in (_in_turn(by_area) if asked.sample else by_area) for one in row]
    deadline = time.monotonic() + (asked.sample or 1e9)
    results = run(faults, tuple(asked.tests), deadline, asked.write_report, asked.quick)
    print(summary(results))


def summary(results: Sequence[Mapping[str, str]]) -> str:
    """A line for each area and one for all: the share that tests have killed, with its 95 % interval."""
    from scipy.stats import binomtest  # takes a second to load, and only here

    lines = []
    for area in (*dict.fromkeys(one["area"] for one in results), ""):
        ends = Counter(one["outcome"] for one in results if area in ("", one["area"]))
        killed = ends["killed"] + ends["timeout"]
        tried = killed + ends["survived"]
        harmless = f", {ends['harmless']} harmless" if ends["harmless"] else ""
        share = "nothing tried"
        if tried:
            low, high = binomtest(killed, tried).proportion_ci(method="wilson")
            share = f"{killed / tried:4.0%} killed ({low:.0%} to {high:.0%})"
        lines.append(f"{area or 'all':13} {share}: {killed} of {tried}{harmless}")
    return "\n".join(lines)


def _in_turn(rows: list[list[Fault]]) -> Iterator[list[Fault]]:
    for place in range(0, max(map(len, rows), default=0), AT_ONCE):
        yield from (row[place : place + AT_ONCE] for row in rows)


if __name__ == "__main__":
    main()
