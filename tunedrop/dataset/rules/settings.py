"""Changes to the rules by a stage and a manifest: severities and thresholds.

The order is: the defaults here, then the setting `rules` of the stage, then `rules` of the manifest. A rule
that the stage made an error stays one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

import msgspec

from tunedrop.contracts import RuleSettings
from tunedrop.dataset.rules.codes import CODES, ERRORS, severity
from tunedrop.errors import InvalidManifest

LOWERABLE = frozenset({"TD054"})
"""Errors at our own discretion. Data that violates any other error is refused by Bedrock, or would invalidate
the run."""


class Threshold(msgspec.Struct, frozen=True):
    """A number that a rule compares with: its rule, default, range, and meaning."""

    code: str
    default: float
    least: float
    most: float
    meaning: str


THRESHOLDS = {
    "duplicates": Threshold("TD054", 0.9, 0, 1, "largest share of duplicates in a file"),
    "contradictions": Threshold("TD055", 0.5, 0, 1, "largest share of records that contradict another"),
    "near_duplicate": Threshold("TD058", 0.9, 0.7, 1, "similarity of near-duplicate prompts, 1 is identical"),
    "long_record": Threshold("TD064", 20, 2, 10_000, "longest record, as a multiple of the median"),
    "same_answer": Threshold("TD065", 0.8, 0.1, 1, "largest share of one answer"),
    "rare_label": Threshold("TD065", 5, 0, 10_000, "fewest records of a label"),
}
"""The thresholds by their names in manifests and stages. Nova's guide suggests repeating small datasets to
raise their epochs; `duplicates` is above the resulting share."""


def threshold(settings: RuleSettings, name: str) -> float:
    """The value of a threshold: as set, else its default."""
    return settings.thresholds.get(name, THRESHOLDS[name].default)


def problems(settings: RuleSettings) -> Iterator[str]:
    """The problems of settings; each message begins with the key, such as `severity.TD999`."""
    for code, wanted in settings.severity.items():
        if code not in CODES:
            yield f"severity.{code}: there is no such rule; {_near(code, CODES)}"
        elif code in ERRORS and code not in LOWERABLE and wanted != "error":
            yield (
                f"severity.{code}: this rule is always an error, because data that breaks it cannot be "
                f"used; remove this key and correct the data (tunedrop explain {code})"
            )
    for name, value in settings.thresholds.items():
        known = THRESHOLDS.get(name)
        if known is None:
            yield f"thresholds.{name}: there is no such threshold; {_near(name, THRESHOLDS)}"
        elif not known.least <= value <= known.most:
            between = f"{known.least:g} to {known.most:g}"
            yield f"thresholds.{name}: {value:g} is out of range; it must be from {between}"


def resolved(stage: RuleSettings, own: RuleSettings) -> RuleSettings:
    """The settings of a run: its own over those of its stage.

    Raises
    ------
    InvalidManifest
        If the run's own are wrong, or lower what the stage made an error.
    """
    wrong = list(problems(own))
    for code, wanted in own.severity.items():
        if stage.severity.get(code) == "error" and wanted != "error":
            wrong.append(f"severity.{code}: the stage requires an error here; remove this key")
    if wrong:
        raise InvalidManifest("\n".join(f"rules.{one}" for one in wrong))
    return RuleSettings(severity=stage.severity | own.severity, thresholds=stage.thresholds | own.thresholds)


def changes(settings: RuleSettings) -> Iterator[str]:
    """What differs from the defaults, in words."""
    for code, wanted in sorted(settings.severity.items()):
        if wanted != severity(code):
            yield f"{code} {wanted} (default: {severity(code)})"
    for name, value in sorted(settings.thresholds.items()):
        if value != THRESHOLDS[name].default:
            yield f"{name} {value:g} (default: {THRESHOLDS[name].default:g})"


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
