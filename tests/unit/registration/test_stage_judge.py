"""The judge of a run: the manifest's, or the stage's where it decides."""

from __future__ import annotations

from typing import Any

import pytest

from tests import builders
from tunedrop.contracts import JudgeSettings
from tunedrop.errors import InvalidManifest
from tunedrop.registration._run_settings import identity

PRO = "us.amazon.nova-pro-v1:0"
JUDGED = builders.stage(judge="amazon.nova-pro-v1:0")
OF_STAGE = JudgeSettings(model=PRO, open_text_only=True)


def judge_of(stage: Any = JUDGED, **evaluation: Any) -> JudgeSettings | None:
    return builders.resolved(stage, evaluation=evaluation).evaluation.judge


@pytest.mark.parametrize("says", [{}, {"judge": "auto"}, {"judge": None}, {"metric": "auto"}])
def test_a_run_has_the_stages_judge_for_open_text(says: dict[str, Any]) -> None:
    assert judge_of(**says) == OF_STAGE


def test_the_stages_judge_decides_everywhere_if_the_manifest_says_so() -> None:
    assert judge_of(metric="judge") == JudgeSettings(model=PRO)


@pytest.mark.parametrize("says", [{"judge": "none"}, {"metric": "token_f1"}, {"metric": "accuracy"}])
def test_a_judge_that_decides_nothing_is_not_called(says: dict[str, Any]) -> None:
    assert judge_of(**says) is None


def test_where_a_grader_decides_the_stages_judge_is_not_called() -> None:
    graded = builders.resolved(JUDGED, method="reinforcement", base_model="amazon.nova-2-lite-v1:0:256k")

    assert graded.grader
    assert graded.evaluation.judge is None


@pytest.mark.parametrize("metric", ["auto", "token_f1"])
def test_a_manifest_may_name_another_judge(metric: str) -> None:
    own = {"model": "anthropic.claude-sonnet-4-5", "rubric": "Be brief."}

    assert judge_of(judge=own, metric=metric) == JudgeSettings(**own)


@pytest.mark.parametrize("says", [{}, {"judge": "auto"}, {"judge": "none"}])
def test_without_a_judge_of_the_stage_there_is_none(says: dict[str, Any]) -> None:
    assert judge_of(builders.stage(), **says) is None


@pytest.mark.parametrize("says", [{}, {"judge": "auto"}])
def test_a_judge_that_should_decide_and_is_nobody_is_refused(says: dict[str, Any]) -> None:
    with pytest.raises(InvalidManifest, match=r"evaluation\.metric: name the model that judges"):
        judge_of(builders.stage(), metric="judge", **says)


def test_runs_of_earlier_releases_keep_their_ids() -> None:
    """An upload that is seen again is the same run only while nothing new is part of what identifies it."""
    named = builders.resolved(builders.stage(), evaluation={"judge": "amazon.nova-pro-v1:0"})
    inherited = builders.resolved(JUDGED)

    assert not any("open_text_only" in one for one in identity(named))
    assert any("open_text_only" in one for one in identity(inherited))
