"""Runs that ended in every way, made up: for looking at reports, and for tests of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from local.embedded import ROOT
from local.samples import endings
from local.samples.answers import curves, extraction, on_records, tickets
from local.samples.finished import finished, stage
from tunedrop.contracts import JudgeSettings
from tunedrop.reporting.report import Material
from tunedrop.training.curves import Curves

__all__ = ["all_of_them", "hostile", "stage"]

JUDGE = JudgeSettings(model="amazon.nova-pro-v1:0")
LEVELLED = curves((2.2, 1.1, 0.8, 0.72), (2.1, 1.2, 0.95, 0.93))
OVERFITTED = curves((2.3, 1.9, 1.7, 1.6), (2.3, 2.5, 2.9, 3.3))


def all_of_them() -> Mapping[str, Material]:
    """Every sample by its name; each is made when it is first asked for."""
    return _Made()


class _Made(Mapping[str, Material]):
    def __getitem__(self, name: str) -> Material:
        return _made(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_HOW)

    def __len__(self) -> int:
        return len(_HOW)


@cache
def _made(name: str) -> Material:
    return _HOW[name]()


def hostile() -> Material:
    """A run whose every text that a user or a dataset can choose is an attack."""
    return endings.hostile(_persona("support-persona", 0.9, LEVELLED))


def _persona(name: str, skill: float, found: Curves, prompts: int = 60, failed: int = 0) -> Material:
    lines = _example("support-persona")
    return finished(name, "single-turn", on_records(lines[:prompts], skill, failed=failed), found, lines)


def _conversations() -> Material:
    """Better than its base, but not than the model in production; a judge looked on."""
    lines = _example("assistant-conversation")
    predictions = on_records(lines[:150], 0.94, champion=1.1, judged=True)
    found = curves((1.9, 1.2, 0.9), (1.8, 1.3, 1.1))
    return finished("library-assistant", "multi-turn", predictions, found, lines, judge=JUDGE)


def _continued() -> Material:
    lines = _example("domain-text")
    found = curves((3.4, 2.6, 2.1), (3.3, 2.7, 2.2))
    return finished("domain-text", "continued-pretraining", on_records(lines[:120], 0.8), found, lines)


def _labels() -> Material:
    predictions, lines = tickets(160)
    found = curves((1.6, 0.6, 0.35, 0.2), (1.5, 0.7, 0.62, 0.81))
    return finished("ticket-labels", "instruction", predictions, found, lines)


def _extraction() -> Material:
    predictions, lines = extraction(80)
    return finished("order-fields", "instruction", predictions, curves((1.2, 0.4), (1.1, 0.45)), lines)


def _example(name: str) -> Sequence[bytes]:
    return (ROOT / "examples" / name / "train.jsonl").read_bytes().splitlines(keepends=True)


_HOW: Mapping[str, Callable[[], Material]] = {
    "promoted": lambda: _persona("support-persona", 0.9, LEVELLED),
    "rejected": lambda: _persona("shuffled-answers", 0.0, OVERFITTED),
    "inconclusive": lambda: _persona("few-records", 0.16, curves((2.2, 1.6), ()), prompts=18),
    "unanswered": lambda: _persona("slow-account", 0.9, LEVELLED, failed=14),
    "labels": _labels,
    "json": _extraction,
    "multi-turn": _conversations,
    "continued-pretraining": _continued,
    "failed": lambda: endings.failed(_persona("support-persona", 0.9, Curves())),
    "refused": lambda: endings.refused(_persona("support-persona", 0.9, Curves())),
    "hostile": hostile,
}
