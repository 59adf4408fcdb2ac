"""The gate on published answers of real models: `python -m bench public FOLDER`.

FOLDER holds checkouts of the public repositories named below; whoever runs it fetches them (`git clone`), and
nothing of them is part of this one. For each pair of models the verdict is shown with what the publication
concludes. A verdict contradicts it that promotes what was found no better, or rejects what was found better.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import sacrebleu
from rich.console import Console
from rich.table import Table

from tunedrop.evaluation.answers_file import evaluate

MOST_LINES = 300
"""So many segments of a translation test set."""

CLEAR = 0.02
"""Smaller published differences are not given to the gate."""


class Case(NamedTuple):
    """Two models' answers; `gain` is the published difference of the second over the first, 0 to 1."""

    name: str
    rows: list[dict[str, str]]
    gain: float


def main() -> int:
    folders = [Path(one) for one in sys.argv[1:] if one != "public"]
    if len(folders) != 1 or not folders[0].is_dir():
        print("usage: python -m bench public FOLDER, with checkouts of", ", ".join(SETS))
        return 2
    table = Table("public set", "prompts", "published", "verdict", "interval", "")
    contradicted = decided = 0
    for name, cases in SETS.items():
        if not (folders[0] / name).is_dir():
            print(f"{name}: not in {folders[0]}", file=sys.stderr)
            continue
        for case in cases(folders[0] / name):
            found = evaluate(case.rows)
            score = found.scores[0]
            wrong = found.verdict == ("reject" if case.gain > CLEAR else "promote")
            contradicted += wrong
            decided += found.verdict != "inconclusive"
            interval = f"{score.low:+.3f} to {score.high:+.3f}"
            said = "CONTRADICTS" if wrong else "" if found.verdict == "inconclusive" else "agrees"
            table.add_row(case.name, str(found.records), f"{case.gain:+.3f}", found.verdict, interval, said)
            print(f"{case.name}: {found.reason}", file=sys.stderr, flush=True)
    Console(width=120, highlight=False).print(table)
    print(f"{table.row_count} pairs, {decided} decided, {contradicted} contradictions")
    return 1 if contradicted or not table.row_count else 0


# --- the sets ----------------------------------------------------------------------------------------------


def grade_school_math(folder: Path) -> Iterator[Case]:
    """Cobbe et al. 2021 (arXiv 2110.14168): verification beats finetuning, 175B beats 6B."""
    path = folder / "grade_school_math" / "data" / "example_model_solutions.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def final(text: str) -> str:
        return text.rpartition("A:")[2].strip() or "none"

    for one, other in (
        ("6b_finetuning", "175b_verification"),
        ("175b_finetuning", "175b_verification"),
        ("175b_verification", "6b_finetuning"),
        ("6b_verification", "175b_finetuning"),
    ):
        rows = [
            _row(
                line["question"],
                final(line["ground_truth"]),
                *(final(line[key]["solution"]) for key in (one, other)),
            )
            for line in lines
        ]
        right = [sum(line[key]["is_correct"] for line in lines) / len(lines) for key in (one, other)]
        yield Case(f"GSM8K, {one} to {other}", rows, right[1] - right[0])


def big_bench_hard(folder: Path) -> Iterator[Case]:
    """Suzgun et al. 2022 (arXiv 2210.09261): direct answers against those after a chain of thought."""
    outputs = folder / "code-davinci-002-outputs"
    for path in sorted((outputs / "code-davinci-002-direct").glob("*template_0-255000.json")):
        task = path.name.partition("_few_shot")[0]
        both = [json.loads(one.read_text("utf-8"))["outputs"] for one in (path, _cot(outputs, path.name))]
        if len(both[0]) != len(both[1]):
            continue
        rows, right = [], [0, 0]
        for direct, thought in zip(*both, strict=True):
            wanted = direct["target"].strip()
            answers = direct["prediction"].strip(), _concluded(thought["prediction"])
            right = [count + (one == wanted) for count, one in zip(right, answers, strict=True)]
            rows.append(_row(thought["input"], wanted, *answers))
        yield Case(f"BBH {task}, direct to chain of thought", rows, (right[1] - right[0]) / len(rows))


