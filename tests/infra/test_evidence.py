"""No call, permission, id, quota or limit of the pipeline is without evidence, or an entry as a belief."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.reference import evidence
from docs.reference.evidence import Evidence
from infra.bundling import ROOT
from tests import operations
from tests.infra.conftest import Resources, synthesize
from tests.infra.test_authorization import ENGINES, EVERYTHING
from tests.recorded import recorded

AUTHORITIES = ("recorded", "documented", "independent", "reported", "belief")
ALL: list[Evidence] = [
    *(one for found in evidence.of_actions().values() for one in found),
    *(evidence.of(one) for kind in ("command", "id", "limit") for one in evidence.rows(kind)),
]


@pytest.fixture(scope="module", params=["dev", "local"])
def everything(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Resources:
    """A stage with every setting that adds a permission; only a local one may use every engine yet."""
    settings = EVERYTHING if request.param == "dev" else {**EVERYTHING, "engines": ENGINES}
    return Resources(synthesize(tmp_path_factory.mktemp("evidence"), request.param, **settings))


def test_every_call_has_evidence_or_is_listed_as_a_belief(everything: Resources) -> None:
    called = evidence.actions(everything.template["Resources"])

    assert len(called) > 50
    assert called - set(evidence.of_actions()) == set()


PERSONS = {"BatchDeleteEvaluationJob", "DeleteHub", "DeleteHubContent"}
"""What `tunedrop teardown` alone calls, in modules that functions run too."""


@pytest.mark.parametrize("everything", ["local"], indirect=True)  # with the engines whose calls these are
def test_every_call_in_the_functions_code_is_allowed_by_a_policy(everything: Resources) -> None:
    """A call that no policy allows fails on its first day, however well its answers are known."""
    allowed = evidence.actions(everything.template["Resources"])
    found = dict(operations.called(operations.of_functions()))

    assert len(found) > 60
    assert {name for name, actions in found.items() if not actions & allowed} == PERSONS


def test_every_call_in_the_code_has_evidence_or_is_listed_as_a_belief() -> None:
    """Those of the command line and of doctor, which people's own permissions allow, among them."""
    known = set(evidence.of_actions()) | {one for row in evidence.rows("command") for one in row["actions"]}
    found = dict(operations.called(operations.CODE))

    assert {name for name, actions in found.items() if not actions & known} == set()


def test_no_call_is_listed_that_no_policy_allows(tmp_path: Path) -> None:
    listed = {action for row in evidence.rows("call") for action in row["actions"]}
    widest = synthesize(tmp_path, "local", **EVERYTHING, engines=ENGINES)

    assert listed - evidence.actions(widest["Resources"]) == set()


def test_a_call_is_listed_once(everything: Resources) -> None:
    listed = [action for row in evidence.rows("call") for action in row["actions"]]
    ours = {action for action, found in evidence.of_actions().items() if len(found) > 1}

    assert len(listed) == len(set(listed))
    assert ours - set(evidence.OF_AN_OPERATION) == set()


def test_every_quota_that_is_read_is_in_awss_own_list() -> None:
    found = evidence.quotas()

    assert len(found) > 5
    assert [code for code, name in found.items() if not name] == []


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.source[:40])
def test_evidence_names_its_authority_its_source_and_tests_that_exist(one: Evidence) -> None:
    assert one.authority in AUTHORITIES
    assert one.source or one.authority == "belief"
    assert one.tests or one.authority != "independent"
    if one.authority == "recorded":
        assert recorded(re.split(r"[:;]", one.source)[0])
    for test in one.tests:
        file, _, name = test.partition("::")
        assert re.search(rf"^(?:def|class) {name}\b", (ROOT / file).read_text(), flags=re.MULTILINE), test


def test_the_page_shows_every_call(everything: Resources) -> None:
    page = evidence.markdown(everything.template["Resources"])

    called = evidence.actions(everything.template["Resources"])
    assert [action for action in called if f"| `{action}` |" not in page] == []
