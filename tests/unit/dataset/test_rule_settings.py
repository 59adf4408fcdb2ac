"""Severities and thresholds that a stage or a manifest changes: the same in a check and in the pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.unit.dataset.test_check import jsonl, pair
from tunedrop.cli.app import app
from tunedrop.contracts import RuleSettings
from tunedrop.dataset.check.check import check, check_files
from tunedrop.dataset.check.findings import sarif
from tunedrop.dataset.check.merge import merge_ranges
from tunedrop.dataset.check.options import CheckOptions
from tunedrop.dataset.check.report import Report
from tunedrop.dataset.check.results import RangeResult, ranges
from tunedrop.dataset.check.scan import scan_range
from tunedrop.dataset.rules import settings
from tunedrop.dataset.rules.codes import CODES, ERRORS, severity
from tunedrop.dataset.sources.local import LocalFile
from tunedrop.errors import InvalidManifest
from tunedrop.reporting.pages import findings_page

MAIL = "write to ana.pereira@example-mail.com about it"


def checked(tmp_path: Path, records: list[Any], test: list[Any] | None = None, **changes: Any) -> Report:
    files = {"train": records} | ({"test": test} if test else {})
    for split, some in files.items():
        (tmp_path / f"{split}.jsonl").write_bytes(jsonl(some))
    sources: Any = {split: LocalFile(tmp_path / f"{split}.jsonl") for split in files}
    names: Any = {split: f"{split}.jsonl" for split in files}
    return check_files(sources, names, CheckOptions(rules=RuleSettings(**changes)))


def run(*arguments: str, code: int) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def word(number: int) -> str:
    return f"{number:b}".replace("0", "ka").replace("1", "lo")


def level(report: Report, code: str) -> str:
    return {rule.code: rule.severity for rule in report.by_rule}.get(code, "")


RECORDS = [pair(1, completion=MAIL), *(pair(n, completion=f"nothing of {n:b}") for n in range(2, 60))]
"""One record breaks TD062."""


def test_a_warning_becomes_an_error_or_is_not_reported(tmp_path: Path) -> None:
    assert level(checked(tmp_path, RECORDS), "TD062") == "warning"

    raised = checked(tmp_path, RECORDS, severity={"TD062": "error"})
    assert not raised.valid
    assert level(raised, "TD062") == "error"
    assert [one.line for one in raised.errors] == [1]
    assert "TD062" not in {one.code for one in raised.warnings}

    silent = checked(tmp_path, RECORDS, severity={"TD062": "off"})
    assert silent.valid
    assert level(silent, "TD062") == ""
    assert "TD062" not in silent.by_code


def test_a_rule_that_is_off_takes_no_room_from_others(tmp_path: Path) -> None:
    noisy = [pair(n, completion=f"{MAIL} {word(n)}", prompt=f"What is {word(n)}?") for n in range(300)]
    records = [*noisy, pair(999, completion="&lt;b&gt;x&lt;/b&gt;")]
    report = checked(tmp_path, records, severity={"TD062": "off"})

    assert "TD069" in {one.code for one in report.warnings}


COPIES = [pair(n % 6, completion=f"an answer to {n % 6:b}") for n in range(60)]
"""54 of 60 are duplicates: 0.9 and not more."""


def test_thresholds_are_compared_with(tmp_path: Path) -> None:
    assert level(checked(tmp_path, COPIES), "TD054") == ""
    assert level(checked(tmp_path, COPIES, thresholds={"duplicates": 0.5}), "TD054") == "error"
    lowered = checked(tmp_path, COPIES, thresholds={"duplicates": 0.5}, severity={"TD054": "warning"})
    assert level(lowered, "TD054") == "warning"
    assert lowered.valid


@pytest.mark.parametrize(
    ("records", "thresholds", "code"),
    [
        (
            [pair(n, completion="rare" if n < 8 else ("left", "right")[n % 2]) for n in range(100)],
            {"rare_label": 10},
            "TD065",
        ),
        (
            [pair(n, completion="yes" if n % 4 else f"because {n:b}") for n in range(100)],
            {"same_answer": 0.7},
            "TD065",
        ),
        (
            [pair(n, completion="word " * (100 if n == 50 else 10)) for n in range(100)],
            {"long_record": 2},
            "TD064",
        ),
        (
            [pair(n // 3, completion=f"answer {n:b}") for n in range(99)],
            {"contradictions": 0.8},
            "TD055",
        ),
    ],
)
def test_each_threshold_decides(
    tmp_path: Path, records: list[Any], thresholds: dict[str, float], code: str
) -> None:
    before = checked(tmp_path, records)
    after = checked(tmp_path, records, thresholds=thresholds)

    assert (level(before, code) == "") != (level(after, code) == "")


def test_near_duplicates_of_the_test_set_by_their_similarity(tmp_path: Path) -> None:
    train = [pair(n, prompt=f"Tell me how {n:b} bees of a hive fly home at dusk, please") for n in range(30)]
    test = [pair(1, prompt="Tell me how 0 bees of a hive fly home at dawn, and why")]

    assert level(checked(tmp_path, train, test), "TD058") == ""
    assert level(checked(tmp_path, train, test, thresholds={"near_duplicate": 0.8}), "TD058") == "warning"


def test_shards_obey_as_one_pass_does(tmp_path: Path) -> None:
    whole = checked(tmp_path, RECORDS, severity={"TD062": "error", "TD053": "off"})
    asked = CheckOptions(rules=whole.rules)
    source = LocalFile(tmp_path / "train.jsonl")
    sent = [
        msgspec.msgpack.decode(msgspec.msgpack.encode(scan_range(source, part, asked)), type=RangeResult)
        for part in ranges("train", source, 500)
    ]

    assert len(sent) > 3
    assert merge_ranges(sent, {"train": source}, {"train": "train.jsonl"}, asked) == whole


def test_the_report_lists_the_changes(tmp_path: Path) -> None:
    changes: Any = {"severity": {"TD062": "error", "TD060": "warning"}, "thresholds": {"duplicates": 0.5}}
    report = checked(tmp_path, RECORDS, **changes)

    assert report.changed_rules == "TD062 error (default: warning), duplicates 0.5 (default: 0.9)"
    assert report.changed_rules in findings_page.render_check("train.jsonl", report, {})
    (result,) = [one for one in sarif(report)["runs"][0]["results"] if one["ruleId"] == "TD062"]
    assert result["level"] == "error"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"severity": {"TD001": "warning"}}, "TD001: this rule is always an error"),
        ({"severity": {"TD052": "off"}}, "TD052: this rule is always an error"),
        ({"severity": {"TD999": "off"}}, "TD999: there is no such rule"),
        ({"thresholds": {"duplicate": 0.5}}, "did you mean duplicates?"),
        ({"thresholds": {"duplicates": 50}}, "must be from 0 to 1"),
        ({"thresholds": {"duplicates": float("nan")}}, "must be from 0 to 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: Any, message: str) -> None:
    with pytest.raises(InvalidManifest, match=message.replace("?", r"\?")):
        settings.resolved(RuleSettings(), RuleSettings(**changes))


def test_a_manifest_changes_its_stage_but_lowers_no_error_of_it() -> None:
    stage = RuleSettings(severity={"TD061": "error", "TD060": "off"}, thresholds={"duplicates": 0.5})
    own = RuleSettings(severity={"TD060": "error"}, thresholds={"rare_label": 9})

    assert settings.resolved(stage, own) == RuleSettings(
        severity={"TD061": "error", "TD060": "error"}, thresholds={"duplicates": 0.5, "rare_label": 9}
    )
    for wanted in ("off", "warning"):
        with pytest.raises(InvalidManifest, match=r"rules\.severity\.TD061: the stage requires an error"):
            settings.resolved(stage, RuleSettings(severity={"TD061": wanted}))


@given(st.dictionaries(st.sampled_from(sorted(CODES)), st.sampled_from(["error", "warning", "off"])))
def test_what_bedrock_refuses_stays_an_error(severities: Any) -> None:
    try:
        found = settings.resolved(RuleSettings(), RuleSettings(severity=severities))
    except InvalidManifest:
        return
    asked = CheckOptions(rules=found)
    assert {code for code in ERRORS if asked.severity(code) != "error"} <= settings.LOWERABLE
    assert severity("TD001") == "error"


def test_check_obeys_the_manifest_and_the_rules_of_a_stage(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(jsonl(RECORDS))
    (tmp_path / "run.yaml").write_text("data: {train: train.jsonl}\nrules: {severity: {TD062: error}}\n")
    stage = tmp_path.parent / "stage.json"
    stage.write_text(json.dumps({"severity": {"TD062": "error"}}))

    assert "TD062 error" in run("check", str(tmp_path), code=1)
    assert "TD062 error" in run("check", str(tmp_path / "train.jsonl"), "--rules", str(stage), code=1)
    assert "TD062 warning" in run("check", str(tmp_path / "train.jsonl"), code=0)

    (tmp_path / "run.yaml").write_text('data: {train: train.jsonl}\nrules: {severity: {TD062: "off"}}\n')
    assert "the stage requires" in run("check", str(tmp_path), "--rules", str(stage), code=1)
    stage.write_text(json.dumps({"severitee": {}}))
    assert "severitee" in run("check", str(tmp_path), "--rules", str(stage), code=2)


def test_sarif_file_names_are_uris() -> None:
    """SARIF 2.1.0, 3.4.3: an RFC 3986 reference, in which neither a space nor an umlaut stands as it is."""
    report = check({"train": [b'{"prompt": "a", "completion": ""}\n']}, {"train": "my d\u00e4ta 100%.jsonl"})

    places = [one["locations"][0]["physicalLocation"] for one in sarif(report)["runs"][0]["results"]]

    assert {one["artifactLocation"]["uri"] for one in places} == {"my%20d%C3%A4ta%20100%25.jsonl"}