def _cot(outputs: Path, name: str) -> Path:
    return outputs / "code-davinci-002-cot" / name


def _concluded(text: str) -> str:
    found = re.search(r"the answer is (.*?)\.?\s*$", text.strip(), re.DOTALL)
    return found[1].strip() if found else text.strip()


def e2e(folder: Path) -> Iterator[Case]:
    """The E2E challenge's primary systems: BLEU on all references without case, as the challenge counts, by
    sacrebleu; our metrics on the first reference."""
    references: dict[str, list[str]] = {}
    with (folder.parent / "e2e-dataset" / "testset_w_refs.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            references.setdefault(line["mr"], []).append(line["ref"])
    for one, other in (
        ("tgen", "adapt"),
        ("adapt", "slug"),
        ("forge3", "tgen"),
        ("tgen", "slug"),
        ("slug", "harv"),
    ):
        before, after = _said(folder, one), _said(folder, other)
        asked = [mr for mr in references if mr in before and mr in after]
        if not asked:
            continue
        columns = list(zip_longest(*(references[mr] for mr in asked)))
        bleu = [
            sacrebleu.corpus_bleu([said[mr] for mr in asked], columns, lowercase=True, force=True).score / 100
            for said in (before, after)
        ]
        rows = [_row(mr, references[mr][0], before[mr], after[mr]) for mr in asked]
        yield Case(f"E2E, {one} to {other}", rows, bleu[1] - bleu[0])


def _said(folder: Path, system: str) -> dict[str, str]:
    """The output of a system of the challenge for each meaning representation."""
    path = folder / "system_outputs" / "primary" / f"{system}.tsv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))[1:]
    return {row[0]: row[-1] for row in rows if len(row) > 1}


def wmt22(folder: Path) -> Iterator[Case]:
    """Kocmi et al. 2022 (WMT22 findings), chrF against reference A: the worst, the middle, and the best."""
    scores: dict[str, dict[str, float]] = {}
    with (folder / "scores" / "automatic-scores.tsv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file, delimiter="\t"):
            if line["metric"] == "chrf-A":
                scores.setdefault(line["pair"], {})[line["system"]] = float(line["score"]) / 100
    for pair in ("en-de", "en-zh", "en-ja", "uk-en"):
        source, target = pair.split("-")
        ordered = sorted(scores.get(pair, {}), key=scores.get(pair, {}).__getitem__)
        if len(ordered) < 3:
            continue
        worst, middle, best = ordered[0], ordered[len(ordered) // 2], ordered[-1]
        start = folder / "txt"
        prompts = _lines(start / "sources" / f"generaltest2022.{pair}.src.{source}")
        wanted = _lines(start / "references" / f"generaltest2022.{pair}.ref.A.{target}")

        def hypotheses(system: str, pair: str = pair, target: str = target, start: Path = start) -> list[str]:
            return _lines(start / "system-outputs" / f"generaltest2022.{pair}.hyp.{system}.{target}")

        for one, other in ((worst, best), (best, worst), (middle, best)):
            rows = [
                _row(*four) for four in zip(prompts, wanted, hypotheses(one), hypotheses(other), strict=True)
            ]
            yield Case(f"WMT22 {pair}, {one} to {other}", rows, scores[pair][other] - scores[pair][one])


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").split("\n")[:MOST_LINES]


def _row(prompt: str, reference: str, base: str, tuned: str) -> dict[str, str]:
    return {"prompt": prompt, "reference": reference, "base": base, "tuned": tuned}


SETS: dict[str, Callable[[Path], Iterator[Case]]] = {
    "grade-school-math": grade_school_math,
    "BIG-Bench-Hard": big_bench_hard,
    "e2e-eval": e2e,
    "wmt22-news-systems": wmt22,
}

if __name__ == "__main__":
    sys.exit(main())
