"""The verdict on a dataset: what `tunedrop check --format json` prints."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tunedrop.contracts import Method, RuleSettings
from tunedrop.dataset.check.statistics import Statistics
from tunedrop.dataset.formats.record import SourceFormat
from tunedrop.dataset.rules import settings
from tunedrop.dataset.rules.codes import Severity, severity
from tunedrop.dataset.types import Finding, Split
from tunedrop.formatting.texts import shorten


class TokenEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """How tokens are estimated, and the range of the actual number divided by the estimate."""

    method: str = "UTF-8 bytes / 6, rounded up for each record"
    low: float = 0.8
    high: float = 2.1
    source: str = (
        "measured on 25 kinds of text with the tokenizers of Llama 3 and GPT-4o (2026-11-29; "
        "docs/explanation/checks.md lists them): 0.8 to 2.1 times as many, but with Llama 3 "
        "2.9 for Hebrew and 3.8 for Georgian; 6 characters of English a token: Bedrock user "
        "guide, model-customization-prepare (2026-11-23)"
    )


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one file. `labels` counts the answers if they are labels, most frequent first; `media`
    counts images, videos and documents by kind, which are not included in the tokens.
    """

    records: int
    tokens: int
    bytes: int
    error_count: int
    shortest_tokens: int
    longest_tokens: int
    statistics: Statistics
    labels: dict[str, int] = {}
    media: dict[str, int] = {}


class Rule(msgspec.Struct, frozen=True):
    """A failed rule: its count, and the first places."""

    code: str
    severity: Severity
    count: int
    places: tuple[Finding, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a dataset.

    `errors` and `warnings` list the first findings by file and line; `error_count` and `warning_count` are
    the totals. `by_code` counts the findings of each rule, errors first, and `by_rule` adds places.
    `token_estimate` describes how tokens are estimated. `statistics` covers all files. `rules` are the
    changes to severities and thresholds.
    """

    valid: bool
    method: Method | None
    format: SourceFormat | None
    records: int
    tokens: int
    error_count: int
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    warning_count: int
    by_code: dict[str, int] = {}
    by_rule: tuple[Rule, ...] = ()
    duplicates: int
    near_duplicates: int
    files: dict[Split, FileReport]
    statistics: Statistics
    token_estimate: TokenEstimate = TokenEstimate()
    rules: RuleSettings = RuleSettings()

    def severity(self, code: str) -> Severity:
        """The severity of a rule in this report."""
        own = self.rules.severity.get(code, "off")
        return severity(code) if own == "off" else own

    @property
    def changed_rules(self) -> str:
        """Differences of severities and thresholds from their defaults, in words."""
        return ", ".join(settings.changes(self.rules))


MOST_OF_A_RULE = 3
"""Maximum number of errors per rule in plain text: a file in a wrong format fails a rule in every record."""


LONGEST_NAME, LONGEST_LINE = 300, 1_000
"""Characters: a member of an archive may have a name of 64 kB, and an S3 key has at most 1,024 bytes."""


def plain_errors(report: Report, most: int = 20) -> Iterator[str]:
    """The errors as lines for people: the first ones of each rule with place and reason, and the number of
    others."""
    told = 0
    for rule in report.by_rule:
        if rule.severity != "error":
            continue
        places = rule.places[: min(MOST_OF_A_RULE, most - told)]
        told += len(places)
        for one in places:
            where = f"{shorten(one.file, LONGEST_NAME)} line {one.line}" if one.line else one.file
            path = f" {one.path}" if one.path not in ("", "$") else ""
            yield f"{shorten(f'{where}{path}: {one.message}', LONGEST_LINE)} [{one.code}]"
        if rule.count > len(places):
            yield f"… and {rule.count - len(places):,} more of {rule.code}"
